// The process in which some of the clients live: each a whole ChatNode with a
// profile of its own, on the host that the process was started on. What happens
// to them goes to standard output; what to do comes from Child.ask().
//
//   node clients.ts BUILD      the folder of the built sources
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as NodeFolder from '../../src/node/index.ts'
import { answer } from './answering.ts'
import type { SeenRow } from './compare.ts'
import { foldersOf } from '../processes/homes.ts'

export interface ClientStart {
  readonly client: string
  readonly home: string
  readonly network: string
  readonly host: string
  readonly port: number
  readonly nickname: string
  readonly status: string
}

export interface ClientView {
  readonly client: string
  readonly peer: string
  readonly nickname: string
  readonly directories: readonly string[]
  readonly rows: readonly SeenRow[]
}

const [, , build = ''] = process.argv
const loaded: unknown = await import(pathToFileURL(join(build, 'node', 'index.js')).href)
// What src/node/index.ts was compiled to.
const { ChatNode, loadConfig } = loaded as typeof NodeFolder

const nodes = new Map<string, NodeFolder.ChatNode>()

async function start({ client, home, network, host, port, nickname, status }: ClientStart): Promise<string> {
  const env = { HOME: home, ...foldersOf(home) }
  const config = await loadConfig({
    flags: {
      profile: client,
      name: nickname,
      status,
      network,
      host,
      port: String(port),
      mdns: false,
      defaultDirectories: false
    },
    env
  })
  const node = await ChatNode.create({ config, interactive: false })
  tellNews(client, node)
  nodes.set(client, node)
  await node.start()
  return node.self.peerId
}

async function stop({ client }: { readonly client: string }): Promise<void> {
  const node = nodes.get(client)
  nodes.delete(client)
  await node?.stop()
}

function views(): readonly ClientView[] {
  return [...nodes].map(([client, node]) => ({
    client,
    peer: node.self.peerId,
    nickname: node.self.nickname,
    directories: node.directories
      .views()
      .filter(({ state }) => state === 'connected')
      .flatMap(({ peer }) => (peer === undefined ? [] : [peer])),
    rows: node.peers
      .roster()
      .map(({ peer, nickname, status, sources }) => ({ peer, nickname, status, toldBy: sources }))
  }))
}

/** For the reader of the log: what led to what was found. */
function tellNews(client: string, node: NodeFolder.ChatNode): void {
  const tell = (text: string): void => console.log(`${client}: ${text}`)
  node.events.addEventListener('directory', ({ detail: { address, state, why } }) =>
    tell(`directory ${address} ${state}${why === undefined ? '' : ` (${why})`}`)
  )
  node.events.addEventListener('notice', ({ detail: { code, text } }) => tell(`notice ${code}: ${text}`))
  node.events.addEventListener('roster', ({ detail }) => {
    for (const kind of ['joined', 'left', 'changed'] as const) {
      for (const { nickname, peer, status, sources } of detail[kind]) {
        const by = sources.map((source) => source.slice(-6)).join(' ')
        tell(`${kind} ${nickname} (${peer.slice(-6)}), ${status}, told by ${by}`)
      }
    }
  })
}

// Each is asked by cluster.ts, with what its type says.
answer({
  start: async (details) => start(details as ClientStart),
  stop: async (details) => stop(details as { client: string }),
  views: () => views(),
  rename: async (details) => {
    const { client, nickname } = details as { client: string; nickname: string }
    await nodes.get(client)?.self.rename(nickname)
  },
  setStatus: async (details) => {
    const { client, status } = details as { client: string; status: string }
    await nodes.get(client)?.self.setStatus(status)
  }
})
console.log('ready')
