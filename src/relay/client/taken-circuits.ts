// The circuits that a peer has taken from one relay: fewer than the relay would offer
// to it, so that there is always one left for a peer that matters. Those of strangers
// give way, shared by the source that the relay states. Pure: it names the circuit
// that gives way, and its owner ends it.
import { Shares } from '../../wire/index.ts'
import { MAX_CIRCUITS_TO_TARGET } from '../relay-frames.ts'

/** A relay refuses everyone beyond {@link MAX_CIRCUITS_TO_TARGET}: the places between are for contacts. */
export const MAX_TAKEN_CIRCUITS = MAX_CIRCUITS_TO_TARGET - 24

export interface TakenCircuitsInit {
  readonly capacity: number
  /** Whether the user has chosen the peer, or converses with it. */
  readonly isChosen: (peer: string) => boolean
}

/** Who is at the other end, by the word of the relay. */
export interface CircuitOrigin {
  readonly peer: string
  readonly source: string
}

/** Whether a circuit is taken, and which one gives way to it. */
export type Taken<Circuit> =
  | { readonly isTaken: false }
  | { readonly isTaken: true; readonly givesWay: Circuit | undefined }

export class TakenCircuits<Circuit> {
  readonly #isChosen: (peer: string) => boolean
  readonly #bySource: Shares<Circuit>
  readonly #peers = new Map<Circuit, string>()

  constructor({ capacity, isChosen }: TakenCircuitsInit) {
    this.#isChosen = isChosen
    this.#bySource = new Shares({ capacity })
  }

  get size(): number {
    return this.#bySource.size
  }

  /**
   * In a full room the oldest circuit of a stranger gives way, of the source that has the most of them: always to a peer
   * that was chosen, and to a stranger from a source that has less.
   */
  open(circuit: Circuit, { peer, source }: CircuitOrigin): Taken<Circuit> {
    const strangers = this.#bySource.isFull ? this.#bySource.mostHeld((one) => this.#isProtected(one)) : []
    const mayHaveOne = this.#isChosen(peer) || strangers.length > this.#strangersFrom(source) + 1
    const givesWay = mayHaveOne ? strangers[0] : undefined
    if (this.#bySource.isFull && givesWay === undefined) return { isTaken: false }
    if (givesWay !== undefined) this.close(givesWay)
    this.#bySource.add(circuit, source)
    this.#peers.set(circuit, peer)
    return { isTaken: true, givesWay }
  }

  /** One that has no place is none. */
  close(circuit: Circuit): void {
    this.#bySource.delete(circuit)
    this.#peers.delete(circuit)
  }

  #isProtected(circuit: Circuit): boolean {
    return this.#isChosen(this.#peers.get(circuit) ?? '')
  }

  #strangersFrom(source: string): number {
    return this.#bySource.itemsOf(source).filter((one) => !this.#isProtected(one)).length
  }
}
