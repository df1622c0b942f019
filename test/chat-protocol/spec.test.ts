/** docs/spec/chat-1.0.0.md and the code say the same: the bytes of its examples, and every value of its limits. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sourceConstants } from '../../scripts/source-constants.ts'
import { HELLO_MARKER } from '../../src/chat-protocol/dialect.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import type { OutgoingFrame } from '../../src/chat-protocol/frames.ts'
import { lengthPrefixed } from './harness.ts'

const spec = readFileSync(new URL('../../docs/spec/chat-1.0.0.md', import.meta.url), 'utf8')

/** The bytes of the block ```hex NAME: each line is bytes, then two spaces or more and what they are. */
function example(name: string): string {
  const block = new RegExp('```hex ' + name + '\n([^`]*)```').exec(spec)?.[1] ?? ''
  return block
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/)[0] ?? '')
    .join('')
    .replaceAll(' ', '')
}

const log = '0102030405060708'
const id = '00112233445566778899aabbccddeeff'
const frames: Record<string, OutgoingFrame> = {
  hello: { kind: 'hello', log, held: { log: 'a1a2a3a4a5a6a7a8', seq: 42 } },
  message: { kind: 'message', message: { id, log, seq: 7, sentAtMs: 1_700_000_000_000, text: 'Olá' } },
  receipt: { kind: 'receipt', state: 'stored', ids: [id], ranges: [] }
}

const actual = new Map(
  ['wire', 'chat-protocol'].flatMap((folder) => sourceConstants(folder)).map(({ name, value }) => [name, value])
)

describe('the specification', () => {
  test.each(Object.entries(frames))('shows the bytes of %s as they are', (name, frame) => {
    expect(example(name)).toBe(lengthPrefixed(encodeFrame(frame)).toString('hex'))
  })

  test('gives each limit the value that the code has', () => {
    const rows = [...spec.matchAll(/^\| [^|]+ \| `([A-Z_]+)` \| (\d+)/gm)]
    expect(rows.length).toBeGreaterThan(15)
    const stated = rows.map(([, name, value]) => [name, Number(value)])
    expect(stated).toEqual(stated.map(([name]) => [name, actual.get(String(name))]))
  })

  test('names no constant that does not exist, and gives the right value beside it', () => {
    for (const [, name, value] of spec.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`(?: \((\d+)\))?/g)) {
      expect(actual.has(name ?? ''), name).toBe(true)
      if (value !== undefined) expect(actual.get(name ?? ''), name).toBe(Number(value))
    }
  })

  test('shows the marker', () => {
    expect(spec).toContain(Buffer.from(HELLO_MARKER).toString('hex').replaceAll(/../g, '$& ').trim())
  })
})
