// The values of settings, as people write them: words of a choice, switches, lists,
// ports, spans of time (`12h`), sizes (`500MiB`) and ranges of IP addresses
// (`10.0.0.0/8`). Settings are read for --help too, so this loads nothing of libp2p.
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { isPort, MAX_PORT, readProxy } from '../../lib/index.ts'
import { UsageError } from '../api/errors.ts'

/** @returns reads a text that matches; it throws UsageError for any other */
export function matching(pattern: RegExp, expected: string): (text: string) => string {
  return (text) => {
    if (!pattern.test(text)) throw new UsageError(`expected ${expected}`)
    return text
  }
}

/** @returns reads one of the words; it throws UsageError for any other */
export function choice<const Word extends string>(...words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const chosen = words.find((word) => word === text)
    if (chosen === undefined) throw new UsageError(`expected one of ${words.join(', ')}`)
    return chosen
  }
}

/** @throws UsageError */
export function parseSwitch(text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true
  if (/^(0|false|no|off)$/i.test(text)) return false
  throw new UsageError('expected true or false')
}

/** Parts between commas, without those that are empty. */
export function parseList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** @throws UsageError when there are more */
export function atMost(most: number, list: readonly string[]): readonly string[] {
  if (list.length > most) throw new UsageError(`expected ${most} at most`)
  return list
}

/** @throws UsageError unless `text` is an IP address */
export function parseHost(text: string): string {
  if (isIP(text) === 0) throw new UsageError('expected an IP address of this machine, such as 192.168.1.7 or ::')
  return text
}

const NO_PROXY = 'none'

/** @throws UsageError unless `text` is the URL of an HTTP proxy, or `none` */
export function parseProxy(text: string): string {
  if (text === NO_PROXY || readProxy(text) !== undefined) return text
  throw new UsageError(`expected http://HOST:PORT of an HTTP proxy, or ${NO_PROXY}`)
}

/** Nothing that is counted in settings comes near it. */
const maxCount = 999_999

/** @throws UsageError unless `text` is a whole number from 1 to 999999 */
export function parseCount(text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (count === 0) throw new UsageError(`expected a whole number from 1 to ${maxCount}`)
  return count
}

/** @throws UsageError unless `text` is a whole number from 1 to {@link MAX_PORT} */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!isPort(port)) throw new UsageError(`expected a port from 1 to ${MAX_PORT}`)
  return port
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
/** A hundred years: longer than anyone means. */
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

/** The inverse: `30d`, in the largest unit that divides the duration. */
export function durationText(durationMs: number, endless: string): string {
  if (durationMs === Infinity) return endless
  const [unit, ms] = Object.entries(UNIT_MS).findLast(([, size]) => durationMs % size === 0) ?? ['s', UNIT_MS.s]
  return `${durationMs / ms}${unit}`
}

function unitMs(unit: string | undefined): number {
  return unit === 's' || unit === 'm' || unit === 'h' || unit === 'd' ? UNIT_MS[unit] : Number.NaN
}

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

/** The inverse of {@link parseSize}: `500MiB`, in the largest unit that divides the size. */
export function exactSizeText(bytes: number, none: number): string {
  if (bytes === none) return 'none'
  const [unit, size] = Object.entries(UNIT_BYTES).findLast(([, one]) => bytes % one === 0) ?? ['KiB', UNIT_BYTES.KiB]
  return `${bytes / size}${unit}`
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

export const IPV4_BITS = 32
const IPV6_BITS = 128

export interface CidrRange {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

/** No operator's network is larger than a /8, or a /16 of IPv6. */
const LEAST_BITS = { ipv4: 8, ipv6: 16 } as const

/** Whether a range holds more of the Internet than anyone's reverse proxies have. */
export function isTooWide({ bits, family }: CidrRange): boolean {
  return bits < LEAST_BITS[family]
}

/** @throws UsageError naming the text and how a range is written */
export function readCidr(text: string): CidrRange {
  const [address = '', length, ...rest] = text.split('/')
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : undefined
  const most = family === 'ipv4' ? IPV4_BITS : IPV6_BITS
  const bits = length === undefined ? most : /^\d{1,3}$/u.test(length) ? Number(length) : Number.NaN
  if (family === undefined || rest.length > 0 || !(bits >= 0 && bits <= most)) {
    throw new UsageError(`${JSON.stringify(text)} is not a range of addresses: write one like 10.0.0.0/8 or fd00::/8`)
  }
  return { address, bits, family }
}

/**
 * Ranges of addresses, with commas between them.
 *
 * @throws UsageError naming the range that is none
 */
export function parseCidrs(text: string): readonly string[] {
  const ranges = parseList(text)
  for (const range of ranges) readCidr(range)
  return ranges
}

export type SettingValue = string | number | boolean | readonly string[] | undefined

/** @returns the value as it is written in the environment and on the command line; empty where there is none */
export function settingText(spec: { readonly write?: (value: number) => string }, value: SettingValue): string {
  if (typeof value === 'number' && spec.write !== undefined) return spec.write(value)
  return value === undefined ? '' : String(value)
}
