// One message among others on the whole screen: its rows, what is looked at to
// make them, and /show for the rest.
import { describe, expect, test } from 'vitest'
import { LEAST_MESSAGE_ROWS, ROWS_FOR_OTHERS } from '../../../src/cli/wording/terminal-lines.ts'
import { MAX_POPUP_LINE_CHARACTERS } from '../../../src/cli/tui/update/popups.ts'
import { mentions } from '../../../src/cli/tui/layout/message-rows.ts'
import { layoutOf } from '../../../src/cli/tui/layout/layout.ts'
import { scrolledBy, seenRows, conversationRows } from '../../../src/cli/tui/layout/scroll.ts'
import { entry, received, TestScreen } from './screen.ts'

const huge = [
  ['65,000 line breaks', '\n'.repeat(65_000)],
  ['one endless word', 'x'.repeat(65_536)],
  ['32,700 marks', `a${'\u0336'.repeat(32_700)}`],
  ['accents in heaps', Array.from({ length: 500 }, () => `z${'\u0300\u0301\u0302'.repeat(7)}`).join('')],
  ['nothing that is seen', '\u200b'.repeat(20_000)],
  ['wide letters', '漢'.repeat(20_000)]
] as const

test('a text names a person in any case of any language, as a word of its own', () => {
  expect(mentions('hallo STRASSE, bist du da?', 'Straße')).toBe(true)
  expect(mentions('ışık burada', 'IŞIK')).toBe(true)
  expect(mentions('ẞ and then an\u200bna', 'Anna')).toBe(true)
  expect(mentions('the STRASSENBAHN', 'Straße')).toBe(false)
  expect(mentions('anything', '\u200b')).toBe(false)
})

describe('a message on the whole screen', () => {
  test.each(huge)('of %s leaves rows to the others, and says how long it is', (_, text) => {
    for (const [columns, rows] of [
      [120, 40],
      [80, 24],
      [40, 12]
    ] as const) {
      const screen = TestScreen.ready(columns, rows).open('bob', [
        entry(1, 'before'),
        { ...entry(2, text), message: { ...received(text), seq: 2 } },
        entry(3, 'after')
      ])
      const layout = layoutOf(screen.state)
      const taken = conversationRows(screen.state, layout)(1)
      expect(taken.length).toBeLessThanOrEqual(Math.max(LEAST_MESSAGE_ROWS, layout.paneRows - ROWS_FOR_OTHERS))
      expect(screen.text).toContain('before')
      expect(screen.text).toContain('after')
      expect(screen.text).toContain('/show')
    }
  })

  test('that is too long shows its beginning and its end', () => {
    const text = Array.from({ length: 30 }, (_, line) => `line ${line + 1}`).join('\n')
    const screen = TestScreen.ready(80, 24).open('bob', [entry(1, text)])
    const taken = screen.lines.filter((line) => /line \d+|\/show/u.test(line)).map((line) => line.slice(25).trim())
    expect(taken.at(0)).toMatch(/bob +line 1$/u)
    expect(taken.slice(-4)).toEqual([
      expect.stringContaining('characters in all: /show'),
      'line 28',
      'line 29',
      'line 30'
    ])
    expect(taken).toHaveLength(layoutOf(screen.state).paneRows - ROWS_FOR_OTHERS)
  })

  test('that fits is shown whole, however it is scrolled', () => {
    const text = Array.from({ length: 12 }, (_, line) => `line ${line}`).join('\n')
    const screen = TestScreen.ready(80, 24).open('bob', [entry(1, text)])
    expect(screen.text).toContain('line 11')
    expect(screen.text).not.toContain('/show')
  })

  test('is laid out only where it may be seen: one screen of five hundred', () => {
    const screen = TestScreen.ready(120, 40).open(
      'bob',
      Array.from({ length: 500 }, (_, at) => entry(at + 1, huge[3][1]))
    )
    const { paneRows } = layoutOf(screen.state)
    const laidOut = new Set<number>()
    const counted = (index: number) => {
      laidOut.add(index)
      return conversationRows(screen.state, layoutOf(screen.state))(index)
    }
    const { window } = screen.state
    seenRows(window, paneRows, counted)
    expect(laidOut.size).toBeLessThanOrEqual(paneRows)
    laidOut.clear()
    const { isNearEdge } = scrolledBy(window, -(paneRows - 2), paneRows, counted)
    expect(isNearEdge).toBe(false)
    // Those that were on the screen, and those that come onto it.
    expect(laidOut.size).toBeLessThanOrEqual(2 * paneRows)
  })

  test('is listed whole by /show, in lines that are drawn alone', () => {
    const text = `${'x'.repeat(10_000)}\n${'\n'.repeat(5000)}the end`
    const screen = TestScreen.ready(80, 24).open('bob', [entry(1, text)])
    screen.tell({
      is: 'result',
      result: { is: 'message text', peer: '12D3KooWbob', name: 'bob', message: received(text) }
    })
    const lines = screen.state.popup?.lines ?? []
    expect(
      lines
        .map((line) => line.text)
        .join('')
        .replaceAll('\n', '')
    ).toBe(text.replaceAll('\n', ''))
    expect(Math.max(...lines.map((line) => line.text.length))).toBe(MAX_POPUP_LINE_CHARACTERS)
    screen.type('\u001b[F')
    expect(screen.text).toContain('the end')
  })
})
