// One message among others: how much of it is shown, and how the rest is had.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldedLines, isLongMessage } from '../../../src/cli/wording/terminal-lines.ts'
import { messageLines } from '../../../src/cli/wording/message-wording.ts'

describe('a message among others', () => {
  it('is whole when it has room', () => {
    expect(foldedLines(['one', 'two'], { rows: 2 })).toEqual(['one', 'two'])
    expect(foldedLines(['a'.repeat(20)], { rows: 2, columns: 10 })).toEqual(['a'.repeat(20)])
    expect(foldedLines(['漢'.repeat(10)], { rows: 2, columns: 10 })).toEqual(['漢'.repeat(10)])
  })

  it('of nothing but line breaks leaves the others where they are', () => {
    const lines = messageLines('bob', '\n'.repeat(65_000), { rows: 10, columns: 80 })
    expect(lines).toHaveLength(11)
    expect(lines.at(-1)).toBe('    | … 64,991 more lines of this message: /show')
  })

  it('on one endless line is cut where the rows end', () => {
    expect(foldedLines(['x'.repeat(65_536)], { rows: 3, columns: 10 })).toEqual([
      'x'.repeat(30),
      '… 65,506 more characters of this message: /show'
    ])
    expect(foldedLines(['漢'.repeat(100)], { rows: 1, columns: 9 })).toEqual([
      '漢漢漢漢',
      '… 96 more characters of this message: /show'
    ])
  })

  it('takes no more rows than it has, whatever it is', () => {
    const lines = fc.array(fc.oneof(fc.string(), fc.constantFrom('', '漢'.repeat(40), 'x'.repeat(300))), {
      maxLength: 30
    })
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 2, max: 40 }), (given, rows, columns) => {
        const shown = foldedLines(given, { rows, columns })
        const isFolded = shown.length !== given.length || shown.at(-1) !== given.at(-1)
        const kept = isFolded ? shown.slice(0, -1) : shown
        const widthOf = (line: string): number =>
          Array.from(line).reduce((sum, character) => sum + (character === '漢' ? 2 : 1), 0)
        const taken = kept.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0)
        expect(taken).toBeLessThanOrEqual(rows)
        for (const [at, line] of kept.entries()) expect(given[at]?.startsWith(line)).toBe(true)
      })
    )
  })
})

it('a message is long when a small window may not hold it', () => {
  expect(['hello', 'a\nb\nc', 'x'.repeat(240)].map(isLongMessage)).toEqual([false, false, false])
  expect(['a\nb\nc\nd', 'x'.repeat(241)].map(isLongMessage)).toEqual([true, true])
})
