// Compares what the directories in use show. Where they go on differing about a peer
// it asks each of them, resolves the conflict by their answers, and keeps the findings
// as long as they hold. Connects to nothing, and changes no roster.
import type { DirectoryAnswer } from '../client/directory-answer.ts'
import type { DirectoryEntries } from '../client/directory-entries.ts'
import { Disagreements } from './disagreements.ts'
import type { AttachmentStatement } from '../statement.ts'
import { resolveConflict } from './conflict-resolution.ts'
import type { Resolution, Evidence, Verdict } from './conflict-resolution.ts'
import { SoleAttestations, DirectoryViews } from './directory-views.ts'
import type { Attestations } from './directory-views.ts'

/** Between two rounds: below what a directory answers, and without haste where nobody is to blame. */
const DISAGREEMENT_ROUNDS = { blamedMs: 2_000, blamelessMs: 10_000 } as const

/** Where directories differ about more peers than this, one's word alone convicts no other: it may make them up. */
const MAX_ON_ONE_WORD = 32

/** The findings against one directory. */
export interface HeldAgainst {
  /** Peers that it shows under an older record, or that are gone. */
  readonly stale: readonly string[]
  readonly withholds: readonly { readonly peer: string; readonly provenBy: readonly string[] }[]
  /** Directories that it does not hear from. */
  readonly notJoinedWith: readonly string[]
}

/** The directories that are compared, and the owner of the findings. */
export interface AuditedDirectories {
  /** Asks a directory that is connected what it knows of a peer. */
  lookup(directory: string, peer: string, options: { readonly signal: AbortSignal }): Promise<DirectoryAnswer>
  /** The audit has resolved a conflict about a peer, which the directories `showing` show now. */
  resolved(resolution: Resolution, showing: readonly string[]): void
  /** Something else is held against the directory than before. */
  verdictChanged(directory: string): void
  /** The sole attesting directory of these peers changed. */
  soleAttestationsChanged(peers: readonly string[]): void
  /** An answer held so many forged statements and records. */
  forged(directory: string, count: number): void
}

export class DirectoryAudit {
  readonly #directories: AuditedDirectories
  readonly #now: () => number
  readonly #views = new DirectoryViews()
  readonly #sole = new SoleAttestations(this.#views)
  readonly #disagreements = new Disagreements(this.#views)
  readonly #log = new AuditLog()
  /** Statements that were proven, kept while the disagreement lasts. */
  readonly #proofs = new Map<string, readonly AttachmentStatement[]>()
  #life: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #nextRoundAtMs = 0
  #round: Promise<void> = Promise.resolve()

  constructor(directories: AuditedDirectories, now: () => number) {
    this.#directories = directories
    this.#now = now
  }

  start(): void {
    this.#life ??= new AbortController()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#life?.abort(new Error('the audit was stopped'))
    this.#life = undefined
    await this.#round
  }

  apply(entries: DirectoryEntries): void {
    const nowMs = this.#now()
    const isAll = entries.complete !== undefined
    const changed = this.#views.apply(entries)
    this.#agreed(isAll ? this.#disagreements.reviewAll(nowMs) : this.#disagreements.review(changed, nowMs))
    this.#reportSole(isAll ? this.#sole.reviewAll(nowMs) : this.#sole.review(changed, nowMs))
    this.#schedule()
  }

  lost(directory: string): void {
    const nowMs = this.#now()
    this.#views.forget(directory)
    this.#log.forget(directory)
    this.#agreed(this.#disagreements.reviewAll(nowMs))
    this.#reportSole(this.#sole.reviewAll(nowMs))
    this.#schedule()
  }

  /** How many peers the directory shows. */
  peersOf(directory: string): number {
    return this.#views.count(directory)
  }

  /** The directories at which the peer is attached, and those that attest it. */
  attestations(peer: string): Attestations {
    return this.#views.attestations(peer)
  }

  /** The sole directory that attests the peer. */
  onlyVia(peer: string): string | undefined {
    return this.#sole.of(peer)
  }

  against(directory: string): HeldAgainst {
    return this.#log.of(directory)
  }

  #agreed(peers: readonly string[]): void {
    for (const peer of peers) {
      this.#proofs.delete(peer)
      for (const directory of this.#log.clear(peer)) this.#directories.verdictChanged(directory)
    }
  }

