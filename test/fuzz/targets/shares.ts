/** The decoder of shares: what a looker asks, and what a sharer names. */
import { shareFrames, ShareProtocolError, type ShareFrame } from '../../../src/share/share-frames.ts'
import { sameText, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const file = '5f'.repeat(32)

function someFrame(reader: InputReader): Uint8Array {
  const name = reader.oneOf(['a', 'b.pdf', '..', 'a/b', 'Über\u202e', ''])
  const frames: readonly ShareFrame[] = [
    { type: 'list', path: reader.oneOf(['', 'Slides', 'Slides/../x', '/']), after: name },
    { type: 'find', words: Array.from({ length: reader.below(10) }, () => reader.oneOf(['word', 'no', 'two words'])) },
    {
      type: 'listing',
      snapshot: reader.below(1_000),
      entries: [
        { is: 'folder', name, sizeBytes: reader.below(1_000) },
        {
          is: 'file',
          name: reader.oneOf(['c', 'a']),
          sizeBytes: 1,
          modifiedAtMs: 2,
          file: reader.flag() ? file : undefined
        }
      ],
      hasMore: reader.flag()
    },
    { type: 'hits', hits: [{ path: name, sizeBytes: 1, modifiedAtMs: 2, file }], hasMore: reader.flag() },
    { type: 'refuse', reason: reader.oneOf(['not-here', 'too-fast']) }
  ]
  return shareFrames.encode(reader.oneOf(frames))
}

const frames: FuzzTarget = {
  name: 'share-frames',
  reaches: 'frames of a peer that looks at shares, or shows some',
  seeds: () => [
    asIs(shareFrames.encode({ type: 'list', path: 'Slides', after: 'a' })),
    asIs(shareFrames.encode({ type: 'find', words: ['autumn', 'slides'] })),
    asIs(
      shareFrames.encode({ type: 'hits', hits: [{ path: 'a/b', sizeBytes: 1, modifiedAtMs: 2, file }], hasMore: true })
    ),
    choices(1, 2, 3),
    choices(3, 0, 2, 1)
  ],
  run(input) {
    let frame: ShareFrame
    const bytes = bytesOf(input, someFrame)
    try {
      frame = shareFrames.decode(bytes)
    } catch (error) {
      if (error instanceof ShareProtocolError) return
      throw error
    }
    sameText(shareFrames.decode(shareFrames.encode(frame)), frame, 'a frame stays itself')
  }
}

export const targets: readonly FuzzTarget[] = [frames]
