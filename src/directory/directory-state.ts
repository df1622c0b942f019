// Where a client stands with one directory, as its users see it.
import type { PeerId } from '@libp2p/interface'
import type { RefuseReason } from './errors.ts'

export type DirectoryState =
  | { readonly state: 'stopped' }
  | { readonly state: 'connecting' }
  | {
      readonly state: 'connected'
      readonly directory: PeerId
      readonly network: string
      /** False until the directory has accepted the announcement, and always when none is made. */
      readonly registered: boolean
      /** From the last announcement to its answer; before the first, from opening the stream to Welcome. */
      readonly rttMs: number
    }
  /** Connected and watching, but not registered; it is tried again. */
  | {
      readonly state: 'refused'
      readonly directory: PeerId
      readonly reason: RefuseReason
      readonly retryAtMs: number
    }
  | { readonly state: 'waiting'; readonly retryAtMs: number; readonly why: Error }
