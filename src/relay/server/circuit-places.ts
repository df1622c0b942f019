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

/** @param maxCircuits of all peers: each holds a few hundred KB, and twice `SPLICED_WINDOW_BYTES` each way at worst */
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

  /**
   * Where all places are taken, or all that lead to the target, the oldest circuit of the address class with the most
   * of them gives way to a class that has less.
   */
  open(circuit: Circuit, { dialer, target, addressClass }: CircuitEnds): Admission<Circuit> {
    const { maxOfDialer, maxToTarget } = this.#limits
    if (this.#byDialer.countOf(dialer) >= maxOfDialer) return { is: 'refused' }
    const isTargetFull = this.#byTarget.countOf(target) >= maxToTarget
    const isFull = isTargetFull || this.#byClass.isFull
    const givesWay = isFull ? toEvict(isTargetFull ? this.#classesAt(target) : this.#byClass, addressClass) : undefined
    if (isFull && givesWay === undefined) return { is: 'refused' }
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

  /** The circuits to the target by the address class of their dialers, the oldest first. */
  #classesAt(target: string): Shares<Circuit> {
    const shares = new Shares<Circuit>({ capacity: this.#limits.maxToTarget })
    for (const circuit of this.#byTarget.itemsOf(target)) shares.add(circuit, this.#byClass.holderOf(circuit) ?? '')
    return shares
  }
}

function toEvict<Circuit>(shares: Shares<Circuit>, newcomer: string): Circuit | undefined {
  const largest = shares.largestHolder()
  if (largest === undefined || shares.countOf(largest) <= shares.countOf(newcomer) + 1) return undefined
  return shares.oldestOf(largest)
}
