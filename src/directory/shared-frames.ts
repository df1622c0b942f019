// Frames that a directory sends to many of its clients: encoded and joined once
// for all of them. Knows no session.
import { joinFrames } from '../wire/index.ts'
import { MAX_DIRECTORY_FRAME_BYTES } from './constants.ts'

export interface SharedFrames {
  readonly frames: readonly Uint8Array[]
  /** The same, as they are on the wire. */
  readonly joined: Uint8Array
}

export function shareFrames(frames: readonly Uint8Array[]): SharedFrames {
  return { frames, joined: joinFrames(frames, MAX_DIRECTORY_FRAME_BYTES) }
}
