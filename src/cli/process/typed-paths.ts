// Paths as people type them and terminals paste them: in quotes, with a backslash before a space, as file:// addresses,
// from ~ on. What is completed is written so that it is read back as the same path.
import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Names that the Tab key offers of one folder: more fill a screen, and are a reason to type another letter. */
const MAX_COMPLETED_NAMES = 100

/** One word: parts in quotes, characters behind a backslash, and others. A backslash is a separator on Windows. */
const wordPattern =
  sep === '\\' ? /(?:'[^']*'|"[^"]*"|[^\s'"])+/gu : /(?:'(?:[^']*)'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+/gu
const partPattern = sep === '\\' ? /'([^']*)'|"([^"]*)"/gu : /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gu

/** The paths in a typed line, absolute. */
export function pathsOf(given: string): readonly string[] {
  return [...given.matchAll(wordPattern)].map(([word]) => absolute(unquoted(word)))
}

/** The first word of a line, as it was meant. */
export function firstWordOf(given: string): string {
  const [word = ''] = given.match(wordPattern) ?? []
  return unquoted(word)
}

/** One path, whatever spaces it has. */
export function absolute(path: string): string {
  if (/^file:\/\//iu.test(path)) {
    try {
      return fileURLToPath(path)
    } catch {
      return resolve(path)
    }
  }
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(path)
}

/**
 * What the Tab key offers for the last path of a line.
 *
 * @returns the possible words, folders with a separator at their end, and what they stand in place of
 */
export function completePath(line: string): readonly [hits: readonly string[], typed: string] {
  const typed = lastWord(line)
  const path = unquoted(closed(typed))
  const folder = path === '' || path.endsWith('/') ? path : path.slice(0, path.length - basename(path).length)
  const beginning = path.slice(folder.length)
  const hits = namesIn(folder === '' ? '.' : absolute(folder))
    .filter(({ name }) => name.startsWith(beginning) && (beginning !== '' || !name.startsWith('.')))
    .slice(0, MAX_COMPLETED_NAMES)
  return [hits.map(({ name, isFolder }) => quotedPath(`${folder}${name}${isFolder ? '/' : ''}`)), typed]
}

/** As {@link pathsOf} reads it back. One that ends in a separator stays open, so that the next name can follow. */
export function quotedPath(path: string): string {
  if (/^[\w./@:+,~%=-]+$/u.test(path)) return path
  if (sep === '\\') return `"${path}"`
  return path.replaceAll(/[^\p{L}\p{N}\p{M}./@:+,~%=_-]/gu, (character) => `\\${character}`)
}

/** The word that the line ends in, with the quote that opens it. */
function lastWord(line: string): string {
  const words = /(?:'[^']*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|\\.|[^\s'"\\])+$/u.exec(line)
  return words?.[0] ?? ''
}

/** With the quote that is still open closed. */
function closed(word: string): string {
  for (const end of ['', "'", '"']) {
    const whole = `${word}${end}`
    if ([...whole.matchAll(wordPattern)].map(([one]) => one).join('') === whole) return whole
  }
  return word
}

function unquoted(word: string): string {
  return word.replaceAll(
    partPattern,
    (_, single?: string, double?: string, one?: string) =>
      single ?? double?.replaceAll(/\\(["\\$`])/gu, '$1') ?? one ?? ''
  )
}

function namesIn(folder: string): readonly { readonly name: string; readonly isFolder: boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
      .toSorted((one, other) => one.name.localeCompare(other.name))
  } catch {
    return []
  }
}
