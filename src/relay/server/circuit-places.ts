// The places for circuits at a relay: how many one peer may open, how many may lead
// to one peer, and how many there are in all, shared by the address classes of those
// who open them. Pure: it names the circuit that gives way, and its owner ends it.
import { Shares } from '../../wire/index.ts'
import { MAX_CIRCUITS_TO_TARGET } from '../relay-frames.ts'

/** Circuits that one peer opens: a person writes to fewer people at a time. */
export const MAX_CIRCUITS_OF_DIALER = 32

export interface CircuitLimits {
  readonly maxCircuits: number
  readonly maxOfDialer: number
  readonly maxToTarget: number
}

/** @param maxCircuits of all peers: each holds a few hundred KB, and `MAX_HELD_BYTES` each way at worst */
export function circuitLimits(maxCircuits: number): CircuitLimits {
  return { maxCircuits, maxOfDialer: MAX_CIRCUITS_OF_DIALER, maxToTarget: MAX_CIRCUITS_TO_TARGET }
}

/** The peers of a circuit, and the address class from which the dialer is connected. */
export interface CircuitEnds {
  readonly dialer: string
  readonly target: string
  readonly addressClass: string
}

/** Whether a circuit gets a place, and which one gives way to it. */
export type Admission<Circuit> =
  | { readonly is: 'admitted'; readonly givesWay: Circuit | undefined }
  | { readonly is: 'refused' }

export class CircuitPlaces<Circuit> {
  readonly #limits: CircuitLimits
  readonly #byClass: Shares<Circuit>
  readonly #byDialer: Shares<Circuit>
  readonly #byTarget: Shares<Circuit>

  constructor(limits: CircuitLimits) {
    this.#limits = limits
    this.#byClass = new Shares({ capacity: limits.maxCircuits })
    this.#byDialer = new Shares({ capacity: limits.maxCircuits })
    this.#byTarget = new Shares({ capacity: limits.maxCircuits })
  }

  get size(): number {
    return this.#byClass.size
  }

  /** A full room makes place for a class that has less than the largest one; that one's oldest circuit gives way. */
  open(circuit: Circuit, { dialer, target, addressClass }: CircuitEnds): Admission<Circuit> {
    const { maxOfDialer, maxToTarget } = this.#limits
    if (this.#byDialer.countOf(dialer) >= maxOfDialer || this.#byTarget.countOf(target) >= maxToTarget) {
      return { is: 'refused' }
    }
    const givesWay = this.#byClass.isFull ? this.#toEvict(addressClass) : undefined
    if (this.#byClass.isFull && givesWay === undefined) return { is: 'refused' }
    if (givesWay !== undefined) this.close(givesWay)
    this.#byClass.add(circuit, addressClass)
    this.#byDialer.add(circuit, dialer)
    this.#byTarget.add(circuit, target)
    return { is: 'admitted', givesWay }
  }

  /** One that has no place is none. */
  close(circuit: Circuit): void {
    this.#byClass.delete(circuit)
    this.#byDialer.delete(circuit)
    this.#byTarget.delete(circuit)
  }

  #toEvict(newcomer: string): Circuit | undefined {
    const largest = this.#byClass.largestHolder()
    if (largest === undefined || this.#byClass.countOf(largest) <= this.#byClass.countOf(newcomer) + 1) return undefined
    return this.#byClass.oldestOf(largest)
  }
}
