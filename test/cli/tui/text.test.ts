// Text of strangers as cells and rows: nothing acts, nothing is wider than its
// place, nothing hangs over, whatever it is.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cellsOf, clipped, textOf, widthOf, wrapText } from '../../../src/cli/tui/terminal/display-cells.ts'
import { hostileTexts } from './hostile-corpus.ts'

/** Everything that a terminal could take as more than a character, and what changes the width of others. */
// oxlint-disable-next-line no-control-regex -- control characters are what must not come out
const unsafe = /[\u0000-\u001f\u007f-\u009f]|\p{Cf}|\p{Me}|[\ufe00-\ufe0f]|[\u{1f1e6}-\u{1f1ff}]|\p{Cs}|\p{Co}|\p{Cn}/u

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...hostileTexts.map(({ text }) => text.slice(0, 60))),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(' ', '\n', '\t', '\u001b[', 'word', '汉字', '\u0301')
    ),
    { maxLength: 12 }
  )
  .map((parts) => parts.join(''))
const columns = fc.integer({ min: 2, max: 60 })

describe('text from strangers', () => {
  test('the corpus holds at least sixty cases, each once', () => {
    expect(new Set(hostileTexts.map(({ name }) => name)).size).toBeGreaterThanOrEqual(60)
    expect(new Set(hostileTexts.map(({ name }) => name)).size).toBe(hostileTexts.length)
  })

  test.each(hostileTexts)('can not leave its cell: $name', ({ text }) => {
    for (const width of [2, 7, 40]) {
      for (const row of wrapText(text, width)) {
        expect(widthOf(row)).toBeLessThanOrEqual(width)
        expect(textOf(row)).not.toMatch(unsafe)
      }
    }
  })

  test('no row is wider than its place, and no control character comes out, whatever goes in', () => {
    fc.assert(
      fc.property(hostile, columns, (text, width) => {
        for (const row of wrapText(text, width)) {
          expect(widthOf(row)).toBeLessThanOrEqual(width)
          expect(textOf(row)).not.toMatch(unsafe)
        }
      })
    )
  })

  test('wrapping loses nothing but spaces', () => {
    fc.assert(
      fc.property(hostile, columns, (text, width) => {
        const line = text.replaceAll('\n', ' ')
        const rows = wrapText(line, width)
        const without = (value: string): string => value.replaceAll(' ', '').replaceAll('␤', '')
        expect(without(rows.map(textOf).join(''))).toBe(without(wrapText(line, 100_000).map(textOf).join('')))
      })
    )
  })

  test('what is clipped fits, and says that it is clipped', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 30 }), (text, width) => {
        const cells = cellsOf(text)
        const short = clipped(cells, width)
        expect(widthOf(short)).toBeLessThanOrEqual(width)
        if (widthOf(cells) > width) expect(textOf(short).endsWith('…')).toBe(true)
        else expect(short).toEqual(cells)
      })
    )
  })
})

describe('ordinary text', () => {
  const rows = (text: string, width: number): string[] => wrapText(text, width).map(textOf)

  test('breaks at spaces, and inside a word that is too long', () => {
    expect(rows('the quick brown fox', 10)).toEqual(['the quick', 'brown fox'])
    expect(rows('an incomprehensibility here', 10)).toEqual(['an', 'incomprehe', 'nsibility', 'here'])
    expect(rows('exactly ten chars', 11)).toEqual(['exactly ten', 'chars'])
    expect(rows('one\n\n  two', 10)).toEqual(['one', '', '  two'])
    expect(rows('  incomprehensible', 10)).toEqual(['  incompre', 'hensible'])
  })

  test('breaks between wide characters, and never in the middle of one', () => {
    expect(rows('日本語文', 5)).toEqual(['日本', '語文'])
    expect(rows('a日本語', 4)).toEqual(['a日', '本語'])
  })

  test('keeps accents and emoji, folded to what terminals agree about', () => {
    expect(rows('café tiếng e\u0301 👍🏽 1️⃣ 🇩🇪', 80)).toEqual(['café tiếng é 👍 1 DE'])
    expect(widthOf(cellsOf('👨‍👩‍👧'))).toBe(6)
    expect(rows('नमस्ते', 80)).toEqual(['नमस्ते'])
    expect(widthOf(cellsOf('का'))).toBe(2)
  })
})
