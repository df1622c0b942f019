// A network of two peers behind simulated routers, for the punching alone: what a
// router lets through, which port it gives out, and how long a datagram takes, by a
// seed. It knows neither sockets nor the clock.
import { Punch, type PunchEffect, type PunchInit, type Way } from '../../src/direct/punch.ts'
import type { ProbeKind } from '../../src/direct/probe.ts'
import type { UdpPlace } from '../../src/direct/stun/index.ts'

/** RFC 4787: which port a destination sees (4.1), and from where an answer is let in (5). */
export interface RouterKind {
  readonly mapping: 'independent' | 'varying'
  readonly filtering: 'none' | 'address' | 'port'
}

export interface Network {
  /** One way, in milliseconds. */
  readonly delayMs: number
  /** Of ten thousand datagrams, so many are lost. */
  readonly lostOf10000: number
  readonly random: () => number
}

/** @returns numbers from 0 to 1 that follow from the seed (mulberry32) */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Mapping {
  readonly socket: number
  readonly port: number
  readonly sentTo: Set<string>
}

class Router {
  readonly host: string
  readonly #kind: RouterKind
  readonly #random: () => number
  readonly #byInside = new Map<string, Mapping>()
  readonly #byPort = new Map<number, Mapping>()

  constructor(host: string, kind: RouterKind, random: () => number) {
    this.host = host
    this.#kind = kind
    this.#random = random
  }

  /** @returns from where the other end sees the datagram come */
  out(socket: number, to: UdpPlace): UdpPlace {
    const inside = this.#kind.mapping === 'independent' ? String(socket) : `${socket} ${placeText(to)}`
    let mapping = this.#byInside.get(inside)
    if (mapping === undefined) {
      mapping = { socket, port: this.#freePort(), sentTo: new Set() }
      this.#byInside.set(inside, mapping)
      this.#byPort.set(mapping.port, mapping)
    }
    mapping.sentTo.add(to.host).add(placeText(to))
    return { host: this.host, port: mapping.port }
  }

  /** @returns the socket that it is let through to */
  in(port: number, from: UdpPlace): number | undefined {
    const mapping = this.#byPort.get(port)
    const isLetIn = {
      none: true,
      address: mapping?.sentTo.has(from.host) === true,
      port: mapping?.sentTo.has(placeText(from)) === true
    }
    return isLetIn[this.#kind.filtering] ? mapping?.socket : undefined
  }

  #freePort(): number {
    for (;;) {
      const port = 1_024 + Math.floor(this.#random() * 64_512)
      if (!this.#byPort.has(port)) return port
    }
  }
}

const placeText = ({ host, port }: UdpPlace): string => `${host}:${port}`

export interface PunchedSide {
  readonly found: Way | undefined
  /** From where the other side sees what goes this way. */
  readonly foundFrom: UdpPlace | undefined
  /** Since the beginning; undefined when nothing was found. */
  readonly foundAtMs: number | undefined
  readonly sent: number
}

interface Side {
  readonly router: Router
  readonly punch: Punch
  readonly seenAt: readonly UdpPlace[]
  found: Way | undefined
  foundFrom: UdpPlace | undefined
  foundAtMs: number | undefined
  sent: number
}

const directories: readonly UdpPlace[] = [
  { host: '203.0.113.1', port: 4001 },
  { host: '203.0.113.2', port: 4001 }
]

/** Lets two peers look for each other until both are done. The first one asks, and hears of the other's offer later. */
export function punched(
  kinds: readonly [RouterKind, RouterKind],
  network: Network
): readonly [PunchedSide, PunchedSide] {
  const { random, delayMs, lostOf10000 } = network
  const routers = kinds.map((kind, at) => new Router(`198.51.100.${at + 1}`, kind, random))
  const seenAt = routers.map((router) => uniquePlaces(directories.map((to) => router.out(0, to))))
  const begin = (at: 0 | 1, role: PunchInit['role'], nowMs: number): Side => {
    const theirs = seenAt[1 - at] ?? []
    const guessing = guessingOf(kinds[at], kinds[1 - at], theirs)
    const punch = new Punch({
      role,
      candidates: theirs,
      nowMs,
      random,
      ...(guessing === undefined ? {} : { guessing })
    })
    return {
      router: routers[at]!,
      punch,
      seenAt: seenAt[at]!,
      found: undefined,
      foundFrom: undefined,
      foundAtMs: undefined,
      sent: 0
    }
  }
  // The answer to an offer travels once more than the offer.
  const sides = [begin(0, 'asking', delayMs), begin(1, 'answering', 0)] as const
  let arrivals: { readonly atMs: number; readonly side: Side; readonly kind: ProbeKind; readonly way: Way }[] = []
  const apply = (side: Side, effects: readonly PunchEffect[], nowMs: number): void => {
    const other = side === sides[0] ? sides[1] : sides[0]
    for (const effect of effects) {
      if (effect.is === 'over') continue
      if (effect.is === 'found') {
        if (side.found !== undefined) throw new Error('found twice')
        side.found = effect.way
        side.foundFrom = side.router.out(effect.way.socket, effect.way.to)
        side.foundAtMs = nowMs
        continue
      }
      side.sent++
      const { kind, way } = effect
      const from = side.router.out(way.socket, way.to)
      if (way.to.host !== other.router.host || random() * 10_000 < lostOf10000) continue
      arrivals.push({ atMs: nowMs + delayMs, side: other, kind, way: { socket: way.to.port, to: from } })
    }
  }
  for (;;) {
    const nextMs = Math.min(...arrivals.map(({ atMs }) => atMs), ...sides.map(({ punch }) => punch.nextAtMs))
    if (nextMs === Infinity) break
    const due = arrivals.filter(({ atMs }) => atMs <= nextMs)
    arrivals = arrivals.filter(({ atMs }) => atMs > nextMs)
    for (const { side, kind, way } of due) {
      const socket = side.router.in(way.socket, way.to)
      if (socket !== undefined) {
        apply(side, side.punch.step({ is: 'received', kind, way: { socket, to: way.to } }, nextMs), nextMs)
      }
    }
    for (const side of sides) {
      if (side.punch.nextAtMs <= nextMs) apply(side, side.punch.step({ is: 'time' }, nextMs), nextMs)
    }
  }
  return [sides[0], sides[1]]
}

function guessingOf(
  own: RouterKind | undefined,
  other: RouterKind | undefined,
  [to]: readonly UdpPlace[]
): PunchInit['guessing'] {
  if (to === undefined || own?.mapping === other?.mapping) return undefined
  return own?.mapping === 'varying' ? { is: 'sockets', to } : { is: 'ports', host: to.host }
}

function uniquePlaces(places: readonly UdpPlace[]): readonly UdpPlace[] {
  return [...new Map(places.map((place) => [placeText(place), place])).values()]
}
