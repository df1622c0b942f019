/**
 * The places for open connections, shared by address class and by peer. A new
 * connection always gets one while strangers hold any: another gives way to it.
 * Pure: it names the connections that give way, and its owner closes them. What
 * makes a peer more than a stranger is for others to say.
 */

import { Shares } from '../wire/index.ts'

/**
 * What a connection means to this node, from little to much: a stranger's; a peer on the LAN, or one that this node
 * dialed; a contact, or a directory in use; a conversation is open on it.
 */
export type Standing = 'stranger' | 'neighbour' | 'known' | 'conversing'

export interface PlacesLimits {
  /** Connections that stay open at a time. */
  readonly maxConnections: number
  /** Connections that one peer keeps under pressure. */
  readonly maxOfPeer: number
  /** The part of the places that neighbours keep against strangers. */
  readonly neighbourPart: number
  /** The part of the places that stays with strangers, however many peers are known. */
  readonly strangerPart: number
  /** A connection that has carried no stream for so long since it opened is idle. */
  readonly idleAfterMs: number
}

export interface PlaceView {
  readonly standing: Standing
  /** It carries a stream. */
  readonly isUsed: boolean
}

interface Place {
  readonly peer: string
  readonly openedAtMs: number
  /** As it was when a connection had to give way for the last time. */
  isUsed: boolean
  standing: Standing
  order: number
}

/** Why a connection gives way: its peer has several others, or the room is full. */
type GaveWay = 'surplus' | 'full'

export interface Evicted<Item> {
  readonly item: Item
  readonly addressClass: string
  readonly why: GaveWay
}

/** In which order connections give way: those of a lower number first. */
const order = { idleStranger: 0, stranger: 1, neighbour: 2, known: 3, conversing: 4 } as const

export class ConnectionPlaces<Item> {
  readonly #limits: PlacesLimits
  readonly #places = new Map<Item, Place>()
  readonly #byClass: Shares<Item>
  readonly #byPeer: Shares<Item>
  /** Peers with more connections than one keeps under pressure. */
  readonly #crowded = new Set<string>()

  constructor(limits: PlacesLimits) {
    this.#limits = limits
    this.#byClass = new Shares({ capacity: limits.maxConnections })
    this.#byPeer = new Shares({ capacity: limits.maxConnections })
  }

  get size(): number {
    return this.#places.size
  }

  get isUnderPressure(): boolean {
    return this.#byClass.isUnderPressure
  }

  /** The address classes with their connections, the largest first. */
  holders(): ReturnType<Shares<Item>['holders']> {
    return this.#byClass.holders()
  }

  /**
   * A connection has opened.
   *
   * @param look is asked about each connection when some have to give way
   * @returns the connections that give way to it, which no longer count
   */
  open(
    newest: Item,
    of: { readonly peer: string; readonly addressClass: string },
    look: (item: Item) => PlaceView,
    nowMs: number
  ): readonly Evicted<Item>[] {
    this.#places.set(newest, {
      peer: of.peer,
      openedAtMs: nowMs,
      isUsed: false,
      standing: 'stranger',
      order: order.stranger
    })
    this.#byClass.add(newest, of.addressClass)
    this.#byPeer.add(newest, of.peer)
    this.#noteCrowded(of.peer)
    const evicted: Evicted<Item>[] = []
    const end = (item: Item, why: GaveWay): void => {
      evicted.push({ item, addressClass: this.#byClass.holderOf(item) ?? '', why })
      this.close(item)
    }
    if (this.isUnderPressure) for (const item of this.#surplus(newest, look)) end(item, 'surplus')
    if (this.size > this.#limits.maxConnections) end(this.#toEvict(newest, look, nowMs), 'full')
    return evicted
  }

  /** The connection has closed. @returns false when it was not counted */
  close(item: Item): boolean {
    const place = this.#places.get(item)
    if (place === undefined) return false
    this.#places.delete(item)
    this.#byClass.delete(item)
    this.#byPeer.delete(item)
    this.#noteCrowded(place.peer)
    return true
  }

  #noteCrowded(peer: string): void {
    if (this.#byPeer.countOf(peer) > this.#limits.maxOfPeer) this.#crowded.add(peer)
    else this.#crowded.delete(peer)
  }

  /** What each peer has beyond the connections that one keeps under pressure. */
  #surplus(newest: Item, look: (item: Item) => PlaceView): readonly Item[] {
    if (this.#crowded.size === 0) return []
    const ofPeers = new Map<string, Item[]>()
    for (const [item, { peer }] of this.#places) {
      if (!this.#crowded.has(peer)) continue
      const items = ofPeers.get(peer) ?? []
      ofPeers.set(peer, items)
      items.push(item)
    }
    return [...ofPeers.values()].flatMap((items) => {
      const [unused, used] = [items.filter((item) => !look(item).isUsed), items.filter((item) => look(item).isUsed)]
      const inOrder = [...unused, ...used].filter((item) => item !== newest)
      return inOrder.slice(0, items.length - this.#limits.maxOfPeer)
    })
  }

  /**
   * One of those that give way first, of the class that holds most of these: one of several of its peer before the only
   * one, one without a stream before a used one, the oldest first.
   */
  #toEvict(newest: Item, look: (item: Item) => PlaceView, nowMs: number): Item {
    const first = this.#putInOrder(newest, look, nowMs)
    // A connection that means less than all others gives way itself.
    if (order[this.#places.get(newest)?.standing ?? 'stranger'] < first) return newest
    const mayGo = this.#byClass.mostHeld(
      (item) => item === newest || this.#places.get(item)?.order !== first,
      this.#byClass.holderOf(newest)
    )
    let evicted = newest
    let leastValue = Infinity
    for (const item of mayGo) {
      const value = this.#valueInClass(item)
      if (value < leastValue) [evicted, leastValue] = [item, value]
    }
    return evicted
  }

  #valueInClass(item: Item): number {
    const place = this.#places.get(item)
    const isOnlyOne = this.#byPeer.countOf(place?.peer ?? '') === 1
    return (isOnlyOne ? 2 : 0) + (place?.isUsed === true ? 1 : 0)
  }

  /** @returns the lowest order of all but the newest */
  #putInOrder(newest: Item, look: (item: Item) => PlaceView, nowMs: number): number {
    const { maxConnections, neighbourPart, strangerPart } = this.#limits
    const counts = { stranger: 0, neighbour: 0, known: 0, conversing: 0 }
    for (const [item, place] of this.#places) {
      const { standing, isUsed } = look(item)
      place.standing = standing
      place.isUsed = isUsed
      counts[standing]++
    }
    const areMany = {
      neighbour: counts.neighbour > maxConnections * neighbourPart,
      known: counts.known > maxConnections * (1 - strangerPart)
    }
    let first: number = order.conversing
    for (const [item, place] of this.#places) {
      place.order = this.#orderOf(place, areMany, nowMs)
      if (item !== newest && place.order < first) first = place.order
    }
    return first
  }

  #orderOf(place: Place, areMany: { readonly neighbour: boolean; readonly known: boolean }, nowMs: number): number {
    const { standing, isUsed, openedAtMs } = place
    if (standing === 'conversing') return order.conversing
    if (standing === 'known') return areMany.known ? order.stranger : order.known
    if (standing === 'neighbour' && !areMany.neighbour) return order.neighbour
    return isUsed || nowMs - openedAtMs < this.#limits.idleAfterMs ? order.stranger : order.idleStranger
  }
}
