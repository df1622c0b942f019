// The code of an invitation, as one person reads it out and another one types it:
// a number by which its maker is found, and words that only the two know. Pure; it
// does not know what an invitation is good for.
import { randomInt } from 'node:crypto'
import { nearestWord } from '../lib/index.ts'
import { CODE_WORDS } from './words.ts'

export interface Code {
  /** Not secret: directories know it. */
  readonly number: number
  /** Secret. */
  readonly words: readonly string[]
}

/** 33 secret bits: five guesses of one person's code succeed once in 1.7 thousand million. */
export const WORDS_OF_ONE = 3

/** 44 secret bits, for a code that many people use over hours or days. */
export const WORDS_OF_MANY = 4

/** Five digits are still read out easily; more numbers than a directory keeps. */
export const MAX_CODE_NUMBER = 99_999

/** Fewer letters than this are no beginning of a word: `a` begins 136 of them. */
const MIN_BEGINNING = 3

/** A QR code holds a code after this, and then the address of a directory where its number is known. */
const SCHEME = 'parley:'

/** Longer texts are no code. */
const MAX_CODE_CHARS = 200

/** It looks like a code, and some word of it can't be one. */
export class BadCodeError extends Error {
  override readonly name = 'BadCodeError'
  /** What was typed. */
  readonly word: string

  constructor(word: string, possible: readonly string[]) {
    const meant = possible.length === 0 ? '' : `: did you mean ${possible.join(' or ')}?`
    super(`${JSON.stringify(word)} is not a word of the code list${meant === '' ? ': check the code' : meant}`)
    this.word = word
  }
}

/** @returns words that nobody can foresee */
export function randomWords(count: number): readonly string[] {
  return Array.from({ length: count }, () => CODE_WORDS[randomInt(CODE_WORDS.length)] ?? '')
}

/** `7-oak-pilot-river` */
export function formatCode({ number, words }: Code): string {
  return [number, ...words].join('-')
}

/** What a scanned QR code says: the code, and where its number is known. */
export function formatCodeLink(code: Code, directory: string | undefined): string {
  return `${SCHEME}${formatCode(code)}${directory === undefined ? '' : `@${directory}`}`
}

/**
 * Reads a code in any case, with spaces or hyphens; of each word a beginning that no other word has is enough. Also the
 * text of a QR code, with the address of a directory behind it.
 *
 * @returns undefined for what is no code: a name, an address
 * @throws BadCodeError for a code with a word that is none
 */
export function parseCode(text: string): { readonly code: Code; readonly directory: string | undefined } | undefined {
  if (text.length > MAX_CODE_CHARS) return undefined
  const isLink = text.trim().toLowerCase().startsWith(SCHEME)
  const [typed = '', ...rest] = (isLink ? text.trim().slice(SCHEME.length) : text.trim()).split('@')
  if (rest.length > (isLink ? 1 : 0)) return undefined
  const [first = '', ...given] = typed
    .trim()
    .toLowerCase()
    .split(/[\s-]+/u)
  const isShaped = /^(?!0+$)\d{1,5}$/u.test(first) && given.every((word) => /^[a-z]+$/u.test(word))
  if (!isShaped || (given.length !== WORDS_OF_ONE && given.length !== WORDS_OF_MANY)) return undefined
  // A name may have as many words: without any of the list it is no mistyped code.
  const isCode =
    isLink || given.some((word) => CODE_WORDS.includes(word)) || given.every((word) => begun(word).length === 1)
  if (!isCode) return undefined
  return { code: { number: Number(first), words: given.map(wordOf) }, directory: rest[0] }
}

function wordOf(typed: string): string {
  if (CODE_WORDS.includes(typed)) return typed
  const possible = begun(typed)
  const [only] = possible
  if (only !== undefined && possible.length === 1) return only
  const near = nearestWord(typed, CODE_WORDS)
  throw new BadCodeError(typed, possible.length > 0 ? possible.slice(0, 4) : near === undefined ? [] : [near])
}

/** The words that begin so. */
function begun(typed: string): readonly string[] {
  return typed.length < MIN_BEGINNING ? [] : CODE_WORDS.filter((word) => word.startsWith(typed))
}
