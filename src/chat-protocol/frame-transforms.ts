/** The frames of the parley dialect as it-pipe transforms over batches. The rules of a frame are in frames.ts. */
import { decodeFrame, encodeFrame } from './frames.ts'
import type { ChatFrame, OutgoingFrame } from './frames.ts'

/** @throws {InvalidFrameError} after the frames before the bad one have been yielded */
export async function* decodeChatFrames(
  source: AsyncIterable<Uint8Array[]>
): AsyncGenerator<ChatFrame[], void, undefined> {
  for await (const batch of source) {
    const frames: ChatFrame[] = []
    try {
      for (const bytes of batch) {
        const frame = decodeFrame(bytes)
        if (frame !== undefined) frames.push(frame)
      }
    } catch (error) {
      if (frames.length > 0) yield frames
      throw error
    }
    if (frames.length > 0) yield frames
  }
}

export async function* encodeChatFrames(
  source: AsyncIterable<OutgoingFrame[]>
): AsyncGenerator<Uint8Array[], void, undefined> {
  for await (const batch of source) yield batch.map(encodeFrame)
}
