// A network of directories in memory: each is a state and a roster, messages
// between them are delayed, doubled, shuffled and lost, an eavesdropper plays old
// ones again, and directories die and come back with nothing but their key. One
// number decides all of it.
import type { PeerId } from '@libp2p/interface'
import { FederationState } from '../../../src/directory/federation/federation-state.ts'
import type { DirectoryDigest, OfferedUpdate, Wanted } from '../../../src/directory/federation/federation-state.ts'
import type { VerifiedHeartbeat } from '../../../src/directory/federation/heartbeat.ts'
import { applyEffects } from '../../../src/directory/federation/roster-effect.ts'
import type { RosterEffect } from '../../../src/directory/federation/roster-effect.ts'
import { Roster } from '../../../src/directory/index.ts'
import type { VerifiedRecord } from '../../../src/directory/index.ts'
import type { Identity } from '../records.ts'
import { record } from './words.ts'

type Message =
  | { readonly kind: 'update'; readonly update: OfferedUpdate }
  | { readonly kind: 'withdrawal'; readonly record: VerifiedRecord }
  | { readonly kind: 'heartbeat'; readonly heartbeat: VerifiedHeartbeat }
  | { readonly kind: 'hello'; readonly digests: readonly DirectoryDigest[] }
  | { readonly kind: 'ask'; readonly wanted: Wanted }
  | {
      readonly kind: 'answer'
      readonly wanted: Wanted
      readonly updates: readonly OfferedUpdate[]
    }

interface Directory {
  readonly who: Identity
  state: FederationState
  roster: Roster
  isUp: boolean
  nextBeatMs: number
}

interface Sent {
  readonly from: number
  readonly to: number
  readonly message: Message
  readonly atMs: number
}

export class Network {
  readonly #directories: Directory[]
  readonly #random: () => number
  readonly #parted = new Set<string>()
  readonly #seqs = new Map<string, bigint>()
  /** Everything ever gossiped, for the eavesdropper. */
  readonly #overheard: Message[] = []
  #sent: Sent[] = []
  #nowMs = 1_000_000
  /** Part of the gossip that is lost, and that is played again. */
  noise = { lost: 0.2, replayed: 0.1, maxDelayMs: 400 }

