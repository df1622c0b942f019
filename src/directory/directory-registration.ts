// One stream's life at one directory: Welcome, announcing and renewing, what a
// refusal asks for, the roster that comes back, and questions about one peer.
// Ends with its stream; knows nothing of dialling again.
import type { DirectoryEntries } from './directory-entries.ts'
import { EntriesReader } from './directory-entries.ts'
import type { DirectoryFrame, FoundFrame } from './directory-frames.ts'
import { boundedRetryMs } from './directory-stream.ts'
import type { DirectoryStream } from './directory-stream.ts'
import type { DirectoryState } from './directory-state.ts'
import { ANSWER_TIMEOUT_MS, MAX_RESEALS } from './constants.ts'
import { BadRecordError, DirectoryLostError, DirectoryRefusedError, OtherNetworkError } from './errors.ts'
import type { RefuseReason } from './errors.ts'
import { OpenLookups } from './open-lookups.ts'
import { compareRecords, openRecord } from './presence-record.ts'
import type { VerifiedRecord } from './presence-record.ts'
import type { PeerId } from '@libp2p/interface'
import { DeadlineError, toError } from '../wire/index.ts'

export interface RegistrationInit {
  readonly network: string
  /** Whether to register there, or only to watch. */
  readonly announce: boolean
  /** Our current sealed record. Asked for each announcement. */
  ownEnvelope(): Promise<Uint8Array>
  /** The directory holds a newer record of ours: seal the next above it, for `ownEnvelope` to return. */
  onStale(newest: VerifiedRecord): Promise<void> | void
  readonly log?: (message: string, error?: Error) => void
  readonly now: () => number
  /** When the stream was asked for: from then on until Welcome is the first measure of the way there. */
  readonly openedAtMs: number
  onState(state: DirectoryState): void
  onEntries(entries: DirectoryEntries): void
}

/** Where our announcement stands. */
type Announcement =
  | { readonly is: 'none' }
  /** Sent; `again` when the record changed meanwhile. */
  | { readonly is: 'unanswered'; readonly sentAtMs: number; again: boolean }
  /** Answered; the timer announces again. */
  | { readonly is: 'answered' }
  | { readonly is: 'withdrawn' }

export class DirectoryRegistration {
  readonly #stream: DirectoryStream
  readonly #init: RegistrationInit
  readonly #cut = new AbortController()
  readonly #lookups = new OpenLookups()
  #reader: EntriesReader | undefined
  #announcement: Announcement = { is: 'none' }
  #timer: ReturnType<typeof setTimeout> | undefined
  #reseals = 0

  constructor(stream: DirectoryStream, init: RegistrationInit) {
    this.#stream = stream
    this.#init = init
  }

