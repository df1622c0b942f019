// The room for strangers' messages that wait to be accepted: how many there
// are, and who gives way when one more would not fit. Pure: the held messages go
// in, and the caller stores and deletes. It never refuses a newcomer: the
// largest holder by address class gives way, its oldest request first.
import { PRESSURE_PART, Shares, UNKNOWN_ADDRESS_CLASS } from '../../wire/index.ts'
import type { HeldMessage } from '../../storage/index.ts'
import type { RoomView } from '../api/chat-events.ts'

/** Messages of one stranger that wait as requests: enough to say who it is and what it wants. */
export const MAX_HELD_PER_STRANGER = 20

/** Messages of all strangers that wait: of the longest, 64 MB. */
export const MAX_HELD_TOTAL = 1_000

/** The places among them that only the LAN may fill: strangers from elsewhere can't crowd out the room next door. */
export const HELD_RESERVED_FOR_LAN = 200

export interface RoomLimits {
  readonly perStranger: number
  readonly total: number
  /** What those from elsewhere can't fill. */
  readonly reservedForLan: number
}

const defaultLimits: RoomLimits = {
  perStranger: MAX_HELD_PER_STRANGER,
  total: MAX_HELD_TOTAL,
  reservedForLan: HELD_RESERVED_FOR_LAN
}

/** Who wants to leave messages here. */
export interface Newcomer {
  readonly peer: string
  /** Its address class. */
  readonly origin: string
  readonly lan: boolean
}

export interface Granted {
  /** How many of its messages have room, once those of `evicted` are deleted. */
  readonly room: number
  /** Peers whose requests give way. */
  readonly evicted: readonly string[]
}

export type RoomUse = RoomView['requests']

export class RequestRoom {
  readonly #limits: RoomLimits
  readonly #shares: Shares<HeldMessage>
  readonly #ofPeer = new Map<string, Set<HeldMessage>>()
  #fromLan = 0

  /** @param held what is held now, the oldest first */
  constructor(held: readonly HeldMessage[], limits: RoomLimits = defaultLimits) {
    this.#limits = limits
    this.#shares = new Shares({ capacity: limits.total })
    for (const message of held) this.#add(message)
  }

  countOf(peer: string): number {
    return this.#ofPeer.get(peer)?.size ?? 0
  }

  /**
   * Makes room for up to `wanted` messages, which the caller stores and {@link take}s.
   *
   * @param isIgnored peers that the user does not want to hear give way before all others
   */
  admit(newcomer: Newcomer, wanted: number, isIgnored: (peer: string) => boolean = () => false): Granted {
    const room = Math.min(wanted, this.#limits.perStranger - this.countOf(newcomer.peer))
    const evicted: string[] = []
    for (let granted = 1; granted <= room; granted++) {
      while (!this.#fits(newcomer, granted)) {
        const victim = this.#victim(newcomer, isIgnored)
        if (victim === undefined) return { room: granted - 1, evicted }
        this.remove(victim)
        evicted.push(victim)
      }
    }
    return { room: Math.max(0, room), evicted }
  }

  /** `count` messages of the newcomer have been stored. */
  take({ peer, origin, lan }: Newcomer, count: number): void {
    for (let taken = 0; taken < count; taken++) this.#add({ peer, origin, lan })
  }

  /** Nothing is held of the peer any more. */
  remove(peer: string): void {
    for (const message of this.#ofPeer.get(peer) ?? []) {
      this.#shares.delete(message)
      if (message.lan) this.#fromLan--
    }
    this.#ofPeer.delete(peer)
  }

  get isUnderPressure(): boolean {
    return this.#shares.isUnderPressure || this.#fromElsewhere > this.#roomForElsewhere * PRESSURE_PART
  }

  use(): RoomUse {
    const [largest] = this.#shares.holders()
    return {
      messages: this.#shares.size,
      limit: this.#limits.total,
      strangers: this.#ofPeer.size,
      largest: largest === undefined ? undefined : { origin: largest.holder, messages: largest.count }
    }
  }

  get #fromElsewhere(): number {
    return this.#shares.size - this.#fromLan
  }

  get #roomForElsewhere(): number {
    return this.#limits.total - this.#limits.reservedForLan
  }

  #add(message: HeldMessage): void {
    this.#shares.add(message, message.origin ?? UNKNOWN_ADDRESS_CLASS)
    this.#ofPeer.set(message.peer, (this.#ofPeer.get(message.peer) ?? new Set()).add(message))
    if (message.lan) this.#fromLan++
  }

  #fits({ lan }: Newcomer, count: number): boolean {
    if (this.#shares.size + count > this.#limits.total) return false
    return lan || this.#fromElsewhere + count <= this.#roomForElsewhere
  }

  /** Whose request gives way to the newcomer. */
  #victim({ peer, lan }: Newcomer, isIgnored: (peer: string) => boolean): string | undefined {
    // What the LAN has within its share is out of reach for those from elsewhere.
    const keepsLan = !lan && this.#fromLan <= this.#limits.reservedForLan
    const isKept = (message: HeldMessage): boolean => message.peer === peer || (keepsLan && message.lan)
    const victim = this.#shares.toEvict((message) => isKept(message) || !isIgnored(message.peer))
    return (victim ?? this.#shares.toEvict(isKept))?.peer
  }
}
