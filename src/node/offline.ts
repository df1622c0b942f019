// What a profile offers while no node runs on it: its history, its contacts, and
// the keys that it knows. Each holds the profile's lock while it is open.
import type { Contact, MessageStore } from '../storage/index.ts'
import type { PeerTrust } from './api/chat-events.ts'
import type { Config } from './config/config.ts'
import { History } from './messaging/history.ts'
import { pendingBatches } from './messaging/deliveries.ts'
import { KnownNames, readContactName } from './peers/known-names.ts'
import { safetyNumber } from './peers/safety-number.ts'
import { openKeptProfile, type KeptProfile } from './profile/kept-profile.ts'
import { explained } from './profile/own-store.ts'
import { nicknameOf } from './profile/profile.ts'

/** A profile's history without its node. */
export interface OpenHistory extends Omit<KeptProfile, 'profile' | 'store' | 'copyTo'> {
  readonly history: History
}

/** @throws UsageError when there is no such profile: it is not made; ProfileInUseError, StorageProblemError */
export async function openHistory(config: Config): Promise<OpenHistory> {
  const { profile, store, mended, name, resolve, close } = await openKeptProfile(config, 'it has no history')
  return { history: new History(store, { folder: profile.folder }), mended, name, resolve, close }
}

export interface OpenContacts {
  /** Repairs that were needed to open the history, in words. */
  readonly mended: readonly string[]
  contacts(): readonly Contact[]
  name(peer: string): string
  /** PEER among the contacts and the conversations; an ambiguous name is refused. @throws ParleyError */
  resolve(words: readonly string[]): Promise<string>
  /** See PeersApi.renameContact. */
  rename(peer: string, name: string): Promise<string>
  /** See PeersApi.removeContact. */
  remove(peer: string): Promise<void>
  close(): Promise<void>
}

/** @throws UsageError when there is no such profile: it is not made; ProfileInUseError, StorageProblemError */
export async function openContacts(config: Config): Promise<OpenContacts> {
  const { profile, store, mended, name, resolve, close } = await openKeptProfile(config, 'it has no contacts')
  const { book } = profile
  return {
    mended,
    name,
    close,
    contacts: () => book.contacts(),
    resolve: async (words) => resolve(words, { certain: true }),
    rename: async (peer, given) => {
      const known = { contacts: book.contacts(), self: { peer: profile.id, nickname: nicknameOf(config, profile) } }
      await explained(book.rename(peer, readContactName(given, peer, known)))
      return name(peer)
    },
    remove: async (peer) => {
      await explained(cancelAll(store, peer))
      await explained(book.remove(peer))
    }
  }
}

async function cancelAll(store: MessageStore, peer: string): Promise<void> {
  for await (const ids of pendingBatches(store, peer)) await store.cancel(peer, ids)
}

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
  const { profile, store, mended, name, resolve, close } = await openKeptProfile(
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
