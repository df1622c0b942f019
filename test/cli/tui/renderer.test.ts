// What is written to the terminal: only rows that have changed, each at its own
// place, and what the themes make of it.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostileTexts } from './hostile-corpus.ts'
import { Renderer } from '../../../src/cli/tui/terminal/renderer.ts'
import { padded, segment, span, type Frame, type ScreenRow } from '../../../src/cli/tui/terminal/rows.ts'
import { themeFor, themeNames } from '../../../src/cli/tui/terminal/theme.ts'
import { asciiText } from '../../../src/cli/tui/terminal/display-cells.ts'
import { terminalNotification, Notifier } from '../../../src/cli/tui/notifier.ts'
import { isQuiet, preferencesText, readPreferences, readQuietHours } from '../../../src/cli/tui/model/preferences.ts'

const row = (text: string): ScreenRow => [segment(0, 20, [span(text)])]
const frame = (...texts: readonly string[]): Frame => ({
  rows: texts.map(row),
  columns: 20,
  cursor: { row: 0, column: 0 }
})

/** A terminal that knows no more than what the renderer writes: rows, columns, erasing to the end. */
class Paper {
  readonly rows: string[] = []
  #row = 0
  #column = 0

  write(text: string): void {
    // oxlint-disable-next-line no-control-regex -- the sequences that are read
    for (const [, parameters = '', final = '', letter] of text.matchAll(/\u001b\[([0-9;?]*)([A-Za-z])|([^\u001b])/gu)) {
      if (letter !== undefined) this.#put(letter)
      else if (final === 'H')
        [this.#row, this.#column] = parameters.split(';').map((n) => Number(n) - 1) as [number, number]
      else if (final === 'G') this.#column = Number(parameters) - 1
      else if (final === 'K') this.rows[this.#row] = (this.rows[this.#row] ?? '').slice(0, this.#column)
      else expect(`${parameters}${final}`).toMatch(/^(?:[0-9;]*m|\?2026[hl]|\?25[hl]|\?7[hl])$/u)
    }
  }

  #put(letter: string): void {
    const line = (this.rows[this.#row] ?? '').padEnd(this.#column)
    this.rows[this.#row] = line.slice(0, this.#column) + letter + line.slice(this.#column + 1)
    // Without wrapping the cursor stays on the last column.
    this.#column = Math.min(this.#column + 1, 19)
  }
}

describe('the renderer', () => {
  test('writes the rows that have changed, and nothing when none has', () => {
    const renderer = new Renderer('palette')
    renderer.render(frame('one', 'two', 'three'))
    expect(renderer.render(frame('one', 'two', 'three'))).toBe('')
    const written = renderer.render(frame('one', '2', 'three'))
    expect(written).toContain('\u001b[2;1H\u001b[K2')
    expect(written).not.toMatch(/one|three/u)
    expect(written.startsWith('\u001b[?2026h') && written.endsWith('\u001b[?2026l')).toBe(true)
  })

  test('lets the terminal wrap again at the end of each frame: a kill -9 leaves it as it was', () => {
    const renderer = new Renderer('palette')
    for (const text of ['one', 'two']) {
      const switches = renderer.render(frame(text)).match(/\?7[hl]/gu)
      expect(switches).toEqual(['?7l', '?7h'])
    }
  })

  test('moves only the cursor when only that has moved', () => {
    const renderer = new Renderer('palette')
    renderer.render(frame('one'))
    expect(renderer.render({ ...frame('one'), cursor: { row: 0, column: 3 } })).toBe('\u001b[1;4H\u001b[?25h')
  })

  test('leaves the same on the screen whatever stood there before', () => {
    const texts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' '), size: 'medium' }), {
      minLength: 4,
      maxLength: 4
    })
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1 }), (screens) => {
        const renderer = new Renderer('palette')
        const paper = new Paper()
        for (const screen of screens) paper.write(renderer.render(frame(...screen)))
        const fresh = new Paper()
        fresh.write(new Renderer('palette').render(frame(...(screens.at(-1) ?? []))))
        expect(paper.rows.map((line) => line.trimEnd())).toEqual(fresh.rows.map((line) => line.trimEnd()))
      })
    )
  })

  test('keeps the last column of a row that is full', () => {
    const paper = new Paper()
    paper.write(new Renderer('palette').render(frame('12345678901234567890')))
    expect(paper.rows).toEqual(['12345678901234567890'])
  })

  test('goes to the column of each segment, whatever the terminal made of what stands before', () => {
    const rows: ScreenRow[] = [[segment(0, 5, [span('👍👍')]), segment(5, 10, [span('text')])]]
    expect(new Renderer('mono').render({ rows, columns: 20, cursor: undefined })).toContain('\u001b[6Gtext')
  })

  test('uses no colour where none is wanted, and no colour of a background in any theme but for the code', () => {
    expect(themeFor({ NO_COLOR: '1' }, 'contrast')).toBe('mono')
    expect(themeFor({ NO_COLOR: '' }, undefined)).toBe('palette')
    for (const theme of themeNames) {
      for (const style of ['dim', 'own', 'name 0', 'warning', 'unread', 'bar', 'selected', 'found'] as const) {
        const painted = new Renderer(theme).render({
          rows: [[segment(0, 5, padded('x', 5, style))]],
          columns: 5,
          cursor: undefined
        })
        expect(painted).not.toMatch(/[;[](?:30|33|37|4[0-7]|9\d|10\d)[;m]/u)
        if (theme === 'mono') expect(painted).not.toMatch(/[;[](?:3\d|4\d|9\d)[;m]/u)
      }
    }
  })
})

