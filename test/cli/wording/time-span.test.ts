import { afterEach, describe, expect, it, vi } from 'vitest'
import { UsageError } from '../../../src/node/settings.ts'
import { localTime, parseSince, parseUntil } from '../../../src/cli/wording/time-span.ts'

const now = new Date(2026, 10, 22, 12, 30, 0).getTime()

afterEach(() => vi.unstubAllEnvs())

describe('a time on the command line', () => {
  it.each([
    // Midnight of September 6 is skipped: the day begins at 1:00, and the next one at 0:00.
    ['America/Santiago', '2026-09-05', '2026-09-05T04:00Z', '2026-09-06T04:00Z'],
    ['America/Santiago', '2026-09-06', '2026-09-06T04:00Z', '2026-09-07T03:00Z'],
    // 0:00 to 1:00 comes twice on November 1.
    ['America/Havana', '2026-11-01', '2026-11-01T04:00Z', '2026-11-02T05:00Z'],
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00Z', '2026-03-29T22:00Z']
  ])('in %s the day %s is the whole of it and nothing else', (zone, day, start, end) => {
    vi.stubEnv('TZ', zone)
    expect(new Date(parseSince(day, now)).toISOString()).toBe(new Date(start).toISOString())
    expect(new Date(parseUntil(day, now)).toISOString()).toBe(new Date(end).toISOString())
  })

  it('may be a day by the clock of this machine, which ends where the next one begins', () => {
    expect(parseSince('2026-11-21', now)).toBe(new Date(2026, 10, 21).getTime())
    expect(parseUntil('2026-11-21', now)).toBe(new Date(2026, 10, 22).getTime())
    expect(parseUntil('2026-12-31', now)).toBe(new Date(2027, 0, 1).getTime())
    expect(parseSince('2028-02-29', now)).toBe(new Date(2028, 1, 29).getTime())
  })

  it('may be a time of a day, here or in a zone that it names', () => {
    expect(parseSince('2026-11-22T10:00', now)).toBe(new Date(2026, 10, 22, 10).getTime())
    expect(parseUntil('2026-11-22 10:00:05', now)).toBe(new Date(2026, 10, 22, 10, 0, 5).getTime())
    expect(parseSince('2026-11-22T10:00:00.250Z', now)).toBe(Date.UTC(2026, 10, 22, 10, 0, 0, 250))
    expect(parseSince('2026-11-22T10:00+02:00', now)).toBe(Date.UTC(2026, 10, 22, 8))
  })

  it('may be a span back from now', () => {
    expect(parseSince('90s', now)).toBe(now - 90_000)
    expect(parseSince('2h', now)).toBe(now - 7_200_000)
    expect(parseUntil('3d', now)).toBe(now - 259_200_000)
    expect(parseUntil('1w', now)).toBe(now - 604_800_000)
  })

  it.each(['', 'yesterday', '2h3', '-2h', '2y', '2026', '2026-13-01', '2026-02-29', '2026-04-31', '2026-00-10'])(
    'is refused when it is %j, with what can be given',
    (text) => {
      expect(() => parseSince(text, now)).toThrow(UsageError)
      expect(() => parseUntil(text, now)).toThrow(`--until ${JSON.stringify(text)} is no time: give a day (2026-11-22)`)
    }
  )

  it.each(['2026-11-22T25:00', '2026-11-22T10', '2026-11-22T10:61', '2026-11-22T10:00+99:00', '22.11.2026'])(
    'is refused when it is %j',
    (text) => {
      expect(() => parseSince(text, now)).toThrow(UsageError)
    }
  )

  it('is shown by the clock of this machine, and can be given back as it was shown', () => {
    expect(localTime(now)).toBe('2026-11-22 12:30:00')
    expect(parseSince(localTime(now), now)).toBe(now)
  })
})
