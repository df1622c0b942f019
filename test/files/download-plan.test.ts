// The plan of a download against sources on lines of their own: good, slow, partial, queueing, silent, lying, dying. All
// time is simulated. A failure names its seed: `SEED=n npx vitest run test/files/download-plan.test.ts` runs it alone.
import { describe, expect, test } from 'vitest'
import {
  DownloadPlan,
  HAVE_AGAIN_MS,
  LAST_LEAVES,
  MAX_REQUESTS_IN_FLIGHT,
  SOURCE_SILENT_MS,
  type DownloadEffect,
  type DownloadEvent
} from '../../src/files/download-plan.ts'
import { leafBytesOf, leafCountOf, MIN_LEAF_BYTES } from '../../src/files/file-tree.ts'
import { LeafSet } from '../../src/files/leaf-set.ts'
import { SeededRandom } from '../kill/seeded-random.ts'

interface Line {
  readonly name: string
  readonly latencyMs: number
  readonly leavesPerSecond: number
  /** What it has. */
  readonly leaves: LeafSet
  /** Each so-many-th leaf is wrong. */
  readonly wrongEach?: number
  /** Sends nothing after so many leaves. */
  readonly silentAfter?: number
  /** Its stream ends after so many leaves. */
  readonly diesAfter?: number
  /** Serves nothing before that time, and says so. */
  readonly queuedUntilMs?: number
}

class Swarm {
  readonly plan: DownloadPlan
  nowMs = 0
  readonly dropped: string[] = []
  isDone = false
  /** Leaves that came twice. */
  doubled = 0
  readonly #lines = new Map<string, Line>()
  readonly #sent = new Map<string, number>()
  readonly #freeAtMs = new Map<string, number>()
  readonly #inFlight = new Map<string, Set<number>>()
  #agenda: { readonly atMs: number; readonly event: DownloadEvent }[] = []

  constructor(sizeBytes: number, random: SeededRandom) {
    this.plan = new DownloadPlan({ sizeBytes, random: () => random.next() })
  }

  join(line: Line): void {
    this.#lines.set(line.name, line)
    this.#inFlight.set(line.name, new Set())
    this.#handle({ kind: 'came', source: line.name })
  }

  /** Runs until the file is whole, or nothing is going to happen any more. */
  run(): void {
    while (!this.isDone) {
      this.#agenda.sort((one, other) => one.atMs - other.atMs)
      const next = this.#agenda[0]
      const { deadlineMs } = this.plan
      if (next === undefined && deadlineMs === Infinity) return
      if (next === undefined || deadlineMs < next.atMs) {
        this.nowMs = deadlineMs
        this.#handle({ kind: 'timeout' })
      } else {
        this.#agenda.shift()
        this.nowMs = next.atMs
        this.#arrive(next.event)
      }
      if (this.nowMs > 100_000_000) throw new Error('it does not end')
    }
  }

  #arrive(event: DownloadEvent): void {
    if (event.kind === 'leaf') {
      const asked = this.#inFlight.get(event.source)
      // It was cancelled on its way.
      if (asked?.delete(event.leaf) !== true) return
      if (this.plan.have.has(event.leaf)) this.doubled++
    }
    this.#handle(event)
  }

  #handle(event: DownloadEvent): void {
    for (const effect of this.plan.handle(event, this.nowMs)) this.#carryOut(effect)
  }

  #carryOut(effect: DownloadEffect): void {
    if (effect.kind === 'done') {
      this.isDone = true
      return
    }
    const line = this.#lines.get(effect.source)
    if (line === undefined) throw new Error(`there is no source ${effect.source}`)
    const asked = this.#inFlight.get(line.name) ?? new Set()
    const answerAtMs = this.nowMs + 2 * line.latencyMs
    const source = line.name
    switch (effect.kind) {
      case 'ask-layer':
        if (line.silentAfter !== 0)
          this.#agenda.push({ atMs: answerAtMs, event: { kind: 'layer', source, isRight: true } })
        break
      case 'ask-leaves':
        if (line.silentAfter !== 0) {
          const leaves = LeafSet.from(line.leaves.leaves, line.leaves.bytes)
          if (leaves !== undefined) this.#agenda.push({ atMs: answerAtMs, event: { kind: 'leaves', source, leaves } })
        }
        break
      case 'get':
        expect(asked.has(effect.leaf), 'a leaf is asked for once').toBe(false)
        expect(line.leaves.has(effect.leaf), 'only what a source has').toBe(true)
        asked.add(effect.leaf)
        expect(asked.size).toBeLessThanOrEqual(MAX_REQUESTS_IN_FLIGHT)
        this.#serve(line, effect.leaf)
        break
      case 'cancel':
        expect(asked.delete(effect.leaf), 'only what was asked for is cancelled').toBe(true)
        break
      case 'drop':
        this.dropped.push(source)
        asked.clear()
    }
  }

  #serve(line: Line, leaf: number): void {
    const { name: source, latencyMs, leavesPerSecond } = line
    const sent = (this.#sent.get(source) ?? 0) + 1
    this.#sent.set(source, sent)
    if (line.silentAfter !== undefined && sent > line.silentAfter) return
    const reachesItMs = this.nowMs + latencyMs
    const startMs = Math.max(reachesItMs, this.#freeAtMs.get(source) ?? 0, line.queuedUntilMs ?? 0)
    if (startMs > reachesItMs && line.queuedUntilMs === startMs) {
      this.#agenda.push({ atMs: reachesItMs + latencyMs, event: { kind: 'queued', source, place: 1 } })
    }
    const doneMs = startMs + 1000 / leavesPerSecond
    this.#freeAtMs.set(source, doneMs)
    const isRight = line.wrongEach === undefined || sent % line.wrongEach !== 0
    this.#agenda.push({ atMs: doneMs + latencyMs, event: { kind: 'leaf', source, leaf, isRight } })
    if (sent === line.diesAfter) this.#agenda.push({ atMs: doneMs + latencyMs, event: { kind: 'gone', source } })
  }
}