describe('where the locale is not UTF-8', () => {
  test('no byte beyond ASCII is written, of any text, and no column moves', () => {
    for (const { name, text } of [...hostileTexts, { name: 'own', text: 'looking … — Zoë ← →' }]) {
      const drawn = new Renderer('mono', 'ASCII').render({
        rows: [[segment(0, 60, [span(text, 'plain', 59)]), segment(60, 20, padded('│ next', 20))]],
        columns: 80,
        cursor: undefined
      })
      expect(drawn.replaceAll('\u001b', ''), name).toMatch(/^[\u0020-\u007e]*$/u)
      const width = span(text, 'plain', 59).width
      expect(asciiText(span(text, 'plain', 59).text), name).toHaveLength(width)
    }
    expect(asciiText('Zoë – 日本 … ❤')).toBe('Zoe - ? ?  . ?')
  })

  test('a notification is ASCII too: in other locales a byte of a letter can end its sequence', () => {
    let written = ''
    const env = { TERM: 'xterm-kitty', LANG: 'C' }
    const notifier = new Notifier({ env, write: (text) => (written += text), now: () => 0 })
    notifier.tell('Ĝan', 'ŜŜ \u{1f31c}', ['terminal'])
    expect(written).toBe('\u001b]9;Parley: Gan: SS ? \u0007')
  })
})

describe('being told', () => {
  test('the bell rings once in a while, however much comes', () => {
    let nowMs = 0
    const written: string[] = []
    const notifier = new Notifier({
      env: { TERM: 'xterm-256color' },
      write: (text) => written.push(text),
      now: () => nowMs
    })
    for (let count = 0; count < 100; count++) notifier.tell('bob', 'hi', ['bell', 'terminal'])
    expect(written).toEqual(['\u0007'])
    nowMs = 60_000
    notifier.tell('bob', 'hi', ['bell'])
    expect(written).toHaveLength(2)
  })

  test('terminals that know how get a notification of their own, the others none', () => {
    expect(terminalNotification({ TERM: 'xterm-kitty' }, 'bob', 'hi')).toBe('\u001b]9;Parley: bob: hi\u0007')
    expect(terminalNotification({ TERM: 'foot' }, 'b;ob', 'hi;')).toBe('\u001b]777;notify;b,ob;hi,\u0007')
    expect(terminalNotification({ TERM: 'xterm-256color' }, 'bob', 'hi')).toBe('')
  })

  test('a name that is a number is no command to a terminal', () => {
    for (const env of [{ TERM: 'xterm-ghostty' }, { TERM_PROGRAM: 'WezTerm' }, { TERM_PROGRAM: 'iTerm.app' }])
      expect(terminalNotification(env, '4;1;50', 'hi')).toBe('\u001b]9;Parley: 4;1;50: hi\u0007')
  })

  test("the desktop's shows markup and backslashes as they were written", () => {
    const ran: (readonly string[])[] = []
    const run = (_program: string, args: readonly string[]): void => void ran.push(args)
    new Notifier({ env: { DISPLAY: ':0' }, write: () => undefined, now: () => 0, run }).tell(
      'bob',
      '<a href="x">\\033 & b',
      ['desktop']
    )
    expect(ran[0]?.at(-1)).toBe('&lt;a href="x"&gt;\\\\033 &amp; b')
  })

  test("the desktop's takes a text that begins with a dash for no option", () => {
    const ran: unknown[] = []
    const run = (program: string, args: readonly string[]): void => void ran.push([program, ...args])
    new Notifier({ env: { DISPLAY: ':0' }, write: () => undefined, now: () => 0, run }).tell('-x', '--icon=/', [
      'desktop'
    ])
    expect(ran).toEqual([['notify-send', '--app-name=Parley', '--', '-x', '--icon=/']])
  })
})

describe('what is preferred', () => {
  test('is read as it was written', () => {
    const preferences = {
      theme: 'contrast',
      mouse: true,
      notify: 'mentions',
      ways: ['bell'],
      quiet: { fromMinute: 22 * 60, toMinute: 7 * 60 + 30 },
      levels: { peer: 'none' }
    } as const
    expect(readPreferences(preferencesText(preferences))).toEqual(preferences)
  })

  test('is read from any file, and what makes no sense is left out', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const read = readPreferences(text)
        expect(themeNames.includes(read.theme ?? 'palette')).toBe(true)
        expect(['all', 'mentions', 'none']).toContain(read.notify)
      })
    )
    expect(readPreferences('{"theme":"pink","quiet":"never","levels":{"a":"loud"},"ways":"bell"}')).toEqual(
      readPreferences('')
    )
  })

  test('quiet hours may go over midnight', () => {
    const quiet = readQuietHours('22:00-7:30')
    const at = (hour: number, minute: number): boolean => isQuiet(quiet, new Date(2026, 0, 1, hour, minute))
    expect([at(21, 59), at(22, 0), at(3, 0), at(7, 29), at(7, 30)]).toEqual([false, true, true, true, false])
    expect(readQuietHours('25:00-7:00')).toBeUndefined()
  })
})
