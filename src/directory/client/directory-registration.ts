// One stream's life at one directory: Welcome, announcing and renewing, refusals, the
// roster, and lookups of single peers. It ends with its stream, and does not redial.
import type { DirectoryEntries } from './directory-entries.ts'
import { EntriesReader } from './directory-entries.ts'
import type { DirectoryFrame, FoundFrame, RefuseReason } from '../directory-frames.ts'
import type { DirectoryStun } from '../directory-stun.ts'
import { DIRECTORY_ANSWER_TIMEOUT_MS, DirectoryLostError } from './directory-stream.ts'
import type { DirectoryStream } from './directory-stream.ts'
import { DirectoryRefusedError, OtherNetworkError } from '../directory-frames.ts'
import { BadRecordError, compareRecords, openRecord } from '../../presence/index.ts'
import type { Roster, VerifiedRecord } from '../../presence/index.ts'
import type { PeerId } from '@libp2p/interface'
import { DeadlineError, orAborted, toError } from '../../wire/index.ts'
import { boundedRetryMs } from '../redial-delay.ts'

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
      /** How far the directory's clock is ahead of this machine's; undefined of one that does not tell. */
      readonly clockAheadMs?: number
    }
  /** Connected and watching, but not registered; it is tried again. */
  | {
      readonly state: 'refused'
      readonly directory: PeerId
      readonly reason: RefuseReason
      readonly retryAtMs: number
    }
  | { readonly state: 'waiting'; readonly retryAtMs: number; readonly why: Error }

/** How often a record that is refused as stale is sealed anew before the client waits. */
const MAX_RESEALS = 3

export interface RegistrationInit {
  readonly network: string
  /** Whether to register there, or only to watch. */
  readonly announce: boolean
  /** Our current sealed record. Asked for each announcement. */
  ownEnvelope(): Promise<Uint8Array>
  /** The directory holds a newer record of ours: seal the next above it, for `ownEnvelope` to return. */
  onStale(newest: VerifiedRecord): Promise<void> | void
  /** Records that are held already are neither verified nor held again. */
  readonly held?: Pick<Roster, 'newest'>
  readonly log?: (message: string, error?: Error) => void
  readonly now: () => number
  /** When the stream was asked for: from then on until Welcome is the first measure of the way there. */
  readonly openedAtMs: number
  onState(state: DirectoryState): void
  onEntries(entries: DirectoryEntries): void
}

/** The state of our announcement. */
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
  #stun: DirectoryStun | undefined
  #webSocket: string | undefined
  #clock: { readonly clockAheadMs?: number } = {}

  constructor(stream: DirectoryStream, init: RegistrationInit) {
    this.#stream = stream
    this.#init = init
  }

  /** Where the directory answers STUN, by its last Welcome. */
  get stun(): DirectoryStun | undefined {
    return this.#stun
  }

  /** Where the directory says that it is reached by WebSocket. Not checked. */
  get webSocket(): string | undefined {
    return this.#webSocket
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
   * Asks what the directory knows of a peer. The answer is not yet checked.
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
    this.#after(DIRECTORY_ANSWER_TIMEOUT_MS, () =>
      this.#cut.abort(new DeadlineError('receipt', DIRECTORY_ANSWER_TIMEOUT_MS))
    )
    this.#init.ownEnvelope().then(
      (envelope) => {
        if (this.#announcement.is === 'unanswered') this.#stream.send({ type: 'announce', envelope })
      },
      (error: unknown) => this.#cut.abort(toError(error))
    )
  }

  /** Says farewell and ends the stream. */
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
    this.#stun = welcome.stun
    const directory = this.#stream.connection.remotePeer
    if (this.#reader === undefined) {
      this.#reader = new EntriesReader(directory, network, this.#init.now, { held: this.#init.held })
      const rttMs = this.#init.now() - this.#init.openedAtMs
      this.#webSocket = welcome.webSocket
      if (welcome.clockMs !== undefined) this.#clock = { clockAheadMs: clockAhead(welcome.clockMs, rttMs) }
      this.#init.onState({ state: 'connected', directory, network, registered: false, rttMs, ...this.#clock })
      this.announce()
      this.#stream.send({ type: 'watch', query: '', offset: 0, limit: 0 })
      return
    }
    if (this.#announcement.is !== 'unanswered' || welcome.acceptedSeq === undefined) return
    const rttMs = this.#init.now() - this.#announcement.sentAtMs
    this.#reseals = 0
    this.#init.onState({ state: 'connected', directory, network, registered: true, rttMs, ...this.#clock })
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
    // A change meanwhile does not wait for the renewal, only for the directory's rate limit.
    this.#after(boundedRetryMs(isDue ? 0 : againAfterMs), () => this.announce())
  }

  #after(delayMs: number, act: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(act, delayMs)
  }
}

/** It was read when the stream opened, half a round trip ago. */
function clockAhead(clockMs: bigint, rttMs: number): number {
  return Math.round(Number(clockMs) + rttMs / 2 - Date.now())
}

/** More questions about single peers are open at one directory than a client may have. */
class TooManyLookupsError extends Error {
  override readonly name = 'TooManyLookupsError'
  readonly limit: number

  constructor(limit: number) {
    super(`${limit} questions about peers are open at this directory: wait for their answers`)
    this.limit = limit
  }
}

/** Questions that one stream may have open: a client asks about a few peers at a time. */
const MAX_OPEN_LOOKUPS = 32

interface Waiting {
  readonly found: Promise<FoundFrame>
  resolve(found: FoundFrame): void
  reject(error: Error): void
}

class OpenLookups {
  readonly #waiting = new Map<string, Waiting>()

  /**
   * Waits for the answer about a peer; callers that ask at the same time share it.
   *
   * @param ask sends the question; not called when it is already under way
   * @throws TooManyLookupsError, and what {@link fail} is given
   */
  async wait(peer: PeerId, signal: AbortSignal, ask: () => void): Promise<FoundFrame> {
    const id = peer.toString()
    const known = this.#waiting.get(id)
    if (known !== undefined) return known.found
    if (this.#waiting.size >= MAX_OPEN_LOOKUPS) throw new TooManyLookupsError(MAX_OPEN_LOOKUPS)
    const { promise: found, resolve, reject } = Promise.withResolvers<FoundFrame>()
    const waiting: Waiting = { found, resolve, reject }
    this.#waiting.set(id, waiting)
    try {
      ask()
      return await orAborted(found, signal)
    } catch (error) {
      // With those that share it.
      reject(toError(error))
      throw error
    } finally {
      if (this.#waiting.get(id) === waiting) this.#waiting.delete(id)
    }
  }

  /** Ignores an answer without a question. */
  answered(found: FoundFrame): void {
    this.#waiting.get(found.peer.toString())?.resolve(found)
  }

  /** None of them will be answered. */
  fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
  }
}
