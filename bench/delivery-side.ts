/**
 * One of the two processes of bench/delivery.ts, which starts it: a receiver that
 * takes what comes, or a sender that measures from send() to delivered.
 */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import type * as NodeModule from '../src/node/index.ts'
import { boundedYamux } from '../src/transport/index.ts'
import { BareStatements } from './delivery-statements.ts'

export type Store = 'disk' | 'memory' | 'none' | 'statements' | 'statements and index'

/** What a process is started with, as one JSON argument. */
export interface SideInit {
  readonly role: 'receiver' | 'sender'
  /** `none` is the raw stream: no chat, and nothing stored. `statements` store, each side for itself, and send nothing. */
  readonly store: Store
  /** Where the profile is made. */
  readonly folder: string
  /** The build whose ChatNode is driven. */
  readonly build: string
  /** Of each message, before its number. */
  readonly text: string
}

export type Order =
  | { readonly do: 'connect'; readonly address: string }
  /** So many messages, one each interval, or so many under way at any time. */
  | { readonly do: 'send'; readonly count: number; readonly everyMs?: number; readonly underWay?: number }

/** The answer to `send`. */
export interface Measured {
  readonly seconds: number
  /** From send() to delivered, of each message, in the order of sending. */
  readonly latenciesMs: readonly number[]
}

/** Sends the message of that number; {@link onDelivered} learns that it is delivered. */
type Deliver = (index: number) => void

const protocol = '/delivery-bench/1.0.0'
/** An answer of the bare stream: a count, in a frame that is none of the tiny ones that a connection is cut for. */
const answerBytes = 64
const connectTimeoutMs = 20_000

const [, , given] = process.argv
// The parent of this process wrote it.
const init = JSON.parse(given ?? '') as SideInit
const { text } = init
const party = await makeParty()
process.send?.({ address: party.address })
let deliver: Deliver | undefined
let onDelivered: (index: number) => void = () => undefined
/** Called when what carries the messages is gone: those under way are never delivered. */
let onGone: (why: Error) => void = (why) => (gone = why)
let gone: Error | undefined
process.on('message', (order: Order) => void obey(order))
process.once('disconnect', () => process.exit())

interface Party {
  readonly address: string
  connect(address: string): Promise<Deliver>
  /** Stores so many by itself; resolves with the seconds that it took. */
  store?(count: number): Promise<number>
}

async function makeParty(): Promise<Party> {
  switch (init.store) {
    case 'none':
      return rawParty()
    case 'disk':
    case 'memory':
      return chatParty()
    case 'statements':
    case 'statements and index': {
      const statements = new BareStatements({ ...init, withIndex: init.store !== 'statements' })
      return {
        address: '',
        connect: async () => () => undefined,
        store: async (count) => statements.store(count, text)
      }
    }
  }
}

async function obey(order: Order): Promise<void> {
  if (order.do === 'connect') deliver = await party.connect(order.address)
  process.send?.(order.do === 'connect' ? { connected: true } : await measure(order))
}

async function measure({ count, everyMs, underWay }: Extract<Order, { do: 'send' }>): Promise<Measured> {
  if (party.store !== undefined) return { seconds: await party.store(count), latenciesMs: [] }
  if (deliver === undefined) throw new Error('not connected')
  if (gone !== undefined) throw gone
  const send = deliver
  const sentAtMs = new Float64Array(count)
  const latenciesMs = new Float64Array(count)
  const startedAtMs = performance.now()
  const all = Promise.withResolvers<void>()
  onGone = (why) => {
    gone = why
    all.reject(why)
  }
  let next = 0
  let delivered = 0
  const one = (): void => {
    sentAtMs[next] = performance.now()
    send(next++)
  }
  onDelivered = (index) => {
    latenciesMs[index] = performance.now() - (sentAtMs[index] ?? 0)
    delivered++
    if (delivered === count) all.resolve()
    else if (everyMs === undefined && next < count) one()
  }
  for (let first = Math.min(count, everyMs === undefined ? (underWay ?? 1) : count); first > 0; first--) {
    if (everyMs !== undefined) await sleep(Math.max(0, startedAtMs + next * everyMs - performance.now()))
    one()
  }
  await all.promise
  return { seconds: (performance.now() - startedAtMs) / 1000, latenciesMs: [...latenciesMs] }
}

async function chatParty(): Promise<Party> {
  const { ChatNode, loadConfig } = (await import(
    pathToFileURL(join(init.build, 'node', 'index.js')).href
    // The compiled form of these sources.
  )) as typeof NodeModule
  const config = await loadConfig({
    flags: { network: 'bench', host: '127.0.0.1', mdns: false, defaultDirectories: false, accept: 'all' },
    env: { XDG_DATA_HOME: join(init.folder, 'data'), XDG_CONFIG_HOME: join(init.folder, 'config') }
  })
  // One who only looks keeps nothing, its messages neither.
  const node = await ChatNode.create({ config, interactive: false, observe: init.store === 'memory' })
  await node.start()
  node.events.addEventListener('delivery', ({ detail: { message, state } }) => {
    if (state === 'delivered') onDelivered(Number(message.text.slice(text.length)))
  })
  return {
    address: String(node.self.addresses()[0]),
    connect: async (address) => {
      const { peer } = await node.peers.resolve([address])
      await node.messaging.open(peer)
      const untilMs = performance.now() + connectTimeoutMs
      while (node.messaging.state(peer).name !== 'open') {
        if (performance.now() > untilMs)
          throw new Error(`no conversation: ${JSON.stringify(node.messaging.state(peer))}`)
        await sleep(10)
      }
      return (index) => void node.messaging.send(peer, `${text}${index}`)
    }
  }
}

/** Bytes one way, and the count of those that have come the other way. */
async function rawParty(): Promise<Party> {
  const node = await rawNode()
  await node.handle(protocol, (stream) => {
    let received = 0
    stream.addEventListener('message', ({ data }) => {
      received += data.byteLength
      const answer = Buffer.alloc(answerBytes)
      answer.writeDoubleBE(received)
      stream.send(answer)
    })
  })
  return {
    address: String(node.getMultiaddrs()[0]),
    connect: async (address) => {
      const stream = await (await node.dial(multiaddr(address))).newStream(protocol)
      const waiting: { readonly end: number; readonly index: number }[] = []
      let first = 0
      let sent = 0
      let rest = Buffer.alloc(0)
      stream.addEventListener('message', ({ data }) => {
        rest = Buffer.concat([rest, data.subarray()])
        const whole = rest.length - (rest.length % answerBytes)
        if (whole === 0) return
        const received = rest.readDoubleBE(whole - answerBytes)
        rest = rest.subarray(whole)
        for (let item = waiting[first]; item !== undefined && item.end <= received; item = waiting[first]) {
          first++
          onDelivered(item.index)
        }
      })
      stream.addEventListener('close', ({ error }) => onGone(error ?? new Error('the bare stream has closed')))
      return (index) => {
        if (gone !== undefined) return
        const bytes = Buffer.from(`${text}${index}`)
        sent += bytes.length
        waiting.push({ end: sent, index })
        // The measurement bounds what is under way.
        stream.send(bytes)
      }
    }
  }
}

async function rawNode(): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux()]
  })
}
