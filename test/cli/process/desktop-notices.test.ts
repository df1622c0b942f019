import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DesktopNotices } from '../../../src/cli/process/desktop-notification.ts'

let notices: DesktopNotices
let shown: string[]

beforeEach(() => {
  vi.useFakeTimers()
  shown = []
})
afterEach(() => vi.useRealTimers())

function begin(withTexts: boolean): void {
  notices = new DesktopNotices({ withTexts, tell: (title, text) => shown.push(`${title}: ${text}`) })
}

function comes(from: string, text: string): void {
  notices.came(`12D3KooW${from}`, from, text)
}

test('who wrote is shown without what was written, and several messages together', async () => {
  begin(false)
  comes('bob', 'a secret')
  await vi.advanceTimersByTimeAsync(60_000)
  comes('bob', 'one')
  comes('carl', 'two')
  comes('bob', 'three')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(shown).toEqual(['bob: a new message: parley shows it', 'bob, carl: 3 new messages: parley shows them'])
})

test('what was written is shown where that is wanted, without what could act on a terminal', async () => {
  begin(true)
  comes('bob', 'hi \u001b[2Jthere')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(shown).toHaveLength(1)
  expect(shown[0]).toMatch(/^bob: hi .*there$/u)
  expect(shown[0]).not.toContain('\u001b')
})

test('nothing is shown while a face is attached, and many peers are bounded', async () => {
  begin(false)
  notices.isQuiet = true
  comes('bob', 'seen in the window')
  notices.isQuiet = false
  await vi.advanceTimersByTimeAsync(60_000)
  expect(shown).toEqual([])
  for (let n = 0; n < 1_000; n++) comes(`peer${n}`, 'flood')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(shown).toHaveLength(1)
  expect(shown[0]?.length).toBeLessThan(1_000)
})
