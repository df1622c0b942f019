/**
 * How two peers find a way through their routers: which datagrams go where, and when
 * one way counts as found. Each side sends probes to the other's candidates, so that its
 * own router lets the other's through. Where one router maps each destination anew and
 * the other does not, many sockets on that side meet many guesses of the other: with
 * 256 of 64,512 ports open, a few hundred guesses do. Pure: time, datagrams and chance
 * go in, datagrams come out. It does not know what a candidate had to prove.
 */
import type { ProbeKind } from './probe.ts'
import type { UdpPlace } from './stun/index.ts'

/** After this time there is no way. Of guesses, 256 in 64,512 are right: one attempt in ten million needs more than 4 s of them. */
export const PUNCH_MS = 6_000

/** The answering side learns the way from the asking one, and listens so much longer. */
export const LISTEN_LONGER_MS = 1_000

/** Between two probes of a candidate. Each is 48 bytes on the wire, so twelve candidates take 12 KB/s. */
const PROBE_EVERY_MS = 50

/** Plain probes have this head start over guesses, several round trips within a continent: most routers need no guesses. */
const GUESS_AFTER_MS = 250

/** Sockets that wait for guesses, and as many mappings in the router: at {@link GUESSES_PER_S} the first guess hits after 0.2 s at the median. */
export const SPREAD_SOCKETS = 256

/** Datagrams in a second to ports that are guessed, or by the sockets that wait for guesses: 48 KB/s on the wire. */
export const GUESSES_PER_S = 1_000

/** A socket that waits for guesses sends again so often: routers keep a new mapping for 30 s at least (RFC 4787, 4.3). */
const SPREAD_AGAIN_MS = 2_000

/** Routers give these out, as a rule (RFC 6056, 3.2). */
const LOWEST_GUESS = 1_024
const HIGHEST_GUESS = 65_535

/** Answers of one attempt: more than the probes of twelve candidates for its whole time. Replays end here. */
export const MAX_ANSWERS = 2_048

export type PunchRole = 'asking' | 'answering'

export type Guessing =
  /** The other side's ports: its router varies, and this one does not. */
  | { readonly is: 'ports'; readonly host: string }
  /** Many sockets for the other side's guesses: this router varies. */
  | { readonly is: 'sockets'; readonly to: UdpPlace }

/** A socket of this side, and a place on the other. */
export interface Way {
  /** 0: the socket for the candidates; from 1 on those that wait for guesses, opened when they first send. */
  readonly socket: number
  readonly to: UdpPlace
}

export interface PunchInit {
  readonly role: PunchRole
  /** Only places that may be sent to. */
  readonly candidates: readonly UdpPlace[]
  readonly guessing?: Guessing
  readonly nowMs: number
  /** From 0 to 1, without 1. */
  readonly random: () => number
}

export type PunchEvent =
  | { readonly is: 'time' }
  /** With the token of this side. */
  | { readonly is: 'received'; readonly kind: ProbeKind; readonly way: Way }

export type PunchEffect =
  | { readonly is: 'send'; readonly kind: ProbeKind; readonly way: Way }
  /** Once. The path is there for both sides, or will be when what this side sends has arrived. */
  | { readonly is: 'found'; readonly way: Way }
  /** Nothing is to be sent any more, and what comes means nothing. */
  | { readonly is: 'over' }

type Phase =
  | { readonly is: 'probing' }
  | { readonly is: 'nominating'; readonly way: Way }
  /** Of the answering side: it confirms as often as it is asked. */
  | { readonly is: 'confirming'; readonly way: Way }
  | { readonly is: 'over' }

export class Punch {
  readonly #init: PunchInit
  #phase: Phase = { is: 'probing' }
  #nextProbeMs: number
  #nextGuessMs: number
  /** Datagrams by sockets that wait for guesses, so far: each socket in turn. */
  #spread = 0
  #answers = 0

  constructor(init: PunchInit) {
    this.#init = init
    this.#nextProbeMs = init.nowMs
    this.#nextGuessMs = init.guessing === undefined ? Infinity : init.nowMs + GUESS_AFTER_MS
  }

