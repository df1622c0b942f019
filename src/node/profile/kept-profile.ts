// A profile opened without a node and without a network: its peer book and its
// history, and what PEER refers to among them. It holds the profile's lock while it is open.
import { existsSync } from 'node:fs'
import type { MessageStore } from '../../storage/index.ts'
import { PeerNotFoundError, UsageError } from '../api/errors.ts'
import type { Config } from '../config/config.ts'
import { isPeerId, readPeerReference } from '../peers/peer-reference.ts'
import { nameOrShortId } from '../../lib/index.ts'
import { mendedTexts } from './file-modes.ts'
import { explained, openOwnStore, type OwnStore } from './own-store.ts'
import { openProfile, profileFiles, type HeldProfile } from './profile.ts'

/** A profile and its messages, for what needs no network. */
export interface KeptProfile extends Pick<OwnStore, 'copyTo'> {
  readonly profile: HeldProfile
  readonly store: MessageStore
  /** Repairs that were needed to open it, in words: the history with what was lost, and who could read the files. */
  readonly mended: readonly string[]
  name(peer: string): string
  /**
   * PEER among the contacts and the conversations; nothing is dialled.
   *
   * @param options.certain a name that could mean another peer too is refused
   * @throws ParleyError
   */
  resolve(words: readonly string[], options?: { readonly certain?: boolean }): Promise<string>
  close(): Promise<void>
}

/**
 * @param without what a profile that is not there means, as in "so it has no history"
 * @throws UsageError when there is no such profile: it is not made; ProfileInUseError, StorageProblemError
 */
export async function openKeptProfile(config: Config, without: string): Promise<KeptProfile> {
  const { folders, settings } = config
  if (!existsSync(profileFiles(folders.data, settings.profile).folder)) {
    throw new UsageError(
      `there is no profile ${settings.profile}, so ${without}: check --profile; parley makes a profile when it goes on the network with it`
    )
  }
  const profile = await openProfile(folders.data, settings.profile, { orNextFree: false })
  const name = (peer: string): string => nameOrShortId(profile.book.contact(peer)?.name, peer)
  try {
    const { store, mended, copyTo } = await openOwnStore(profile, {
      isPeer: isPeerId,
      nameOf: name,
      onDamage: () => undefined
    })
    const resolve = async (words: readonly string[], { certain = false } = {}): Promise<string> => {
      const conversations = await explained(store.conversations())
      const others = [...conversations.map(({ peer }) => ({ peer, name: name(peer) })), ...profile.book.blocked()]
      const known = { self: profile.id, contacts: profile.book.contacts(), roster: [], others }
      const reference = readPeerReference(words, known, { trustName: false, certain })
      if (reference.kind === 'peer') return reference.peer
      if (reference.peer !== undefined) return reference.peer
      throw new PeerNotFoundError('the history knows no addresses: name a contact or a peer ID')
    }
    const told = [...mendedTexts(profile.mended), ...(mended === undefined ? [] : [mended])]
    const close = async (): Promise<void> => {
      await store.close().finally(() => profile.release())
    }
    return { profile, store, mended: told, copyTo, name, resolve, close }
  } catch (error) {
    profile.release()
    throw error
  }
}
