// Attacks on what a chat does beside talking: files, invitations and direct paths; and
// on a directory by the datagrams that help with the last.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { DIRECT_PROTOCOL } from '../../../src/direct/direct-frames.ts'
import { encodeRequest, TRANSACTION_BYTES } from '../../../src/direct/stun/stun-message.ts'
import { FILE_PROTOCOL, fileCodec } from '../../../src/files/file-frames.ts'
import { INVITE_PROTOCOL } from '../../../src/invite/invite-frames.ts'
import { MAX_FILES_PER_MESSAGE, MAX_OFFERED_NAME_BYTES } from '../../../src/chat-protocol/index.ts'
import { ChatLine, framed } from '../../fault/attacker.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { contactKey, flood, onConnections, pourInto } from '../protocol-link.ts'
import { again } from '../raw-link.ts'

const fileIdBytes = 32
const tooManyFiles = 10_000
const offeredBytes = 64n * 1024n ** 3n

/** Opens chat lines as a contact again and again, and on each offers so many files in a message. */
async function offerFlood(context: AttackContext, filesPerMessage: number): Promise<void> {
  const longestName = Buffer.alloc(MAX_OFFERED_NAME_BYTES, 'n')
  const offer = (): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(fileIdBytes))
  await onConnections(
    context,
    async (connection) => {
      const line = await ChatLine.open(connection)
      line.stream.addEventListener('message', () => undefined)
      const message = (): Uint8Array => {
        const files = Array.from({ length: filesPerMessage }, () => ({
          file: offer(),
          name: longestName,
          size: offeredBytes
        }))
        return line.message(new Uint8Array(Buffer.from('files')), files).bytes
      }
      await pourInto(context, line.stream, message)
    },
    { key: contactKey(context) }
  )
}

export const pathAndFileAttacks: readonly Attack[] = [
  {
    name: 'files-that-were-not-offered',
    does: 'asks as a contact for one file after another that it was not offered',
    against: ['chat'],
    run: async (context) => {
      const ask = (): Uint8Array =>
        framed(fileCodec.encode({ type: 'have', request: 1, file: randomBytes(32).toString('hex') }))
      await flood(context, FILE_PROTOCOL, ask, { key: contactKey(context) })
    }
  },
  {
    name: 'file-offers-of-a-contact',
    does: 'offers as a contact as many files as a message may hold, of 64 GiB each, as fast as the stream takes it',
    against: ['chat'],
    run: async (context) => offerFlood(context, MAX_FILES_PER_MESSAGE)
  },
  {
    name: 'ten-thousand-files-in-a-message',
    does: 'offers as a contact ten thousand files in each message',
    against: ['chat'],
    run: async (context) => offerFlood(context, tooManyFiles)
  },
  {
    name: 'invitations-of-garbage',
    does: 'sends bytes that are no message of an invitation, on one stream after the other',
    against: ['chat'],
    inSample: true,
    named: true,
    run: async (context) => flood(context, INVITE_PROTOCOL, () => framed(randomBytes(64)))
  },
  {
    name: 'direct-offers-of-garbage',
    does: 'sends bytes that are no offer of a direct path, on one stream after the other',
    against: ['chat'],
    run: async (context) => flood(context, DIRECT_PROTOCOL, () => framed(randomBytes(64)))
  },
  {
    name: 'stun-requests-without-pause',
    does: 'asks a directory by UDP where it is seen, as fast as the socket takes it',
    against: ['directory'],
    run: async (context) => {
      const socket = createSocket('udp4')
      await new Promise<void>((resolve) => {
        socket.bind(0, context.source, resolve)
      })
      await again(context, async () => {
        const bytes = encodeRequest({ transaction: randomBytes(TRANSACTION_BYTES) })
        await new Promise<void>((resolve) => {
          socket.send(bytes, context.target.port, context.target.host, () => resolve())
        })
        context.sent(bytes.byteLength)
      })
      socket.close()
    }
  }
]
