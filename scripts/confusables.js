// Generates the table of characters that look like others from Unicode's data in
// scripts/unicode, as one string that is small and quick to read. Run by hand
// (`npm run confusables`) when the data changes; the check fails when the table
// is not what the data gives.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'scripts', 'unicode', 'confusables.txt')
const target = join(root, 'src', 'lib', 'unicode', 'confusables-table.ts')
const verifyOnly = process.argv.includes('--verify')

/** Code points by the text that they look like: `target code points` → sources, ascending. */
const sourcesOf = new Map()
let version = ''
for (const line of readFileSync(source, 'utf8').split('\n')) {
  version ||= /^#.*version:? ([\d.]+)/iu.exec(line)?.[1] ?? ''
  const entry = /^([\dA-F]+) *;\s*([\dA-F]+(?: [\dA-F]+)*)/u.exec(line)
  if (entry === null) continue
  const sources = sourcesOf.get(entry[2]) ?? []
  sourcesOf.set(entry[2], [...sources, Number.parseInt(entry[1], 16)])
}

const groups = [...sourcesOf].map(([to, sources]) => {
  const likeness = to
    .split(' ')
    .map((code) => Number.parseInt(code, 16).toString(36))
    .join('.')
  let before = 0
  const steps = sources
    .toSorted((a, b) => a - b)
    .map((code) => {
      const step = (code - before).toString(36)
      before = code
      return step
    })
  return `${likeness} ${steps.join(' ')}`
})

const width = 110
const text = groups.join(';')
const lines = Array.from({ length: Math.ceil(text.length / width) }, (_, i) => text.slice(i * width, (i + 1) * width))
const generated = `// Generated from scripts/unicode/confusables.txt by \`npm run confusables\`: change that, not this.
// Unicode security data (UTS #39) under the Unicode License v3: scripts/unicode/LICENSE-UNICODE.

/**
 * Of Unicode ${version}. Groups divided by \`;\`: the code points of a text, then those of the characters that look like it, each as the
 * difference to the one before. All numbers in base 36.
 */
export const CONFUSABLES =
${lines.map((line) => `  '${line}'`).join(' +\n')}
`

if (!verifyOnly) writeFileSync(target, generated)
else if (readFileSync(target, 'utf8') !== generated) {
  process.stderr.write(`${target} is not what ${source} gives: run \`npm run confusables\`\n`)
  process.exitCode = 1
}
