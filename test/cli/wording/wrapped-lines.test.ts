import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wrappedLine } from '../../../src/cli/wording/terminal-lines.ts'

describe('a line of Parley’s own on a narrow terminal', () => {
  it('is cut between words, and goes on a little to the right', () => {
    expect(wrappedLine('There is no command /x: /help lists them.', 24)).toEqual([
      'There is no command /x:',
      '  /help lists them.'
    ])
  })

  it('goes on under the explanation where it has two columns', () => {
    expect(wrappedLine('  /exit      leaves the conversation', 30)).toEqual([
      '  /exit      leaves the',
      '             conversation'
    ])
    expect(wrappedLine('  /directories and more      the ones in use', 30)).toEqual([
      '  /directories and more',
      '    the ones in use'
    ])
  })

  it('counts East Asian characters as two columns', () => {
    expect(wrappedLine('日本語日本語日本 says hello', 22)).toEqual(['日本語日本語日本 says', '  hello'])
  })

  it('keeps all words in their order, and no row but a long word’s is too long', () => {
    const line = fc.array(fc.stringMatching(/^[a-z/:.]{1,30}$/u), { minLength: 1 }).map((words) => words.join(' '))
    fc.assert(
      fc.property(line, fc.integer({ min: 1, max: 100 }), (text, columns) => {
        const rows = wrappedLine(text, columns)
        expect(rows.map((row) => row.trim()).join(' ')).toBe(text)
        if (columns < 20) expect(rows).toEqual([text])
        else for (const row of rows) if (row.trim().includes(' ')) expect(row.length).toBeLessThanOrEqual(columns)
      })
    )
  })
})
