// What this directory states, and when: one statement for each peer that it gains,
// loses or has under a newer record, sealed in order and sent at once, a denial for
// clients that audit, and a heartbeat. Nothing waits for the sealing. Signs nothing
// itself, and knows no streams and no federation peers.
import { TokenBucket } from '../../../wire/index.ts'
import type { OwnChange } from '../../own-attachment.ts'
import type { VerifiedRecord } from '../../../presence/index.ts'
import { encodeGossip, packGossip } from '../../federation-frames.ts'
import type { Gossip, WireUpdate } from '../../federation-frames.ts'
import type { FederationState } from '../state/federation-state.ts'
import type { VerifiedHeartbeat, VerifiedStatement } from '../../statement.ts'
import type { DenialRequest, FederationStep, SealRequest } from './federation-step.ts'

/** A sign of life comes this often: a death is noticed within a few, and costs next to nothing. */
const HEARTBEAT_MS = 1_000

/** New epochs of our own: two directories with one key would go on for ever. */
const RAISE_RATE = { burst: 5, perSecond: 0.1 } as const

/** Denials sealed for clients that audit: all of two leases fit among the detached statements that are kept. */
export const DENIAL_RATE = { burst: 100, perSecond: 50 } as const

/** Own statements that are sealed before the first of them goes out: some milliseconds of signing. */
const SEALING_BATCH = 16

interface StatementPublisherInit {
  readonly step: FederationStep
  readonly state: FederationState
  /** The peers that are attached here now. */
  readonly attached: { all(): Iterable<OwnChange> }
}

/** A change that is to be stated of one peer: its last state counts. */
type Word =
  | { readonly attached: true; readonly record: VerifiedRecord; readonly sinceMs: number }
  | { readonly attached: false; readonly record: VerifiedRecord; readonly seq: bigint }

interface Batch {
  readonly request: SealRequest
  readonly words: readonly Word[]
  readonly withdrawals: readonly Uint8Array[]
}

export class StatementPublisher {
  readonly #init: StatementPublisherInit
  readonly #raises: TokenBucket
  readonly #denials: TokenBucket
  readonly #words = new Map<string, Word>()
  readonly #withdrawals: Uint8Array[] = []
  /** Denials that are being sealed. */
  readonly #denying = new Map<SealRequest, DenialRequest>()
  #heartbeat: { readonly verified: VerifiedHeartbeat; readonly sealedAtMs: number } | undefined
  /** Changes that wait for the end of the turn, or for their seals. */
  #saying: 'nothing' | 'at-the-end-of-the-turn' | Batch = 'nothing'
  /** A heartbeat is to follow what is being said. */
  #beatsAfter = false
  #nextBeatMs = Infinity
  /** The first heartbeat has gone out, or could not be sealed. */
  #isReady = false
  /** A counter was taken and its statement not sealed: others wait for it, and only a new epoch can go on. */
  #isBroken = false

  constructor(init: StatementPublisherInit) {
    this.#init = init
    this.#raises = new TokenBucket(RAISE_RATE, init.step.nowMs)
    this.#denials = new TokenBucket(DENIAL_RATE, init.step.nowMs)
  }

  /** Says all that stands, and gives a sign of life after it, so that the first heartbeat covers it. */
  start(): void {
    this.#isReady = false
    this.noteAll()
    this.#beatsAfter = true
    this.#sayNext()
  }

  /** Noted changes are still stated; there are no more heartbeats. */
  stop(): void {
    this.#nextBeatMs = Infinity
  }

  /** When `beat` is due. */
  get nextBeatMs(): number {
    return this.#nextBeatMs
  }

