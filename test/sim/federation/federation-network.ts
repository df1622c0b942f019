// A network of directories in memory, each with the machine that a real one has, the
// roster that it fills and clients that are attached to it. The simulator takes the
// driver's part: streams with frames in order, gossip in none, signatures that take
// their time, deadlines. Faults come from outside of it.
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ownChange } from '../../../src/directory/own-attachment.ts'
import type { FederationFrame } from '../../../src/directory/federation-frames.ts'
import type { FederationLimits } from '../../../src/directory/federation/state/known-directories.ts'
import { applyEffects } from '../../../src/directory/federation/state/state-expiry.ts'
import { FederationMachine } from '../../../src/directory/federation/sync/federation-machine.ts'
import { FederationSession } from '../../../src/directory/federation/sync/federation-step.ts'
import type { FederationEffect, FederationEvent } from '../../../src/directory/federation/sync/federation-step.ts'
import { Roster } from '../../../src/presence/index.ts'
import type { RosterChange } from '../../../src/presence/index.ts'
import type { Identity } from '../../presence/records.ts'
import type { Planned, Simulation } from '../network.ts'
import { network, Seals } from './seals.ts'

/** As a directory dials another that is away. */
const REDIAL_MS = [250, 2_000] as const
const PATIENCE_MS = 400

/** What is told of a frame's size: most are far below it. */
const FRAME_BYTES = 500

/** With this a message of gossip begins that is a heartbeat alone. */
const HEARTBEAT_TAG = 0x1a

export interface Noise {
  /** Parts of the gossip that is lost, and that comes twice. */
  lost: number
  doubled: number
  maxDelayMs: number
  /** Part of the seals that fail. */
  unsealed: number
}

/** What a directory that lies makes of what its machine sends; undefined: nothing is sent. */
export interface Lies {
  frame(frame: FederationFrame): FederationFrame | undefined
  gossip(bytes: Uint8Array): Uint8Array | undefined
}

/** One end of a stream between two directories. */
interface End {
  readonly directory: SimDirectory
  readonly life: number
  readonly session: FederationSession
  readonly answers: Map<string, Iterator<FederationFrame>>
  isAnswering: boolean
  /** Frames that have come and are not handled yet. */
  readonly waiting: FederationFrame[]
  isHandling: boolean
  /** Both halves. */
  hasEnded: boolean
  isOver: boolean
  freeAtMs: number
  /** What is sent while the cable is cut: TCP sends it again. */
  held: (FederationFrame | 'end')[]
  other: End | undefined
}

/** A message of gossip as it went out at first. */
export interface Overheard {
  readonly by: SimDirectory
  readonly life: number
  readonly isHeartbeat: boolean
  readonly bytes: Uint8Array
}

/** Something that has come while a process stands still. */
interface Waiting {
  readonly happen: () => void
  readonly isTime: boolean
}

export class FederationNetwork {
  readonly simulation: Simulation
  readonly seals = new Seals()
  readonly directories: readonly SimDirectory[]
  readonly noise: Noise = { lost: 0.2, doubled: 0.1, maxDelayMs: 400, unsealed: 0 }
  /** Gossip that an eavesdropper may play again. */
  readonly overheard: Overheard[] = []
  readonly #cut = new Set<string>()
  /** When anything between two directories was last disturbed. */
  readonly #disturbedAtMs = new Map<string, number>()

  constructor(simulation: Simulation, who: readonly Identity[], limits: Partial<FederationLimits> = {}) {
    this.simulation = simulation
    this.directories = who.map((identity, n) => new SimDirectory(this, identity, n, limits))
    for (const [n, directory] of this.directories.entries()) directory.names(this.directories[(n + 1) % who.length])
    for (const directory of this.directories) directory.start()
  }

  directory(id: string): SimDirectory | undefined {
    return this.directories.find(({ who }) => who.id === id)
  }

  areApart(a: SimDirectory, b: SimDirectory): boolean {
    return this.#cut.has(pairOf(a, b))
  }

  disturbed(a: SimDirectory, b: SimDirectory): void {
    this.#disturbedAtMs.set(pairOf(a, b), this.simulation.nowMs)
  }

  disturbedAtMs(a: SimDirectory, b: SimDirectory): number {
    return this.#disturbedAtMs.get(pairOf(a, b)) ?? 0
  }

  /** No byte passes between two directories. @param isNoticed whether their connections end, or are silent */
  part(a: SimDirectory, b: SimDirectory, isNoticed: boolean): void {
    if (a === b || this.areApart(a, b)) return
    this.disturbed(a, b)
    if (isNoticed) a.reset((end) => end.other?.directory === b)
    this.#cut.add(pairOf(a, b))
  }