  /** @throws what made the stream end, unless both sides closed it */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#stream.run(AbortSignal.any([signal, this.#cut.signal]), (frame) => this.#onFrame(frame, signal))
    } finally {
      clearTimeout(this.#timer)
      this.#announcement = { is: 'withdrawn' }
      this.#lookups.fail(new DirectoryLostError())
    }
  }

  /**
   * Asks what the directory knows of a peer. The answer is not checked yet.
   *
   * @throws TooManyLookupsError, DirectoryRefusedError, DirectoryLostError, the signal's reason
   */
  async lookup(peer: PeerId, signal: AbortSignal): Promise<FoundFrame> {
    return this.#lookups.wait(peer, signal, () => this.#stream.send({ type: 'lookup', peer }))
  }

  /** Announces what `ownEnvelope` gives now; once more after the answer when one is still awaited. */
  announce(): void {
    if (!this.#init.announce || this.#reader === undefined || this.#announcement.is === 'withdrawn') return
    if (this.#announcement.is === 'unanswered') {
      this.#announcement.again = true
      return
    }
    this.#announcement = { is: 'unanswered', sentAtMs: this.#init.now(), again: false }
    this.#after(ANSWER_TIMEOUT_MS, () => this.#cut.abort(new DeadlineError('receipt', ANSWER_TIMEOUT_MS)))
    this.#init.ownEnvelope().then(
      (envelope) => {
        if (this.#announcement.is === 'unanswered') this.#stream.send({ type: 'announce', envelope })
      },
      (error: unknown) => this.#cut.abort(toError(error))
    )
  }

  /** The last word on this stream, which then ends. */
  withdraw(envelope: Uint8Array): void {
    clearTimeout(this.#timer)
    this.#announcement = { is: 'withdrawn' }
    if (this.#init.announce) this.#stream.send({ type: 'withdraw', envelope })
    this.#stream.end()
  }

  async #onFrame(frame: DirectoryFrame, signal: AbortSignal): Promise<void> {
    switch (frame.type) {
      case 'welcome':
        this.#onWelcome(frame)
        return
      case 'snapshot':
      case 'changes':
        if (this.#reader !== undefined) this.#init.onEntries(await this.#reader.read(frame, signal))
        return
      case 'refuse':
        await this.#onRefuse(frame)
        return
      case 'found':
        this.#lookups.answered(frame)
        return
    }
  }

  #onWelcome(welcome: Extract<DirectoryFrame, { type: 'welcome' }>): void {
    const { network } = this.#init
    if (welcome.network !== network) throw new OtherNetworkError(network, welcome.network)
    const directory = this.#stream.connection.remotePeer
    if (this.#reader === undefined) {
      this.#reader = new EntriesReader(directory, network, this.#init.now)
      const rttMs = this.#init.now() - this.#init.openedAtMs
      this.#init.onState({ state: 'connected', directory, network, registered: false, rttMs })
      this.announce()
      this.#stream.send({ type: 'watch', query: '', offset: 0, limit: 0 })
      return
    }
    if (this.#announcement.is !== 'unanswered' || welcome.acceptedSeq === undefined) return
    const rttMs = this.#init.now() - this.#announcement.sentAtMs
    this.#reseals = 0
    this.#init.onState({ state: 'connected', directory, network, registered: true, rttMs })
    this.#answered(welcome.refreshAfterMs)
  }

  async #onRefuse(refuse: Extract<DirectoryFrame, { type: 'refuse' }>): Promise<void> {
    if (refuse.reason === 'other-network') throw new OtherNetworkError(this.#init.network, '(another one)')
    if (this.#reader === undefined || refuse.reason === 'going-down') {
      throw new DirectoryRefusedError(refuse.reason, refuse.retryAfterMs)
    }
    if (refuse.reason === 'too-many-lookups') {
      this.#lookups.fail(new DirectoryRefusedError(refuse.reason, refuse.retryAfterMs))
      return
    }
    if (this.#announcement.is !== 'unanswered') return
    if (refuse.reason === 'stale' && (await this.#goAbove(refuse.newestEnvelope))) {
      this.#announcement = { is: 'answered' }
      this.announce()
      return
    }
    this.#refused(refuse.reason, refuse.retryAfterMs)
    this.#answered(refuse.retryAfterMs)
  }

  /** @returns whether the directory proved that it knows a newer record of ours, and the next is above it */
  async #goAbove(newestEnvelope: Uint8Array | undefined): Promise<boolean> {
    if (newestEnvelope === undefined || this.#reseals >= MAX_RESEALS) return false
    this.#reseals++
    const own = await openRecord(await this.#init.ownEnvelope())
    try {
      const newest = await openRecord(newestEnvelope, { expectedPeer: own.record.peer })
      if (compareRecords(newest, own) > 0) await this.#init.onStale(newest)
      return true
    } catch (error) {
      if (!(error instanceof BadRecordError)) throw error
      this.#init.log?.('the directory calls our record stale and cannot prove it', error)
      return false
    }
  }

  #refused(reason: RefuseReason, retryAfterMs: number): void {
    this.#init.onState({
      state: 'refused',
      directory: this.#stream.connection.remotePeer,
      reason,
      retryAtMs: this.#init.now() + boundedRetryMs(retryAfterMs)
    })
  }

  #answered(againAfterMs: number): void {
    const isDue = this.#announcement.is === 'unanswered' && this.#announcement.again
    this.#announcement = { is: 'answered' }
    // A change that was made meanwhile does not wait for the renewal, but for what a directory calls too fast.
    this.#after(boundedRetryMs(isDue ? 0 : againAfterMs), () => this.announce())
  }

  #after(delayMs: number, act: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(act, delayMs)
  }
}
