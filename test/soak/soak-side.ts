/**
 * A node in a process of its own, as it is built for users, with its profile on the disk: a chat, or a directory. It
 * does what it is ordered to and says what it holds, after a forced collection. It judges nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type * as DirectoryModule from '../../src/node/server/index.ts'
import type * as NodeModule from '../../src/node/index.ts'
import { holdings, type Holdings } from './holdings.ts'
import { foldersOf } from '../processes/homes.ts'

export interface SoakInit {
  /** The folder of the build. */
  readonly build: string
  readonly kind: 'chat' | 'directory'
  readonly network: string
}

export type SoakOrder =
  | { readonly do: 'figures' }
  | { readonly do: 'connect'; readonly address: string }
  /** So many messages, each confirmed, with no more than `underWay` unconfirmed. */
  | { readonly do: 'send'; readonly count: number; readonly underWay: number }

export interface Figures extends Holdings {
  /** Of the node's own events. */
  readonly listeners: number
}

type Node = NodeModule.ChatNode | DirectoryModule.DirectoryNode

const connectTimeoutMs = 20_000
const watchedEvents = ['message', 'delivery', 'conversation', 'roster', 'sent', 'change', 'ready', 'left'] as const

// The parent is test/soak/run.ts, which writes this argument.
const init = JSON.parse(process.argv[2] ?? '') as SoakInit
const { ChatNode, loadConfig } = (await import(
  pathToFileURL(join(init.build, 'node', 'index.js')).href
)) as typeof NodeModule
const { DirectoryNode } = (await import(
  pathToFileURL(join(init.build, 'node', 'server', 'index.js')).href
)) as typeof DirectoryModule
const folder = await mkdtemp(join(tmpdir(), 'parley-soak-'))
let chat: NodeModule.ChatNode | undefined
let to = ''
const node = await startNode()

process.on('message', (order: SoakOrder) => {
  void obey(order).then((answer) => process.send?.(answer))
})
process.once('disconnect', () => {
  void rm(folder, { recursive: true, force: true }).then(() => process.exit())
})
process.send?.({ address: (node instanceof ChatNode ? node.self.addresses() : node.addresses())[0] })

async function startNode(): Promise<Node> {
  const config = await loadConfig({
    flags: { network: init.network, host: '127.0.0.1', mdns: false, defaultDirectories: false, accept: 'all' },
    env: foldersOf(folder)
  })
  if (init.kind === 'directory') {
    const directory = await DirectoryNode.create({ config, port: 0 })
    await directory.start()
    return directory
  }
  chat = await ChatNode.create({ config, interactive: false })
  await chat.start()
  return chat
}

async function obey(order: SoakOrder): Promise<Figures | { readonly done: true }> {
  switch (order.do) {
    case 'figures':
      return figures()
    case 'connect':
      await connect(order.address)
      return { done: true }
    case 'send':
      await send(order.count, order.underWay)
      return { done: true }
  }
}

async function figures(): Promise<Figures> {
  const listeners = watchedEvents.reduce(
    (sum, event) => sum + (node instanceof ChatNode ? node.events : node).listenerCount(event),
    0
  )
  return { ...(await holdings()), listeners }
}

async function connect(address: string): Promise<void> {
  if (chat === undefined) throw new Error('a directory talks with nobody')
  const { peer } = await chat.peers.resolve([address])
  to = peer
  await chat.messaging.open(peer)
  const untilMs = performance.now() + connectTimeoutMs
  while (chat.messaging.state(peer).name !== 'open') {
    if (performance.now() > untilMs) throw new Error(`no conversation: ${JSON.stringify(chat.messaging.state(peer))}`)
    await sleep(10)
  }
}

async function send(count: number, underWay: number): Promise<void> {
  const sender = chat
  if (sender === undefined) throw new Error('a directory sends nothing')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let sent = 0
  let confirmed = 0
  const more = (): void => {
    for (; sent < count && sent - confirmed < underWay; sent++)
      sender.messaging.send(to, `message ${sent} of a long talk`).catch(reject)
  }
  const onDelivery = ({ detail: { state, message } }: NodeModule.ChatNodeEvents['delivery']): void => {
    if (state === 'failed') reject(new Error(`a message failed: ${message.reason ?? ''}`))
    if (state !== 'delivered') return
    confirmed++
    if (confirmed === count) resolve()
    else if (sent - confirmed <= underWay / 2) more()
  }
  sender.events.addEventListener('delivery', onDelivery)
  more()
  try {
    await promise
  } finally {
    sender.events.removeEventListener('delivery', onDelivery)
  }
}
