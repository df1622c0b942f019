/**
 * Two chat services, or one and a raw peer, over real libp2p streams in memory: what the layer above would do is a
 * recorder, and a connection is no more than what the service asks of one.
 */
import { randomBytes } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { UnsupportedProtocolError } from '@libp2p/interface'
import type { ComponentLogger, Connection, Logger, PeerId, Stream, StreamHandler } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { streamPair } from '@libp2p/utils'
import { until } from '../eventually.ts'
import { chat } from '../../src/chat-protocol/index.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import type {
  ChatMessage,
  ChatService,
  ChatServiceInit,
  ChatSession,
  Dialect,
  Disposition,
  HeldMark,
  PeerKind,
  ReceiptState
} from '../../src/chat-protocol/index.ts'

/** What the layer above would be: it remembers all that it was told. */
export class Recorder implements ChatServiceInit {
  kind: PeerKind | Promise<PeerKind> = { kind: 'parley' }
  pace: 'stranger' | 'contact' = 'contact'
  readonly log = hex(8)
  held: HeldMark | undefined
  readonly asked: Connection[] = []
  readonly hellos: (HeldMark | undefined)[] = []
  readonly messages: ChatMessage[] = []
  readonly texts: { text: string; dialect: Dialect }[] = []
  readonly receipts: { ids: readonly string[]; state: ReceiptState }[] = []
  readonly events: string[] = []
  readonly refusals: { reason: string; retryAfterMs: number; ids: readonly string[] }[] = []
  readonly moves: Connection[] = []
  readonly closes: (Error | undefined)[] = []
  readonly unkept: object[] = []
  /** Stands for the disk. */
  store: (messages: readonly ChatMessage[]) => Promise<readonly Disposition[]> = async (messages) =>
    messages.map(() => ({ kind: 'stored' }))

  async kindOf(connection: Connection): Promise<PeerKind> {
    this.asked.push(connection)
    return await this.kind
  }

  async helloFor(): Promise<{ log: string; held?: HeldMark }> {
    return this.held === undefined ? { log: this.log } : { log: this.log, held: this.held }
  }

  async onHello(_peer: PeerId, held: HeldMark | undefined): Promise<void> {
    this.hellos.push(held)
  }

  async onMessages(_peer: PeerId, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    const dispositions = await this.store(messages)
    this.messages.push(...messages)
    return dispositions
  }

  /** Stands for the room that texts take. */
  keepText: (lost: AbortSignal) => Promise<boolean> = async () => true

  async onPlainText(
    _peer: PeerId,
    text: string,
    { dialect, lost }: { readonly dialect: Dialect; readonly lost: AbortSignal }
  ): Promise<boolean> {
    if (!(await this.keepText(lost))) return false
    this.texts.push({ text, dialect })
    return true
  }

  async onReceipts(_peer: PeerId, ids: readonly string[], state: ReceiptState): Promise<void> {
    this.receipts.push({ ids, state })
  }

  paceOf(): 'stranger' | 'contact' {
    return this.pace
  }

  get plain(): string[] {
    return this.texts.map(({ text }) => text)
  }

  receipted(state: ReceiptState): string[] {
    return this.receipts.filter((receipt) => receipt.state === state).flatMap((receipt) => receipt.ids)
  }

  listen(service: ChatService): void {
    service.addEventListener('session:open', ({ detail: { session, resumed } }) => {
      this.events.push(`${resumed ? 'resumed' : 'open'} ${session.dialect}`)
    })
    service.addEventListener('session:moved', ({ detail }) => this.moves.push(detail.connection))
    service.addEventListener('session:close', ({ detail }) => {
      this.events.push('close')
      this.closes.push(detail.why)
    })
    for (const type of ['enter', 'typing'] as const) service.addEventListener(type, () => this.events.push(type))
    service.addEventListener('bye', ({ detail }) => this.events.push(`bye ${detail.reason}`))
    service.addEventListener('unkept', ({ detail: { peer: _peer, ...unkept } }) => this.unkept.push(unkept))
    service.addEventListener('refuse', ({ detail }) => this.refusals.push(detail))
  }
}

/** One end: a peer ID, and whoever takes the streams that arrive. */
export interface End {
  readonly peerId: PeerId
  accept: StreamHandler
  /** What it serves; without it whatever is asked for. */
  readonly protocols?: readonly string[]
}

export interface ServiceEnd extends End {
  readonly app: Recorder
  readonly service: ChatService
}

