// The frame by which a directory begins, and answers each announcement that it took. What
// a client makes of it is decided elsewhere.
import { readStun, writeStun, type DirectoryStun } from './directory-stun.ts'
import type { DirectoryFrame as PbDirectory } from './pb/directory-frames.ts'

/** A host name of 253 characters with a path as long, encoded. */
const MAX_WEB_SOCKET_CHARS = 1_024

export interface WelcomeFrame {
  readonly type: 'welcome'
  readonly network: string
  readonly leaseMs: number
  readonly refreshAfterMs: number
  readonly acceptedSeq?: bigint
  /** Absent where the directory answers no STUN, as those of earlier versions. */
  readonly stun?: DirectoryStun
  /** The directory's clock, in the first Welcome of a stream. */
  readonly clockMs?: bigint
  /** Where it says that it is reached by WebSocket, in the first: a multiaddr, or any other text that is not too long. */
  readonly webSocket?: string
}

export function readWelcome(welcome: PbDirectory.Welcome): WelcomeFrame {
  const { network, leaseMs, refreshAfterMs, acceptedSeq, clockMs, webSocket = '' } = welcome
  const stun = readStun(welcome)
  return {
    type: 'welcome',
    network,
    leaseMs,
    refreshAfterMs,
    ...(acceptedSeq === undefined ? {} : { acceptedSeq }),
    ...(stun === undefined ? {} : { stun }),
    ...(clockMs === undefined ? {} : { clockMs }),
    ...(webSocket === '' || webSocket.length > MAX_WEB_SOCKET_CHARS ? {} : { webSocket })
  }
}

export function writeWelcome({ type: _type, stun, ...welcome }: WelcomeFrame) {
  return stun === undefined ? welcome : { ...welcome, ...writeStun(stun) }
}
