import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import {
  CLOCK_SETTLES_MS,
  HOUSEKEEPING_MS,
  SHORT_LIMIT_MS,
  Housekeeping
} from '../../../src/node/messaging/housekeeping.ts'
import type { Conversations } from '../../../src/node/messaging/conversations.ts'
import { REQUEST_EXPIRY_MS } from '../../../src/node/messaging/requests.ts'
import type { OwnStore } from '../../../src/node/profile/own-store.ts'

const day = 86_400_000
const year = 365 * day
let now: number
let uptimeMs: number
let expired: number[]
/** What was too old, at each look. */
let looks: Parameters<Conversations['keepHouse']>[0][]
let housekeeping: Housekeeping | undefined

beforeEach(() => {
  vi.useFakeTimers()
  now = 50 * year
  uptimeMs = 0
  looks = []
  expired = []
})

afterEach(() => {
  housekeeping?.stop()
  vi.useRealTimers()
})

async function started(limits: { giveUp: number; keep: number }, folder = ''): Promise<void> {
  housekeeping = new Housekeeping({
    conversations: { resume: async () => undefined, keepHouse: async (look) => void looks.push(look) },
    // Only the look for damage is asked for, and there is none.
    own: { check: async () => undefined } as unknown as OwnStore,
    folder,
    settings: limits,
    onExpired: (beforeMs) => void expired.push(beforeMs),
    notice: () => undefined,
    now: () => now,
    uptimeMs: () => uptimeMs
  })
  await housekeeping.start()
}

/** Time passes, and the clock is set forth by so much more. */
async function passes(ms: number, jumpMs = 0): Promise<void> {
  now += ms + jumpMs
  uptimeMs += ms
  await vi.advanceTimersByTimeAsync(HOUSEKEEPING_MS)
}

test('a clock that jumps a year ahead makes no message older', async () => {
  await started({ giveUp: 30 * day, keep: 60 * day })
  await passes(CLOCK_SETTLES_MS)
  const before = looks.at(-1)
  await passes(HOUSEKEEPING_MS, year)
  expect(looks.at(-1)).toEqual({ ...before, nowMs: (before?.nowMs ?? 0) + HOUSEKEEPING_MS })
})

test('nothing is given up or deleted before the clock of a machine that was just started can be right', async () => {
  await started({ giveUp: 30 * day, keep: 60 * day })
  expect(looks).toMatchObject([{ giveUpMs: Infinity, keepMs: Infinity, requestsMs: Infinity }])
  await passes(CLOCK_SETTLES_MS)
  expect(looks.at(-1)).toMatchObject({ giveUpMs: 30 * day, keepMs: 60 * day, requestsMs: REQUEST_EXPIRY_MS })
})

test('a short limit holds from the start', async () => {
  await started({ giveUp: 1_000, keep: SHORT_LIMIT_MS })
  expect(looks).toMatchObject([{ giveUpMs: 1_000, keepMs: Infinity }])
})

test('faces learn what was too old to keep, and nothing where all is kept', async () => {
  await started({ giveUp: Infinity, keep: 60 * day })
  expect(expired).toEqual([])
  await passes(CLOCK_SETTLES_MS)
  expect(expired).toEqual([now - 60 * day])
  housekeeping?.stop()
  await started({ giveUp: Infinity, keep: Infinity })
  await passes(CLOCK_SETTLES_MS)
  expect(expired).toHaveLength(1)
})

test('what was typed ages with the messages', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-house-'))
  onTestFinished(async () => rm(folder, { recursive: true }))
  const file = join(folder, 'typed.json')
  const [old, young] = [
    { text: 'old', atMs: now - 60 * day },
    { text: 'young', atMs: now }
  ]
  await writeFile(file, JSON.stringify({ bob: [old, young] }))
  await started({ giveUp: 30 * day, keep: 60 * day }, folder)
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ bob: [old, young] })
  await passes(CLOCK_SETTLES_MS)
  await eventually(async () => expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ bob: [young] }))
})
