// Times in words and back: the times that --since and --until take (a day, a day and
// a time by the clock of this machine, a full ISO 8601 time with its zone, or a span
// back from now), a moment by this machine's clock, and the wait for the next try.
// Pure: text and the present time in, milliseconds since 1970 out.
import { UsageError } from '../../node/settings.ts'

const span = /^(\d{1,9})([smhdw])$/u
const spanUnitMs: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000]
])
const date =
  /^(?<day>\d{4}-(?<month>\d{2})-(?<dayOfMonth>\d{2}))(?:[T ](?<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(?<zone>Z|[+-]\d{2}:\d{2})?)?$/u

/**
 * The moment at which a span of time begins.
 *
 * @throws UsageError
 */
export function parseSince(text: string, nowMs: number): number {
  return parseTime('--since', text, nowMs).startMs
}

/**
 * The moment before which a span of time ends: a day belongs to it as a whole.
 *
 * @throws UsageError
 */
export function parseUntil(text: string, nowMs: number): number {
  return parseTime('--until', text, nowMs).endMs
}

/**
 * How long to wait: `30s`, `2m`, or a number of seconds.
 *
 * @returns milliseconds
 * @throws UsageError
 */
export function parseWait(flag: string, text: string): number {
  const [, amount, unit = 's'] = /^(\d{1,9})([smhd])?$/u.exec(text) ?? []
  const waitMs = Number(amount) * (spanUnitMs.get(unit) ?? Number.NaN)
  if (waitMs > 0 && waitMs <= MAX_TIMER_MS) return waitMs
  throw new UsageError(
    `${flag} ${JSON.stringify(text)} is no time to wait: give seconds (30) or a number with s, m, h or d (5m), up to 24d`
  )
}

/** The longest that a timer of Node waits. */
const MAX_TIMER_MS = 2 ** 31 - 1

interface Moment {
  readonly startMs: number
  /** The end of the named time: a day has a length, a time of day has none. */
  readonly endMs: number
}

function parseTime(flag: string, text: string, nowMs: number): Moment {
  const [, amount, unit = ''] = span.exec(text) ?? []
  const unitMs = spanUnitMs.get(unit)
  if (unitMs !== undefined) {
    const ms = nowMs - Number(amount) * unitMs
    return { startMs: ms, endMs: ms }
  }
  const { day, month, dayOfMonth, time, zone = '' } = date.exec(text)?.groups ?? {}
  // Without a time of the day JavaScript would take a date for one in UTC.
  const moment = day === undefined ? undefined : new Date(`${day}T${time ?? '00:00'}${zone}`)
  const isDay = moment !== undefined && new Date(`${day}T00:00Z`).getUTCDate() === Number(dayOfMonth)
  if (!isDay || Number.isNaN(moment.getTime()) || Number(month) > 12) {
    throw new UsageError(
      `${flag} ${JSON.stringify(text)} is no time: give a day (2026-11-22), a time (2026-11-22T10:00), ` +
        'or how long ago with s, m, h, d or w (2h, 3d)'
    )
  }
  return { startMs: moment.getTime(), endMs: time === undefined ? startOfDayAfter(moment) : moment.getTime() }
}

/**
 * A day begins at its first moment, which is 1:00 where a summer time skips midnight: it is no fixed time after
 * another.
 */
function startOfDayAfter(day: Date): number {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1).getTime()
}

/** A time by the clock of this machine, to the second: 2026-11-22 10:00:05. */
export function localTime(ms: number): string {
  const time = new Date(ms)
  const two = (number: number): string => String(number).padStart(2, '0')
  const day = [String(time.getFullYear()).padStart(4, '0'), two(time.getMonth() + 1), two(time.getDate())]
  return `${day.join('-')} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`
}

/** ", trying again in 3 s", or nothing. */
export function retryText(retryAtMs: number | undefined, nowMs: number): string {
  return retryAtMs === undefined ? '' : `, next try in ${secondsUntil(retryAtMs, nowMs)} s`
}

/** Above what was so when the node was lost. */
export function asOfText(lostAtMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - lostAtMs) / 1000))
  return `As it was ${seconds} s ago, when the connection to Parley was lost:`
}

export function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / 1000))
}
