// The findings of comparing the directories in use: by which of them a peer is seen,
// what each was found to do, and the notice when one is first found stale or
// withholding. The comparison itself is DirectoryAudit's.
import { EventEmitter } from 'node:events'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  DirectoryAudit,
  DirectoryLostError,
  type AuditedDirectories,
  type DirectoryAnswer,
  type DirectoryEntries,
  type HeldAgainst,
  type Resolution
} from '../../directory/index.ts'
import { steadyNow } from '../../wire/index.ts'
import { listText, shortId } from '../../lib/index.ts'
import type { VerifiedRecord } from '../../presence/index.ts'
import type { DirectoryFindings, PeerName } from '../api/chat-events.ts'
import { formatAddress } from '../dialing/address.ts'
import type { SeenBy } from '../peers/roster-rows.ts'
import type { Member, Members } from './directory-member.ts'

/** A notice about one directory comes no sooner after the last one. */
const FINDING_AGAIN_MS = 60_000

/** Where the truth about peers goes. */
export interface FindingsPresence {
  /** Directories differed about a peer, and this is its newest record. `showing` are the directories that show it. */
  resolved(newest: VerifiedRecord | undefined, showing: readonly string[]): void
}

/** The peers that the findings are about. */
export interface FindingsPeers {
  name(peer: string): string
  /** Other directories show these peers now. */
  attestationsChanged(peers: readonly string[]): void
}

export interface FindingsInit {
  readonly members: Members
  readonly presence: FindingsPresence
  readonly peers: FindingsPeers
}

export interface FindingsEvents {
  /** Something else is held against this directory than before. */
  verdict: [Member]
  /** It has sent so many statements and records without their owner's signature. */
  forged: [Member, number]
  /** A directory was found to be stale, or to withhold. */
  notice: [string]
}

export class Findings extends EventEmitter<FindingsEvents> implements AuditedDirectories {
  readonly #init: FindingsInit
  readonly #audit = new DirectoryAudit(this, steadyNow)
  /** When a notice about a directory last went out. */
  readonly #noticedAtMs = new Map<string, number>()
  /** Directories that are stale or withhold now. */
  readonly #accused = new Set<string>()

  constructor(init: FindingsInit) {
    super()
    this.#init = init
  }

  start(): void {
    this.#audit.start()
  }

  async stop(): Promise<void> {
    await this.#audit.stop()
  }

  apply(entries: DirectoryEntries): void {
    this.#audit.apply(entries)
  }

  lost(directory: string): void {
    this.#accused.delete(directory)
    this.#audit.lost(directory)
  }

  seenBy(peer: string): SeenBy {
    return { via: this.#audit.attestations(peer).via, onlyVia: this.#audit.onlyVia(peer) }
  }

  /** How many peers a directory in use shows, and what was found of it; undefined of one that is not in use. */
  of({
    peer,
    isWatching,
    hasPlace,
    forged
  }: Member): { readonly peers: number; readonly findings: DirectoryFindings } | undefined {
    if (peer === undefined || !isWatching || !hasPlace) return undefined
    const { stale, withholds, notJoinedWith } = this.#audit.against(peer)
    const findings = {
      stale: stale.map((one) => this.#named(one)),
      withholds: withholds.map((one) => ({ ...this.#named(one.peer), provenBy: one.provenBy })),
      notJoinedWith,
      forged
    }
    return { peers: this.#audit.peersOf(peer), findings }
  }

  /** For the audit: asks a directory in use. */
  async lookup(directory: string, peer: string, options: { readonly signal: AbortSignal }): Promise<DirectoryAnswer> {
    const member = this.#init.members.inUse(directory)
    if (member === undefined) throw new DirectoryLostError()
    return member.client.lookup(peerIdFromString(peer), options)
  }

  /** For the audit. */
  resolved({ newest }: Resolution, showing: readonly string[]): void {
    this.#init.presence.resolved(newest, showing)
  }

  /** For the audit. */
  soleAttestationsChanged(peers: readonly string[]): void {
    this.#init.peers.attestationsChanged(peers)
  }

  /** For the audit. */
  verdictChanged(directory: string): void {
    this.#notice(directory)
    const member = this.#init.members.inUse(directory)
    if (member !== undefined) this.emit('verdict', member)
  }

  /** For the audit. */
  forged(directory: string, count: number): void {
    const member = this.#init.members.inUse(directory)
    if (member !== undefined) this.emit('forged', member, count)
  }

  #notice(directory: string): void {
    const held = this.#audit.against(directory)
    const isAccused = held.stale.length + held.withholds.length > 0
    const isNew = isAccused && !this.#accused.has(directory)
    if (isAccused) this.#accused.add(directory)
    else this.#accused.delete(directory)
    const nowMs = steadyNow()
    const noticedAtMs = this.#noticedAtMs.get(directory) ?? -Infinity
    if (!isNew || nowMs - noticedAtMs < FINDING_AGAIN_MS) return
    this.#noticedAtMs.set(directory, nowMs)
    this.emit('notice', this.#text(directory, held))
  }

  #text(directory: string, { stale, withholds }: HeldAgainst): string {
    const name = this.#directoryName(directory)
    const [hidden] = withholds
    if (hidden !== undefined) {
      const by = hidden.provenBy.map((one) => (one === directory ? 'its own statement' : this.#directoryName(one)))
      const proof = listText(by)
      return `the directory ${name} withholds ${this.#peerName(hidden.peer)}, who is online according to ${proof}. /directories shows all`
    }
    const [peer = ''] = stale
    return `the directory ${name} is stale: it shows ${this.#peerName(peer)} as it no longer is. /directories shows all`
  }

  /** The address of one in use, else the short ID. */
  #directoryName(directory: string): string {
    const member = this.#init.members.inUse(directory)
    return member === undefined ? shortId(directory) : formatAddress(member.address)
  }

  #peerName(peer: string): string {
    const { name, shortId: id } = this.#named(peer)
    return name === id ? name : `${name} (${id})`
  }

  #named(peer: string): PeerName {
    return { peer, name: this.#init.peers.name(peer), shortId: shortId(peer) }
  }
}
