// One directory's answer about one peer, checked: the newest record and the statements
// prove themselves; the rest is left out and counted. It compares no answers.
import type { PeerId } from '@libp2p/interface'
import type { FoundFrame } from '../directory-frames.ts'
import { BadRecordError, openRecord } from '../../presence/index.ts'
import { BadStatementError, openStatement } from '../statement.ts'
import type { AttachmentStatement } from '../statement.ts'
import type { VerifiedRecord } from '../../presence/index.ts'

export interface DirectoryAnswer {
  /** The directory that answers. */
  readonly directory: string
  /** The peer in question. */
  readonly peer: string
  /** Whether the peer is on the roster of the directory. */
  readonly showing: boolean
  /** The newest record that it holds, withdrawn or not. */
  readonly newest: VerifiedRecord | undefined
  /** Statements of any directories, each signed by its own. */
  readonly statements: readonly AttachmentStatement[]
  /** The directories that it is joined with, by its own word. */
  readonly federationPeers: readonly string[]
  /** Its own statements of earlier epochs are void, by its own word. */
  readonly epoch: bigint | undefined
  /** How much of the answer proves nothing. */
  readonly refused: number
}

/** Checks an answer. */
export async function openAnswer(
  found: FoundFrame,
  from: { readonly directory: PeerId; readonly network: string },
  signal?: AbortSignal
): Promise<DirectoryAnswer> {
  const options = signal === undefined ? {} : { signal }
  let refused = 0
  const statements: AttachmentStatement[] = []
  for (const envelope of found.statements) {
    try {
      const { statement } = await openStatement(envelope, options)
      if (statement.network === from.network && statement.peer.equals(found.peer)) statements.push(statement)
      else refused++
    } catch (error) {
      if (!(error instanceof BadStatementError)) throw error
      refused++
    }
  }
  const newest = await newestOf(found, from.network, options)
  if (newest === undefined && found.newestEnvelope !== undefined) refused++
  return {
    directory: from.directory.toString(),
    peer: found.peer.toString(),
    showing: found.showing,
    newest,
    statements,
    federationPeers: found.federationPeers.map(String),
    epoch: found.epoch,
    refused
  }
}

async function newestOf(
  { newestEnvelope, peer }: FoundFrame,
  network: string,
  options: { readonly signal?: AbortSignal }
): Promise<VerifiedRecord | undefined> {
  if (newestEnvelope === undefined) return undefined
  try {
    const newest = await openRecord(newestEnvelope, { expectedPeer: peer, ...options })
    return newest.record.network === network ? newest : undefined
  } catch (error) {
    if (!(error instanceof BadRecordError)) throw error
    return undefined
  }
}
