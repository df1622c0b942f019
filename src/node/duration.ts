// Spans of time as people write them: `90s`, `15m`, `12h`, `30d`.
import { UsageError } from './errors.ts'

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
/** A hundred years: longer than anybody means. */
const MAX_DAYS = 36_500

/**
 * @param endless the word that stands for no limit, such as `forever`
 * @returns milliseconds; Infinity for `endless`
 * @throws UsageError
 */
export function parseDuration(text: string, endless: string): number {
  if (text === endless) return Infinity
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const durationMs = Number(amount) * unitMs(unit)
  if (!(durationMs > 0 && durationMs <= MAX_DAYS * UNIT_MS.d)) {
    throw new UsageError(`expected a number with s, m, h or d, such as 30d, or ${endless}`)
  }
  return durationMs
}

function unitMs(unit: string | undefined): number {
  return unit === 's' || unit === 'm' || unit === 'h' || unit === 'd' ? UNIT_MS[unit] : Number.NaN
}
