import { PassThrough, Writable } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MAX_TYPED_CHARACTERS } from '../../../src/cli/process/input-lines.ts'
import { Screen } from '../../../src/cli/plain/screen.ts'
import { cpuMsOf, millisecondsOfCpu } from '../../cpu-time.ts'
import { MAX_UNREAD_OUTPUT_BYTES } from '../../../src/cli/process/line-output.ts'

/** As much of a terminal as readline and the screen use: rows, a cursor, wrapping, erasing. */
class Terminal extends Writable {
  readonly isTTY = true
  columns = 20
  readonly rowsOfScreen = 50
  #cells: string[][] = [[]]
  /** Rows that go on in the next one because they were full. */
  #wrapped = new Set<number>()
  #row = 0
  #column = 0
  bytes = ''

  #held: (() => void) | undefined
  #isFrozen = false

  /** Takes nothing more, as after Ctrl-S. */
  freeze(): void {
    this.#isFrozen = true
  }

  thaw(): void {
    this.#isFrozen = false
    this.#held?.()
    this.#held = undefined
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#isFrozen) this.#held = () => this.#show(chunk, done)
    else this.#show(chunk, done)
  }

  #show(chunk: Buffer, done: () => void): void {
    this.bytes += chunk.toString()
    // oxlint-disable-next-line no-control-regex -- this is what a terminal reads
    for (const [token, count, letter] of chunk.toString().matchAll(/\u001b\[(\d*)(?:;\d*)?([A-Za-z])|[^]/gu)) {
      if (letter === undefined) this.#put(token)
      else this.#control(letter, count === '' || count === undefined ? undefined : Number(count))
    }
    done()
  }

