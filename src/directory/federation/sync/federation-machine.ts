// What a directory of a federation decides, as one machine: which Hello is answered
// how, what is compared, asked and sent, what a statement changes, which directory
// is dead, and when a heartbeat is due. Events and the time go in, effects come out;
// it reads the roster and the known directories, and does nothing by itself.
//
// @example
// for (const effect of machine.step({ type: 'time' }, nowMs)) perform(effect)
// timer.dueAt(machine.nextDeadline())
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { addressClassOf, toError } from '../../../wire/index.ts'
import type { ReadableRoster } from '../../../presence/index.ts'
import { AttachedPeers } from '../../own-attachment.ts'
import { decodeGossip } from '../../federation-frames.ts'
import type { FederationFrame } from '../../federation-frames.ts'
import { FederationState } from '../state/federation-state.ts'
import type { FederationLimits } from '../state/known-directories.ts'
import { StateExpiry } from '../state/state-expiry.ts'
import { FederationPeerLinks, PULSE_MS } from './federation-peer-links.ts'
import { FederationStep } from './federation-step.ts'
import type {
  FederationEffect,
  FederationEvent,
  FederationSession,
  GossipMessage,
  GossipVerdict,
  OpenTask
} from './federation-step.ts'
import { GossipIntake } from './gossip-intake.ts'
import { PeerScoring } from './peer-scoring.ts'
import { OpenTasks, SignatureBudget } from './signature-budget.ts'
import { StatementPublisher } from './statement-publisher.ts'
import { SyncExchange } from './sync-exchange.ts'
import type { KnownPeers } from './sync-exchange.ts'

interface FederationMachineInit {
  readonly self: PeerId
  readonly network: string
  /** Of this start of the directory: its clock in milliseconds. */
  readonly epoch: bigint
  /** Whether unnamed directories may join. */
  readonly admitsOthers: boolean
  readonly limits?: Partial<FederationLimits>
  readonly peers: KnownPeers
  readonly roster: { readRoster(): ReadableRoster }
  readonly addresses: { getAddresses(): readonly Multiaddr[] }
  /** Of the addresses that a federation peer tells, those that may be dialled on its word; it is connected from `teller`. */
  dialable(addresses: readonly Multiaddr[], teller: Multiaddr): readonly Multiaddr[]
  readonly nowMs: number
}

export class FederationMachine {
  /** What directories state, and which live: to be read only. */
  readonly state: FederationState
  /** The conduct of federation peers: to be read only. */
  readonly scoring: PeerScoring
  /** The streams with federation peers: to be read only. */
  readonly links: FederationPeerLinks
  readonly attached: AttachedPeers
  readonly #step = new FederationStep()
  readonly #exchange: SyncExchange
  readonly #expiry: StateExpiry
  readonly #intake: GossipIntake
  readonly #publisher: StatementPublisher
  readonly #tasks: OpenTasks
  #life: 'new' | 'running' | 'stopping' | 'stopped' = 'new'
  #nextPulseMs = Infinity
  /** Directories whose peers are left out in part, as was last told. */
  #leftOut = new Set<string>()

  constructor(init: FederationMachineInit) {
    const { self, network, epoch, admitsOthers, peers, roster, addresses } = init
    const step = this.#step
    step.nowMs = init.nowMs
    const isNamed = (peer: string): boolean => peers.isNamed(peer)
    const limits = init.limits === undefined ? {} : { limits: init.limits }
    const state = new FederationState({ self: self.toString(), epoch, isNamed, ...limits })
    this.state = state
    this.attached = new AttachedPeers(self.toString(), roster.readRoster())
    this.scoring = new PeerScoring(step.now)
    this.#expiry = new StateExpiry(state)
    this.#tasks = new OpenTasks(step, new SignatureBudget({ now: step.now, isNamed }))
    const publisher = new StatementPublisher({ step, state, attached: this.attached })
    const intake = new GossipIntake({ step, state, network, roster, publisher, peers })
    const exchange = new SyncExchange({
      step,
      self,
      network,
      state,
      intake,
      roster,
      publisher,
      peers,
      scoring: this.scoring,
      addresses,
      dialable: (told, teller) => init.dialable(told, teller)
    })
    this.#publisher = publisher
    this.#intake = intake
    this.#exchange = exchange
    this.links = new FederationPeerLinks({
      step,
      self,
      network,
      admitsOthers,
      peers,
      scoring: this.scoring,
      listener: {
        hello: () => exchange.hello(),
        onLinked: (session, isNew) => this.#onLinked(session, isNew),
        onUnlinked: (peer, end) => this.#onUnlinked(peer, end)
      }
    })
    this.scoring.on('banned', (peer, forMs) => {
      this.links.ban(peer, forMs)
      step.emit({ kind: 'banned', peer, forMs })
    })
  }

  /** @returns what is to be done, in order, before the next step */
  step(event: FederationEvent, nowMs: number): readonly FederationEffect[] {
    this.#step.nowMs = nowMs
    this.#take(event)
    return this.#step.taken()
  }

