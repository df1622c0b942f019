// What is known about who is Parley: one answer per connection, never taken
// back once it is yes. Forgets with the connection; opens no streams.
import type { Connection } from '@libp2p/interface'
import { LruSet } from '../lib/index.ts'
import { MAX_KNOWN_PARLEY_PEERS } from './constants.ts'

/** Whether the program at the other end is Parley; undecided: it did not answer. */
export type ProbeAnswer = 'parley' | 'foreign' | 'undecided'

interface Probe {
  answer: ProbeAnswer
  running: Promise<ProbeAnswer> | undefined
  /** An inbound stream answers for a question that still waits. */
  readonly parley: PromiseWithResolvers<ProbeAnswer>
}

export class ProbeBook {
  #probes = new WeakMap<Connection, Probe>()
  readonly #parleyPeers = new LruSet<string>(MAX_KNOWN_PARLEY_PEERS)

  /** @returns what is known of the peer at the other end */
  answer(connection: Connection): ProbeAnswer {
    if (this.#parleyPeers.has(connection.remotePeer.toString())) return 'parley'
    return this.#probes.get(connection)?.answer ?? 'undecided'
  }

  /** Puts the question unless it is answered, or being put; resolves at once when the answer comes another way. */
  ask(connection: Connection, question: () => Promise<ProbeAnswer>): Promise<ProbeAnswer> {
    const probe = this.#probeOf(connection)
    if (probe.answer !== 'undecided') return Promise.resolve(probe.answer)
    probe.running ??= Promise.race([probe.parley.promise, question()]).finally(() => {
      probe.running = undefined
    })
    return probe.running
  }

  /** @returns the answer that stands: a peer once known as Parley is not foreign again */
  settle(connection: Connection, answer: 'parley' | 'foreign'): ProbeAnswer {
    const id = connection.remotePeer.toString()
    const probe = this.#probeOf(connection)
    if (answer === 'foreign' && !this.#parleyPeers.has(id)) {
      if (probe.answer === 'undecided') probe.answer = 'foreign'
      return probe.answer
    }
    probe.answer = 'parley'
    probe.parley.resolve('parley')
    this.#parleyPeers.add(id)
    return 'parley'
  }

  /** All questions are open again; who is Parley stays known. */
  reopen(): void {
    this.#probes = new WeakMap()
  }

  #probeOf(connection: Connection): Probe {
    const probe = this.#probes.get(connection) ?? {
      answer: 'undecided',
      running: undefined,
      parley: Promise.withResolvers<ProbeAnswer>()
    }
    this.#probes.set(connection, probe)
    return probe
  }
}