  repair(a: SimDirectory, b: SimDirectory): void {
    if (!this.#cut.delete(pairOf(a, b))) return
    this.disturbed(a, b)
    for (const directory of [a, b]) directory.resend()
  }

  repairAll(): void {
    for (const a of this.directories) for (const b of this.directories) this.repair(a, b)
  }
}

export class SimDirectory {
  readonly who: Identity
  readonly network: FederationNetwork
  readonly address: Multiaddr
  readonly #limits: Partial<FederationLimits>
  readonly #named = new Set<string>()
  /** What it sends is changed by this; an honest one has none. */
  lies: Lies | undefined
  life = 0
  isUp = false
  machine: FederationMachine
  roster = new Roster()
  /** Its steady clock against the simulator's, in this life. */
  #clockMs = 0
  #learnt = new Set<string>()
  #dials = new Map<string, { failures: number; planned: Planned | undefined }>()
  #ends = new Map<FederationSession, End>()
  /** Directories that its gossip goes to. */
  #mesh = new Set<string>()
  #seen = new Set<string>()
  #deadline: { readonly planned: Planned; readonly atMs: number } | undefined
  #events: FederationEvent[] = []
  #isStepping = false
  /** What happens while the process stands still is taken when it goes on. */
  #backlog: Waiting[] | undefined
  /** Seals and turns that the machine waits for. */
  #working = 0

  constructor(net: FederationNetwork, who: Identity, n: number, limits: Partial<FederationLimits>) {
    this.network = net
    this.who = who
    this.#limits = limits
    this.address = multiaddr(`/ip4/198.51.100.${n + 1}/tcp/4001`)
    this.machine = this.#made()
  }

  get id(): string {
    return this.who.id
  }

  get nowMs(): number {
    return this.network.simulation.nowMs + this.#clockMs
  }

  get isStill(): boolean {
    return this.#backlog !== undefined
  }

  /** Its operator names another. */
  names(other: SimDirectory | undefined): void {
    if (other !== undefined && other !== this) this.#named.add(other.id)
  }

  /** With nothing but its key. */
  start(): void {
    if (this.isUp) return
    this.#disturb()
    this.life++
    this.roster = new Roster({ own: this.id, maxPeers: Infinity })
    this.#seen.clear()
    this.#events = []
    this.#working = 0
    this.machine = this.#made()
    this.#begin()
  }

  /** Its connections break, and all that it knew is gone. @param isNoticed whether others learn of it at once */
  kill(isNoticed: boolean): void {
    if (!this.isUp) return
    this.#disturb()
    this.#halt()
    if (isNoticed) for (const end of this.#ends.values()) this.#tellEnd(end)
    this.#ends.clear()
  }

  /** Is stopped and started again in one process: nothing is forgotten. */
  bounce(): void {
    if (!this.isUp || this.isStill) return
    if (this.#working > 0) {
      this.later(1, () => this.bounce())
      return
    }
    this.#disturb()
    this.step({ type: 'stopping' })
    this.reset(() => true)
    this.step({ type: 'stopped' })
    this.#halt()
    this.life++
    this.#begin()
  }

  /** The process stands still. */
  suspend(forMs: number): void {
    if (!this.isUp || this.isStill) return
    this.#disturb()
    this.#backlog = []
    this.later(forMs, () => {
      const backlog = this.#backlog ?? []
      this.#backlog = undefined
      this.#disturb()
      // Timers and streams: which goes first, no process knows.
      const isTimeFirst = this.network.simulation.random.isOne(2)
      for (const { happen } of backlog.filter(({ isTime }) => isTime === isTimeFirst)) happen()
      for (const { happen } of backlog.filter(({ isTime }) => isTime !== isTimeFirst)) happen()
    })
  }

  /** Puts something into the roster, as the directory's service does. */
  merge(apply: (roster: Roster, nowMs: number) => readonly RosterChange[]): void {
    for (const change of apply(this.roster, this.nowMs)) {
      const own = ownChange(change, this.id)
      if (own !== undefined) this.step({ type: 'changed', change: own })
    }
  }

  step(event: FederationEvent): void {
    this.#events.push(event)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const effect of this.machine.step(next, this.nowMs)) this.#perform(effect)
      }
    } finally {
      this.#isStepping = false
    }
    this.#due(this.machine.nextDeadline())
  }

  /** Streams with others that have not ended here. */
  get streams(): number {
    return this.#ends.size
  }

