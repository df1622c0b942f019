/**
 * Bounds what waits in a connection. Unread data that lies in many pieces is joined: Yamux keeps the bytes of each frame
 * apart, so that a window of tiny frames takes hundreds of times its size while the reader pauses. Unsent data has a
 * limit: Yamux answers pings and grants windows whether the answers leave or not, and each stream adds what it has begun
 * to send. Knows frames as bytes only.
 */
import type { MessageStream } from '@libp2p/interface'
import { MAX_UNSENT_BYTES, MAX_UNSENT_CONTROL_FRAMES, MisbehaviourError, MAX_UNREAD_PIECES } from '../../wire/index.ts'
import { isBuffering, isTakingStream } from './negotiation.ts'

const HEADER_BYTES = 12

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
    if (frame.byteLength === HEADER_BYTES) controlFrames += 1
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

export function joinUnread(stream: MessageStream): void {
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