  /** The last heartbeat, unless a new epoch has begun since. */
  lastHeartbeat(): { readonly envelope: Uint8Array; readonly agoMs: number } | undefined {
    const { state, step } = this.#init
    if (this.#heartbeat?.verified.heartbeat.epoch !== state.epoch) return undefined
    return { envelope: this.#heartbeat.verified.envelope, agoMs: Math.max(0, step.nowMs - this.#heartbeat.sealedAtMs) }
  }

  /** Something has changed about an own attachment. What happens in the same turn goes out together. */
  note(change: OwnChange): void {
    const peer = change.record.record.peer.toString()
    // Counters follow the order of changes, and only the last of each peer is worth one.
    this.#words.delete(peer)
    if (change.kind === 'ended') {
      this.#words.set(peer, { attached: false, record: change.record, seq: change.seq })
      if (change.withdrawal !== undefined) this.#withdrawals.push(change.withdrawal.envelope)
    } else this.#words.set(peer, { attached: true, record: change.record, sinceMs: change.sinceMs })
    if (this.#saying !== 'nothing') return
    this.#saying = 'at-the-end-of-the-turn'
    this.#init.step.emit({ kind: 'turn' })
  }

  /** The turn is over in which something was noted. */
  turned(): void {
    if (this.#saying !== 'at-the-end-of-the-turn') return
    this.#saying = 'nothing'
    this.#sayNext()
  }

  /** States again of every attached peer that it is attached. */
  noteAll(): void {
    for (const change of this.#init.attached.all()) this.note(change)
  }

  /** Our own key has said something in an epoch that we do not know of: all is said anew in one above it. */
  raise(above: bigint): void {
    if (this.#raises.takeOne(this.#init.step.nowMs) > 0) return
    this.#init.state.raiseEpoch(above)
    this.noteAll()
    this.#beatsAfter = true
    this.#sayNext()
  }

  /**
   * Seals that a peer is not attached here, which the caller has made sure of: for a client that was shown an older
   * word. Federation peers need not be told, as no digest covers it. Too many lately are not sealed.
   */
  deny(request: DenialRequest): void {
    const { state, step } = this.#init
    if (this.#denials.takeOne(step.nowMs) > 0) {
      step.emit({ kind: 'denied', request, denial: undefined })
      return
    }
    const seal = { statements: [state.nextOwn(request.peer, 0n, false)] }
    this.#denying.set(seal, request)
    step.emit({ kind: 'seal', request: seal })
  }

  /** A sign of life; in a new epoch, after all that stands, where sealing has failed. */
  beat(): void {
    const { state, step } = this.#init
    if (!this.#isBroken) {
      this.#sealHeartbeat()
      return
    }
    this.#isBroken = false
    this.#nextBeatMs = step.nowMs + HEARTBEAT_MS
    state.raiseEpoch(state.epoch)
    this.noteAll()
    this.#beatsAfter = true
    this.#sayNext()
  }

  /** @param statements in their order; undefined where the key did not sign */
  sealed(request: SealRequest, statements: readonly (VerifiedStatement | undefined)[]): void {
    const denial = this.#denying.get(request)
    if (denial !== undefined) {
      this.#denying.delete(request)
      this.#denied(denial, statements[0])
      return
    }
    const said = this.#saying
    if (typeof said === 'string' || said.request !== request) return
    this.#saying = 'nothing'
    const updates = statements.flatMap((statement, i) => {
      const word = said.words[i]
      return statement === undefined || word === undefined ? [] : this.#taken(statement, word)
    })
    if (!statements.includes(undefined)) {
      this.#publish(packGossip(updates, said.withdrawals))
      this.#sayNext()
      return
    }
    this.#isBroken = true
    // Withdrawals prove themselves.
    this.#publish(packGossip([], said.withdrawals))
    if (!this.#beatsAfter) return
    this.#beatsAfter = false
    this.#sealHeartbeat()
  }

  heartbeatSealed(verified: VerifiedHeartbeat | undefined): void {
    const { step } = this.#init
    if (verified !== undefined) {
      this.#heartbeat = { verified, sealedAtMs: step.nowMs }
      this.#publish([{ updates: [], withdrawals: [], heartbeat: verified.envelope }])
    }
    if (this.#isReady) return
    this.#isReady = true
    step.emit({ kind: 'ready' })
  }

  #sayNext(): void {
    if (this.#saying !== 'nothing') return
    if (this.#words.size > 0 || this.#withdrawals.length > 0) {
      const { state, step } = this.#init
      const noted = [...this.#words].slice(0, SEALING_BATCH)
      for (const [peer] of noted) this.#words.delete(peer)
      const words = noted.map(([, word]) => word)
      const statements = words.map((word) => {
        const { peer, seq } = word.record.record
        return state.nextOwn(peer, word.attached ? seq : word.seq, word.attached)
      })
      const request = { statements }
      this.#saying = { request, words, withdrawals: this.#withdrawals.splice(0, SEALING_BATCH) }
      step.emit({ kind: 'seal', request })
      return
    }
    if (!this.#beatsAfter) return
    this.#beatsAfter = false
    this.beat()
  }

  #sealHeartbeat(): void {
    const { state, step } = this.#init
    this.#nextBeatMs = step.nowMs + HEARTBEAT_MS
    step.emit({ kind: 'seal-heartbeat', heartbeat: state.nextHeartbeat() })
  }

  /** The state puts statements into the order of their counters. */
  #taken(statement: VerifiedStatement, word: Word): WireUpdate[] {
    const { state, step } = this.#init
    const { nowMs } = step
    const sinceMs = word.attached ? word.sinceMs : nowMs
    // An epoch that is over: all that stands is said anew in the next.
    if (!state.ownSealed(statement, word.attached ? word.record : undefined, nowMs, sinceMs)) return []
    const record = word.attached ? { record: word.record.envelope } : {}
    return [{ statement: statement.envelope, ...record, forMs: Math.max(0, nowMs - sinceMs) }]
  }

  #denied(request: DenialRequest, sealed: VerifiedStatement | undefined): void {
    const { state, step } = this.#init
    if (sealed === undefined) this.#isBroken = true
    const isOwn = sealed !== undefined && state.ownSealed(sealed, undefined, step.nowMs)
    step.emit({ kind: 'denied', request, denial: isOwn ? sealed : undefined })
  }

  #publish(messages: readonly Gossip[]): void {
    for (const gossip of messages) {
      if (gossip.updates.length + gossip.withdrawals.length === 0 && gossip.heartbeat === undefined) continue
      this.#init.step.emit({ kind: 'publish', bytes: encodeGossip(gossip) })
    }
  }
}
