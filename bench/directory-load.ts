/**
 * A process full of clients for the benchmarks of a directory, which start it.
 * Each client is a libp2p node of its own with Parley's host options, its own
 * key and connection; it registers with a sealed record, renews when it is told
 * to, and watches the whole roster. It counts what comes and does not check it:
 * in a real network each client does that on a machine of its own.
 */

import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Ed25519PrivateKey, Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { DIRECTORY_PROTOCOL, nextSeq, sealRecord } from '../src/directory/index.ts'
import { decodeDirectoryFrame, encodeClientFrame } from '../src/directory/directory-frames.ts'
import type { ClientFrame } from '../src/directory/directory-frames.ts'
import { commonServices, hostOptions } from '../src/node/host.ts'
import { FrameQueue, runFrames } from '../src/wire/index.ts'

export interface LoadInit {
  readonly network: string
}

export type LoadOrder =
  /** Connects so many more clients, `atOnce` at a time; they register unless they are `bare`. */
  | {
      readonly do: 'connect'
      readonly address: string
      readonly count: number
      readonly atOnce: number
      readonly bare: boolean
    }
  | { readonly do: 'watch' }
  /** The last client says that it is there, or that it has left. */
  | { readonly do: 'announce' }
  | { readonly do: 'withdraw' }
  /** When each client got its first change since it was last asked, in ms of the machine's clock. */
  | { readonly do: 'arrivals' }
  | { readonly do: 'leave' }

export type LoadAnswer =
  | { readonly done: 'connect'; readonly failures: readonly string[] }
  | { readonly done: 'watch' | 'leave' }
  | { readonly done: 'announce' | 'withdraw'; readonly atMs: number }
  | { readonly done: 'arrivals'; readonly atMs: readonly number[] }

/** First bytes of a directory's frame: which field is set. */
const SNAPSHOT_TAG = 0x12
const CHANGES_TAG = 0x1a
const MAX_FRAME_BYTES = 128 * 1024
const ANSWER_TIMEOUT_MS = 60_000

class Client {
  readonly #libp2p: Libp2p
  readonly #key: Ed25519PrivateKey
  readonly #network: string
  readonly #connection: Connection
  readonly #outgoing = new FrameQueue<ClientFrame>({ maxBytes: 1 << 20, sizeOf: () => 1_024 })
  readonly #registered = Promise.withResolvers<void>()
  readonly #hasSnapshot = Promise.withResolvers<void>()
  #renewal: ReturnType<typeof setTimeout> | undefined
  #seq = 0n
  #envelope = new Uint8Array()
  #changedAtMs: number | undefined

  private constructor(libp2p: Libp2p, key: Ed25519PrivateKey, network: string, connection: Connection) {
    this.#libp2p = libp2p
    this.#key = key
    this.#network = network
    this.#connection = connection
    this.#registered.promise.catch(() => undefined)
    this.#hasSnapshot.promise.catch(() => undefined)
  }

