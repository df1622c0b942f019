// The shares of a profile that no node runs on: written down, and seen by others once one does. It holds the profile's
// lock while it is open.
import type { SharesApi } from './api/share-views.ts'
import type { Config } from './config/config.ts'
import { openKeptProfile, type KeptProfile } from './profile/kept-profile.ts'
import { OwnShares } from './shares/own-shares.ts'
import { ShareBook } from './shares/share-book.ts'

export interface OfflineShares extends Pick<KeptProfile, 'mended' | 'name' | 'resolve' | 'close'> {
  readonly shares: Pick<SharesApi, 'add' | 'list' | 'remove'>
}

/** @throws UsageError when there is no such profile: it is not made; ProfileInUseError, StorageProblemError */
export async function openOfflineShares(config: Config): Promise<OfflineShares> {
  const { profile, mended, name, resolve, close } = await openKeptProfile(config, 'it shares nothing')
  const { folder } = profile
  const shares = new OwnShares({
    book: await ShareBook.open(folder),
    folder,
    ownFolders: [config.folders.data, config.folders.config],
    // Nobody looks at them through it.
    isBlocked: () => true,
    isContact: () => false,
    isLan: () => false,
    tell: () => undefined
  })
  return { shares, mended, name, resolve, close }
}
