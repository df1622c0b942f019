// Typing and editing, without a terminal: keys as they come, and what they make
// of the text.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_TYPED_CHARACTERS } from '../../../src/cli/process/input-lines.ts'
import { editedBy, emptyEditor, inserted, movedByLine, type Editor } from '../../../src/cli/tui/model/editor.ts'
import { type InputHistory, lookBack, remember, step } from '../../../src/cli/tui/model/input-history.ts'
import { KeyReader, type InputEvent } from '../../../src/cli/tui/terminal/key-reader.ts'

/** `|` is the cursor. */
function typed(shown: string): Editor {
  const cursor = shown.indexOf('|')
  return { ...emptyEditor, text: shown.replace('|', ''), cursor }
}
const shown = ({ text, cursor }: Editor): string => `${text.slice(0, cursor)}|${text.slice(cursor)}`
const after = (from: string, ...keys: readonly string[]): string =>
  shown(keys.reduce<Editor>((editor, key) => editedBy(editor, key) ?? editor, typed(from)))

describe('the keys of readline', () => {
  test.each([
    ['one two|', ['C-a'], '|one two'],
    ['|one two', ['M-f'], 'one| two'],
    ['one two|', ['M-b', 'M-b'], '|one two'],
    ['one two|', ['C-w'], 'one |'],
    ['path/to/file|', ['M-Backspace'], 'path/to/|'],
    ['one two|', ['C-w', 'C-a', 'C-y'], 'two|one '],
    ['one |two', ['C-k'], 'one |'],
    ['one |two', ['C-u'], '|two'],
    ['ab|', ['C-t'], 'ba|'],
    ['|one two', ['M-d'], '| two'],
    ['|abc', ['Delete', 'C-d'], '|c'],
    ['one\ntwo|', ['C-a'], 'one\n|two'],
    ['one|', ['M-Enter'], 'one\n|'],
    ['ab|', ['C-w', 'C-_'], 'ab|']
  ])('%s, then %s, is %s', (from, keys, to) => {
    expect(after(from, ...keys)).toBe(to)
  })

  test('a family is one step, and one Backspace', () => {
    expect(after('a👨‍👩‍👧|', 'Left')).toBe('a|👨‍👩‍👧')
    expect(after('a👨‍👩‍👧|', 'Backspace')).toBe('a|')
    expect(after('e\u0301|', 'Backspace')).toBe('|')
  })

  test('the arrows go through the lines of a message, and no further', () => {
    expect(movedByLine(typed('one|'), -1)).toBeUndefined()
    expect(shown(movedByLine(typed('first\nab|'), -1) ?? emptyEditor)).toBe('fi|rst\nab')
    expect(shown(movedByLine(typed('fir|st\nab'), 1) ?? emptyEditor)).toBe('first\nab|')
  })

  test('the cursor is never inside a character, whatever is pressed', () => {
    const keys = [
      'Left',
      'Right',
      'Home',
      'End',
      'M-b',
      'M-f',
      'Backspace',
      'Delete',
      'C-w',
      'C-k',
      'C-u',
      'C-y',
      'C-t',
      'C-_'
    ]
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.constantFrom(...keys)), (text, pressed) => {
        let editor = inserted(emptyEditor, text)
        for (const key of pressed) editor = editedBy(editor, key) ?? editor
        expect(editor.cursor).toBeGreaterThanOrEqual(0)
        expect(editor.cursor).toBeLessThanOrEqual(editor.text.length)
        expect(editor.text.isWellFormed()).toBe(true)
        expect(editor.text.slice(0, editor.cursor).isWellFormed()).toBe(true)
      })
    )
  })

  test('what is typed has a bound', () => {
    expect(inserted(emptyEditor, 'x'.repeat(MAX_TYPED_CHARACTERS + 5)).text).toHaveLength(MAX_TYPED_CHARACTERS)
  })
})

describe('what was typed before', () => {
  test('comes back with the arrows, and what was being typed after it', () => {
    const lines = ['one', 'two'].reduce<InputHistory>((all, text, atMs) => remember(all, { text, atMs }), [])
    const up = step(lines, undefined, -1, 'dra')
    expect(up?.text).toBe('two')
    const again = step(lines, up?.walk, -1, 'two')
    expect(again?.text).toBe('one')
    expect(step(lines, again?.walk, -1, 'one')).toBeUndefined()
    expect(step(lines, step(lines, again?.walk, 1, '')?.walk, 1, '')?.text).toBe('dra')
  })

  test('is found by a part of it, the newest first', () => {
    const lines = ['/name Straße', 'hello', 'Hello again'].map((text, atMs) => ({ text, atMs }))
    expect(lookBack(lines, 'STRASSE', lines.length)).toBe(0)
    expect(lookBack(lines, 'hello', lines.length)).toBe(2)
    expect(lookBack(lines, 'hello', 2)).toBe(1)
    expect(lookBack(lines, 'nothing', 3)).toBe(-1)
  })
})

describe('what a terminal sends', () => {
  const read = (...chunks: readonly string[]): InputEvent[] => {
    const reader = new KeyReader()
    const events = chunks.flatMap((chunk, index) => reader.feed(chunk, index * 1000))
    return [...events, ...reader.flush()]
  }

  test.each([
    ['\u001b[A', 'Up'],
    ['\u001bOA', 'Up'],
    ['\u001b[5~', 'PageUp'],
    ['\u001b[1;3A', 'M-Up'],
    ['\u001b[1;5D', 'C-Left'],
    ['\u001b\r', 'M-Enter'],
    ['\u001b[13;2u', 'M-Enter'],
    ['\u001b[27;5;97~', 'C-a'],
    ['\u001b1', 'M-1'],
    ['\u001b\u007f', 'M-Backspace'],
    ['\u001b[Z', 'S-Tab'],
    ['\u0003', 'C-c'],
    ['\u001b', 'Escape'],
    ['\r', 'Enter']
  ])('%j is the key %s', (bytes, key) => {
    expect(read(bytes)).toEqual([{ is: 'key', key }])
  })

  test('a sequence may come in parts', () => {
    expect(read('\u001b', '[1;', '3A')).toEqual([{ is: 'key', key: 'M-Up' }])
    expect(read('\u001b[20', '0~a\rb', '\u001b[20', '1~c')).toEqual([
      { is: 'paste', text: 'a\nb', bracketed: true },
      { is: 'text', text: 'c' }
    ])
  })

  test('lines that come at once are a paste, whether the terminal says so or not; a line and Enter are not', () => {
    expect(read('one\rtwo\rthree')).toEqual([{ is: 'paste', text: 'one\ntwo\nthree', bracketed: false }])
    expect(read('hello\r')).toEqual([
      { is: 'text', text: 'hello' },
      { is: 'key', key: 'Enter' }
    ])
    const reader = new KeyReader()
    expect(reader.feed('one\rtwo', 0)).toHaveLength(1)
    expect(reader.feed('\rthree', 5)).toEqual([{ is: 'paste', text: '\nthree', bracketed: false }])
    expect(reader.feed('\r', 500)).toEqual([{ is: 'key', key: 'Enter' }])
  })

  test('a paste can not press keys', () => {
    expect(read('\u001b[200~rm -rf\r\u0003\u001b[A\u001b[201~')).toEqual([
      { is: 'paste', text: 'rm -rf\n\u0003\u001b[A', bracketed: true }
    ])
  })

  test('any bytes, in any parts, are read without an end', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (chunks) => {
        const reader = new KeyReader()
        for (const chunk of chunks) reader.feed(chunk, 0)
        reader.flush()
      })
    )
  })
})
