// How many signatures are checked of what federation peers bring, and what waits for
// its turn: a task names the envelopes that it needs opened and goes on with what
// they prove. Opens none itself.
import { RateLimiter, TokenBucket } from '../../../wire/index.ts'
import { MAX_KNOWN_DIRECTORIES } from '../../federation-frames.ts'
import type { FederationStep, Opened, OpenRequest, OpenTask } from './federation-step.ts'

/**
 * Signatures that are checked of what directories bring that were not named; each costs a quarter of a millisecond, or half
 * of that with libsodium. All together: those of 2,000 peers at once, then an eighth of a core at most. Each address prefix:
 * what an honest directory says of itself in quiet times, whatever others take.
 */
export const SIGNATURE_RATE = {
  all: { burst: 4_000, perSecond: 500 },
  each: { burst: 400, perSecond: 50 }
} as const

interface SignatureBudgetInit {
  readonly now: () => number
  /** Whether a holder is a directory that the operator named. */
  isNamed(holder: string): boolean
}

export class SignatureBudget {
  readonly #init: SignatureBudgetInit
  readonly #common: TokenBucket
  readonly #holders = new RateLimiter(SIGNATURE_RATE.each, MAX_KNOWN_DIRECTORIES)

  constructor(init: SignatureBudgetInit) {
    this.#init = init
    this.#common = new TokenBucket(SIGNATURE_RATE.all, init.now())
  }

  /** Counts signatures of a holder. @returns whether they may be checked now */
  tryTake(count: number, holder: string): boolean {
    if (this.#init.isNamed(holder)) return true
    const nowMs = this.#init.now()
    const bucket = [this.#holders.of(holder, nowMs), this.#common].find((one) => one.waitMs(count, nowMs) === 0)
    bucket?.take(count, nowMs)
    return bucket !== undefined
  }
}

interface Waiting {
  readonly task: OpenTask<void>
  readonly request: OpenRequest
}

/** The tasks that wait for envelopes: for the budget, or for the driver that opens them. */
export class OpenTasks {
  readonly #step: FederationStep
  readonly #budget: SignatureBudget
  readonly #opening = new Map<OpenRequest, OpenTask<void>>()
  /** Over the budget, the oldest first. Their federation peers are not read meanwhile, so each has one at most. */
  #parked: Waiting[] = []

  constructor(step: FederationStep, budget: SignatureBudget) {
    this.#step = step
    this.#budget = budget
  }

  run(task: OpenTask<void>): void {
    this.#goOn(task, task.next())
  }

  /** The driver has opened the envelopes of a request. */
  opened(request: OpenRequest, opened: Opened): void {
    const task = this.#opening.get(request)
    this.#opening.delete(request)
    if (task !== undefined) this.#goOn(task, task.next(opened))
  }

  failed(request: OpenRequest, error: Error): void {
    const task = this.#opening.get(request)
    this.#opening.delete(request)
    if (task !== undefined) this.#goOn(task, task.throw(error))
  }

  /** Lets those go on for which the budget suffices by now. To be called a few times a second. */
  pulse(): void {
    this.#parked = this.#parked.filter(({ task, request }) => !this.#begins(task, request))
  }

  /** Gives all up. */
  clear(): void {
    const tasks = [...this.#opening.values(), ...this.#parked.map(({ task }) => task)]
    this.#opening.clear()
    this.#parked = []
    for (const task of tasks) task.return()
  }

  #goOn(task: OpenTask<void>, first: IteratorResult<OpenRequest, void>): void {
    for (let next = first; next.done !== true; next = task.next(undefined)) {
      const request = next.value
      if (this.#begins(task, request)) return
      if (!request.isAwaited) continue
      this.#parked.push({ task, request })
      return
    }
  }

  #begins(task: OpenTask<void>, request: OpenRequest): boolean {
    if (!this.#budget.tryTake(request.signatures, request.via)) return false
    this.#opening.set(request, task)
    this.#step.emit({ kind: 'open', request })
    return true
  }
}
