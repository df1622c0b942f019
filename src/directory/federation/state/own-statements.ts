// What this directory itself states of its peers: counters in order, a digest that
// others can come to equal, and epochs above everything that the same key has signed
// in an earlier life. Pure; signs nothing.
import type { PeerId } from '@libp2p/interface'
import type { Heartbeat, AttachmentStatement } from '../../statement.ts'
import { StatementLog } from './statement-log.ts'
import type { LogLimits, Offered } from './statement-log.ts'

export class OwnStatements {
  readonly #limits: LogLimits
  #log: StatementLog
  /** The last counter given out. */
  #taken = 0n
  /** The last counter that the log holds: all before it are in. */
  #applied = 0n
  /** Sealed before one that was taken earlier. */
  readonly #waiting = new Map<bigint, Offered>()
  #beat = 0n

  constructor(epoch: bigint, limits: LogLimits) {
    // A directory admits as many peers as it likes; what others hold of it they limit themselves.
    this.#limits = { ...limits, maxAttachments: Infinity }
    this.#log = new StatementLog(epoch, this.#limits)
  }

  get epoch(): bigint {
    return this.#log.epoch
  }

  get log(): StatementLog {
    return this.#log
  }

  next(peer: PeerId, seq: bigint, attached: boolean): Omit<AttachmentStatement, 'directory' | 'network'> {
    this.#taken++
    return { epoch: this.epoch, counter: this.#taken, peer, seq, attached }
  }

  /** Signing may end in any order; a digest that covered a later statement without an earlier one would hide that one. */
  sealed(offered: Offered, nowMs: number): boolean {
    const { epoch, counter } = offered.statement.statement
    if (epoch !== this.epoch) return false
    this.#waiting.set(counter, offered)
    for (;;) {
      const next = this.#waiting.get(this.#applied + 1n)
      if (next === undefined) return true
      this.#applied++
      this.#waiting.delete(this.#applied)
      this.#log.put(next, nowMs, () => true)
    }
  }

  digest(): Pick<Heartbeat, 'counter' | 'digest' | 'count'> {
    return { counter: this.#applied, digest: this.#log.digest.bytes(), count: this.#log.digest.count }
  }

  nextHeartbeat(): Omit<Heartbeat, 'directory' | 'network'> {
    this.#beat++
    return { epoch: this.epoch, beat: this.#beat, ...this.digest() }
  }

  raise(above: bigint): bigint {
    const epoch = (above > this.epoch ? above : this.epoch) + 1n
    this.#log = new StatementLog(epoch, this.#limits)
    this.#taken = 0n
    this.#applied = 0n
    this.#waiting.clear()
    return epoch
  }

  /** Whether a statement of our own key that was brought to us is one of this start. */
  classify({ epoch, counter }: Pick<AttachmentStatement, 'epoch' | 'counter'>): 'known' | 'stale' | 'usurped' {
    if (epoch < this.epoch) return 'stale'
    return epoch > this.epoch || counter > this.#taken ? 'usurped' : 'known'
  }

  isUsurpedBy(epoch: bigint, beat: bigint): boolean {
    return epoch > this.epoch || (epoch === this.epoch && beat > this.#beat)
  }
}