export async function makePeerId(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

/** A started service. It is stopped by `stopAll`. */
export async function startService(peerId?: PeerId): Promise<ServiceEnd> {
  const app = new Recorder()
  const id = peerId ?? (await makePeerId())
  const end: { accept: StreamHandler } = { accept: refuse }
  const registrar = {
    handle: async (_protocol: string, handler: StreamHandler): Promise<void> => {
      end.accept = handler
    },
    unhandle: async (): Promise<void> => {
      end.accept = refuse
    }
  }
  const service = chat(app)({ peerId: id, logger: silence, registrar })
  app.listen(service)
  await service.start?.()
  started.push(service)
  return {
    peerId: id,
    app,
    service,
    get accept() {
      return end.accept
    }
  }
}

const quiet = (): void => {}
const quietLogger: Logger = Object.assign(quiet, {
  enabled: false,
  error: quiet,
  trace: quiet,
  newScope: (): Logger => quietLogger
})
const silence: ComponentLogger = { forComponent: () => quietLogger }

const started: ChatService[] = []

export async function stopAll(): Promise<void> {
  await Promise.all(started.splice(0).map(async (service) => await service.stop?.()))
}

const refuse: StreamHandler = (stream) => stream.abort(new Error('nobody serves this protocol'))

/** A raw peer that keeps the streams that come to it. */
export async function rawPeer(protocols?: readonly string[]): Promise<End & { readonly streams: RawStream[] }> {
  const streams: RawStream[] = []
  const accept: StreamHandler = (stream) => void streams.push(new RawStream(stream))
  return { peerId: await makePeerId(), streams, accept, ...(protocols === undefined ? {} : { protocols }) }
}

/** The two ends of one connection, which `local` has dialled, each as its own side sees it. */
export function connect(local: End, remote: End): { local: Connection; remote: Connection } {
  const make = (to: End, direction: Connection['direction'], mirror: () => Connection): Connection => {
    const connection = {
      remotePeer: to.peerId,
      direction,
      streams: [] as Stream[],
      newStream: async (protocols: string | string[]) => {
        const protocol = [protocols].flat().find((one) => to.protocols?.includes(one) ?? true)
        if (protocol === undefined) throw new UnsupportedProtocolError()
        const [outbound, inbound] = await streamPair({ delay: 0 })
        outbound.protocol = inbound.protocol = protocol
        const far = mirror()
        connection.streams.push(outbound)
        far.streams.push(inbound)
        await to.accept(inbound, far)
        return outbound
      }
    }
    // The service uses no more of a connection than this.
    return connection as unknown as Connection
  }
  const pair: { local: Connection; remote: Connection } = {
    local: make(remote, 'outbound', () => pair.remote),
    remote: make(local, 'inbound', () => pair.local)
  }
  return pair
}

/** The other end of a stream, written and read by hand. */
export class RawStream {
  readonly stream: Stream
  readonly #chunks: Uint8Array[] = []

  constructor(stream: Stream) {
    this.stream = stream
    stream.addEventListener('message', ({ data }) => this.#chunks.push(data.slice()))
  }

  write(bytes: Uint8Array | string): void {
    this.stream.send(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.bytes.toString('utf8')
  }

  get over(): boolean {
    return this.stream.status === 'reset' || this.stream.status === 'aborted' || this.stream.status === 'closed'
  }
}

/** Opens a stream by hand, as a foreign program would. */
export async function rawOpen(connection: Connection, protocol = '/chat/1.0.0'): Promise<RawStream> {
  return new RawStream(await connection.newStream(protocol))
}

export function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

let counter = 0

export function message(text: string, fields: Partial<ChatMessage> = {}): ChatMessage {
  return { id: hex(16), log: '00'.repeat(8), seq: ++counter, sentAtMs: 1_700_000_000_000, text, ...fields }
}

export function lengthPrefixed(payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload)
  const prefix: number[] = []
  let rest = bytes.byteLength
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) prefix.push((rest % 0x80) | 0x80)
  return Buffer.from([...prefix, rest, ...bytes])
}

/** Two services with a session, opened by the first. */
export async function talking(): Promise<{
  a: ServiceEnd
  b: ServiceEnd
  connections: { local: Connection; remote: Connection }
  session: ChatSession
}> {
  const a = await startService()
  const b = await startService()
  const connections = connect(a, b)
  const session = await a.service.open(connections.local)
  await until(() => b.service.session(a.peerId) !== undefined, 'the session of the other side')
  return { a, b, connections, session }
}

/** What the outbox does: keeps what has no receipt, and sends it in every session that opens. */
export class Outbox {
  readonly waiting = new Map<string, ChatMessage>()
  readonly #end: ServiceEnd

  constructor(end: ServiceEnd) {
    this.#end = end
    const keepReceipts = end.app.onReceipts.bind(end.app)
    end.app.onReceipts = async (peer, ids, state) => {
      for (const id of ids) this.waiting.delete(id)
      await keepReceipts(peer, ids, state)
    }
    end.service.addEventListener('session:open', ({ detail }) => {
      detail.session.send([...this.waiting.values()]).catch(() => {})
    })
  }

  async send(to: Pick<End, 'peerId'>, batch: readonly ChatMessage[]): Promise<void> {
    for (const item of batch) this.waiting.set(item.id, item)
    await this.#end.service.session(to.peerId)?.send(batch)
  }
}

/** A Parley peer written by hand, so that its streams can be broken at will. */
export async function greet(raw: RawStream, log = hex(8)): Promise<void> {
  raw.write(lengthPrefixed(encodeFrame({ kind: 'hello', log })))
  await until(() => raw.bytes.includes(Buffer.from('Parley')), 'the Hello of the service')
}
