// A client of one directory: stays registered with it and reports its roster, over one
// stream, which it dials again for ever. It checks every envelope. It knows no other
// directory, and keeps no roster of its own.
import { EventEmitter, setMaxListeners } from 'node:events'
import type { Connection, PeerId } from '@libp2p/interface'
import { orAborted, toError, withDeadline } from '../../wire/index.ts'
import { OTHER_NETWORK_RETRY_MS, RedialDelay } from '../redial-delay.ts'
import { openAnswer } from './directory-answer.ts'
import type { DirectoryAnswer } from './directory-answer.ts'
import type { DirectoryEntries } from './directory-entries.ts'
import { DirectoryRegistration } from './directory-registration.ts'
import type { RegistrationInit, DirectoryState } from './directory-registration.ts'
import { DirectoryStream, CONNECT_TIMEOUT_MS, DirectoryLostError } from './directory-stream.ts'
import { DirectoryRefusedError, OtherNetworkError } from '../directory-frames.ts'
import type { DirectoryStun } from '../directory-stun.ts'
import { WITHDRAW_TIMEOUT_MS } from '../../presence/index.ts'

/** A dial that failed sooner was answered: by a refusal, or by a directory that is in use already. */
const UNANSWERED_DIAL_MS = 1_000

/** An answer about one peer: it takes one round trip and a look into a table. */
const LOOKUP_TIMEOUT_MS = 3_000

interface DirectoryClientInit extends Omit<RegistrationInit, 'now' | 'openedAtMs' | 'onState' | 'onEntries'> {
  /** Connects to the directory, or hands out the connection that there is. */
  connect(options: { readonly signal: AbortSignal }): Promise<Connection>
  readonly now?: () => number
  readonly random?: () => number
}

interface DirectoryClientEvents {
  state: [DirectoryState]
  /** Checked entries; `applyEntries` puts them into a roster. */
  entries: [DirectoryEntries]
}

interface Session {
  readonly directory: PeerId
  readonly registration: DirectoryRegistration
  readonly done: Promise<void>
}

export class DirectoryClient extends EventEmitter<DirectoryClientEvents> {
  readonly #init: DirectoryClientInit
  readonly #now: () => number
  readonly #random: () => number
  readonly #delay = new RedialDelay()
  #state: DirectoryState = { state: 'stopped' }
  #life: AbortController | undefined
  #loop: Promise<void> | undefined
  #session: Session | undefined
  #wakeUp: (() => void) | undefined

  constructor(init: DirectoryClientInit) {
    super()
    this.#init = init
    this.#now = init.now ?? Date.now
    this.#random = init.random ?? Math.random
  }

  get state(): DirectoryState {
    return this.#state
  }

  /** Where the directory answers STUN; undefined while it is not connected, and where it does not. */
  get stun(): DirectoryStun | undefined {
    return this.#session?.registration.stun
  }

  /** Where the directory says that it is reached by WebSocket: any text. Undefined while it is not connected. */
  get webSocket(): string | undefined {
    return this.#session?.registration.webSocket
  }

  /** Begins to dial; returns at once. */
  start(): void {
    if (this.#life !== undefined) return
    const life = new AbortController()
    setMaxListeners(Infinity, life.signal)
    this.#life = life
    this.#delay.reset()
    this.#loop = this.#run(life.signal)
  }

  /** Ends the stream without a word; `withdraw` first, to be missed at once and not after a grace. */
  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    life.abort(new Error('the directory client was stopped'))
    await this.#loop
    this.#enter({ state: 'stopped' })
  }

  /** Tries now, if it waits: the network has changed, or a person asks. */
  wake(): void {
    this.#delay.reset()
    this.#wakeUp?.()
  }

  /** Announces again, soon if not at once: the record has changed. Does nothing while not connected. */
  reannounce(): void {
    this.#session?.registration.announce()
  }

