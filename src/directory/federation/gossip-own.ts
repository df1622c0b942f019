// What this directory says of itself: a statement for each peer that it gains,
// loses or has under a newer record, sealed in order and told at once, a denial
// for who doubts, and a heartbeat. Nothing waits for the sealing. Knows no
// streams and no fellows.
import type { Logger, PeerId, PrivateKey } from '@libp2p/interface'
import { toError, TokenBucket } from '../../wire/index.ts'
import type { OwnChange } from '../own-attachment.ts'
import type { VerifiedRecord } from '../presence-record.ts'
import { encodeGossip } from './federation-frames.ts'
import type { Gossip, WireUpdate } from './federation-frames.ts'
import type { FederationState } from './federation-state.ts'
import { DENIAL_RATE, RAISE_RATE, SEALING_BATCH } from './constants.ts'
import { sealHeartbeat } from './heartbeat.ts'
import type { VerifiedHeartbeat } from './heartbeat.ts'
import { packGossip } from './packing.ts'
import { sealStatement } from './statement.ts'
import type { VerifiedStatement } from './statement.ts'

export interface GossipOwnInit {
  readonly state: FederationState
  readonly network: string
  readonly privateKey: PrivateKey
  readonly now: () => number
  readonly log: Logger
  publish(bytes: Uint8Array): Promise<void>
  /** Who is attached here now. */
  attached(): Iterable<OwnChange>
}

/** What is to be said of one peer: its last state counts. */
type Word =
  | { readonly attached: true; readonly record: VerifiedRecord; readonly sinceMs: number }
  | { readonly attached: false; readonly record: VerifiedRecord; readonly seq: bigint }

export class GossipOwn {
  readonly #init: GossipOwnInit
  readonly #raises: TokenBucket
  readonly #denials: TokenBucket
  readonly #words = new Map<string, Word>()
  readonly #withdrawals: Uint8Array[] = []
  #heartbeat: { readonly verified: VerifiedHeartbeat; readonly sealedAtMs: number } | undefined
  #saying: Promise<void> | undefined
  /** A counter was taken and its statement not sealed: others wait for it, and only a new epoch can go on. */
  #isBroken = false

  constructor(init: GossipOwnInit) {
    this.#init = init
    this.#raises = new TokenBucket(RAISE_RATE, init.now())
    this.#denials = new TokenBucket(DENIAL_RATE, init.now())
  }

  /** The last heartbeat, unless a new epoch has begun since. */
  lastHeartbeat(nowMs: number): { readonly envelope: Uint8Array; readonly agoMs: number } | undefined {
    if (this.#heartbeat?.verified.heartbeat.epoch !== this.#init.state.epoch) return undefined
    return { envelope: this.#heartbeat.verified.envelope, agoMs: Math.max(0, nowMs - this.#heartbeat.sealedAtMs) }
  }

  /** Something has changed about an own attachment. Returns at once. */
  note(change: OwnChange): void {
    const peer = change.record.record.peer.toString()
    // Counters follow the order of changes, and only the last of each peer is worth one.
    this.#words.delete(peer)
    if (change.kind === 'ended') {
      this.#words.set(peer, { attached: false, record: change.record, seq: change.seq })
      if (change.withdrawal !== undefined) this.#withdrawals.push(change.withdrawal.envelope)
    } else this.#words.set(peer, { attached: true, record: change.record, sinceMs: change.sinceMs })
    this.#saying ??= this.#sayAll().finally(() => {
      this.#saying = undefined
    })
  }

  /** Says of everybody who is attached here that he is. */
  noteAll(): void {
    for (const change of this.#init.attached()) this.note(change)
  }

  /** Our own key has said something in an epoch that we do not know of: all is said anew in one above it. */
  raise(above: bigint): void {
    if (this.#raises.takeOne(this.#init.now()) > 0) return
    this.#init.state.raiseEpoch(above)
    this.noteAll()
    void this.settled().then(() => this.beat())
  }

  /**
   * Seals that a peer is not attached here, which the caller has made sure of: for a client that was shown an older
   * word. Fellows need not be told, as no digest covers it.
   *
   * @returns undefined when too many were sealed lately
   */
  async deny(peer: PeerId): Promise<VerifiedStatement | undefined> {
    const { state, network, privateKey, now, log } = this.#init
    if (this.#denials.takeOne(now()) > 0) return undefined
    const next = state.nextOwn(peer, 0n, false)
    try {
      const denial = await sealStatement({ ...next, network }, privateKey)
      return state.ownSealed(denial, undefined, now()) ? denial : undefined
    } catch (error) {
      log.error('no denial - %e', toError(error))
      this.#isBroken = true
      return undefined
    }
  }

  /** Seals a sign of life and tells it; in a new epoch, with all that stands, where sealing has failed. Never rejects. */
  async beat(): Promise<void> {
    const { state, network, privateKey, now, log } = this.#init
    try {
      if (this.#isBroken) {
        this.#isBroken = false
        state.raiseEpoch(state.epoch)
        this.noteAll()
        await this.settled()
      }
      const verified = await sealHeartbeat({ ...state.nextHeartbeat(), network }, privateKey)
      this.#heartbeat = { verified, sealedAtMs: now() }
      await this.#publish({ updates: [], withdrawals: [], heartbeat: verified.envelope })
    } catch (error) {
      log.error('no heartbeat - %e', toError(error))
    }
  }

  /** Resolves when all that was noted has been told. */
  async settled(): Promise<void> {
    await this.#saying
  }

  async #sayAll(): Promise<void> {
    // What happens in the same turn goes out together.
    await Promise.resolve()
    while (this.#words.size > 0 || this.#withdrawals.length > 0) {
      const words = [...this.#words].slice(0, SEALING_BATCH)
      for (const [peer] of words) this.#words.delete(peer)
      const withdrawals = this.#withdrawals.splice(0, SEALING_BATCH)
      try {
        const updates = await this.#seal(words.map(([, word]) => word))
        for (const gossip of packGossip(updates, withdrawals)) await this.#publish(gossip)
      } catch (error) {
        this.#init.log.error('own statements were not sealed - %e', toError(error))
        this.#isBroken = true
        // Farewells prove themselves.
        for (const gossip of packGossip([], withdrawals)) await this.#publish(gossip)
        return
      }
    }
  }

  /** Signs several at once; the state puts them into the order of their counters. */
  async #seal(words: readonly Word[]): Promise<WireUpdate[]> {
    const { state, network, privateKey, now } = this.#init
    const sealed = words.map(async (word): Promise<WireUpdate[]> => {
      const { peer, seq } = word.record.record
      const next = state.nextOwn(peer, word.attached ? seq : word.seq, word.attached)
      const statement = await sealStatement({ ...next, network }, privateKey)
      const nowMs = now()
      const sinceMs = word.attached ? word.sinceMs : nowMs
      // An epoch that is over: all that stands is said anew in the next.
      if (!state.ownSealed(statement, word.attached ? word.record : undefined, nowMs, sinceMs)) return []
      const record = word.attached ? { record: word.record.envelope } : {}
      return [{ statement: statement.envelope, ...record, forMs: Math.max(0, nowMs - sinceMs) }]
    })
    return (await Promise.all(sealed)).flat()
  }

  async #publish(gossip: Gossip): Promise<void> {
    if (gossip.updates.length + gossip.withdrawals.length === 0 && gossip.heartbeat === undefined) return
    try {
      await this.#init.publish(encodeGossip(gossip))
    } catch (error) {
      // Who did not get it sees by the next heartbeat that something is missing.
      this.#init.log('own gossip did not go out - %e', toError(error))
    }
  }
}