  /** @returns when the event `time` is due; to be asked after every step */
  nextDeadline(): number {
    if (this.#life !== 'running') return Infinity
    const { nextBeatMs } = this.#publisher
    const expiresAtMs = Math.min(this.links.nextDeadline(), this.#expiry.nextDeadline())
    return Math.min(this.#nextPulseMs, nextBeatMs, expiresAtMs)
  }

  #take(event: FederationEvent): void {
    switch (event.type) {
      case 'started':
        return this.#start()
      case 'stopping':
        return this.#beginStop()
      case 'stopped':
        return this.#stop()
      case 'time':
        return this.#onTime()
      case 'turn':
        return this.#publisher.turned()
      case 'opened':
        return this.links.opened(event.session)
      case 'frame':
        return this.#tasks.run(this.#onFrame(event.session, event.frame, event.sizeBytes))
      case 'unsent':
        return this.#exchange.unsent(event.session, event.frame)
      case 'flooded':
        return this.scoring.ban(event.session.peer)
      case 'ended':
        return this.links.ended(event.session)
      case 'gossip':
        return this.#tasks.run(this.#onGossip(event.message))
      case 'changed':
        return this.#publisher.note(event.change)
      case 'denial':
        return this.#publisher.deny(event.request)
      case 'envelopes':
        return this.#tasks.opened(event.request, event.opened)
      case 'envelopes-failed':
        return this.#tasks.failed(event.request, event.error)
      case 'sealed':
        return this.#publisher.sealed(event.request, event.statements)
      case 'heartbeat-sealed':
        return this.#publisher.heartbeatSealed(event.heartbeat)
    }
  }

  #start(): void {
    const { nowMs } = this.#step
    this.#life = 'running'
    // What others had attached before a stop is asked for anew.
    this.#step.apply(this.state.expire(Number.MAX_SAFE_INTEGER))
    this.#nextPulseMs = nowMs + PULSE_MS
    // Peers that are attached already are stated first, so that the first heartbeat covers them.
    this.#publisher.start()
  }

  #beginStop(): void {
    this.#life = 'stopping'
    this.#nextPulseMs = Infinity
    this.#publisher.stop()
    this.links.stop()
  }

  #stop(): void {
    this.#life = 'stopped'
    this.#tasks.clear()
    const { nowMs } = this.#step
    for (const { directory } of this.state.directories(nowMs)) this.state.connectionLost(directory, nowMs)
  }

  #onTime(): void {
    const { nowMs } = this.#step
    if (this.#life !== 'running') return
    this.#step.apply(this.#expiry.expire(nowMs))
    this.links.expire()
    if (this.#publisher.nextBeatMs <= nowMs) {
      this.#publisher.beat()
      this.#tellLeftOut()
    }
    if (this.#nextPulseMs <= nowMs) {
      this.#nextPulseMs = nowMs + PULSE_MS
      this.links.pulse()
      this.#exchange.askForMissing()
      this.#tasks.pulse()
    }
  }

  #onLinked(session: FederationSession, isNew: boolean): void {
    const { peer, remoteAddr } = session
    this.#exchange.joined(session)
    this.#step.emit({ kind: 'linked', session, isNew })
    if (!isNew) return
    this.#step.apply(this.state.connected(peer.toString(), this.#step.nowMs, addressClassOf(remoteAddr)))
  }

  #onUnlinked(peer: PeerId, end: { readonly wasJoined: boolean; readonly hasLeft: boolean }): void {
    const id = peer.toString()
    this.#exchange.left(id)
    if (end.wasJoined) {
      this.scoring.forget(id)
      this.state.connectionLost(id, this.#step.nowMs)
    }
    this.#step.emit({ kind: 'unlinked', peer, ...end })
  }

  *#onFrame(session: FederationSession, frame: FederationFrame, sizeBytes: number): OpenTask<void> {
    const step = this.#step
    session.isHandling = true
    session.heardAtMs = step.nowMs
    try {
      if (!this.links.admits(session, frame) || this.#life !== 'running') return
      if (!this.#exchange.isAwaited(session, frame) && !this.scoring.mayPass(session.peer, sizeBytes)) return
      const taken = yield* this.#exchange.onFrame(session, frame)
      // Federation peers check before they pass on.
      if (taken !== undefined) this.scoring.strike(session.peer, taken.forged)
    } catch (error) {
      step.emit({ kind: 'break', session, error: toError(error) })
    } finally {
      session.isHandling = false
      session.heardAtMs = step.nowMs
      step.emit({ kind: 'read-on', session })
    }
  }

  *#onGossip(message: GossipMessage): OpenTask<void> {
    const { from } = message
    let verdict: GossipVerdict = 'ignore'
    try {
      verdict = yield* this.#judge(message)
    } catch (error) {
      this.#step.emit({ kind: 'no-gossip', from, error: toError(error) })
      this.scoring.strike(from)
      verdict = 'reject'
    } finally {
      this.#step.emit({ kind: 'judge', message, verdict })
    }
  }

  /** A message goes on when something in it is new and nothing is forged. */
  *#judge({ from, bytes }: GossipMessage): OpenTask<GossipVerdict> {
    if (this.#life !== 'running' || !this.scoring.mayPass(from, bytes.byteLength)) return 'ignore'
    const { updates, withdrawals, heartbeat } = decodeGossip(bytes)
    const via = this.state.holderOf(from.toString())
    const taken = [yield* this.#intake.updates(updates, { via }), yield* this.#intake.withdrawals(withdrawals, { via })]
    if (heartbeat !== undefined) taken.push(yield* this.#intake.heartbeat(heartbeat, 0, via))
    // Federation peers check before they pass on.
    const forged = taken.reduce((sum, one) => sum + one.forged, 0)
    this.scoring.strike(from, forged)
    if (forged > 0) return 'reject'
    return taken.some(({ isNews }) => isNews) ? 'accept' : 'ignore'
  }

  #tellLeftOut(): void {
    const short = this.state.directories(this.#step.nowMs).filter(({ leftOut }) => leftOut > 0)
    for (const standing of short) {
      if (!this.#leftOut.has(standing.directory)) this.#step.emit({ kind: 'left-out', standing })
    }
    this.#leftOut = new Set(short.map(({ directory }) => directory))
  }
}