  /**
   * Asks what the directory knows of a peer, and checks the answer.
   *
   * @throws DirectoryLostError, DirectoryRefusedError, TooManyLookupsError, DeadlineError when an answer does not come
   */
  async lookup(peer: PeerId, options: { readonly signal?: AbortSignal } = {}): Promise<DirectoryAnswer> {
    const session = this.#session
    if (session === undefined) throw new DirectoryLostError()
    const { directory, registration } = session
    return withDeadline('receipt', LOOKUP_TIMEOUT_MS, options.signal, async (inTime) =>
      openAnswer(await registration.lookup(peer, inTime), { directory, network: this.#init.network }, inTime)
    )
  }

  /**
   * Says farewell, waits until the directory has it, for a moment at most, and
   * stops.
   *
   * @param envelope our record with withdrawn set
   */
  async withdraw(envelope: Uint8Array): Promise<void> {
    const session = this.#session
    if (session !== undefined) {
      session.registration.withdraw(envelope)
      await withDeadline('close', WITHDRAW_TIMEOUT_MS, this.#life?.signal, () => session.done).catch((error: unknown) =>
        this.#init.log?.('the directory may not have read our farewell', toError(error))
      )
    }
    await this.stop()
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#enter({ state: 'connecting' })
      const triedAtMs = this.#now()
      const { why, reachedAtMs } = await this.#serveOnce(signal)
      if (signal.aborted) return
      // A dial that nobody answered has waited already: where the line was cut, it is tried again as soon as it may be back.
      const waitedMs = reachedAtMs === undefined ? this.#now() - triedAtMs : 0
      const delayMs = Math.max(0, this.#delayAfter(why) - (waitedMs < UNANSWERED_DIAL_MS ? 0 : waitedMs))
      this.#enter({ state: 'waiting', retryAtMs: this.#now() + delayMs, why })
      await this.#sleep(delayMs, signal)
    }
  }

  /** @returns why it ended, which it always does, and when the directory was connected, if it was */
  async #serveOnce(signal: AbortSignal): Promise<{ readonly why: Error; readonly reachedAtMs: number | undefined }> {
    let welcomedAtMs: number | undefined
    let reachedAtMs: number | undefined
    try {
      const connection = await withDeadline('dial', CONNECT_TIMEOUT_MS, signal, (inTime) =>
        this.#init.connect({ signal: inTime })
      )
      const openedAtMs = this.#now()
      reachedAtMs = openedAtMs
      const stream = await DirectoryStream.open(connection, signal)
      const registration = new DirectoryRegistration(stream, {
        ...this.#init,
        now: this.#now,
        openedAtMs,
        onState: (state) => {
          welcomedAtMs ??= this.#now()
          if (!signal.aborted) this.#enter(state)
        },
        onEntries: (entries) => {
          if (!signal.aborted) this.emit('entries', entries)
        }
      })
      const done = registration.run(signal)
      this.#session = { directory: connection.remotePeer, registration, done: done.catch(() => undefined) }
      await done
      return { why: new DirectoryLostError(), reachedAtMs }
    } catch (error) {
      this.#init.log?.('the directory cannot be used', toError(error))
      const isPlain =
        welcomedAtMs === undefined || error instanceof OtherNetworkError || error instanceof DirectoryRefusedError
      return { why: isPlain ? toError(error) : new DirectoryLostError({ cause: error }), reachedAtMs }
    } finally {
      this.#session = undefined
      if (welcomedAtMs !== undefined) this.#delay.lasted(this.#now() - welcomedAtMs)
    }
  }

  #delayAfter(why: Error): number {
    if (why instanceof OtherNetworkError) return OTHER_NETWORK_RETRY_MS
    if (why instanceof DirectoryRefusedError) return this.#delay.afterRefusal(why, this.#random)
    return this.#delay.next(this.#now(), this.#random)
  }

  async #sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, delayMs)
    this.#wakeUp = resolve
    // The loop looks at the signal itself.
    await orAborted(promise, signal).catch(() => undefined)
    clearTimeout(timer)
    this.#wakeUp = undefined
  }

  #enter(state: DirectoryState): void {
    this.#state = state
    this.emit('state', state)
  }
}
