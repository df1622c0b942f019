// Sending with less work for each message. libp2p's own streams put everything on a
// queue, take it off in copies of lists and call listeners that are not there; Noise
// sends the length and the text of a message apart, Yamux answers each data frame
// with a window update, and each piece is a system call and a packet of its own. Here
// what is sent while nothing waits goes straight to its carrier, and a socket writes
// everything of one turn at once. Knows streams and sockets, and nothing of what they
// carry.
import type { MessageStream, Transport, Upgrader } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import type { TCPComponents, TCPOptions } from '@libp2p/tcp'
import { Socket } from 'node:net'
import { nextTick } from 'node:process'
import type { Uint8ArrayList } from 'uint8arraylist'
import { toError } from '../../wire/index.ts'
import { beforeUpgrade } from './around-upgrade.ts'
import { giveBack } from './spare-buffers.ts'
import { allTuning } from './tuning.ts'
import type { Tuning } from './tuning.ts'

/** Pieces of a message that are smaller together are written as one: copying so much costs less than a list of two. */
export const JOIN_UP_TO_BYTES = 4 * 1024

/** Sockets that hold their writes back until a turn ends: of more, the first is written while others are sealed for. */
export const MAX_GATHERING_SOCKETS = 16

/** For `createLibp2p({ transports: [gatheringTcp()] })`, in place of `tcp()`. */
export function gatheringTcp(
  options: TCPOptions = {},
  tuning: Pick<Tuning, 'gatheredWrites' | 'directSends'> = allTuning
): (components: TCPComponents) => Transport {
  return (components) => {
    const transport = tcp(options)(components)
    if (!tuning.gatheredWrites) return transport
    const gathering = (upgrader: Upgrader): Upgrader =>
      beforeUpgrade(upgrader, ['upgradeInbound', 'upgradeOutbound'], (connection) => gather(connection, tuning))
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    transport.dial = async (address, init) => dial(address, { ...init, upgrader: gathering(init.upgrader) })
    transport.createListener = (init) => createListener({ ...init, upgrader: gathering(init.upgrader) })
    return transport
  }
}

/** Flushes the sockets that hold writes back; the oldest first. */
const heldBack: (() => void)[] = []

/** When the turn ends, or sooner when many others wait too: of a thousand receivers, the first needn't wait for the last. */
function flushLater(flush: () => void): void {
  heldBack.push(flush)
  if (heldBack.length === 1) nextTick(flushAll)
  if (heldBack.length > MAX_GATHERING_SOCKETS) heldBack.shift()?.()
}

function flushAll(): void {
  for (const flush of heldBack.splice(0)) flush()
}

/** Holds the socket's writes until the turn ends, when they go out together (`writev`). */
function gather(connection: MessageStream, { directSends }: Pick<Tuning, 'directSends'>): void {
  // A field of @libp2p/tcp's connections, which their interface does not show.
  if (!('socket' in connection) || !(connection.socket instanceof Socket)) return
  const { socket } = connection
  const write = socket.write.bind(socket)
  let isGathering = false
  const flush = (): void => {
    isGathering = false
    socket.uncork()
  }
  // One of the overloads was called, and is called again with what it was given.
  socket.write = ((...args: Parameters<Socket['write']>) => {
    if (!isGathering) {
      isGathering = true
      socket.cork()
      flushLater(flush)
    }
    return write(...args)
  }) as Socket['write']
  if (directSends) sendDirectly(connection, (bytes) => writeAll(socket, bytes))
}

/** Small messages go in one piece: two pieces cost more than a copy. */
function writeAll(socket: Socket, bytes: Uint8Array | Uint8ArrayList): boolean {
  if (bytes.byteLength <= JOIN_UP_TO_BYTES) return socket.write(bytes.subarray())
  let hasRoom = true
  for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) {
    hasRoom = piece.byteLength > JOIN_UP_TO_BYTES ? socket.write(piece, () => giveBack(piece)) : socket.write(piece)
  }
  return hasRoom
}

/**
 * @param stream keeps its order and its `drain`: what comes while something waits takes the way that it always took
 * @param write takes all of it; false when the carrier is full, which will emit `drain`
 */
export function sendDirectly(stream: MessageStream, write: (bytes: Uint8Array | Uint8ArrayList) => boolean): void {
  const send = stream.send.bind(stream)
  stream.send = (bytes) => {
    if (stream.status !== 'open' || stream.writableNeedsDrain || stream.writeBufferLength > 0) {
      return send(bytes)
    }
    try {
      const hasRoom = write(bytes)
      if (!hasRoom) stream.writableNeedsDrain = true
      return hasRoom
    } catch (error) {
      stream.abort(toError(error))
      throw error
    }
  }
}
