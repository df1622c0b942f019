// Attacks on the chat itself: by strangers with as many keys as they like, and by
// a contact.
import type { Connection } from '@libp2p/interface'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Frame } from '../../../src/chat-protocol/pb/frames.ts'
import { ChatLine, chatProtocol, framed, openStream } from '../../fault/attacker.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { contactKey, flood, onConnections, onStreams, pourInto, type LinkInit } from '../protocol-link.ts'

const kib = 1024
const framesAtOnce = 100
/** A text as long as may be. */
const longText = Buffer.alloc(64 * kib, 'long ')
/** Marks upon marks on one letter. */
const zalgo = Buffer.from(`Z${'\u0334\u0322\u0310'.repeat(10 * kib)}`.slice(0, 20 * kib))
const hostileText = Buffer.from('\u001b[2J\u001b]0;title\u0007\u202egnp.exe\u202c\r\n\u009b31m\u0000')

/** Opens chat lines again and again, and on each writes what `next` makes. */
async function chatFlood(
  context: AttackContext,
  next: (line: ChatLine) => Uint8Array,
  init: LinkInit & { readonly reads?: boolean } = {}
): Promise<void> {
  const { reads = true, ...link } = init
  const pour = async (connection: Connection): Promise<void> => {
    const line = await ChatLine.open(connection)
    if (reads) line.stream.addEventListener('message', () => undefined)
    await pourInto(context, line.stream, () => Buffer.concat(Array.from({ length: framesAtOnce }, () => next(line))))
  }
  await onConnections(context, pour, link)
}

function frame(fields: Parameters<typeof Frame.encode>[0]): Uint8Array {
  return framed(Frame.encode(fields))
}

export const chatAttacks: readonly Attack[] = [
  {
    name: 'requests-of-many-keys',
    does: 'writes as a stranger, with one new key after another, until no request has room',
    against: ['chat'],
    inSample: true,
    named: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) =>
      onConnections(context, async (connection) => {
        const line = await ChatLine.open(connection)
        for (let count = 0; count < 20; count++) {
          const { bytes } = line.message(Buffer.from(`let me in ${count}`))
          context.sent(bytes.byteLength)
          line.write(bytes)
        }
        await sleep(50)
      })
  },
  {
    name: 'messages-of-a-stranger',
    does: 'writes as a stranger as fast as the stream takes it',
    against: ['chat'],
    inSample: true,
    run: async (context) => chatFlood(context, (line) => line.message(Buffer.from('hello')).bytes)
  },
  {
    name: 'long-messages-of-a-stranger',
    does: 'writes the longest messages that there are, and reads no receipt',
    against: ['chat'],
    run: async (context) => chatFlood(context, (line) => line.message(new Uint8Array(longText)).bytes, { reads: false })
  },
  {
    name: 'messages-of-a-contact',
    does: 'writes as a contact as fast as the stream takes it',
    against: ['chat'],
    inSample: true,
    run: async (context) =>
      chatFlood(context, (line) => line.message(new Uint8Array(longText)).bytes, { key: contactKey(context) })
  },
  {
    name: 'hostile-text-of-a-contact',
    does: 'writes as a contact what would clear, retitle and colour a terminal',
    against: ['chat'],
    // Messages of 35 bytes, each of which is stored: ordinary text of 52 bytes costs 517 ms for each MB.
    bounds: { cpuMsPerMb: 1_000 },
    run: async (context) =>
      chatFlood(context, (line) => line.message(new Uint8Array(hostileText)).bytes, { key: contactKey(context) })
  },
  {
    name: 'zalgo-of-a-contact',
    does: 'writes as a contact letters with thousands of marks',
    against: ['chat'],
    inSample: true,
    run: async (context) =>
      chatFlood(context, (line) => line.message(new Uint8Array(zalgo)).bytes, { key: contactKey(context) })
  },
  {
    name: 'chat-streams',
    does: 'opens chat streams, says Hello on each, and leaves them',
    against: ['chat'],
    run: async (context) => onStreams(context, async (connection) => ChatLine.open(connection))
  },
  {
    name: 'receipts-for-nothing',
    does: 'gives receipts for messages that were never sent',
    against: ['chat'],
    run: async (context) =>
      chatFlood(context, () =>
        frame({
          receipt: {
            state: 1,
            ids: Array.from({ length: 64 }, () => new Uint8Array(randomBytes(16))),
            ranges: [{ log: new Uint8Array(randomBytes(8)), first: 1n, last: 2n ** 52n }]
          }
        })
      )
  },
  {
    name: 'signs-of-typing',
    does: 'says that it types, as fast as the stream takes it',
    against: ['chat'],
    // Frames of three bytes: at this bound each takes 3 µs.
    bounds: { cpuMsPerMb: 1_000 },
    run: async (context) => chatFlood(context, () => frame({ typing: {} }))
  },
  {
    name: 'refusals',
    does: 'refuses messages that were never sent, and asks to wait for ever',
    against: ['chat'],
    run: async (context) =>
      chatFlood(context, () =>
        frame({ refuse: { reason: 1, retryAfterMs: 2n ** 52n, ids: [new Uint8Array(randomBytes(16))] } })
      )
  },
  {
    name: 'unknown-frames',
    does: 'sends frames of a version to come',
    against: ['chat'],
    run: async (context) => {
      // Field 99 with 100 bytes, which no version knows.
      const unknown = framed(Buffer.concat([Buffer.of(0x9a, 0x06, 100), Buffer.alloc(100)]))
      await chatFlood(context, () => unknown)
    }
  },
  {
    name: 'frame-of-2-gib',
    does: 'announces a frame of 2 GiB and sends as much of it as it can',
    against: ['chat'],
    run: async (context) => {
      const body = Buffer.concat([Buffer.of(0x80, 0x80, 0x80, 0x80, 0x08), Buffer.alloc(64 * kib)])
      await flood(context, chatProtocol, () => body)
    }
  },
  {
    name: 'endless-line',
    does: 'writes one line of plain text that never ends',
    against: ['chat'],
    run: async (context) => {
      const part = Buffer.alloc(64 * kib, 'a')
      await flood(context, chatProtocol, () => part, { looksLikeParley: false })
    }
  },
  {
    name: 'empty-lines',
    does: 'writes empty lines of plain text',
    against: ['chat'],
    run: async (context) => {
      const lines = Buffer.alloc(64 * kib, '\n')
      await flood(context, chatProtocol, () => lines, { looksLikeParley: false })
    }
  },
  {
    name: 'empty-frames',
    does: 'writes frames of no bytes',
    against: ['chat'],
    run: async (context) => {
      const frames = new Uint8Array(64 * kib)
      await flood(context, chatProtocol, () => frames)
    }
  },
  {
    name: 'half-a-hello',
    does: 'begins a Hello on one stream after another and never ends it',
    against: ['chat'],
    run: async (context) =>
      onStreams(context, async (connection) => {
        const stream = await openStream(connection, chatProtocol)
        stream.send(Buffer.of(0x14, 0x0a))
        context.sent(2)
      })
  }
]