  constructor(who: readonly Identity[], random: () => number) {
    this.#random = random
    this.#directories = who.map((one) => ({
      who: one,
      state: this.#newState(one),
      roster: new Roster(),
      isUp: true,
      nextBeatMs: 0
    }))
    for (let a = 0; a < who.length; a++) for (let b = 0; b < a; b++) this.#meet(a, b)
  }

  attach(at: number, peer: PeerId): void {
    const directory = this.#directories[at]
    if (directory?.isUp !== true) return
    const announced = record(peer, this.#nextSeq(peer))
    directory.roster.announce(announced, { source: directory.who.id, nowMs: this.#nowMs })
    this.#say(at, peer, announced)
  }

  detach(at: number, peer: PeerId): void {
    const directory = this.#directories[at]
    if (directory?.isUp !== true || directory.roster.detach(peer.toString(), directory.who.id).length === 0) return
    this.#say(at, peer, undefined)
  }

  /** A peer leaves cleanly, wherever it is attached. */
  withdraw(peer: PeerId): void {
    const farewell = record(peer, this.#nextSeq(peer), true)
    for (const [at, { isUp }] of this.#directories.entries()) {
      if (isUp && this.#ownPeers(at).has(peer.toString())) this.#onWithdrawal(at, farewell)
    }
  }

  /** Killed: its connections break, and all that it knew is gone. */
  kill(at: number): void {
    const directory = this.#directories[at]
    if (directory?.isUp !== true) return
    directory.isUp = false
    for (const other of this.#others(at)) {
      if (!this.#parted.has(link(at, other)))
        this.#directories[other]?.state.connectionLost(directory.who.id, this.#nowMs)
    }
  }

  restart(at: number): void {
    const directory = this.#directories[at]
    if (directory === undefined || directory.isUp) return
    Object.assign(directory, { isUp: true, state: this.#newState(directory.who), roster: new Roster() })
    for (const other of this.#others(at)) this.#meet(at, other)
  }

  part(a: number, b: number): void {
    if (a === b || this.#parted.has(link(a, b))) return
    this.#parted.add(link(a, b))
    for (const [one, other] of [
      [a, b],
      [b, a]
    ] as const) {
      const id = this.#directories[other]?.who.id
      if (id !== undefined) this.#directories[one]?.state.connectionLost(id, this.#nowMs)
    }
  }

  repair(a: number, b: number): void {
    if (this.#parted.delete(link(a, b))) this.#meet(a, b)
  }

  repairAll(): void {
    for (const pair of this.#parted) {
      const [a = 0, b = 0] = pair.split(' ').map(Number)
      this.repair(a, b)
    }
  }

  /** Lets time pass in steps. */
  run(forMs: number): void {
    for (const untilMs = this.#nowMs + forMs; this.#nowMs < untilMs;) {
      this.#nowMs += 50
      for (const [at, { isUp }] of this.#directories.entries()) if (isUp) this.#live(at)
      const due = this.#sent.filter(({ atMs }) => atMs <= this.#nowMs)
      this.#sent = this.#sent.filter(({ atMs }) => atMs > this.#nowMs)
      if (this.#sent.length > 5_000) throw new Error('more is forwarded than is new: a storm')
      for (const { from, to, message } of due) if (this.#areLinked(from, to)) this.#receive(to, from, message)
      if (this.#random() < this.noise.replayed) this.#replay()
    }
  }

  /** What the rosters of the living directories show, and what is true. */
  rosters(): { readonly shown: unknown[]; readonly truth: unknown } {
    const living = this.#directories.filter(({ isUp }) => isUp)
    const truth = new Map<string, string[]>()
    for (const { who, roster } of living) {
      for (const { peer, attachments } of roster.entries()) {
        const own = attachments.find(({ source }) => source === who.id)
        if (own !== undefined) truth.set(peer, [...(truth.get(peer) ?? []), `${who.id} ${own.seq}`])
      }
    }
    const sorted = (entries: Iterable<readonly [string, string[]]>) =>
      [...entries].map(([peer, words]) => [peer, words.toSorted()] as const).toSorted(([a], [b]) => (a < b ? -1 : 1))
    const shown = living.map(({ roster }) =>
      sorted(roster.entries().map(({ peer, attachments: all }) => [peer, all.map((one) => `${one.source} ${one.seq}`)]))
    )
    return { shown, truth: sorted(truth) }
  }

  /** What each living directory holds of each living directory. */
  digests(): unknown[] {
    const living = this.#directories.filter(({ isUp }) => isUp)
    const ids = new Set(living.map(({ who }) => who.id))
    return living.map(({ state }) =>
      state
        .digests(this.#nowMs)
        .filter(({ directory }) => ids.has(directory))
        .map(({ directory, epoch, digest, count }) => ({ directory, epoch, digest: [...digest], count }))
        .toSorted((a, b) => (a.directory < b.directory ? -1 : 1))
    )
  }

  #newState({ id }: Identity): FederationState {
    // Clocks are wrong by up to a minute, either way: what the same key said before may be above it.
    const epoch = BigInt(this.#nowMs + Math.round((this.#random() - 0.5) * 120_000))
    return new FederationState({ self: id, epoch })
  }

  #nextSeq(peer: PeerId): bigint {
    const seq = (this.#seqs.get(peer.toString()) ?? 0n) + 1n
    this.#seqs.set(peer.toString(), seq)
    return seq
  }

  #others(at: number): number[] {
    return [...this.#directories.keys()].filter((other) => other !== at)
  }

  #areLinked(a: number, b: number): boolean {
    const areUp = this.#directories[a]?.isUp === true && this.#directories[b]?.isUp === true
    return areUp && !this.#parted.has(link(a, b))
  }

  #ownPeers(at: number): Map<string, VerifiedRecord> {
    const directory = this.#directories[at]
    const own = (directory?.roster.entries() ?? []).filter(({ attachments }) =>
      attachments.some(({ source }) => source === directory?.who.id)
    )
    return new Map(own.map(({ peer, record: newest }) => [peer, newest]))
  }

  #say(at: number, peer: PeerId, attached: VerifiedRecord | undefined): void {
    const directory = this.#directories[at]
    if (directory === undefined) return
    const seq = attached?.record.seq ?? this.#seqs.get(peer.toString()) ?? 0n
    const next = directory.state.nextOwn(peer, seq, attached !== undefined)
    const statement = {
      statement: { ...next, directory: directory.who.peer, network: 'test' },
      envelope: Buffer.from(`${directory.who.id} ${next.epoch} ${next.counter}`)
    }
    if (!directory.state.ownSealed(statement, attached, this.#nowMs)) return
    const update = attached === undefined ? { statement } : { statement, record: attached }
    this.#gossip(at, { kind: 'update', update })
  }

  #raise(at: number, above: bigint): void {
    const directory = this.#directories[at]
    if (directory === undefined) return
    directory.state.raiseEpoch(above)
    for (const [, newest] of this.#ownPeers(at)) {
      // A roster keeps only the newest record of a peer, and so that is the one to attach it with.
      directory.roster.announce(newest, { source: directory.who.id, nowMs: this.#nowMs })
      this.#say(at, newest.record.peer, newest)
    }
  }

  #gossip(at: number, message: Message): void {
    this.#overheard.push(message)
    for (const to of this.#others(at)) {
      for (let copies = this.#random() < 0.2 ? 2 : 1; copies > 0; copies--) {
        if (this.#random() >= this.noise.lost) this.#send(at, to, message)
      }
    }
  }

  #send(from: number, to: number, message: Message): void {
    if (!this.#areLinked(from, to)) return
    this.#sent.push({ from, to, message, atMs: this.#nowMs + this.#random() * this.noise.maxDelayMs })
  }

  #replay(): void {
    const message = this.#overheard[Math.floor(this.#random() * this.#overheard.length)]
    const to = Math.floor(this.#random() * this.#directories.length)
    if (message !== undefined && this.#directories[to]?.isUp === true) this.#receive(to, to, message)
  }

  #meet(a: number, b: number): void {
    if (!this.#areLinked(a, b)) return
    for (const [one, other] of [
      [a, b],
      [b, a]
    ] as const) {
      const [here, there] = [this.#directories[one], this.#directories[other]]
      if (here === undefined || there === undefined) continue
      this.#apply(one, here.state.connected(there.who.id, this.#nowMs))
      this.#send(one, other, { kind: 'hello', digests: here.state.digests(this.#nowMs) })
      for (const farewell of here.roster.withdrawals()) this.#send(one, other, { kind: 'withdrawal', record: farewell })
    }
  }

  #live(at: number): void {
    const directory = this.#directories[at]
    if (directory === undefined) return
    if (directory.state.nextDeadline() <= this.#nowMs) this.#apply(at, directory.state.expire(this.#nowMs))
    directory.roster.expire(this.#nowMs)
    if (directory.nextBeatMs <= this.#nowMs) {
      directory.nextBeatMs = this.#nowMs + 1_000
      const next = directory.state.nextHeartbeat()
      const envelope = Buffer.from(`beat of ${directory.who.id} ${next.epoch} ${next.beat}`)
      const heartbeat = { heartbeat: { ...next, directory: directory.who.peer, network: 'test' }, envelope }
      this.#gossip(at, { kind: 'heartbeat', heartbeat })
    }
    for (const wanted of directory.state.behind(this.#nowMs)) {
      for (const to of this.#others(at)) this.#send(at, to, { kind: 'ask', wanted })
    }
  }

  #receive(at: number, from: number, message: Message): void {
    const directory = this.#directories[at]
    if (directory === undefined) return
    const { state } = directory
    switch (message.kind) {
      case 'update': {
        if (this.#merge(at, message.update)) this.#gossip(at, message)
        return
      }
      case 'withdrawal':
        this.#onWithdrawal(at, message.record)
        return
      case 'heartbeat': {
        const { fresh, usurped, effects } = state.heard(message.heartbeat, this.#nowMs)
        this.#apply(at, effects)
        if (usurped) this.#raise(at, message.heartbeat.heartbeat.epoch)
        if (fresh) this.#gossip(at, message)
        return
      }
      case 'hello':
        for (const digest of message.digests) {
          const { heartbeat, heardAgoMs } = digest
          if (heartbeat !== undefined) {
            const { usurped, effects } = state.heard(heartbeat, this.#nowMs, { agoMs: heardAgoMs })
            this.#apply(at, effects)
            if (usurped) this.#raise(at, heartbeat.heartbeat.epoch)
          }
          const wanted = state.missing(digest)
          if (wanted !== undefined) this.#send(at, from, { kind: 'ask', wanted })
        }
        return
      case 'ask': {
        const { directory: id, epoch, afterCounter } = message.wanted
        const held = [...state.after(id, epoch, afterCounter, this.#nowMs)]
        const updates = held.map(({ statement, record: of }) =>
          of === undefined ? { statement } : { statement, record: of }
        )
        this.#send(at, from, { kind: 'answer', wanted: message.wanted, updates })
        return
      }
      case 'answer': {
        for (const update of message.updates) this.#merge(at, update)
        const counters = new Set(message.updates.map(({ statement }) => statement.statement.counter))
        const { directory: id, epoch, afterCounter } = message.wanted
        if (afterCounter === 0n) this.#apply(at, state.settle(id, epoch, counters, this.#nowMs))
        return
      }
    }
  }

  #merge(at: number, update: OfferedUpdate): boolean {
    const { outcome, effects } = this.#directories[at]?.state.merge(update, this.#nowMs) ?? {
      outcome: 'full',
      effects: []
    }
    this.#apply(at, effects)
    if (outcome === 'usurped') this.#raise(at, update.statement.statement.epoch)
    return outcome === 'new'
  }

  #apply(at: number, effects: readonly RosterEffect[]): void {
    const directory = this.#directories[at]
    if (directory !== undefined) applyEffects(directory.roster, effects, this.#nowMs)
  }

  #onWithdrawal(at: number, farewell: VerifiedRecord): void {
    const roster = this.#directories[at]?.roster
    if (roster === undefined) return
    const { peer } = farewell.record
    const before = roster.newest(peer.toString())
    const wasOwn = this.#ownPeers(at).has(peer.toString())
    roster.withdraw(farewell, this.#nowMs)
    if (wasOwn && !this.#ownPeers(at).has(peer.toString())) this.#say(at, peer, undefined)
    if (before?.envelope !== farewell.envelope && roster.newest(peer.toString()) === farewell) {
      this.#gossip(at, { kind: 'withdrawal', record: farewell })
    }
  }
}

function link(a: number, b: number): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
