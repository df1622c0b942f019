// Connects peers that see each other on the LAN. The smaller peer ID dials at
// once, the larger one after a moment's patience, should the other not have seen
// it. Each sighting is one try: mDNS sees again within seconds.
import { LAN_DIAL_PATIENCE_MS, MAX_LAN_DIALS } from './constants.ts'

export interface LanDialingInit {
  readonly self: string
  readonly isConnected: (peer: string) => boolean
  readonly connect: (peer: string, options: { signal: AbortSignal }) => Promise<unknown>
}

export class LanDialing {
  readonly #init: LanDialingInit
  readonly #waiting = new Map<string, NodeJS.Timeout>()
  readonly #dialing = new Set<Promise<void>>()
  #life = new AbortController()

  constructor(init: LanDialingInit) {
    this.#init = init
  }

  sighted(peer: string): void {
    const { self, isConnected } = this.#init
    if (peer === self || this.#life.signal.aborted || isConnected(peer) || this.#waiting.has(peer)) return
    if (this.#waiting.size + this.#dialing.size >= MAX_LAN_DIALS) return
    const patienceMs = self < peer ? 0 : LAN_DIAL_PATIENCE_MS
    this.#waiting.set(
      peer,
      setTimeout(() => {
        this.#waiting.delete(peer)
        if (!isConnected(peer)) this.#dial(peer)
      }, patienceMs)
    )
  }

  async stop(): Promise<void> {
    this.#life.abort()
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
    await Promise.all(this.#dialing)
  }

  #dial(peer: string): void {
    const dial = this.#init
      .connect(peer, { signal: this.#life.signal })
      // A sighting that leads nowhere is everyday life on a LAN: the next one is another try.
      .then(
        () => undefined,
        () => undefined
      )
      .finally(() => this.#dialing.delete(dial))
    this.#dialing.add(dial)
  }
}
