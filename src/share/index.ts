/**
 * What peers share with each other: folders that are looked at page by page, and found by words. The bytes are fetched over
 * src/files.
 *
 * @example
 * const node = await createLibp2p({ ..., services: { shares: shares(sharedWith) } })
 * const link = await ShareLink.open(connection, signal)
 * const { entries } = await link.list('Photographs')
 */
export { MAX_SHARED_FILES, NoSuchShareError, scan, type ScannedFile } from './disk/scan.ts'
export type { Found, Hit, Page, SharedEntry } from './share-frames.ts'
export { byUnits, foundOf, pageOf, ShareIndex, type IndexedFile } from './share-index.ts'
export { SearchPlan } from './search-plan.ts'
export { areFindWords, isEntryName, isSharedPath, MAX_HITS } from './share-limits.ts'
export { ShareLink, ShareRefusedError } from './share-link.ts'
export { shares, type SharedWith, type ShareService } from './share-service.ts'
