/**
 * A ChatNode in a process of its own that offers, fetches and talks, for the bench of files. It says what it measured
 * and knows no table. The compiled form of the sources runs, as it does for a user.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import type * as NodeModule from '../src/node/index.ts'

export interface FilesSideInit {
  /** The folder of the build. */
  readonly build: string
  /** Where its profile and its downloads go. */
  readonly folder: string
}

export type FilesOrder =
  /** Waits for the conversation, in which the first message is accepted. */
  | { readonly do: 'connect'; readonly address: string }
  /** From the call to the offer on its way: the file is hashed. */
  | { readonly do: 'offer'; readonly path: string }
  /** The last file that was offered, from the call to the file under its name; then it is removed. */
  | { readonly do: 'get' }
  /** Messages one after the other with a pause, until `stop-messages`: from each call to its receipt. */
  | { readonly do: 'messages'; readonly everyMs: number }
  | { readonly do: 'stop-messages' }
  | { readonly do: 'cpu' }

export interface FilesAnswer {
  readonly ms: readonly number[]
}

type Node = NodeModule.ChatNode

const connectTimeoutMs = 20_000
// The parent is bench/bench-process.ts, which writes this argument.
const init = JSON.parse(process.argv[2] ?? '') as FilesSideInit
const { ChatNode, loadConfig } = (await import(
  pathToFileURL(join(init.build, 'node', 'index.js')).href
)) as typeof NodeModule
const folder = await mkdtemp(join(init.folder, 'side-'))
const node = await startNode()
let to = ''
let talking = new AbortController()
let talk: Promise<readonly number[]> = Promise.resolve([])

process.on('message', (order: FilesOrder) => {
  void obey(order).then((answer) => process.send?.(answer))
})
process.once('disconnect', () => process.exit())
process.send?.({ address: node.self.addresses()[0] })

async function startNode(): Promise<Node> {
  const config = join(folder, 'config')
  await mkdir(config)
  await writeFile(join(config, 'user-dirs.dirs'), `XDG_DOWNLOAD_DIR="${join(folder, 'downloads')}"\n`)
  const loaded = await loadConfig({
    flags: { network: 'bench', host: '127.0.0.1', mdns: false, defaultDirectories: false, accept: 'all' },
    env: {
      XDG_DATA_HOME: join(folder, 'data'),
      XDG_CONFIG_HOME: config
    }
  })
  const made = await ChatNode.create({ config: loaded, interactive: false })
  await made.start()
  return made
}

async function obey(order: FilesOrder): Promise<FilesAnswer> {
  switch (order.do) {
    case 'connect':
      await connect(order.address)
      return { ms: [] }
    case 'offer':
      return { ms: [await timed(async () => node.files.offer(to, [order.path]))] }
    case 'get':
      return { ms: [await get()] }
    case 'messages':
      talking = new AbortController()
      talk = messages(order.everyMs, talking.signal)
      return { ms: [] }
    case 'stop-messages':
      talking.abort()
      return { ms: await talk }
    case 'cpu': {
      const { user, system } = process.cpuUsage()
      return { ms: [(user + system) / 1_000] }
    }
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now()
  await run()
  return performance.now() - startedAtMs
}

async function connect(address: string): Promise<void> {
  const { peer } = await node.peers.resolve([address])
  to = peer
  await node.messaging.open(peer)
  const untilMs = performance.now() + connectTimeoutMs
  while (node.messaging.state(peer).name !== 'open') {
    if (performance.now() > untilMs) throw new Error(`no conversation: ${JSON.stringify(node.messaging.state(peer))}`)
    await sleep(10)
  }
}

async function get(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const onTransfer = ({ detail: { what, transfer } }: { detail: NodeModule.TransferNews }): void => {
    if (what === 'done') resolve(transfer.path ?? '')
    if (what === 'failed') reject(new Error(transfer.why))
  }
  node.events.addEventListener('transfer', onTransfer)
  while (!(await node.files.list()).some(({ state }) => state === 'offered')) await sleep(10)
  let path = ''
  const ms = await timed(async () => {
    await node.files.get()
    path = await promise
  })
  node.events.removeEventListener('transfer', onTransfer)
  await rm(path)
  return ms
}

async function messages(everyMs: number, signal: AbortSignal): Promise<readonly number[]> {
  const ms: number[] = []
  while (!signal.aborted) {
    const receipted = Promise.withResolvers<void>()
    const onDelivery = ({ detail: { state } }: { detail: { state: string } }): void => {
      if (state === 'delivered') receipted.resolve()
    }
    node.events.addEventListener('delivery', onDelivery)
    ms.push(
      await timed(async () => {
        await node.messaging.send(to, 'a message beside a file')
        await receipted.promise
      })
    )
    node.events.removeEventListener('delivery', onDelivery)
    await sleep(everyMs)
  }
  return ms
}
