// The room for strangers' messages that wait to be accepted: how many there
// are, and who gives way when one more would not fit. Pure: the held messages go
// in, and the caller stores and deletes. It never refuses a newcomer: the
// largest holder by address class gives way, its oldest request first, and before
// it the strangers behind a relay that have more than one relay's part.
import { PRESSURE_PART, relayOfClass, Shares, UNKNOWN_ADDRESS_CLASS } from '../../wire/index.ts'
import type { HeldMessage } from '../../storage/index.ts'
import type { RoomView } from '../api/chat-events.ts'

/** Messages of one stranger that wait as requests: enough to say who it is and what it wants. */
export const MAX_HELD_PER_STRANGER = 20

/** Messages of all strangers that wait: of the longest, 64 MB. */
export const MAX_HELD_TOTAL = 1_000

/** The places among them that only the LAN may fill: strangers from elsewhere can't crowd out the room next door. */
export const HELD_RESERVED_FOR_LAN = 200

/**
 * The places that the strangers behind one relay keep in a full room, a quarter of those that are not the LAN's: a relay
 * may state a new source for each of them, and so be as many holders as it likes.
 */
const HELD_BEHIND_ONE_RELAY = 200

export interface RoomLimits {
  readonly perStranger: number
  readonly total: number
  /** What those from elsewhere can't fill. */
  readonly reservedForLan: number
  /** What the strangers behind one relay keep when the room is full. */
  readonly behindOneRelay: number
}

const defaultLimits: RoomLimits = {
  perStranger: MAX_HELD_PER_STRANGER,
  total: MAX_HELD_TOTAL,
  reservedForLan: HELD_RESERVED_FOR_LAN,
  behindOneRelay: HELD_BEHIND_ONE_RELAY
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
  /** How many are held of those behind each relay. */
  readonly #behind = new Map<string, number>()
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
      this.#countBehind(message, -1)
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
    this.#countBehind(message, 1)
  }

  #countBehind({ origin = '' }: HeldMessage, change: 1 | -1): void {
    const relay = relayOfClass(origin)
    if (relay === undefined) return
    const count = (this.#behind.get(relay) ?? 0) + change
    if (count > 0) this.#behind.set(relay, count)
    else this.#behind.delete(relay)
  }

  #fits({ lan }: Newcomer, count: number): boolean {
    if (this.#shares.size + count > this.#limits.total) return false
    return lan || this.#fromElsewhere + count <= this.#roomForElsewhere
  }

  /** Whose request gives way to the newcomer. */
  #victim({ peer, origin, lan }: Newcomer, isIgnored: (peer: string) => boolean): string | undefined {
    // What the LAN has within its share is out of reach for those from elsewhere.
    const keepsLan = !lan && this.#fromLan <= this.#limits.reservedForLan
    const isKept = (message: HeldMessage): boolean => message.peer === peer || (keepsLan && message.lan)
    const relay = this.#relayThatGivesWay(relayOfClass(origin))
    const isOfRelay = (message: HeldMessage): boolean => relayOfClass(message.origin ?? '') === relay
    const victim =
      this.#shares.toEvict((message) => isKept(message) || !isIgnored(message.peer)) ??
      (relay === undefined ? undefined : this.#shares.toEvict((message) => isKept(message) || !isOfRelay(message))) ??
      this.#shares.toEvict(isKept)
    return victim?.peer
  }

  /**
   * The relay whose strangers give way before all others: the newcomer's own, where these have their part, or else the
   * one whose strangers have the most beyond it.
   */
  #relayThatGivesWay(ofNewcomer: string | undefined): string | undefined {
    const { behindOneRelay } = this.#limits
    if ((this.#behind.get(ofNewcomer ?? '') ?? 0) >= behindOneRelay) return ofNewcomer
    const [most] = [...this.#behind].toSorted(([, one], [, other]) => other - one)
    return most !== undefined && most[1] > behindOneRelay ? most[0] : undefined
  }
}
