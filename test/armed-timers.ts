// Timers of the sources that are armed and have long to go, for test files that share a process: one that arms itself
// again and again would go on under the fake clock of a later file, which then never comes to its last timer.

/** Shorter ones are over soon after a file. No file may leave a longer one. */
const longMs = 10_000

interface Armed {
  readonly timer: NodeJS.Timeout
  /** By a clock that no test fakes. */
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
  const { setTimeout: timeout } = globalThis
  const watched = (act: () => void, ms = 0, ...args: []): NodeJS.Timeout => {
    const timer = timeout(act, ms, ...args)
    const where = ms < longMs ? undefined : sourceIn(new Error('armed').stack ?? '')
    if (where !== undefined) armed.add({ timer, dueAtMs: nowMs() + ms, where })
    return timer
  }
  // With what Node's own has, such as its promisified form.
  globalThis.setTimeout = Object.defineProperties(
    watched,
    Object.getOwnPropertyDescriptors(timeout)
  ) as unknown as typeof setTimeout
}

/** @returns where those were armed that are armed still and have long to go */
export function armedTimers(): readonly string[] {
  const armed = shared[key] ?? new Set<Armed>()
  for (const one of armed) if (isOver(one)) armed.delete(one)
  return [...armed].map(({ where }) => where)
}

/** Those of one file are told of once, and not to the files after it. */
export function forgetTimers(): void {
  shared[key]?.clear()
}

/** It has fired or was cleared. */
function isOver({ timer, dueAtMs }: Armed): boolean {
  // Node has no other word for it.
  return dueAtMs <= nowMs() || Reflect.get(timer, '_destroyed') === true
}

/** The line that armed it, as in `src/wire/deadline.ts:7`; undefined if it is of a package or a test. */
function sourceIn(stack: string): string | undefined {
  const [caller = ''] = stack.split('\n').filter((line) => line.startsWith('    at ') && !line.includes('armed-timers'))
  return caller.includes('node_modules') ? undefined : /src\/\S+?\.tsx?:\d+/u.exec(caller)?.[0]
}
