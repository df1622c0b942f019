// Timers that are armed and have long to go, for test files that share a process: one that arms itself again and again
// would go on under the fake clock of a later file, which then never comes to its last timer.

/** Of the sources: no file may leave a longer one. Packages leave one now and then, as a deadline that is past. */
const longMs = 10_000

interface Armed {
  readonly timer: NodeJS.Timeout
  /** By a clock that no test fakes; Infinity for one that comes again. */
  readonly dueAtMs: number
  readonly where: string
}

/** One set for the process: this file is loaded again for each file of tests. */
const key = Symbol.for('parley-test-timers')
const shared = globalThis as { [key]?: Set<Armed> }
const { hrtime } = process
const nowMs = (): number => Number(hrtime.bigint() / 1_000_000n)

/** Notes from now on which timers are armed. Fake ones are not among them. */
export function watchTimers(): void {
  if (shared[key] !== undefined) return
  const armed = new Set<Armed>()
  shared[key] = armed
  const note = (timer: NodeJS.Timeout, dueAtMs: number): void => {
    const where = callerIn(new Error('armed').stack ?? '')
    if (dueAtMs === Infinity || where.startsWith('src/')) armed.add({ timer, dueAtMs, where })
  }
  const { setTimeout: timeout, setInterval: interval } = globalThis
  const watchedTimeout = (act: () => void, ms = 0, ...args: []): NodeJS.Timeout => {
    const timer = timeout(act, ms, ...args)
    if (ms >= longMs) note(timer, nowMs() + ms)
    return timer
  }
  const watchedInterval = (act: () => void, ms = 0, ...args: []): NodeJS.Timeout => {
    const timer = interval(act, ms, ...args)
    note(timer, Infinity)
    return timer
  }
  // With what Node's own have, such as their promisified form.
  Object.assign(globalThis, {
    setTimeout: Object.defineProperties(watchedTimeout, Object.getOwnPropertyDescriptors(timeout)),
    setInterval: Object.defineProperties(watchedInterval, Object.getOwnPropertyDescriptors(interval))
  })
}

/** @returns where those were armed that are armed still and have long to go */
export function armedTimers(): readonly string[] {
  const armed = shared[key] ?? new Set<Armed>()
  for (const one of armed) if (isOver(one)) armed.delete(one)
  return [...armed].map(({ where }) => where)
}

/** It has fired or was cleared. */
function isOver({ timer, dueAtMs }: Armed): boolean {
  // Node has no other word for it.
  return dueAtMs <= nowMs() || Reflect.get(timer, '_destroyed') === true
}

/** The line that armed it, as in `src/wire/deadline.ts:7`. */
function callerIn(stack: string): string {
  const [caller = ''] = stack.split('\n').filter((line) => line.startsWith('    at ') && !line.includes('armed-timers'))
  return /(?:node_modules|src|test)\/[^)]*/u.exec(caller)?.[0] ?? caller.trim()
}
