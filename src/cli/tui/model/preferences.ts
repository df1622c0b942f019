// The user's preferences for this face: theme, mouse, notifications.
// Read from a file that may hold anything, and written back; a value that can't
// be used is as if it were not there.
import { isJson, parseJson } from '../../../lib/index.ts'
import { type ThemeName, themeNames } from '../terminal/theme.ts'

/** Which messages notify: all, those with the user's name, none. */
type NotifyLevel = 'all' | 'mentions' | 'none'
export const notifyLevels: readonly NotifyLevel[] = ['all', 'mentions', 'none']

/** How it notifies. */
export type NotifyWay = 'bell' | 'terminal' | 'desktop'
export const notifyWays: readonly NotifyWay[] = ['bell', 'terminal', 'desktop']

/** Minutes of the local day; `from` may be later than `to`, over midnight. */
interface QuietHours {
  readonly fromMinute: number
  readonly toMinute: number
}

export interface Preferences {
  readonly theme: ThemeName | undefined
  readonly mouse: boolean
  readonly notify: NotifyLevel
  readonly ways: readonly NotifyWay[]
  readonly quiet: QuietHours | undefined
  readonly levels: Readonly<Record<string, NotifyLevel>>
}

export const defaultPreferences: Preferences = {
  theme: undefined,
  mouse: false,
  notify: 'all',
  ways: ['bell', 'terminal'],
  quiet: undefined,
  levels: {}
}

/** Reads what {@link preferencesText} has written. */
export function readPreferences(text: string): Preferences {
  // A file that was cut off or edited: the defaults hold, and it is written anew at the next choice.
  const parsed = parseJson(text) ?? {}
  const levels = Object.entries(isJson(parsed['levels']) ? parsed['levels'] : {}).flatMap(([peer, level]) => {
    const known = notifyLevels.find((one) => one === level)
    return known === undefined ? [] : [[peer, known] as const]
  })
  const ways = parsed['ways']
  return {
    theme: themeNames.find((name) => name === parsed['theme']),
    mouse: parsed['mouse'] === true,
    notify: notifyLevels.find((level) => level === parsed['notify']) ?? defaultPreferences.notify,
    ways: Array.isArray(ways) ? notifyWays.filter((way) => ways.includes(way)) : defaultPreferences.ways,
    quiet: typeof parsed['quiet'] === 'string' ? readQuietHours(parsed['quiet']) : undefined,
    levels: Object.fromEntries(levels)
  }
}

export function preferencesText(preferences: Preferences): string {
  const { quiet, ...rest } = preferences
  return `${JSON.stringify({ ...rest, ...(quiet === undefined ? {} : { quiet: quietText(quiet) }) }, undefined, 2)}\n`
}

/** `22:00-7:30`; undefined when it is not that. */
export function readQuietHours(text: string): QuietHours | undefined {
  const match = /^\s*(\d{1,2})(?::(\d{2}))?\s*-\s*(\d{1,2})(?::(\d{2}))?\s*$/u.exec(text)
  if (match === null) return undefined
  const fromMinute = minuteOf(match[1], match[2])
  const toMinute = minuteOf(match[3], match[4])
  return fromMinute === undefined || toMinute === undefined ? undefined : { fromMinute, toMinute }
}

export function quietText({ fromMinute, toMinute }: QuietHours): string {
  const time = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
  return `${time(fromMinute)}-${time(toMinute)}`
}

export function isQuiet(quiet: QuietHours | undefined, now: Date): boolean {
  if (quiet === undefined) return false
  const minute = now.getHours() * 60 + now.getMinutes()
  const { fromMinute, toMinute } = quiet
  return fromMinute <= toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute
}

function minuteOf(hour = '', minute = '0'): number | undefined {
  const total = Number(hour) * 60 + Number(minute)
  return Number(hour) <= 24 && Number(minute) < 60 && total <= 24 * 60 ? total : undefined
}