const leaves = 200
const sizeBytes = leaves * MIN_LEAF_BYTES
const all = LeafSet.all(leaves)
const line = (name: string, over: Partial<Line> = {}): Line => ({
  name,
  latencyMs: 50,
  leavesPerSecond: 20,
  leaves: all,
  ...over
})

function swarm(lines: readonly Line[], seed = 1): Swarm {
  const together = new Swarm(sizeBytes, new SeededRandom(seed))
  for (const one of lines) together.join(one)
  together.run()
  return together
}

test('one source is asked for all, and again after nothing', () => {
  const { isDone, dropped, doubled } = swarm([line('a')])
  expect([isDone, dropped, doubled]).toEqual([true, [], 0])
})

test('two sources together take half of the time', () => {
  const alone = swarm([line('a')]).nowMs
  const both = swarm([line('a'), line('b')]).nowMs
  expect(both / alone).toBeLessThan(0.6)
})

test('a good, a slow, a corrupt and a silent source: within 1.3 times the best that the honest ones can do', () => {
  const { isDone, dropped, nowMs } = swarm([
    line('good', { leavesPerSecond: 20 }),
    line('slow', { leavesPerSecond: 2 }),
    line('corrupt', { leavesPerSecond: 20, wrongEach: 3 }),
    line('silent', { silentAfter: 0 })
  ])
  expect([isDone, dropped]).toEqual([true, ['corrupt']])
  expect(nowMs).toBeLessThan(1.3 * ((leaves / 22) * 1000))
})

test('what a source that went silent was asked for goes elsewhere after a while', () => {
  const { isDone, nowMs } = swarm([line('good'), line('tired', { silentAfter: 20 })])
  expect(isDone).toBe(true)
  expect(nowMs).toBeLessThan(SOURCE_SILENT_MS + (leaves / 20) * 1000)
})

test('while one source lets us wait, another is asked for the same, and the first again when it serves', () => {
  const { isDone, nowMs } = swarm([line('queueing', { queuedUntilMs: 4_000 }), line('good', { leavesPerSecond: 5 })])
  expect(isDone).toBe(true)
  expect(nowMs).toBeLessThan((leaves / 5) * 1000)
})

test('a source that let us wait is asked for more when others have sent what it was asked for', () => {
  const plan = new DownloadPlan({ sizeBytes: 10 * MIN_LEAF_BYTES, have: new LeafSet(10), random: () => 0 })
  const some = new LeafSet(10)
  for (let leaf = 0; leaf < MAX_REQUESTS_IN_FLIGHT; leaf++) some.add(leaf)
  for (const source of ['some', 'all']) plan.handle({ kind: 'came', source }, 0)
  plan.handle({ kind: 'leaves', source: 'all', leaves: LeafSet.all(10) }, 0)
  plan.handle({ kind: 'queued', source: 'all', place: 1 }, 1)
  plan.handle({ kind: 'leaves', source: 'some', leaves: some }, 2)
  const effects = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((leaf) =>
    plan.handle({ kind: 'leaf', source: 'some', leaf, isRight: true }, 3)
  )
  expect(effects.slice(-3)).toEqual([
    { kind: 'cancel', source: 'all', leaf: 7 },
    { kind: 'get', source: 'all', leaf: 8 },
    { kind: 'get', source: 'all', leaf: 9 }
  ])
})

test('a wrong layer drops its source, and the next is asked', () => {
  const plan = new DownloadPlan({ sizeBytes, random: () => 0 })
  expect(plan.handle({ kind: 'came', source: 'a' }, 0)).toEqual([
    { kind: 'ask-leaves', source: 'a' },
    { kind: 'ask-layer', source: 'a' }
  ])
  expect(plan.handle({ kind: 'came', source: 'b' }, 0)).toEqual([{ kind: 'ask-leaves', source: 'b' }])
  expect(plan.handle({ kind: 'layer', source: 'a', isRight: false }, 1)).toEqual([
    { kind: 'drop', source: 'a', why: 'wrong' },
    { kind: 'ask-layer', source: 'b' }
  ])
})

