// A directory that lies: it is a real one, and what it sends is changed on the way.
// It plays others' old messages again, leaves things out, says that it heard others
// when it did not, and signs what is not its own with a signature that is none.
import type { FederationFrame, Gossip, WireDigest, WireUpdate } from '../../../src/directory/federation-frames.ts'
import { decodeGossip, encodeGossip } from '../../../src/directory/federation-frames.ts'
import { claimedStatement } from '../../../src/directory/statement.ts'
import type { Identity } from '../../presence/records.ts'
import type { Simulation } from '../network.ts'
import type { Lies } from './federation-network.ts'
import { forgedStatement } from './seals.ts'

/** What it remembers of others, to say it again. */
const MAX_REMEMBERED = 200

export class Liar implements Lies {
  readonly #simulation: Simulation
  readonly #who: Identity
  readonly #victims: readonly Identity[]
  readonly #peers: readonly Identity[]
  readonly #updates: WireUpdate[] = []
  readonly #heartbeats: { readonly of: string; readonly envelope: Uint8Array }[] = []

  constructor(simulation: Simulation, who: Identity, victims: readonly Identity[], peers: readonly Identity[]) {
    this.#simulation = simulation
    this.#who = who
    this.#victims = victims
    this.#peers = peers
  }

  gossip(bytes: Uint8Array): Uint8Array | undefined {
    const gossip = decodeGossip(bytes)
    this.#remember(gossip.updates)
    const { random } = this.#simulation
    if (random.isOne(4)) return undefined
    if (random.isOne(3)) return encodeGossip(this.#repeated(gossip))
    if (random.isOne(40)) return encodeGossip({ ...gossip, updates: [this.#forged()] })
    return bytes
  }

  frame(frame: FederationFrame): FederationFrame | undefined {
    const { random } = this.#simulation
    switch (frame.type) {
      case 'hello':
        return { ...frame, digests: frame.digests.flatMap((digest) => this.#falseDigest(digest)) }
      case 'page': {
        this.#remember(frame.updates)
        if (random.isOne(6)) return undefined
        if (random.isOne(4)) return { ...frame, updates: frame.updates.filter(() => random.isOne(2)) }
        if (random.isOne(4)) return { ...frame, updates: [...frame.updates, ...this.#old()] }
        if (random.isOne(10)) return { ...frame, updates: [this.#forged()] }
        // An answer that never ends.
        return random.isOne(10) ? { ...frame, last: false } : frame
      }
      case 'page-withdrawals':
        return random.isOne(3) ? { ...frame, withdrawals: [] } : frame
      case 'ask':
      case 'ask-withdrawals':
        return random.isOne(4) ? undefined : frame
      case 'refuse':
        return frame
    }
  }

  #falseDigest(digest: WireDigest): WireDigest[] {
    const { random } = this.#simulation
    const of = digest.directory.toString()
    const { heartbeat } = digest
    if (heartbeat !== undefined && this.#heartbeats.length < MAX_REMEMBERED) {
      this.#heartbeats.push({ of, envelope: heartbeat })
    }
    if (random.isOne(6)) return []
    if (random.isOne(6)) return [{ ...digest, epoch: digest.epoch + 1_000n, counter: digest.counter + 5n }]
    if (random.isOne(6)) return [{ ...digest, digest: new Uint8Array(32).fill(7), count: 9 }]
    if (random.isOne(6)) return [{ ...digest, heardAgoMs: random.isOne(2) ? 0 : 60_000 }]
    const old = random.isOne(3) ? this.#heartbeats.filter((one) => one.of === of) : []
    return old.length === 0 ? [digest] : [{ ...digest, heartbeat: random.choose(old).envelope, heardAgoMs: 0 }]
  }

  #remember(updates: readonly WireUpdate[]): void {
    for (const update of updates) {
      const author = claimedStatement(update.statement)?.directory
      if (author !== this.#who.id && this.#updates.length < MAX_REMEMBERED) this.#updates.push(update)
    }
  }

  #repeated(gossip: Gossip): Gossip {
    return { ...gossip, updates: [...gossip.updates, ...this.#old()] }
  }

  /** Statements of others that were true once. */
  #old(): WireUpdate[] {
    const { random } = this.#simulation
    return this.#updates.filter(() => random.isOne(20)).slice(0, 5)
  }

  /** That another has lost a peer, or has one. */
  #forged(): WireUpdate {
    const { random } = this.#simulation
    const [victim, { peer }] = [random.choose(this.#victims), random.choose(this.#peers)]
    const of = { epoch: 1_900_000_000_000n, counter: BigInt(this.#simulation.between(1, 9)), peer, seq: 1n }
    return { statement: forgedStatement(victim, { ...of, attached: false }), forMs: 0 }
  }
}