  #put(character: string): void {
    if (character === '\n') this.#row++
    if (character === '\r' || character === '\n') this.#column = 0
    if (character < ' ') return
    // The wrap waits until another character comes, as in a real terminal.
    if (this.#column === this.columns) {
      this.#wrapped.add(this.#row)
      this.#row++
      this.#column = 0
    }
    const line = (this.#cells[this.#row] ??= [])
    while (line.length < this.#column) line.push(' ')
    line[this.#column] = character
    this.#column++
  }

  #control(letter: string, count: number | undefined): void {
    const steps = count ?? 1
    if (letter === 'A') this.#row = Math.max(0, this.#row - steps)
    if (letter === 'B') this.#row += steps
    if (letter === 'C') this.#column = Math.min(this.columns - 1, this.#column + steps)
    if (letter === 'D') this.#column = Math.max(0, this.#column - steps)
    if (letter === 'G') this.#column = steps - 1
    if (letter === 'J' || letter === 'K') this.#cells[this.#row]?.splice(this.#column)
    if (letter === 'J') this.#cells.splice(this.#row + 1)
    if (letter === 'J' || letter === 'K') this.#wrapped.delete(this.#row)
    if (letter === 'J') this.#wrapped = new Set(Array.from(this.#wrapped).filter((row) => row < this.#row))
  }

  /** Another width. Most terminals wrap long lines anew then; a few leave all as it is. */
  resize(columns: number, { reflows }: { reflows: boolean }): void {
    if (reflows) this.#reflow(columns)
    this.columns = columns
    this.emit('resize')
  }

  #reflow(columns: number): void {
    const cells: string[][] = []
    const wrapped = new Set<number>()
    let cursor = { row: 0, column: 0 }
    let line: string[] = []
    let cursorAt: number | undefined
    for (let row = 0; row < Math.max(this.#cells.length, this.#row + 1); row++) {
      if (row === this.#row) cursorAt = line.length + this.#column
      line.push(...(this.#cells[row] ?? []))
      if (this.#wrapped.has(row)) continue
      if (cursorAt !== undefined) {
        const isAtEdge = cursorAt > 0 && cursorAt % columns === 0 && cursorAt === line.length
        const rows = Math.floor(cursorAt / columns) - (isAtEdge ? 1 : 0)
        cursor = { row: cells.length + rows, column: cursorAt - rows * columns }
      }
      for (let at = 0; at === 0 || at < line.length; at += columns) {
        if (at > 0) wrapped.add(cells.length - 1)
        cells.push(line.slice(at, at + columns))
      }
      line = []
      cursorAt = undefined
    }
    this.#cells = cells
    this.#wrapped = wrapped
    this.#row = cursor.row
    this.#column = cursor.column
  }

  /** What a person sees, without the empty end of rows and screen. */
  seen(): string[] {
    const rows = Array.from(this.#cells, (row) => (row ?? []).join('').trimEnd())
    while (rows.at(-1) === '') rows.pop()
    return rows
  }

  cursor(): { row: number; column: number } {
    return { row: this.#row, column: this.#column }
  }
}

let close: () => void = () => undefined
afterEach(() => close())

function open() {
  const terminal = new Terminal()
  const input = new PassThrough()
  // A tty.WriteStream needs a real terminal behind it; this is the part of one that is used.
  const screen = new Screen(input, terminal as unknown as WriteStream)
  close = () => screen.close()
  screen.ask('You: ')
  const type = async (text: string): Promise<void> => {
    input.write(text)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { terminal, screen, type }
}

const up = '\u001b[A'
const left = '\u001b[D'

describe('a terminal with typing while lines come in', () => {
  it('keeps no more than a bound for a terminal that shows nothing, and says how much was dropped when it goes on', async () => {
    const { terminal, screen, type } = open()
    terminal.columns = 100_000
    await type('hel')
    terminal.freeze()
    for (let count = 0; count < 100; count++) screen.print([`${count} ${'x'.repeat(64 * 1024)}`])
    screen.progress('1 s')
    expect(terminal.writableLength).toBeLessThan(MAX_UNREAD_OUTPUT_BYTES + 256 * 1024)
    terminal.thaw()
    await expect.poll(() => terminal.seen().at(-1)).toBe('[1 s] You: hel')
    const dropped = Number(
      /^(\d+) lines were dropped here, because nothing read them/u.exec(terminal.seen().at(-2) ?? '')?.[1]
    )
    const shown = terminal.seen().filter((row) => /^\d+ x/u.test(row))
    expect(shown.length + dropped).toBe(100)
    expect(shown.at(-1)).toMatch(new RegExp(`^${shown.length - 1} x`, 'u'))
    screen.print(['again'])
    await type('lo')
    expect(terminal.seen().slice(-2)).toEqual(['again', '[1 s] You: hello'])
  })

  it('cuts its own words between words where the terminal is narrower, and leaves those of others to it', async () => {
    const { terminal, screen, type } = open()
    await type('hel')
    screen.say(['Nobody else is online today.'])
    screen.print(['bob: nobody here but us two'])
    await type('lo')
    expect(terminal.seen()).toEqual([
      'Nobody else is',
      '  online today.',
      'bob: nobody here but',
      ' us two',
      'You: hello'
    ])
  })

  it('keeps the line that is typed below what is printed', async () => {
    const { terminal, screen, type } = open()
    await type('hel')
    screen.print(['bob: hi', 'bob: again'])
    await type('lo')
    expect(terminal.seen()).toEqual(['bob: hi', 'bob: again', 'You: hello'])
    expect(terminal.cursor()).toEqual({ row: 2, column: 10 })
  })

  it.each([
    ['key by key', true],
    ['at once', false]
  ])('keeps a line that wraps, typed %s, leaving no empty rows', async (_how, byKey) => {
    const { terminal, screen, type } = open()
    const text = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ'
    for (const part of byKey ? Array.from(text) : [text]) await type(part)
    screen.print(['one'])
    screen.print(['two'])
    expect(terminal.seen()).toEqual(['one', 'two', 'You: abcdefghijklmno', 'pqrstuvwxyz012345678', '9ABCDEFGHIJ'])
  })

  it.each([
    ['key by key', true],
    ['at once', false]
  ])('overwrites nothing when the line, typed %s, ends exactly at the edge', async (_how, byKey) => {
    const { terminal, screen, type } = open()
    screen.print(['above'])
    for (const part of byKey ? Array.from('abcdefghijklmno') : ['abcdefghijklmno']) await type(part)
    screen.print(['one'])
    screen.print(['two'])
    expect(terminal.seen()).toEqual(['above', 'one', 'two', 'You: abcdefghijklmno'])
  })

  it('leaves the cursor where it was within the line', async () => {
    const { terminal, screen, type } = open()
    await type('abcdefghijklmnopqrstuvwxyz')
    for (let count = 0; count < 20; count++) await type(left)
    screen.print(['one'])
    await type('X')
    expect(terminal.seen()).toEqual(['one', 'You: abcdefXghijklmn', 'opqrstuvwxyz'])
    expect(terminal.cursor()).toEqual({ row: 1, column: 12 })
  })

  it('changes the prompt and its progress in place', async () => {
    const { terminal, screen, type } = open()
    await type('hi')
    screen.progress('1 s')
    screen.progress('2 s')
    expect(terminal.seen()).toEqual(['[2 s] You: hi'])
    screen.progress(undefined)
    screen.ask('Port: ')
    expect(terminal.seen()).toEqual(['Port: hi'])
  })

  it('gives nothing of a long paste to the reader, in however many pieces it comes, and says so', async () => {
    const { terminal, screen, type } = open()
    terminal.columns = 500
    const next = screen.lines[Symbol.asyncIterator]().next()
    for (let piece = 0; piece < 13; piece++) {
      await type(Array.from({ length: 50 }, (_, n) => `${piece}.${n}\r`).join(''))
    }
    await expect.poll(() => terminal.bytes).toContain('650 lines came at once, like a paste')
    await type('typed\r')
    expect((await next).value).toBe('typed')
  })

  it('gives each of several pasted lines to the reader and shows each after a prompt', async () => {
    const { terminal, screen, type } = open()
    await type('one\rtwo\rthr')
    const lines = screen.lines[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('one')
    expect((await lines.next()).value).toBe('two')
    expect(terminal.seen()).toEqual(['You: one', 'You: two', 'You: thr'])
  })

  it.each([
    [100, true],
    [60, true],
    [58, true],
    [30, true],
    [29, true],
    [12, true],
    [7, true],
    [100, false],
    [12, false]
  ])(
    'loses nothing above a line of several rows when the width becomes %d (wrapped anew: %s)',
    async (width, reflows) => {
      const draft = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQ'
      const above = ['one', 'two', 'three', 'four', 'five', 'six']
      for (const steps of [0, 1, 20]) {
        const { terminal, screen, type } = open()
        screen.print(above)
        await type(draft)
        for (let count = 0; count < steps; count++) await type(left)
        terminal.resize(width, { reflows })
        expect(terminal.seen().slice(0, above.length)).toEqual(above)
        screen.print(['more'])
        const all = terminal.seen().join('')
        expect(all).toContain(`moreYou: ${draft}`)
        if (reflows && width >= 60) expect(terminal.seen().slice(0, above.length + 1)).toEqual([...above, 'more'])
        screen.close()
      }
    }
  )

  it('takes a pasted line of 70 000 characters for little more than it costs to draw it once for each piece', async () => {
    const text = 'abcdefghij'.repeat(7000)
    // As a terminal hands it over: in pieces.
    const pieces = text.match(/.{1,4096}/gu) ?? []
    const { terminal, screen, type } = open()
    const before = process.threadCpuUsage()
    for (const piece of pieces) await type(piece)
    const typedMs = millisecondsOfCpu(before)
    const drawnMs = cpuMsOf(() => {
      const another = new Terminal()
      for (let piece = 0; piece < pieces.length; piece++) another.write(text)
    })
    screen.print(['one'])
    expect(terminal.seen().join('')).toBe(`oneYou: ${text}`)
    await type('\r')
    const lines = screen.lines[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe(text)
    // What is done again for each character takes a thousand times as long.
    expect(typedMs).toBeLessThan(10 * drawnMs)
  })

  it('leaves out a line beyond all bounds, says so, and takes the next one', async () => {
    const { terminal, screen, type } = open()
    const long = 'x'.repeat(MAX_TYPED_CHARACTERS + 10)
    for (let at = 0; at < long.length; at += 32_768) await type(long.slice(at, at + 32_768))
    await type('\rshort\r')
    const lines = screen.lines[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('short')
    expect(terminal.seen().join('').replaceAll(' ', '')).toContain('Alineofmorethan131072characterswasleftout')
  })

  it('drops what is typed at Ctrl-C and leaves nothing of the prompt when it is closed', async () => {
    const { terminal, screen, type } = open()
    let interrupts = 0
    screen.onInterrupt(() => interrupts++)
    await type('abcdefghijklmnopqrstuvwxyz')
    await type(left)
    await type('\u0003')
    expect(interrupts).toBe(1)
    expect(terminal.seen()).toEqual(['You:'])
    await type('abcdefghijklmnopqrstuvwxyz')
    screen.print(['one'])
    screen.close()
    screen.print(['two'])
    expect(terminal.seen()).toEqual(['one', 'two'])
  })

  it('reports with Ctrl-C whether anything was typed since the last one', async () => {
    const { screen, type } = open()
    const told: boolean[] = []
    screen.onInterrupt((typedSince) => told.push(typedSince))
    for (const text of ['\u0003', '\u0003', 'x', '\u0003', left, '\u0003\u0003']) await type(text)
    expect(told).toEqual([false, false, true, true, false])
  })

  it('offers with the arrow keys nothing that was typed too long ago to be kept', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const { terminal, screen, type } = open()
      vi.setSystemTime(1000)
      await type('old\r')
      vi.setSystemTime(2000)
      await type('new\r')
      screen.forgetTyped(2000)
      await type(up)
      expect(terminal.seen().at(-1)).toBe('You: new')
      await type(up)
      expect(terminal.seen().at(-1)).toBe('You:')
    } finally {
      vi.useRealTimers()
    }
  })

  it('ends the line of the prompt at Ctrl-D', async () => {
    const { terminal, screen, type } = open()
    await type('\u0004')
    screen.print(['after'])
    expect(terminal.seen()).toEqual(['You:', 'after'])
  })

  it('cleans what it prints and asks', () => {
    const { terminal, screen } = open()
    screen.print(['\u001b[31mred\nnext\u202e'])
    screen.ask('\u001b[2J? ')
    expect(terminal.seen()).toEqual(['␛[31mred␤next', '␛[2J?'])
  })
})
