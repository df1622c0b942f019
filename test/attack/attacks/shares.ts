// Attacks on what is shared: by a contact, and by a stranger.
import { type Hit, ShareFrame } from '../../../src/share/pb/share-frames.ts'
import { SHARE_PROTOCOL, shareFrames } from '../../../src/share/share-frames.ts'
import { framed } from '../../fault/attacker.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { contactKey, flood } from '../protocol-link.ts'

const framesAtOnce = 50

function many(frame: Uint8Array): Uint8Array {
  const one = framed(frame)
  return Buffer.concat(Array.from({ length: framesAtOnce }, () => one))
}

const find = many(shareFrames.encode({ type: 'find', words: ['aaaaaaaa', 'bbb', 'ccc', 'ddd'] }))
const list = many(shareFrames.encode({ type: 'list', path: '', after: '' }))
const hit: Hit = { path: 'a/b', size: 1n, modifiedMs: 1n, file: new Uint8Array(32) }
const hits = framed(
  ShareFrame.encode({ hits: { hits: Array.from({ length: 2_000 }, () => ({ ...hit })), more: true } })
)

const asContact = async (context: AttackContext, bytes: Uint8Array, reads = true): Promise<void> =>
  flood(context, SHARE_PROTOCOL, () => bytes, { key: contactKey(context), reads })

export const shareAttacks: readonly Attack[] = [
  {
    name: 'finds-of-a-contact',
    does: 'asks for words without pause, as a contact',
    against: ['chat'],
    run: async (context) => asContact(context, find)
  },
  {
    name: 'lists-of-a-contact',
    does: 'asks what is shared without pause, as a contact, and reads no answer',
    against: ['chat'],
    run: async (context) => asContact(context, list, false)
  },
  {
    name: 'finds-of-a-stranger',
    does: 'asks for words without pause, as one peer after the other',
    against: ['chat'],
    run: async (context) => flood(context, SHARE_PROTOCOL, () => find)
  },
  {
    name: 'hits-that-nobody-asked-for',
    does: 'sends hits by the thousand where a question is due',
    against: ['chat'],
    run: async (context) => asContact(context, hits)
  }
]