  static async connect(address: string, network: string): Promise<Client> {
    const key = await generateKeyPair('Ed25519')
    const limits = { maxConnections: 10, maxPendingInboundConnections: 10, discovery: [], gater: {} }
    const libp2p = await createLibp2p({
      ...hostOptions({ key, host: '127.0.0.1', port: 0, ...limits }),
      addresses: { listen: [] },
      services: commonServices
    })
    await libp2p.start()
    try {
      const connection = await libp2p.dial(multiaddr(address), { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
      return new Client(libp2p, key, network, connection)
    } catch (error) {
      await libp2p.stop()
      throw error
    }
  }

  async register(): Promise<void> {
    const stream = await this.#connection.newStream(DIRECTORY_PROTOCOL, {
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    })
    void runFrames<Uint8Array, ClientFrame>({
      stream,
      codec: { decode: (bytes) => bytes, encode: encodeClientFrame },
      outgoing: this.#outgoing,
      maxFrameBytes: MAX_FRAME_BYTES,
      onFrames: async (frames) => {
        for (const frame of frames) this.#onFrame(frame)
      }
    })
      .then(() => this.#fail(new Error('the directory has closed the stream')))
      .catch((error: unknown) => this.#fail(error))
    await this.announce()
    await this.#registered.promise
  }

  /** @returns when it was sent */
  async announce(): Promise<number> {
    this.#envelope = await this.#seal(false)
    return this.#send({ type: 'announce', envelope: this.#envelope })
  }

  async withdraw(): Promise<number> {
    clearTimeout(this.#renewal)
    return this.#send({ type: 'withdraw', envelope: await this.#seal(true) })
  }

  async watch(): Promise<void> {
    this.#send({ type: 'watch', query: '', offset: 0, limit: 0 })
    await this.#hasSnapshot.promise
  }

  /** When the first change came since this was asked last. */
  takeArrival(): number | undefined {
    const atMs = this.#changedAtMs
    this.#changedAtMs = undefined
    return atMs
  }

  async leave(): Promise<void> {
    clearTimeout(this.#renewal)
    await this.#libp2p.stop()
  }

  #send(frame: ClientFrame): number {
    const atMs = nowMs()
    this.#outgoing.offer(frame)
    return atMs
  }

  async #seal(withdrawn: boolean): Promise<Uint8Array<ArrayBuffer>> {
    this.#seq = nextSeq(this.#seq, Date.now())
    const sealed = await sealRecord(
      {
        seq: this.#seq,
        issuedAtMs: Date.now(),
        nickname: `client ${this.#libp2p.peerId.toString().slice(-6)}`,
        status: '',
        addresses: [multiaddr('/ip4/192.168.1.20/tcp/40123'), multiaddr('/ip6/fd00::20/tcp/40123')],
        capabilities: ['chat/1'],
        network: this.#network,
        withdrawn
      },
      this.#key
    )
    return new Uint8Array(sealed.envelope)
  }

  #onFrame(bytes: Uint8Array): void {
    if (bytes[0] === CHANGES_TAG) {
      this.#changedAtMs ??= nowMs()
      return
    }
    if (bytes[0] === SNAPSHOT_TAG) {
      // `last`, the snapshot's only field behind the entries, is its end.
      if (bytes.at(-2) === 0x18 && bytes.at(-1) === 1) this.#hasSnapshot.resolve()
      return
    }
    const frame = decodeDirectoryFrame(bytes)
    if (frame?.type === 'refuse') this.#fail(new Error(`refused: ${frame.reason}`))
    if (frame?.type !== 'welcome' || frame.acceptedSeq === undefined) return
    this.#registered.resolve()
    clearTimeout(this.#renewal)
    this.#renewal = setTimeout(() => this.#send({ type: 'announce', envelope: this.#envelope }), frame.refreshAfterMs)
  }

  #fail(error: unknown): void {
    clearTimeout(this.#renewal)
    this.#registered.reject(error)
    this.#hasSnapshot.reject(error)
  }
}

/** The system's steady clock, the same in all processes. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

const clients: Client[] = []

async function obey(order: LoadOrder, network: string): Promise<LoadAnswer> {
  const last = clients.at(-1)
  switch (order.do) {
    case 'connect':
      return { done: 'connect', failures: await connect(order, network) }
    case 'watch':
      await Promise.all(clients.map(async (client) => client.watch()))
      return { done: 'watch' }
    case 'announce':
    case 'withdraw':
      if (last === undefined) throw new Error('there is no client yet')
      return { done: order.do, atMs: order.do === 'announce' ? await last.announce() : await last.withdraw() }
    case 'arrivals':
      return { done: 'arrivals', atMs: clients.flatMap((client) => client.takeArrival() ?? []) }
    case 'leave':
      await Promise.all(clients.splice(0).map(async (client) => client.leave()))
      return { done: 'leave' }
  }
}

/** Like separate machines they do not wait for each other, but `atOnce` of them are on the way at a time. */
async function connect(order: Extract<LoadOrder, { do: 'connect' }>, network: string): Promise<string[]> {
  const failures: string[] = []
  let left = order.count
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      try {
        const client = await Client.connect(order.address, network)
        clients.push(client)
        if (!order.bare) await client.register()
      } catch (error) {
        failures.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
      }
    }
  }
  await Promise.all(Array.from({ length: order.atOnce }, one))
  return failures
}

if (process.send !== undefined) {
  // The parent is bench/bench-process.ts, which writes this argument.
  const { network } = JSON.parse(process.argv[2] ?? '') as LoadInit
  process.on('message', (order: LoadOrder) => {
    void obey(order, network).then((answer) => process.send?.(answer))
  })
  process.on('disconnect', () => process.exit())
  process.send({ ready: true })
}
