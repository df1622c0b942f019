/**
 * A ChatNode in a process of its own, with its history in SQLite's memory, for the
 * benches that send through it: it says what it measured and knows no table.
 * The compiled form of the sources runs, as it does for a user.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as NodeModule from '../src/node/index.ts'

export interface ChatInit {
  /** The folder of the build. */
  readonly build: string
}

export type ChatOrder =
  | { readonly do: 'connect'; readonly address: string }
  /** One call of send() for each, with no more than `underWay` unreceipted; until all are receipted. */
  | { readonly do: 'send'; readonly count: number; readonly sizeBytes: number; readonly underWay: number }
  /** So many nodes one after the other, each new to the other side: from the address to the first receipt. */
  | { readonly do: 'dials'; readonly address: string; readonly count: number }
  | { readonly do: 'cpu' }

export interface ChatAnswer {
  readonly ms: readonly number[]
}

type Node = NodeModule.ChatNode

const connectTimeoutMs = 20_000
// The parent is bench/bench-process.ts, which writes this argument.
const init = JSON.parse(process.argv[2] ?? '') as ChatInit
const { ChatNode, loadConfig } = (await import(
  pathToFileURL(join(init.build, 'node', 'index.js')).href
)) as typeof NodeModule
const folder = mkdtempSync(join(tmpdir(), 'parley-chat-'))
const node = await startNode()
let to = ''

process.on('message', (order: ChatOrder) => {
  void obey(order).then((answer) => process.send?.(answer))
})
process.once('disconnect', () => process.exit())
process.send?.({ address: node.self.addresses()[0] })

async function startNode(): Promise<Node> {
  const config = await loadConfig({
    flags: { network: 'bench', host: '127.0.0.1', mdns: false, defaultDirectories: false, accept: 'all' },
    env: { XDG_DATA_HOME: join(folder, 'data'), XDG_CONFIG_HOME: join(folder, 'config') }
  })
  // One who only looks keeps nothing, its messages neither.
  const made = await ChatNode.create({ config, interactive: false, observe: true })
  await made.start()
  return made
}

async function obey(order: ChatOrder): Promise<ChatAnswer> {
  switch (order.do) {
    case 'connect':
      await connect(order.address)
      return { ms: [] }
    case 'send':
      return { ms: [await send(order)] }
    case 'dials': {
      const ms: number[] = []
      for (let i = 0; i < order.count; i++) ms.push(await firstReceipt(order.address))
      return { ms }
    }
    case 'cpu': {
      const { user, system } = process.cpuUsage()
      return { ms: [(user + system) / 1_000] }
    }
  }
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

async function send({ count, sizeBytes, underWay }: Extract<ChatOrder, { do: 'send' }>): Promise<number> {
  const text = 'a message '.repeat(Math.ceil(sizeBytes / 10)).slice(0, sizeBytes)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let sent = 0
  let receipted = 0
  const more = (): void => {
    for (; sent < count && sent - receipted < underWay; sent++) node.messaging.send(to, text).catch(reject)
  }
  const onDelivery = ({ detail: { state } }: { detail: { state: string } }): void => {
    if (state !== 'delivered') return
    receipted++
    if (receipted === count) resolve()
    else if (sent - receipted <= underWay / 2) more()
  }
  node.events.addEventListener('delivery', onDelivery)
  const startedAtMs = performance.now()
  more()
  await promise
  node.events.removeEventListener('delivery', onDelivery)
  return performance.now() - startedAtMs
}

async function firstReceipt(address: string): Promise<number> {
  const fresh = await startNode()
  const delivered = Promise.withResolvers<void>()
  fresh.events.addEventListener('delivery', ({ detail: { state } }) => {
    if (state === 'delivered') delivered.resolve()
  })
  const startedAtMs = performance.now()
  const { peer } = await fresh.peers.resolve([address])
  await fresh.messaging.send(peer, 'a first message')
  await delivered.promise
  const ms = performance.now() - startedAtMs
  await fresh.stop()
  return ms
}