  #reportSole(peers: readonly string[]): void {
    if (peers.length > 0) this.#directories.soleAttestationsChanged(peers)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#life === undefined) return
    const roundAtMs = Math.max(this.#disagreements.nextDueMs(), this.#nextRoundAtMs)
    const dueAtMs = Math.min(roundAtMs, this.#sole.nextDueMs())
    if (dueAtMs === Infinity) return
    this.#timer = setTimeout(() => this.#onTime(), Math.max(0, dueAtMs - this.#now()))
  }

  #onTime(): void {
    const nowMs = this.#now()
    this.#reportSole(this.#sole.review([], nowMs))
    const signal = this.#life?.signal
    const peers = signal === undefined || nowMs < this.#nextRoundAtMs ? [] : this.#disagreements.take(nowMs)
    if (signal === undefined || peers.length === 0) {
      this.#schedule()
      return
    }
    this.#nextRoundAtMs = Infinity // until this one is over
    this.#round = this.#resolveAll(peers, signal).then((isBlamed) => {
      this.#nextRoundAtMs = this.#now() + (isBlamed ? DISAGREEMENT_ROUNDS.blamedMs : DISAGREEMENT_ROUNDS.blamelessMs)
      this.#schedule()
    })
    this.#schedule()
  }

  /** @returns whether a directory is to blame: those that are not joined differ for ever, and there is no hurry */
  async #resolveAll(peers: readonly string[], signal: AbortSignal): Promise<boolean> {
    const found = await Promise.all(peers.map(async (peer) => this.#resolveConflict(peer, signal)))
    return found.includes(true)
  }

  async #resolveConflict(peer: string, signal: AbortSignal): Promise<boolean> {
    const asked = this.#views.complete()
    const answers = await Promise.allSettled(
      asked.map(async (directory) => this.#directories.lookup(directory, peer, { signal }))
    )
    const connected = new Set(this.#views.complete())
    const evidence = answers
      .flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
      .filter(({ directory }) => connected.has(directory))
      .map((answer) => this.#evidenceOf(answer, peer))
    for (const { answer } of evidence) {
      if (answer.refused > 0) this.#directories.forged(answer.directory, answer.refused)
    }
    // They may agree by now, or be too few to compare.
    if (signal.aborted || evidence.length < 2 || !this.#disagreements.has(peer)) return false
    const isOneWordEnough = this.#disagreements.size <= MAX_ON_ONE_WORD
    const resolution = resolveConflict(evidence, { earlier: this.#proofs.get(peer) ?? [], isOneWordEnough })
    this.#proofs.set(peer, resolution.statements)
    const showing = evidence.flatMap(({ told, answer }) => (told === undefined ? [] : [answer.directory]))
    this.#directories.resolved(resolution, showing)
    for (const directory of this.#log.enter(peer, resolution.verdicts)) this.#directories.verdictChanged(directory)
    return [...resolution.verdicts.values()].some(({ is }) => is === 'stale' || is === 'withholds')
  }

  #evidenceOf(answer: DirectoryAnswer, peer: string): Evidence {
    const heardOf = this.#views.hearsOf(answer.directory)
    return {
      answer,
      told: this.#views.of(answer.directory, peer),
      hearsOf: new Set([...heardOf, ...answer.federationPeers])
    }
  }
}

/** The findings of the audit, by directory and by peer, for as long as they hold. Pure. */
class AuditLog {
  readonly #byDirectory = new Map<string, Map<string, Verdict>>()

  /** @returns the directories whose findings have changed */
  enter(peer: string, verdicts: ReadonlyMap<string, Verdict>): readonly string[] {
    return [...verdicts].flatMap(([directory, verdict]) => (this.#set(directory, peer, verdict) ? [directory] : []))
  }

  /** The directories agree about the peer again. @returns the directories whose findings have changed */
  clear(peer: string): readonly string[] {
    const agrees: Verdict = { is: 'agrees' }
    return [...this.#byDirectory.keys()].filter((directory) => this.#set(directory, peer, agrees))
  }

  /** The directory is not connected any more. */
  forget(directory: string): void {
    this.#byDirectory.delete(directory)
  }

  of(directory: string): HeldAgainst {
    const verdicts = [...(this.#byDirectory.get(directory) ?? [])]
    return {
      stale: verdicts.flatMap(([peer, { is }]) => (is === 'stale' ? [peer] : [])),
      withholds: verdicts.flatMap(([peer, verdict]) =>
        verdict.is === 'withholds' ? [{ peer, provenBy: verdict.provenBy }] : []
      ),
      notJoinedWith: [
        ...new Set(verdicts.flatMap(([, verdict]) => (verdict.is === 'not joined' ? verdict.with : [])))
      ].toSorted()
    }
  }

  #set(directory: string, peer: string, verdict: Verdict): boolean {
    const before = this.#byDirectory.get(directory)?.get(peer)
    const verdicts = this.#byDirectory.get(directory) ?? new Map<string, Verdict>()
    if (verdict.is === 'agrees') verdicts.delete(peer)
    else verdicts.set(peer, verdict)
    if (verdicts.size > 0) this.#byDirectory.set(directory, verdicts)
    else this.#byDirectory.delete(directory)
    return JSON.stringify(before ?? { is: 'agrees' }) !== JSON.stringify(verdict)
  }
}
