import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanLines, cleanText, escapedJson } from '../../../src/cli/process/clean-text.ts'

/** What no line on a terminal may hold, written down apart from the code that removes it. */
function isDangerous(code: number): boolean {
  const inRange = (from: number, to: number): boolean => code >= from && code <= to
  return (
    code < 0x20 ||
    inRange(0x7f, 0x9f) ||
    inRange(0x202a, 0x202e) ||
    inRange(0x2066, 0x2069) ||
    inRange(0xd800, 0xdfff) ||
    [0x200e, 0x200f, 0x061c, 0x2028, 0x2029, 0x200b, 0x2060, 0xfeff].includes(code)
  )
}

const dangerousIn = (text: string): number[] => Array.from(text, (c) => c.codePointAt(0) ?? 0).filter(isDangerous)

describe('text on its way to a terminal', () => {
  it('shows an escape sequence instead of sending it', () => {
    expect(cleanText('\u001b[2J\u001b]0;title\u0007red\u009b31m')).toBe('␛[2J␛]0;title␇red\ufffd31m')
  })

  it('stays on one line unless line breaks are to be kept', () => {
    expect(cleanText('a\r\nb\nc\u2028d\u0085e')).toBe('a␤b␤c␤d␤e')
    expect(cleanLines('a\r\nb\n\u2029c')).toEqual(['a', 'b', '', 'c'])
  })

  it('shows a carriage return alone, which would overwrite the line', () => {
    expect(cleanText('honest\rforged', { newlines: 'keep' })).toBe('honest␍forged')
  })

  it('drops what reorders or hides text', () => {
    expect(cleanText('gpj.\u202eexe\u202c a\u200bb\u2060c\ufeffd\u00ade\u061cf\u3164')).toBe('gpj.exe abcdef')
    expect(cleanText('x\u{e0041}\u{e0042}y')).toBe('xy')
    expect(cleanText('x\ufe0f\ufe01\ufe02\u{e0101}y')).toBe('x\ufe0fy')
  })

  it.each([
    'Grüße, naïve café, Ελληνικά, Привет',
    '日本語 中文 한국어',
    'עברית العربية',
    'e\u0301 combining, \u0928\u094d\u200d\u0928 joined, می\u200cخواهم',
    '👍🏽 👨‍👩‍👧‍👦 ✔️ 🇩🇪 1️⃣',
    '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} Scotland'
  ])('leaves ordinary text alone: %s', (text) => {
    expect(cleanText(text)).toBe(text)
  })

  it('replaces half a surrogate pair', () => {
    expect(cleanText('a\ud83d')).toBe('a\ufffd')
  })

  it('cuts to a number of characters without splitting one', () => {
    expect(cleanText('👍👍👍👍', { maxCharacters: 3 })).toBe('👍👍…')
    expect(cleanText('👍👍👍', { maxCharacters: 3 })).toBe('👍👍👍')
    expect(cleanText(`${'\u200b'.repeat(100)}hidden tail`, { maxCharacters: 5 })).toBe('…')
  })

  it('never lets anything dangerous through, whatever comes', () => {
    const anyUnits = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      anyUnits.map((units) => String.fromCharCode(...units))
    )
    fc.assert(
      fc.property(text, (value) => {
        expect(dangerousIn(cleanText(value))).toEqual([])
        expect(dangerousIn(cleanText(cleanText(value)))).toEqual([])
        expect(dangerousIn(cleanText(value, { maxCharacters: 10 }))).toEqual([])
        expect(Array.from(cleanText(value, { maxCharacters: 10 })).length).toBeLessThanOrEqual(10)
        for (const line of cleanLines(value)) expect(dangerousIn(line)).toEqual([])
      })
    )
  })
})

describe('JSON on its way to standard output', () => {
  it('is the same value for its reader and harmless on a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const json = escapedJson({ value })
        expect(dangerousIn(json)).toEqual([])
        expect(JSON.parse(json)).toEqual({ value: value.toWellFormed() === value ? value : expect.any(String) })
      })
    )
  })

  it('writes C1, bidi and tag characters as escapes', () => {
    expect(escapedJson('\u009b\u202e\u{e0041}')).toBe('"\\u009b\\u202e\\udb40\\udc41"')
  })
})
