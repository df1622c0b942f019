// Connects peers that see each other on the LAN. The smaller peer ID dials at once,
// the larger one after a moment, in case the other has not seen it. Each sighting is
// one try: mDNS repeats it within seconds. When all places for dials are taken, the
// machine with the most gives one up for another machine, so that its made-up peers
// can't keep other peers out.
import { Shares } from '../../wire/index.ts'

/** The peer with the larger ID waits this long for the other's dial. */
export const LAN_DIAL_PATIENCE_MS = 300

/** Dials that sightings cause at a time: a flood of made-up peers must not fill the dial queue. */
export const MAX_LAN_DIALS = 32

/** The part of the dialer that sightings use. */
export interface SightingDialer {
  /** Whether the peer is connected over the LAN. */
  isConnected(peer: string): boolean
  connect(peer: string, options: { readonly signal: AbortSignal }): Promise<unknown>
}

interface LanDial {
  readonly peer: string
  readonly life: AbortController
  timer: NodeJS.Timeout | undefined
  done: Promise<void>
}

export class LanDialing {
  readonly #self: string
  readonly #dialer: SightingDialer
  readonly #dials = new Map<string, LanDial>()
  readonly #shares = new Shares<LanDial>({ capacity: MAX_LAN_DIALS })
  #isOpen = true

  constructor(self: string, dialer: SightingDialer) {
    this.#self = self
    this.#dialer = dialer
  }

  /** @param holder the address block of the machine that shows the peer */
  sighted(peer: string, holder: string): void {
    if (peer === this.#self || !this.#isOpen || this.#dialer.isConnected(peer) || this.#dials.has(peer)) return
    if (this.#shares.isFull && !this.#makeRoom(holder)) return
    const dial: LanDial = { peer, life: new AbortController(), timer: undefined, done: Promise.resolve() }
    this.#dials.set(peer, dial)
    this.#shares.add(dial, holder)
    dial.timer = setTimeout(
      () => {
        if (this.#dialer.isConnected(peer)) this.#forget(dial)
        else dial.done = this.#dial(dial)
      },
      this.#self < peer ? 0 : LAN_DIAL_PATIENCE_MS
    )
  }

  async stop(): Promise<void> {
    this.#isOpen = false
    const dials = [...this.#dials.values()]
    for (const dial of dials) this.#end(dial)
    await Promise.all(dials.map(async ({ done }) => done))
  }

  /** @returns whether there is room: a machine gives way only to one that holds less */
  #makeRoom(holder: string): boolean {
    const largest = this.#shares.largestHolder()
    const victim = this.#shares.toEvict()
    if (largest === undefined || victim === undefined) return false
    if (this.#shares.countOf(largest) <= this.#shares.countOf(holder) + 1) return false
    this.#end(victim)
    return true
  }

  async #dial(dial: LanDial): Promise<void> {
    try {
      await this.#dialer.connect(dial.peer, { signal: dial.life.signal })
    } catch {
      // Sightings that lead nowhere are normal on a LAN: the next one is another try.
    } finally {
      this.#forget(dial)
    }
  }

  #end(dial: LanDial): void {
    clearTimeout(dial.timer)
    dial.life.abort()
    this.#forget(dial)
  }

  #forget(dial: LanDial): void {
    this.#shares.delete(dial)
    if (this.#dials.get(dial.peer) === dial) this.#dials.delete(dial.peer)
  }
}
