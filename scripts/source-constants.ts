// The limits and defaults in src/, read from its text: every constant in capitals
// that stands at the top of a file, with its value and the comment above it. The
// reference and the tests of the specifications are made from this.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const declaration =
  /(?:\/\*\*((?:(?!\*\/).)*)\*\/\n)?(?:export )?const ([A-Z][A-Z\d]*(?:_[A-Z\d]+)+)(?::[^=\n]+)? =\s+/gsu
const imported = /import \{([^}]*)\} from '(\.[^']+)'/gu

export interface Constant {
  /** From the root of the repository. */
  readonly file: string
  readonly name: string
  readonly value: unknown
  /** Empty when there is none. */
  readonly comment: string
}

type Scope = Readonly<Record<string, unknown>>

/**
 * @param folder under src/, or '' for all of it
 * @returns in the order of files, and of their lines
 */
export function sourceConstants(folder = ''): readonly Constant[] {
  const files = globSync(join('src', folder, '**/*.{ts,tsx}'), { cwd: root }).filter((file) => !file.includes('/pb/'))
  return files.toSorted().flatMap((file) => constantsOf(file))
}

const read = new Map<string, readonly Constant[]>()

function constantsOf(file: string): readonly Constant[] {
  const known = read.get(file)
  if (known !== undefined) return known
  const constants: Constant[] = []
  // Set before the file's imports are followed.
  read.set(file, constants)
  const text = readFileSync(join(root, file), 'utf8')
  const scope = importsOf(file, text)
  for (const { 0: match, 1: comment = '', 2: name = '', index } of text.matchAll(declaration)) {
    if (index > 0 && text[index - 1] !== '\n') continue
    const expression = expressionAt(text, index + match.length)
    const value = evaluate(expression, { ...scope, ...valuesOf(constants) })
    if (value !== undefined) constants.push({ file, name, value, comment: wordsOf(comment) })
  }
  return constants
}

/** The constants that the file's imports bring into it. */
function importsOf(file: string, text: string): Scope {
  const scope: Record<string, unknown> = {}
  for (const [, names = '', specifier = ''] of text.matchAll(imported)) {
    const wanted = names.split(',').map((name) => name.trim().split(' as ').at(-1) ?? '')
    if (!wanted.some((name) => /^[A-Z][A-Z\d]*_/u.test(name))) continue
    const from = join(dirname(file), specifier)
    const there = specifier.endsWith('/index.ts')
      ? sourceConstants(dirname(from).slice('src/'.length))
      : constantsOf(from)
    for (const [name, value] of Object.entries(valuesOf(there))) if (wanted.includes(name)) scope[name] = value
  }
  return scope
}

const valuesOf = (constants: readonly Constant[]): Scope =>
  Object.fromEntries(constants.map(({ name, value }) => [name, value]))

/** Up to the end of the statement: a line that ends with all brackets closed, after which none is continued. */
function expressionAt(text: string, start: number): string {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at)
    if ('([{'.includes(character)) depth++
    else if (')]}'.includes(character)) depth--
    else if (character === '\n' && depth === 0 && !text.startsWith('  ', at + 1)) return text.slice(start, at)
  }
  return text.slice(start)
}

/** @returns the value of a literal or of an expression with known constants; undefined for anything else */
function evaluate(expression: string, scope: Scope): unknown {
  const bare = expression.replace(/ as const$/u, '').replace(/ as [\w<>, ]+$/u, '')
  if (/=>|\bnew (?!Text|Set)|\bawait\b/u.test(bare)) return undefined
  try {
    // The text is this repository's own.
    return runInNewContext(`(${bare})`, { ...scope, Uint8Array, TextEncoder })
  } catch {
    return undefined
  }
}

const wordsOf = (comment: string): string =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/u, '').trim())
    .join(' ')
    .trim()
