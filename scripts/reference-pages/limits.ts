// The page of all limits and defaults: a table for each file of src/ that has any.
import { type Constant, sourceConstants } from '../source-constants.ts'

export function limitsPage(): string {
  const limits = sourceConstants().filter(({ value }) => shown(value) !== undefined)
  refuseTwins(limits)
  const byFile = Map.groupBy(limits, ({ file }) => file)
  const sections = [...byFile].map(
    ([file, constants]) =>
      `## [\`${file}\`](../../${file})\n\n| constant | value | what and why |\n| --- | --- | --- |\n` +
      constants
        .map(({ name, value, comment }) => `| \`${name}\` | ${shown(value, name)} | ${cell(comment)} |\n`)
        .join('')
  )
  return `# Limits and defaults\n\nWritten from the sources by \`npm run reference\`: each constant with its reason.\n\n${sections.join('\n')}`
}

/** @throws Error for a name that stands in two files: documents and people mean one limit by it */
function refuseTwins(limits: readonly Constant[]): void {
  for (const [name, places] of Map.groupBy(limits, (limit) => limit.name)) {
    if (places.length < 2) continue
    const files = places.map(({ file }) => file).join(' and ')
    throw new Error(
      `${name} stands in ${files}: export it from one of them, or give each a name that says what it limits`
    )
  }
}

function shown(value: unknown, name = ''): string | undefined {
  if (typeof value === 'number') return withUnit(value, name)
  if (typeof value === 'string' && value !== '') return `\`${value.replaceAll('|', '\\|')}\``
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined
  const parts = Object.entries(value).flatMap(([key, part]: [string, unknown]) => {
    const text = shown(part, name.endsWith('_MS') ? name : key)
    return text === undefined ? [] : [Array.isArray(value) ? text : `${key}: ${text}`]
  })
  return parts.length === 0 ? undefined : parts.join(', ')
}

const byteSteps: readonly (readonly [number, string])[] = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB']
]
const timeSteps: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's']
]

function withUnit(value: number, name: string): string {
  if (/BYTES/u.test(name)) return inSteps(value, byteSteps, 'B')
  if (/(?:_MS|Ms)$/u.test(name)) return inSteps(value, timeSteps, 'ms')
  return value >= 10_000 && Number.isInteger(value) ? value.toLocaleString('en-US') : String(value)
}

function inSteps(value: number, steps: readonly (readonly [number, string])[], unit: string): string {
  const fits = ([size]: readonly [number, string]): boolean => value >= size && Number.isInteger((value / size) * 10)
  const [size, name] = steps.find(fits) ?? [1, unit]
  return `${Number((value / size).toFixed(3)).toLocaleString('en-US')} ${name}`
}

const cell = (text: string): string => text.replaceAll(/\{@link (\w+)\}/gu, '`$1`').replaceAll('|', '\\|')