  /** When the next event `time` is due; Infinity when it is over. */
  get nextAtMs(): number {
    if (this.#phase.is === 'over') return Infinity
    if (this.#phase.is === 'confirming') return this.#endMs
    return Math.min(this.#nextProbeMs, this.#phase.is === 'probing' ? this.#nextGuessMs : Infinity, this.#endMs)
  }

  step(event: PunchEvent, nowMs: number): readonly PunchEffect[] {
    if (this.#phase.is === 'over') return []
    if (nowMs >= this.#endMs) return this.#end()
    return event.is === 'received' ? this.#received(event.kind, event.way) : this.#due(nowMs)
  }

  get #endMs(): number {
    const { role, nowMs } = this.#init
    return nowMs + PUNCH_MS + (role === 'answering' ? LISTEN_LONGER_MS : 0)
  }

  #end(): readonly PunchEffect[] {
    this.#phase = { is: 'over' }
    return [{ is: 'over' }]
  }

  #received(kind: ProbeKind, way: Way): readonly PunchEffect[] {
    const { role } = this.#init
    const phase = this.#phase
    switch (kind) {
      case 'probe':
        // The asking side needs an answer on this way itself, and its probe is one: nothing else is sent for it.
        return phase.is === 'probing' ? this.#answer(role === 'asking' ? 'probe' : 'answer', way) : []
      case 'answer':
        if (role !== 'asking' || phase.is !== 'probing') return []
        this.#phase = { is: 'nominating', way }
        return [
          { is: 'send', kind: 'nominate', way },
          { is: 'found', way }
        ]
      case 'nominate':
        if (role !== 'answering') return []
        if (phase.is === 'confirming') return isSameWay(phase.way, way) ? this.#answer('confirm', way) : []
        this.#phase = { is: 'confirming', way }
        return [...this.#answer('confirm', way), { is: 'found', way }]
      case 'confirm':
        return phase.is === 'nominating' && isSameWay(phase.way, way) ? this.#end() : []
    }
  }

  #answer(kind: ProbeKind, way: Way): readonly PunchEffect[] {
    if (this.#answers >= MAX_ANSWERS) return []
    this.#answers++
    return [{ is: 'send', kind, way }]
  }

  #due(nowMs: number): readonly PunchEffect[] {
    const effects: PunchEffect[] = []
    const phase = this.#phase
    if (nowMs >= this.#nextProbeMs) {
      this.#nextProbeMs = nowMs + PROBE_EVERY_MS
      if (phase.is === 'nominating') effects.push({ is: 'send', kind: 'nominate', way: phase.way })
      if (phase.is === 'probing' && !this.#isListening(nowMs)) effects.push(...this.#probes())
    }
    if (phase.is === 'probing' && nowMs >= this.#nextGuessMs && !this.#isListening(nowMs)) {
      this.#nextGuessMs = nowMs + PROBE_EVERY_MS
      effects.push(...this.#guesses())
    }
    return effects
  }

  /** The other side does not nominate a way any more that it finds now. */
  #isListening(nowMs: number): boolean {
    return nowMs >= this.#init.nowMs + PUNCH_MS
  }

  #probes(): PunchEffect[] {
    return this.#init.candidates.map((to) => ({ is: 'send', kind: 'probe', way: { socket: 0, to } }))
  }

  #guesses(): PunchEffect[] {
    const { guessing, random } = this.#init
    if (guessing === undefined) return []
    const count = (GUESSES_PER_S * PROBE_EVERY_MS) / 1_000
    if (guessing.is === 'ports') {
      const ports = Array.from({ length: count }, () => guessedPort(random()))
      return ports.map((port) => ({ is: 'send', kind: 'probe', way: { socket: 0, to: { host: guessing.host, port } } }))
    }
    const { to } = guessing
    const sockets = Array.from({ length: this.#spreadNow(count) }, () => 1 + (this.#spread++ % SPREAD_SOCKETS))
    return sockets.map((socket) => ({ is: 'send', kind: 'probe', way: { socket, to } }))
  }

  /** All of them first, as fast as may be; then each one now and then, as a datagram may be lost. */
  #spreadNow(most: number): number {
    if (this.#spread < SPREAD_SOCKETS) return Math.min(most, SPREAD_SOCKETS - this.#spread)
    return Math.ceil((SPREAD_SOCKETS * PROBE_EVERY_MS) / SPREAD_AGAIN_MS)
  }
}

function guessedPort(random: number): number {
  return LOWEST_GUESS + Math.floor(random * (HIGHEST_GUESS - LOWEST_GUESS + 1))
}

function isSameWay(one: Way, other: Way): boolean {
  return one.socket === other.socket && one.to.host === other.to.host && one.to.port === other.to.port
}
