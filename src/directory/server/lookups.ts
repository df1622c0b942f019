// A directory's answer to a client that audits it: what it knows of one peer, and
// the statements of other directories that prove it. Knows the roster and where the
// proofs come from, and neither who asks nor why.
import type { Connection, PeerId } from '@libp2p/interface'
import { TokenBucket } from '../../wire/index.ts'
import { MAX_FOUND_FEDERATION_PEERS, MAX_FOUND_STATEMENTS } from '../directory-frames.ts'
import type { FoundFrame } from '../directory-frames.ts'
import type { DirectorySession } from './directory-session.ts'
import type { Roster } from '../../presence/index.ts'
import { MAX_STATEMENT_BYTES } from '../federation-frames.ts'

/** Lookups of single peers on one connection: what a client asks that audits a few at a time. */
export const LOOKUP_RATE = { burst: 20, perSecond: 5 } as const

/** The proofs of a directory that is joined with others. */
export interface DirectoryProofs {
  /**
   * The sealed statements of all directories about the peer's attachments to them, the newest of each, those that say
   * that it is attached no more among them. A directory may seal a denial of its own for a peer that it does not have.
   */
  statementsOf(peer: PeerId): readonly Uint8Array[] | Promise<readonly Uint8Array[]>
  /** The directories that this one is joined with now. */
  federationPeers(): readonly PeerId[]
  /** The boot epoch of this directory's own statements: those of earlier ones are void. */
  epoch?(): bigint
}

interface LookupsInit {
  readonly roster: Roster
  readonly proofs: DirectoryProofs | undefined
  readonly now: () => number
}

export class Lookups {
  readonly #init: LookupsInit
  readonly #rates = new WeakMap<Connection, TokenBucket>()

  constructor(init: LookupsInit) {
    this.#init = init
  }

  /** @throws PresenceProtocolError when the client goes on in spite of many refusals */
  async answer(session: DirectorySession, peer: PeerId): Promise<void> {
    const { now } = this.#init
    const rate = this.#rates.get(session.connection) ?? new TokenBucket(LOOKUP_RATE, now())
    this.#rates.set(session.connection, rate)
    const waitMs = rate.takeOne(now())
    if (waitMs > 0) {
      session.refuse('too-many-lookups', waitMs)
      return
    }
    session.accepted()
    session.send(await this.#found(peer))
  }

  async #found(peer: PeerId): Promise<FoundFrame> {
    const { roster, proofs } = this.#init
    const id = peer.toString()
    const all = (await proofs?.statementsOf(peer)) ?? []
    const statements = all.filter(({ byteLength }) => byteLength <= MAX_STATEMENT_BYTES).slice(0, MAX_FOUND_STATEMENTS)
    const federationPeers = (proofs?.federationPeers() ?? []).slice(0, MAX_FOUND_FEDERATION_PEERS)
    const newest = roster.newest(id)
    const epoch = proofs?.epoch?.()
    return {
      type: 'found',
      peer,
      showing: roster.get(id) !== undefined,
      statements,
      federationPeers,
      ...(newest === undefined ? {} : { newestEnvelope: newest.envelope }),
      ...(epoch === undefined ? {} : { epoch })
    }
  }
}
