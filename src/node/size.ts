// Sizes as people write them: `64KiB`, `500MiB`, `2GiB`.
import { UsageError } from './errors.ts'

const UNIT_BYTES = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const

/**
 * @param none what the word `none` stands for
 * @returns bytes
 * @throws UsageError
 */
export function parseSize(text: string, none: number): number {
  if (text === 'none') return none
  const [, amount, unit] = /^(\d{1,9})(KiB|MiB|GiB|TiB)$/.exec(text) ?? []
  const bytes = Number(amount) * unitBytes(unit)
  if (!(bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER)) {
    throw new UsageError('expected a number with KiB, MiB, GiB or TiB, such as 500MiB, or none')
  }
  return bytes
}

function unitBytes(unit: string | undefined): number {
  return unit === 'KiB' || unit === 'MiB' || unit === 'GiB' || unit === 'TiB' ? UNIT_BYTES[unit] : Number.NaN
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1.5 GiB`, for people. */
export function sizeText(bytes: number): string {
  if (bytes === Infinity) return 'no limit'
  let [size, unit] = [bytes, 0]
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : Number(size.toFixed(1))} ${UNITS[unit] ?? ''}`
}