test('the rarest leaves come first', () => {
  const plan = new DownloadPlan({ sizeBytes, have: new LeafSet(leaves), random: () => 0 })
  const rare = new LeafSet(leaves)
  for (let leaf = 0; leaf < leaves; leaf++) if (leaf !== 150) rare.add(leaf)
  plan.handle({ kind: 'came', source: 'most' }, 0)
  plan.handle({ kind: 'came', source: 'all' }, 0)
  plan.handle({ kind: 'leaves', source: 'most', leaves: rare }, 1)
  const [first] = plan.handle({ kind: 'leaves', source: 'all', leaves: all }, 1)
  expect(first).toEqual({ kind: 'get', source: 'all', leaf: 150 })
})

test('a source without all leaves is asked again', () => {
  const plan = new DownloadPlan({ sizeBytes, have: new LeafSet(leaves), random: () => 0 })
  plan.handle({ kind: 'came', source: 'a' }, 0)
  plan.handle({ kind: 'leaves', source: 'a', leaves: new LeafSet(leaves) }, 1)
  expect(plan.deadlineMs).toBe(HAVE_AGAIN_MS)
  expect(plan.handle({ kind: 'timeout' }, HAVE_AGAIN_MS)).toEqual([{ kind: 'ask-leaves', source: 'a' }])
})

test('what is on the disk is not asked for, and a file that is whole asks nobody', () => {
  const have = LeafSet.all(leaves)
  have.delete(7)
  const plan = new DownloadPlan({ sizeBytes, have, random: () => 0 })
  plan.handle({ kind: 'came', source: 'a' }, 0)
  const gets = plan.handle({ kind: 'leaves', source: 'a', leaves: all }, 0)
  expect(gets).toEqual([{ kind: 'get', source: 'a', leaf: 7 }])
  expect(plan.handle({ kind: 'leaf', source: 'a', leaf: 7, isRight: true }, 1)).toEqual([{ kind: 'done' }])
  expect(plan.deadlineMs).toBe(Infinity)
})

test('of the largest leaves one is asked for at a time', () => {
  const largest = 2 ** 40
  const count = leafCountOf(largest)
  const plan = new DownloadPlan({ sizeBytes: largest, have: new LeafSet(count), random: () => 0 })
  plan.handle({ kind: 'came', source: 'a' }, 0)
  expect(leafBytesOf(largest)).toBe(64 * MIN_LEAF_BYTES)
  expect(plan.handle({ kind: 'leaves', source: 'a', leaves: LeafSet.all(count) }, 0)).toHaveLength(1)
})

describe('any swarm in which the honest sources have all leaves between them', () => {
  const seeds =
    process.env['SEED'] === undefined ? Array.from({ length: 200 }, (_, seed) => seed) : [Number(process.env['SEED'])]

  test.each(seeds)('seed %s', (seed) => {
    const random = new SeededRandom(seed)
    const [half, otherHalf] = [new LeafSet(leaves), new LeafSet(leaves)]
    for (let leaf = 0; leaf < leaves; leaf++) (random.isOne(2) ? half : otherHalf).add(leaf)
    const rate = () => 1 + random.upTo(30)
    const honest = random.isOne(2)
      ? [line('whole', { leavesPerSecond: rate(), latencyMs: random.upTo(300) })]
      : [
          line('half', { leaves: half, leavesPerSecond: rate() }),
          line('other half', { leaves: otherHalf, leavesPerSecond: rate(), queuedUntilMs: random.upTo(10_000) })
        ]
    const others = Array.from({ length: Math.floor(random.upTo(5)) }, (_, number) =>
      random.choose<Line>([
        line(`corrupt ${number}`, { wrongEach: 1 + Math.floor(random.upTo(10)), leavesPerSecond: rate() }),
        line(`silent ${number}`, { silentAfter: Math.floor(random.upTo(30)) }),
        line(`dying ${number}`, { diesAfter: 1 + Math.floor(random.upTo(30)), leavesPerSecond: rate() }),
        line(`queueing ${number}`, { queuedUntilMs: 10_000_000 })
      ])
    )
    const { isDone, plan, dropped, doubled } = swarm([...others, ...honest], seed)
    expect([isDone, plan.have.count]).toEqual([true, leaves])
    expect(dropped.every((name) => name.startsWith('corrupt'))).toBe(true)
    // Beside the last leaves, only what a silent or queueing source was asked for comes twice.
    expect(doubled).toBeLessThanOrEqual((others.length + honest.length) * (LAST_LEAVES + MAX_REQUESTS_IN_FLIGHT))
  })
})
