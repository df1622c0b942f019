// Compares what the directories in use tell. Where they go on differing about a
// peer it asks each of them, has the answers judged, and keeps what was found as
// long as it holds. Connects to nothing, and changes no roster.
import { DISAGREEMENT_ROUNDS, MAX_ON_ONE_WORD } from './constants.ts'
import type { DirectoryAnswer } from './directory-answer.ts'
import type { DirectoryEntries } from './directory-entries.ts'
import { Disagreements } from './disagreements.ts'
import type { AttachmentStatement } from './federation/statement.ts'
import { judge } from './judge.ts'
import type { Judgement, Testimony } from './judge.ts'
import { SoleVouchers } from './sole-vouchers.ts'
import { Tellings } from './tellings.ts'
import { VerdictBook } from './verdict-book.ts'
import type { HeldAgainst } from './verdict-book.ts'
import { vouched } from './vouchers.ts'
import type { Vouched } from './vouchers.ts'

export interface DirectoryDoubtsInit {
  /** Asks a directory that is connected what it knows of a peer. */
  readonly lookup: (directory: string, peer: string, options: { signal: AbortSignal }) => Promise<DirectoryAnswer>
  /** What was found out about a peer. `tellers` show it now. */
  readonly onJudged: (judgement: Judgement, tellers: readonly string[]) => void
  /** Something else is held against the directory than before. */
  readonly onVerdict: (directory: string) => void
  /** On whose word alone these peers are seen is another than before. */
  readonly onVouchers: (peers: readonly string[]) => void
  /** Forged statements and records in an answer. */
  readonly onForged: (directory: string, count: number) => void
  readonly now: () => number
}

export class DirectoryDoubts {
  readonly #init: DirectoryDoubtsInit
  readonly #tellings = new Tellings()
  readonly #sole = new SoleVouchers(this.#tellings)
  readonly #disagreements = new Disagreements(this.#tellings)
  readonly #book = new VerdictBook()
  /** Statements that were proven, kept while the disagreement lasts. */
  readonly #proofs = new Map<string, readonly AttachmentStatement[]>()
  #life: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #nextRoundAtMs = 0
  #round: Promise<void> = Promise.resolve()

  constructor(init: DirectoryDoubtsInit) {
    this.#init = init
  }

  start(): void {
    this.#life ??= new AbortController()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#life?.abort(new Error('nobody doubts any more'))
    this.#life = undefined
    await this.#round
  }

  says(said: DirectoryEntries): void {
    const nowMs = this.#init.now()
    const isAll = said.complete !== undefined
    const changed = this.#tellings.apply(said)
    this.#agreed(isAll ? this.#disagreements.reviewAll(nowMs) : this.#disagreements.review(changed, nowMs))
    this.#tellVouchers(isAll ? this.#sole.reviewAll(nowMs) : this.#sole.review(changed, nowMs))
    this.#schedule()
  }

  lost(directory: string): void {
    const nowMs = this.#init.now()
    this.#tellings.forget(directory)
    this.#book.forget(directory)
    this.#agreed(this.#disagreements.reviewAll(nowMs))
    this.#tellVouchers(this.#sole.reviewAll(nowMs))
    this.#schedule()
  }

  /** How many peers the directory tells. */
  peersOf(directory: string): number {
    return this.#tellings.count(directory)
  }

  /** At which directories the peer is attached, by their word. */
  vouched(peer: string): Vouched {
    return vouched(this.#tellings, peer)
  }

  /** The directory on whose word alone the peer is seen. */
  onlyVia(peer: string): string | undefined {
    return this.#sole.of(peer)
  }

  against(directory: string): HeldAgainst {
    return this.#book.of(directory)
  }

  #agreed(peers: readonly string[]): void {
    for (const peer of peers) {
      this.#proofs.delete(peer)
      for (const directory of this.#book.clear(peer)) this.#init.onVerdict(directory)
    }
  }

  #tellVouchers(peers: readonly string[]): void {
    if (peers.length > 0) this.#init.onVouchers(peers)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#life === undefined) return
    const roundAtMs = Math.max(this.#disagreements.nextDueMs(), this.#nextRoundAtMs)
    const dueAtMs = Math.min(roundAtMs, this.#sole.nextDueMs())
    if (dueAtMs === Infinity) return
    this.#timer = setTimeout(() => this.#onTime(), Math.max(0, dueAtMs - this.#init.now()))
  }

  #onTime(): void {
    const nowMs = this.#init.now()
    this.#tellVouchers(this.#sole.review([], nowMs))
    const signal = this.#life?.signal
    const peers = signal === undefined || nowMs < this.#nextRoundAtMs ? [] : this.#disagreements.take(nowMs)
    if (signal === undefined || peers.length === 0) {
      this.#schedule()
      return
    }
    this.#nextRoundAtMs = Infinity // until this one is over
    this.#round = this.#judgeAll(peers, signal).then((isBlamed) => {
      this.#nextRoundAtMs =
        this.#init.now() + (isBlamed ? DISAGREEMENT_ROUNDS.blamedMs : DISAGREEMENT_ROUNDS.blamelessMs)
      this.#schedule()
    })
    this.#schedule()
  }

  /** @returns whether somebody is to blame: directories that are not joined differ for ever, and nobody need hurry */
  async #judgeAll(peers: readonly string[], signal: AbortSignal): Promise<boolean> {
    const found = await Promise.all(peers.map(async (peer) => this.#judge(peer, signal)))
    return found.includes(true)
  }

  async #judge(peer: string, signal: AbortSignal): Promise<boolean> {
    const asked = this.#tellings.complete()
    const answers = await Promise.allSettled(
      asked.map(async (directory) => this.#init.lookup(directory, peer, { signal }))
    )
    const connected = new Set(this.#tellings.complete())
    const testimonies = answers
      .flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
      .filter(({ directory }) => connected.has(directory))
      .map((answer) => this.#testimony(answer, peer))
    for (const { answer } of testimonies) {
      if (answer.refused > 0) this.#init.onForged(answer.directory, answer.refused)
    }
    // They may agree by now, or be too few to compare.
    if (signal.aborted || testimonies.length < 2 || !this.#disagreements.has(peer)) return false
    const isOneWordEnough = this.#disagreements.size <= MAX_ON_ONE_WORD
    const judgement = judge(testimonies, { earlier: this.#proofs.get(peer) ?? [], isOneWordEnough })
    this.#proofs.set(peer, judgement.statements)
    const tellers = testimonies.flatMap(({ told, answer }) => (told === undefined ? [] : [answer.directory]))
    this.#init.onJudged(judgement, tellers)
    for (const directory of this.#book.enter(peer, judgement.verdicts)) this.#init.onVerdict(directory)
    return [...judgement.verdicts.values()].some(({ is }) => is === 'stale' || is === 'withholds')
  }

  #testimony(answer: DirectoryAnswer, peer: string): Testimony {
    const heardOf = this.#tellings.hearsOf(answer.directory)
    return {
      answer,
      told: this.#tellings.of(answer.directory, peer),
      hearsOf: new Set([...heardOf, ...answer.fellows])
    }
  }
}
