// Attacks on what a chat does beside talking: files, invitations and direct paths; and
// on a directory by the datagrams that help with the last.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { DIRECT_PROTOCOL } from '../../../src/direct/direct-frames.ts'
import { encodeRequest, TRANSACTION_BYTES } from '../../../src/direct/stun/stun-message.ts'
import { FILE_PROTOCOL, fileCodec } from '../../../src/files/file-frames.ts'
import { INVITE_PROTOCOL } from '../../../src/invite/invite-frames.ts'
import { framed } from '../../fault/attacker.ts'
import type { Attack } from '../attack.ts'
import { contactKey, flood } from '../protocol-link.ts'
import { again } from '../raw-link.ts'

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