  /** What it has still to do: frames that wait, answers, seals. */
  get pending(): number {
    const ofStreams = [...this.#ends.values()].map(
      ({ waiting, answers, held }) => waiting.length + answers.size + held.length
    )
    return ofStreams.reduce((sum, one) => sum + one, this.#working)
  }

  /** Ends streams as a broken connection does. */
  reset(which: (end: End) => boolean): void {
    for (const end of this.#ends.values()) {
      if (!which(end)) continue
      this.#tellEnd(end)
      this.#over(end)
    }
  }

  /** The cable is whole again: what waits goes out. */
  resend(): void {
    for (const end of this.#ends.values()) {
      const held = end.held
      end.held = []
      for (const frame of held) this.#carry(end, frame)
    }
  }

  /** A message of gossip is played again, by one of its neighbours. */
  hears(bytes: Uint8Array): void {
    const [neighbour] = this.#mesh
    const from = this.network.directory(neighbour ?? '')
    if (from !== undefined) this.meets(() => this.#onGossip(from, bytes, true))
  }

  /** Happens in this life of the directory, or never. */
  later(delayMs: number, happen: () => void): Planned {
    const { life } = this
    return this.network.simulation.after(delayMs, '', () => {
      if (this.life === life && this.isUp) happen()
    })
  }

  /** Something has come to the process: it takes it when it goes on. */
  meets(happen: () => void, isTime = false): void {
    if (!this.isUp) return
    if (this.#backlog === undefined) happen()
    else this.#backlog.push({ happen, isTime })
  }

  /** As `later`; while the process stands still it waits. */
  #later(delayMs: number, happen: () => void, isTime = false): Planned {
    return this.later(delayMs, () => this.meets(happen, isTime))
  }

  /** As `#later`; the machine waits for it. */
  #works(delayMs: number, done: () => void): void {
    this.#working++
    this.#later(delayMs, () => {
      this.#working--
      done()
    })
  }

  #made(): FederationMachine {
    const { simulation } = this.network
    this.#clockMs = simulation.between(1, 1_000_000)
    // The wall clock is wrong by up to a minute: what the same key said before may be above it.
    const epoch = BigInt(1_700_000_000_000 + simulation.nowMs + simulation.between(-60_000, 60_000))
    return new FederationMachine({
      self: this.who.peer,
      network,
      epoch,
      admitsOthers: true,
      limits: this.#limits,
      peers: {
        isNamed: (peer) => this.#named.has(peer),
        isKnown: (peer) => this.#named.has(peer) || this.#learnt.has(peer),
        admits: () => true,
        addressesOf: (peer) => [this.network.directory(peer)?.address ?? []].flat()
      },
      roster: { readRoster: () => this.roster },
      addresses: { getAddresses: () => [this.address] },
      dialable: (addresses) => addresses,
      nowMs: this.nowMs
    })
  }

  #begin(): void {
    this.isUp = true
    this.#learnt.clear()
    this.step({ type: 'started' })
  }

  #halt(): void {
    this.isUp = false
    this.#backlog = undefined
    this.#mesh.clear()
    this.#dials.clear()
    this.#deadline?.planned.cancel()
    this.#deadline = undefined
  }

  #disturb(): void {
    for (const other of this.network.directories) this.network.disturbed(this, other)
  }

  #due(atMs: number): void {
    if (!this.isUp || atMs === Infinity || (this.#deadline !== undefined && this.#deadline.atMs <= atMs)) return
    this.#deadline?.planned.cancel()
    const due = (): void => {
      this.#deadline = undefined
      this.step({ type: 'time' })
    }
    const planned = this.#later(Math.max(0, atMs - this.nowMs), due, true)
    this.#deadline = { planned, atMs }
  }

  #perform(effect: FederationEffect): void {
    const { simulation, seals, noise } = this.network
    switch (effect.kind) {
      case 'roster':
        return this.merge((roster, nowMs) => applyEffects(roster, effect.effects, nowMs))
      case 'withdraw':
        return this.merge((roster, nowMs) => {
          const withdrawn = roster.withdraw(effect.record, nowMs)
          return withdrawn.outcome === 'full' ? [] : withdrawn.changes
        })
      case 'open': {
        const { request } = effect
        this.#later(simulation.between(0, 10), () => {
          this.step({ type: 'envelopes', request, opened: seals.open(request) })
        })
        return
      }
      case 'turn':
        return this.#works(0, () => this.step({ type: 'turn' }))
      case 'seal': {
        const { request } = effect
        const statements = request.statements.map((of) =>
          simulation.random.next() < noise.unsealed ? undefined : seals.statement(this.who, of)
        )
        return this.#works(simulation.between(0, 10), () => this.step({ type: 'sealed', request, statements }))
      }
      case 'seal-heartbeat': {
        const isSealed = simulation.random.next() >= noise.unsealed
        const heartbeat = isSealed ? seals.heartbeat(this.who, effect.heartbeat) : undefined
        return this.#works(simulation.between(0, 10), () => this.step({ type: 'heartbeat-sealed', heartbeat }))
      }
      case 'publish':
        return this.#publish(effect.bytes, undefined)
      case 'judge':
        if (effect.verdict === 'accept') this.#publish(effect.message.bytes, effect.message.from.toString())
        return
      case 'ready':
        for (const peer of this.#named) this.#dial(peer)
        return
      case 'learn':
        return this.#learn(effect.peer.toString())
      case 'linked':
        this.#mesh.add(effect.session.peer.toString())
        return
      case 'unlinked':
        this.#mesh.delete(effect.peer.toString())
        return this.#dial(effect.peer.toString())
      case 'send':
        return this.#send(effect.session, effect.frame)
      case 'answer': {
        const end = this.#ends.get(effect.session)
        if (end === undefined || end.answers.has(effect.asked)) return
        end.answers.set(effect.asked, effect.frames()[Symbol.iterator]())
        return this.#answer(end)
      }
      case 'read-on': {
        const end = this.#ends.get(effect.session)
        if (end === undefined) return
        end.isHandling = false
        return this.#read(end)
      }
      case 'end':
        return this.#end(this.#ends.get(effect.session))
      case 'break':
      case 'abort':
        return this.reset(({ session }) => session === effect.session)
      case 'replace':
        return this.reset(({ session }) => session === effect.before)
      case 'cut':
        return this.reset(({ session }) => session.peer.equals(effect.peer))
      default:
    }
  }

  // Gossip: to all that are joined, in any order, once each unless it comes twice.

  #publish(bytes: Uint8Array, from: string | undefined): void {
    const { simulation, noise } = this.network
    const told = this.lies === undefined ? bytes : this.lies.gossip(bytes)
    if (told === undefined) return
    this.#seen.add(keyOf(told))
    if (from === undefined) this.#overhear(told)
    for (const id of this.#mesh) {
      const to = this.network.directory(id)
      if (to === undefined || id === from) continue
      const copies = simulation.random.next() < noise.doubled ? 2 : 1
      for (let copy = 0; copy < copies; copy++) {
        if (simulation.random.next() < noise.lost) continue
        const { life } = to
        simulation.after(simulation.between(1, noise.maxDelayMs), '', () => {
          if (to.life !== life || this.network.areApart(this, to)) return
          to.meets(() => to.#onGossip(this, told, copy > 0))
        })
      }
    }
  }

  #overhear(bytes: Uint8Array): void {
    const { life } = this
    this.network.overheard.push({ by: this, life, isHeartbeat: bytes[0] === HEARTBEAT_TAG, bytes })
  }

  #onGossip(from: SimDirectory, bytes: Uint8Array, isAgain: boolean): void {
    if (!this.#mesh.has(from.id) || (this.#seen.has(keyOf(bytes)) && !isAgain)) return
    this.#seen.add(keyOf(bytes))
    this.step({ type: 'gossip', message: { from: from.who.peer, bytes } })
  }

  // Dialling: as the dialler of a directory, with a delay in place of its reasons.

  #learn(peer: string): void {
    if (peer === this.id || this.network.directory(peer) === undefined) return
    this.#learnt.add(peer)
    this.#dial(peer)
  }

  #dial(peer: string): void {
    const { simulation } = this.network
    if (!this.isUp || (!this.#named.has(peer) && !this.#learnt.has(peer))) return
    const target = this.#dials.get(peer) ?? { failures: 0, planned: undefined }
    this.#dials.set(peer, target)
    if (target.planned !== undefined) return
    const [first, max] = REDIAL_MS
    const backoffMs = target.failures === 0 ? 0 : Math.min(max, first * 2 ** target.failures)
    const patienceMs = this.id > peer ? PATIENCE_MS : 0
    target.planned = this.#later(backoffMs + patienceMs + simulation.between(1, 50), () => {
      target.planned = undefined
      if (this.machine.links.isUnderWay(peer)) return
      const other = this.network.directory(peer)
      const isReached = other?.isUp === true && !this.network.areApart(this, other)
      if (other === undefined || !isReached || this.machine.scoring.isBanned(peer)) {
        target.failures++
        this.#dial(peer)
        return
      }
      target.failures = 0
      this.#open(other)
      // A stream that the other side refuses is tried again.
      target.failures = 1
      this.#later(max, () => {
        if (!this.machine.links.isUnderWay(peer)) this.#dial(peer)
      })
    })
  }

  // Streams.

  #open(other: SimDirectory): void {
    const here = this.#endOf(other, 'us')
    const there = other.#endOf(this, 'them')
    here.other = there
    there.other = here
    const { life } = other
    this.#opened(here)
    const { simulation } = this.network
    // Slow ones cross.
    const delayMs = simulation.random.isOne(3) ? simulation.between(100, 800) : simulation.between(1, 20)
    simulation.after(delayMs, '', () => {
      if (other.life !== life || !other.isUp || here.isOver) return
      other.meets(() => other.#opened(there))
    })
  }

  #endOf(other: SimDirectory, openedBy: 'us' | 'them'): End {
    const connection = { remotePeer: other.who.peer, remoteAddr: other.address }
    return {
      directory: this,
      life: this.life,
      session: new FederationSession(connection, openedBy, this.nowMs),
      answers: new Map(),
      isAnswering: false,
      waiting: [],
      isHandling: false,
      hasEnded: false,
      isOver: false,
      freeAtMs: 0,
      held: [],
      other: undefined
    }
  }

  #opened(end: End): void {
    if (end.isOver) return
    this.#ends.set(end.session, end)
    this.step({ type: 'opened', session: end.session })
    this.#read(end)
  }

  #send(session: FederationSession, frame: FederationFrame): void {
    const end = this.#ends.get(session)
    const told = this.lies === undefined ? frame : this.lies.frame(frame)
    if (end !== undefined && told !== undefined && !end.hasEnded) this.#carry(end, told)
  }

  /** In order, after a time. */
  #carry(end: End, frame: FederationFrame | 'end'): void {
    const { simulation } = this.network
    const { other } = end
    if (other === undefined) return
    if (this.network.areApart(this, other.directory)) {
      end.held.push(frame)
      return
    }
    end.freeAtMs = Math.max(end.freeAtMs, simulation.nowMs + simulation.between(1, 50))
    simulation.after(end.freeAtMs - simulation.nowMs, '', () => {
      if (this.network.areApart(this, other.directory)) {
        end.held.push(frame)
        return
      }
      if (other.isOver || other.directory.life !== other.life || !other.directory.isUp) {
        // Nobody there knows of the stream any more: a host that is up says so.
        if (other.directory.isUp) this.meets(() => this.#over(end))
        return
      }
      other.directory.meets(() => other.directory.#arrive(other, frame))
    })
  }

  #arrive(end: End, frame: FederationFrame | 'end'): void {
    if (end.isOver) return
    if (frame === 'end') {
      this.#end(end)
      this.#over(end)
      return
    }
    end.waiting.push(frame)
    this.#read(end)
  }

  #read(end: End): void {
    if (end.isHandling || end.isOver || !this.#ends.has(end.session)) return
    const frame = end.waiting.shift()
    if (frame === undefined) return
    end.isHandling = true
    this.step({ type: 'frame', session: end.session, frame, sizeBytes: FRAME_BYTES })
  }

  /** One frame after the other, as fast as the stream takes them. */
  #answer(end: End): void {
    if (end.isAnswering || end.isOver) return
    const [first] = end.answers
    if (first === undefined) return
    const [asked, frames] = first
    end.isAnswering = true
    this.#later(this.network.simulation.between(1, 5), () => {
      end.isAnswering = false
      const next = frames.next()
      if (next.done === true) end.answers.delete(asked)
      else this.#send(end.session, next.value)
      this.#answer(end)
    })
  }

  #end(end: End | undefined): void {
    if (end === undefined || end.hasEnded) return
    this.#carry(end, 'end')
    end.hasEnded = true
  }

  /** The other side learns that the stream is no more, if anything reaches it. */
  #tellEnd(end: End): void {
    const { other } = end
    if (other === undefined) return
    this.network.simulation.after(this.network.simulation.between(1, 50), '', () => {
      if (this.network.areApart(this, other.directory) || other.directory.life !== other.life) return
      other.directory.meets(() => other.directory.#over(other))
    })
  }

  #over(end: End): void {
    if (end.isOver) return
    end.isOver = true
    if (this.#ends.delete(end.session)) this.step({ type: 'ended', session: end.session })
  }
}

function pairOf(a: SimDirectory, b: SimDirectory): string {
  return a.id < b.id ? `${a.id} ${b.id}` : `${b.id} ${a.id}`
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
