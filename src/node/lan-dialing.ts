// Connects peers that see each other on the LAN. The smaller peer ID dials at
// once, the larger one after a moment's patience, should the other not have seen
// it. Each sighting is one try: mDNS sees again within seconds. When as many
// dials as may be are under way, the machine that holds most of them gives one up
// for another machine: its made-up peers keep no other peer from being met.
import { Shares } from '../wire/index.ts'
import { LAN_DIAL_PATIENCE_MS, MAX_LAN_DIALS } from './constants.ts'

export interface LanDialingInit {
  readonly self: string
  readonly isConnected: (peer: string) => boolean
  readonly connect: (peer: string, options: { signal: AbortSignal }) => Promise<unknown>
}

interface LanDial {
  readonly peer: string
  readonly life: AbortController
  timer: NodeJS.Timeout | undefined
  done: Promise<void>
}

export class LanDialing {
  readonly #init: LanDialingInit
  readonly #dials = new Map<string, LanDial>()
  readonly #shares = new Shares<LanDial>({ capacity: MAX_LAN_DIALS })
  #isOpen = true

  constructor(init: LanDialingInit) {
    this.#init = init
  }

  /** @param holder the address class of the machine that the peer was seen at */
  sighted(peer: string, holder: string): void {
    const { self, isConnected } = this.#init
    if (peer === self || !this.#isOpen || isConnected(peer) || this.#dials.has(peer)) return
    if (this.#shares.isFull && !this.#makeRoom(holder)) return
    const dial: LanDial = { peer, life: new AbortController(), timer: undefined, done: Promise.resolve() }
    this.#dials.set(peer, dial)
    this.#shares.add(dial, holder)
    dial.timer = setTimeout(
      () => {
        if (isConnected(peer)) this.#forget(dial)
        else dial.done = this.#dial(dial)
      },
      self < peer ? 0 : LAN_DIAL_PATIENCE_MS
    )
  }

  async stop(): Promise<void> {
    this.#isOpen = false
    const dials = [...this.#dials.values()]
    for (const dial of dials) this.#end(dial)
    await Promise.all(dials.map(async ({ done }) => done))
  }

  /** @returns whether there is room: of machines that hold as much as the newcomer's none gives way to it */
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
      await this.#init.connect(dial.peer, { signal: dial.life.signal })
    } catch {
      // A sighting that leads nowhere is everyday life on a LAN: the next one is another try.
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
