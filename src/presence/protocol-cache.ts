// Which peers run Parley: one answer for each connection, forgotten with it, and the
// peers that were once known as Parley, which stay so. It opens no streams.
import type { Connection } from '@libp2p/interface'
import { LruSet } from '../lib/index.ts'

/** Peers remembered as Parley after their connection has gone, the least recently seen forgotten first. */
const MAX_KNOWN_PARLEY_PEERS = 4_096

/** Whether the program at the other end is Parley; undecided when it did not answer. */
export type ProbeAnswer = 'parley' | 'foreign' | 'undecided'

interface Probe {
  answer: ProbeAnswer
  running: Promise<ProbeAnswer> | undefined
  /** Resolved by an inbound stream, which answers a question that still waits. */
  readonly parley: PromiseWithResolvers<ProbeAnswer>
}

export class ProtocolCache {
  #probes = new WeakMap<Connection, Probe>()
  readonly #parleyPeers = new LruSet<string>(MAX_KNOWN_PARLEY_PEERS)

  /** @returns the answer so far */
  answer(connection: Connection): ProbeAnswer {
    if (this.#parleyPeers.has(connection.remotePeer.toString())) return 'parley'
    return this.#probes.get(connection)?.answer ?? 'undecided'
  }

  /** Asks, unless the answer is known or on its way; resolves early when an inbound stream answers. */
  ask(connection: Connection, question: () => Promise<ProbeAnswer>): Promise<ProbeAnswer> {
    const probe = this.#probeOf(connection)
    if (probe.answer !== 'undecided') return Promise.resolve(probe.answer)
    probe.running ??= Promise.race([probe.parley.promise, question()]).finally(() => {
      probe.running = undefined
    })
    return probe.running
  }

  /** @returns the valid answer: a peer once known as Parley does not become foreign */
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

  /** Forgets all answers but the peers known as Parley. */
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
