// Waiting for the network: until the first answers about who is online are in, or
// something has changed. It asks nobody.
import { onAbort } from '../lib/index.ts'

/** How long the first look waits for a roster before it reports that nobody else is online. */
const FIRST_LOOK_MS = 1_500

export interface FirstLookInit {
  /** Each directory has answered or failed once. */
  readonly haveDirectoriesAnswered: () => boolean
  /** A peer is on the roster. */
  readonly hasPeers: () => boolean
  /** Peers are looked for by mDNS. */
  readonly searchesLan: boolean
}

export class FirstLook {
  readonly #init: FirstLookInit
  /** Callers that wait for the next change: it wakes all of them. */
  readonly #waiting = new Set<() => void>()
  #isOver = false

  constructor(init: FirstLookInit) {
    this.#init = init
  }

  /** A peer or a directory has come, changed or gone. */
  changed(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Resolves at the next change, or when the signal aborts. */
  async change(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const unlisten = onAbort(signal, resolve)
    this.#waiting.add(resolve)
    await promise
    this.#waiting.delete(resolve)
    unlisten()
  }

  /**
   * Resolves when the first answers about who is online have arrived, or none can be expected soon.
   *
   * @param options.thorough wait for all that may answer on the LAN, not only for the first
   */
  async wait(signal: AbortSignal | undefined, options: { readonly thorough: boolean }): Promise<void> {
    const { haveDirectoriesAnswered, hasPeers, searchesLan } = this.#init
    const timeout = AbortSignal.timeout(FIRST_LOOK_MS)
    const over = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    while (!over.aborted) {
      const isAnswerEnough = !options.thorough && hasPeers()
      const lanMayAnswer = searchesLan && !isAnswerEnough
      if (haveDirectoriesAnswered() && !lanMayAnswer) break
      await this.change(over)
    }
    this.#isOver ||= signal?.aborted !== true
  }

  /** The same, once: later it resolves at once. */
  async once(signal: AbortSignal | undefined, options: { readonly thorough: boolean }): Promise<void> {
    if (!this.#isOver) await this.wait(signal, options)
  }

  /** Resolves when each directory has answered or failed once. */
  async directoriesTried(signal: AbortSignal): Promise<void> {
    while (!this.#init.haveDirectoriesAnswered() && !signal.aborted) await this.change(signal)
  }
}
