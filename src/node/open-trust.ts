// What a profile holds of other peers' keys, without its node and without a
// network: the safety number of a peer that is known, and the mark of having
// compared it. It keeps the profile from others while it is open.
import type { PeerTrust } from './chat-events.ts'
import type { Config } from './config.ts'
import { openKept } from './history.ts'
import { KnownNames } from './known-names.ts'
import { nicknameOf } from './profile.ts'
import { safetyNumber } from './safety-number.ts'
import { explained } from './storage-problems.ts'

export interface OpenTrust {
  /** What had to be mended before it could be opened, in words. */
  readonly mended: readonly string[]
  name(peer: string): string
  /** PEER among the contacts, the conversations and the blocked, or by its whole ID. @throws ParleyError */
  resolve(words: readonly string[]): Promise<string>
  safetyNumber(peer: string): readonly string[]
  /** @param nickname as the peer names itself, where that is known */
  trust(peer: string, nickname: string): PeerTrust
  /** As in a chat: to verify a peer is to choose it. @param name of one that is no contact yet */
  verify(peer: string, name: string): Promise<void>
  unverify(peer: string): Promise<void>
  close(): Promise<void>
}

/** @throws UsageError when there is no such profile: it is not made; ProfileInUseError, StorageProblemError */
export async function openTrust(config: Config): Promise<OpenTrust> {
  const { profile, store, mended, name, resolve, close } = await openKept(
    config,
    'it has no key whose number could be compared'
  )
  const { book, id } = profile
  return {
    mended,
    name,
    resolve,
    close,
    safetyNumber: (peer) => safetyNumber(id, peer),
    trust: (peer, nickname) => {
      const self = { peer: id, nickname: nicknameOf(config, profile) }
      const sameNameAs = new KnownNames({ contacts: book.contacts(), self }).ownerOf(peer, nickname)
      const verified = book.contact(peer)?.verified
      return {
        ...(verified === undefined ? {} : { verifiedSinceMs: verified.sinceMs }),
        ...(sameNameAs === undefined ? {} : { sameNameAs })
      }
    },
    verify: async (peer, newName) => {
      await explained(book.verify(peer, newName, Date.now()))
      await explained(store.acceptHeld(peer))
    },
    unverify: async (peer) => explained(book.unverify(peer))
  }
}
