/**
 * Yamux as Parley uses it: with windows small enough for a paused stream, and
 * with a guard that holds a remote to the budgets of budgets.ts. Yamux checks a
 * data frame against the window only when all of it is there, and keeps it until
 * then; it answers pings, takes new streams and handles frames without effect
 * as fast as they arrive. The guard cuts the connection for each of these. What
 * waits is bounded too: unread data that lies in many pieces is joined, because
 * Yamux keeps the bytes of each frame apart and a window of tiny frames would take
 * hundreds of times its size; unsent data has a limit, because Yamux answers pings
 * and grants windows whether the answers leave or not. It knows frames, streams and
 * their negotiation, and no protocol.
 *
 * @see https://github.com/hashicorp/yamux/blob/master/spec.md#framing
 */

import { yamux } from '@chainsafe/libp2p-yamux'
import type { YamuxMuxerInit } from '@chainsafe/libp2p-yamux'
import type { MessageStream, Stream, StreamMessageEvent, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import {
  FrameBudget,
  MAX_STREAM_WINDOW_BYTES,
  MAX_UNREAD_PIECES,
  MAX_UNSENT_BYTES,
  MAX_UNSENT_CONTROL_FRAMES,
  MisbehaviourError,
  type RoundTrip,
  roundTripOf,
  toError,
  WireError,
  YAMUX_HEADER
} from '../../wire/index.ts'
import type { FrameHeader, LinkWatch } from '../../wire/index.ts'
import { agreesToProposal, guardNegotiation, isBuffering, isTakingStream } from './negotiation.ts'
import type { IsAgreed } from './negotiation.ts'
import type { Tuning } from './tuning.ts'
import { withholdUpdates } from './window-updates.ts'

/** The remote sent, or announced in one Yamux frame, more than any window that it can have been granted. */
class WindowOverrunError extends WireError {
  override readonly name = 'WindowOverrunError'
  readonly sizeBytes: number
  readonly limitBytes: number

  /** What the remote did, to follow its name. */
  readonly what: string

  constructor(sizeBytes: number, limitBytes: number) {
    const what = `announced a Yamux frame of ${sizeBytes} bytes; its window is at most ${limitBytes}`
    super('read', `The remote ${what}`)
    this.what = what
    this.sizeBytes = sizeBytes
    this.limitBytes = limitBytes
  }
}

/**
 * The most unread bytes libp2p may keep of one stream before it resets it. More
 * than the window, because bytes that arrive while the protocol is still being
 * negotiated are read ahead and put back.
 */
const MAX_UNREAD_BYTES = 4 * MAX_STREAM_WINDOW_BYTES

/**
 * Concurrent streams that one connection may open to us. libp2p allows 32 of
 * each protocol; a peer that uses all of Parley's protocols needs fewer than
 * 32 together, and each stream may hold {@link MAX_HELD_BYTES}.
 */
const MAX_INBOUND_STREAMS = 128

/**
 * From so many received bytes on a connection is worth a ping of our own, in
 * bytes: half of Yamux's first window of 256 KiB, which it widens only when it
 * knows the round-trip time. Most connections never carry as much.
 */
export const WIDEN_FROM_BYTES = 128 * 1024

/** What Yamux must be given for the bound of a duplex to hold. */
export const yamuxInit: YamuxMuxerInit = {
  // Its failure has no consequence: see LinkWatch.
  enableKeepAlive: false,
  maxInboundStreams: MAX_INBOUND_STREAMS,
  streamOptions: {
    maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES,
    maxReadBufferLength: MAX_UNREAD_BYTES
  }
}

/** What multistream-select calls it. */
export const MUXER_PROTOCOL = '/yamux/1.0.0'

const DATA_TYPE = 0

export interface BoundedYamuxInit {
  /** Default all on. */
  readonly tuning?: Pick<Tuning, 'heldWindowUpdates'>
  /** Notices silence on a link; without it, it is not noticed. */
  readonly watch?: LinkWatch
  /** Called once, when a remote was cut for what it did. `connection` is what the muxer was made on. */
  readonly onMisbehaviour?: OnMisbehaviour
}

export type OnMisbehaviour = (error: MisbehaviourError, connection: MessageStream) => void

/** What libp2p gives to the factory of a muxer. */
interface Components {
  readonly registrar?: { getProtocols(): readonly string[] }
}

/**
 * For `createLibp2p({ streamMuxers: [boundedYamux()] })`.
 *
 * A remote that sends more than the window it was granted, or goes beyond a
 * budget of budgets.ts, loses its connection; its streams end with a
 * StreamLostError whose cause names what it did. One that is silent for longer
 * than `watch` allows loses it too.
 */
export function boundedYamux(init: BoundedYamuxInit = {}): (components?: Components) => StreamMuxerFactory {
  const { watch } = init
  const createFactory = yamux(yamuxInit)
  return (components = {}) => {
    const factory = createFactory()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    return Object.assign(factory, {
      createStreamMuxer: (connection: MessageStream) => {
        const muxer = createStreamMuxer(connection)
        guardFrames(connection, muxer, components, init.onMisbehaviour)
        if (init.tuning?.heldWindowUpdates !== false) withholdUpdates(connection, () => muxer.streams)
        const roundTrip = watch === undefined ? undefined : roundTripOf(muxer, () => performance.now())
        guardAnnouncements(connection, muxer, roundTrip, init.onMisbehaviour)
        if (roundTrip !== undefined) watch?.add(connection, muxer, roundTrip)
        return muxer
      }
    })
  }
}

/** What the interface of Yamux does not show: each frame and each stream goes through one of these methods. */
interface OpenMuxer extends StreamMuxer {
  onData(bytes: Uint8Array | Uint8ArrayList): void
  handleFrame(frame: { readonly header: FrameHeader }): void
  readonly decoder: { buffer: Uint8ArrayList }
  onCreateStream(options: unknown): Stream
  onRemoteStream(stream: Stream): void
}

const MUXER_METHODS = ['onData', 'handleFrame', 'onCreateStream', 'onRemoteStream'] as const

function isOpenMuxer(muxer: StreamMuxer): muxer is OpenMuxer {
  return 'decoder' in muxer && MUXER_METHODS.every((name) => typeof Reflect.get(muxer, name) === 'function')
}

/** Counts what each frame costs, where Yamux handles it: what is thrown there ends the connection. */
function guardFrames(
  connection: MessageStream,
  muxer: StreamMuxer,
  { registrar }: Components,
  onMisbehaviour: OnMisbehaviour | undefined
): void {
  if (!isOpenMuxer(muxer)) return
  const budget = new FrameBudget({ isDialer: connection.direction === 'outbound', now: () => performance.now() })
  const streams = new Map<number, Stream>()
  let cutFor: Error | undefined
  const report = (error: MisbehaviourError): void => {
    if (cutFor !== undefined) return
    cutFor = error
    onMisbehaviour?.(error, connection)
  }

  const guardStream = (stream: Stream): void => {
    const id = Number(stream.id)
    streams.set(id, stream)
    stream.addEventListener('close', () => streams.delete(id))
    joinUnread(stream)
    if (registrar !== undefined) guardNegotiation(stream, agreement(stream, registrar), throwBreach)
  }
  const onCreateStream = muxer.onCreateStream.bind(muxer)
  muxer.onCreateStream = (options) => {
    const stream = onCreateStream(options)
    guardStream(stream)
    budget.sent()
    return stream
  }
  const onRemoteStream = muxer.onRemoteStream.bind(muxer)
  muxer.onRemoteStream = (stream) => {
    guardStream(stream)
    onRemoteStream(stream)
  }

  // A service cuts the connection of a remote that breaks its protocol again and again.
  const abort = muxer.abort.bind(muxer)
  muxer.abort = (error) => {
    if (error instanceof MisbehaviourError) report(error)
    abort(error)
  }

  const handleFrame = muxer.handleFrame.bind(muxer)
  muxer.handleFrame = (frame) => {
    if (cutFor !== undefined) throw cutFor
    budget.received(frame.header, streams.get(frame.header.streamID))
    handleFrame(frame)
  }

  const onData = muxer.onData.bind(muxer)
  const { decoder } = muxer
  let pieces = 0
  muxer.onData = (bytes) => {
    try {
      onData(bytes)
      // A frame that is not whole waits here, in as many pieces as it came in.
      pieces = decoder.buffer.byteLength === 0 ? 0 : pieces + 1
      if (pieces < MAX_UNREAD_PIECES) return
      decoder.buffer = new Uint8ArrayList(decoder.buffer.slice())
      pieces = 1
    } catch (error) {
      const misbehaviour = asMisbehaviour(error)
      if (misbehaviour !== undefined) report(misbehaviour)
      throw error
    }
  }

  boundUnsent(connection, (error) => {
    report(error)
    muxer.abort(error)
    connection.abort(error)
  })
  const send = connection.send.bind(connection)
  connection.send = (frame) => {
    // A header alone is a control frame.
    if (!(frame instanceof Uint8Array)) budget.sent()
    return send(frame)
  }
}

function agreement(stream: Stream, registrar: NonNullable<Components['registrar']>): IsAgreed {
  if (stream.direction === 'outbound') return agreesToProposal(stream)
  const protocols = registrar.getProtocols()
  return (message) => protocols.includes(message)
}

function throwBreach(error: MisbehaviourError): void {
  throw error
}

/** Yamux's own errors about a frame have a `reason`, which it sends to the remote. */
function asMisbehaviour(error: unknown): MisbehaviourError | undefined {
  if (error instanceof MisbehaviourError) return error
  if (!(error instanceof Error) || !('reason' in error)) return undefined
  return new MisbehaviourError('frames', `broke the rules of Yamux (${error.message})`, { cause: error })
}

function guardAnnouncements(
  connection: MessageStream,
  muxer: StreamMuxer,
  roundTrip: RoundTrip | undefined,
  onMisbehaviour: OnMisbehaviour | undefined
): void {
  const scanner = new HeaderScanner()
  let receivedBytes = 0
  let isMeasured = false
  const onMessage = (event: StreamMessageEvent): void => {
    // Yamux has read it first, and may have ended the connection for it.
    if (muxer.status !== 'open') return
    receivedBytes += event.data.byteLength
    // Yamux widens the window of what it receives by the round-trip time, and knows that only from a ping of its own.
    if (!isMeasured && receivedBytes >= WIDEN_FROM_BYTES) {
      isMeasured = true
      roundTrip?.measure().catch((error: unknown) => connection.log('could not ping - %e', toError(error)))
    }
    for (const bytes of event.data instanceof Uint8Array ? [event.data] : event.data) {
      const announcedBytes = scanner.largestDataFrame(bytes)
      if (announcedBytes > MAX_STREAM_WINDOW_BYTES) {
        connection.removeEventListener('message', onMessage)
        const error = new WindowOverrunError(announcedBytes, MAX_STREAM_WINDOW_BYTES)
        onMisbehaviour?.(new MisbehaviourError('window', error.what, { cause: error }), connection)
        muxer.abort(error)
        connection.abort(error)
        return
      }
    }
  }
  connection.addEventListener('message', onMessage)
}

/** Follows the headers through bytes that are split anywhere; keeps at most one header. */
class HeaderScanner {
  readonly #header = new DataView(new ArrayBuffer(YAMUX_HEADER.bytes))
  #headerBytes = 0
  #bodyBytesLeft = 0

  /** The largest data frame announced in these bytes, or 0. */
  largestDataFrame(bytes: Uint8Array): number {
    let largestBytes = 0
    let offset = 0
    while (offset < bytes.byteLength) {
      if (this.#bodyBytesLeft > 0) {
        const skipped = Math.min(this.#bodyBytesLeft, bytes.byteLength - offset)
        this.#bodyBytesLeft -= skipped
        offset += skipped
      } else {
        this.#header.setUint8(this.#headerBytes++, bytes[offset++] ?? 0)
        if (this.#headerBytes === YAMUX_HEADER.bytes) {
          this.#headerBytes = 0
          if (this.#header.getUint8(YAMUX_HEADER.type) === DATA_TYPE) {
            this.#bodyBytesLeft = this.#header.getUint32(YAMUX_HEADER.length)
            largestBytes = Math.max(largestBytes, this.#bodyBytesLeft)
          }
        }
      }
    }
    return largestBytes
  }
}

/** An encrypted connection shows by this field what carries it. */
interface Carried {
  readonly stream: Pick<MessageStream, 'writeBufferLength'>
}

/**
 * @param connection what the muxer sends its frames on, one for each call
 * @param onBreach ends the connection; it may be called within a send, and is called once
 */
export function boundUnsent(connection: MessageStream, onBreach: (error: MisbehaviourError) => void): void {
  const send = connection.send.bind(connection)
  let controlFrames = 0
  let isOver = false
  const check = (): void => {
    const unsentBytes = connection.writeBufferLength + (isCarried(connection) ? connection.stream.writeBufferLength : 0)
    const isWithin = controlFrames <= MAX_UNSENT_CONTROL_FRAMES && unsentBytes <= MAX_UNSENT_BYTES
    if (isWithin) return
    isOver = true
    const what = controlFrames > MAX_UNSENT_CONTROL_FRAMES ? `${controlFrames} answers` : `${unsentBytes} bytes`
    onBreach(new MisbehaviourError('unread-answers', `does not read: ${what} wait for it`))
  }
  connection.send = (frame) => {
    // A connection that is cut sends nothing more.
    if (isOver) return false
    const hasRoom = send(frame)
    if (hasRoom) return true
    if (frame.byteLength === YAMUX_HEADER.bytes) controlFrames += 1
    check()
    return false
  }
  // Now they lie encrypted in the carrier, where they take no more than their bytes.
  connection.addEventListener('drain', () => (controlFrames = 0))
}

function isCarried(connection: MessageStream): connection is MessageStream & Carried {
  if (!('stream' in connection)) return false
  const { stream } = connection
  return typeof stream === 'object' && stream !== null && 'writeBufferLength' in stream
}

function joinUnread(stream: MessageStream): void {
  if (!isTakingStream(stream) || !isBuffering(stream)) return
  const take = stream.onData.bind(stream)
  let pieces = 0
  stream.onData = (bytes) => {
    take(bytes)
    pieces = stream.readBufferLength === 0 ? 0 : pieces + 1
    if (pieces < MAX_UNREAD_PIECES) return
    pieces = 1
    const joined = stream.readBuffer.slice()
    stream.readBuffer.consume(joined.byteLength)
    stream.readBuffer.append(joined)
  }
}
