/** What a peer speaks: the marker, what is known, and the first bytes. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideDialect, foreignDialect, guessPlain, readFirstBytes } from '../../src/chat-protocol/dialect.ts'
import type { PeerKind } from '../../src/chat-protocol/dialect.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import { lengthPrefixed } from './harness.ts'

const hello = lengthPrefixed(encodeFrame({ kind: 'hello', log: 'ab'.repeat(8), held: { log: 'cd'.repeat(8), seq: 9 } }))
const go: PeerKind = { kind: 'foreign', agent: 'example.com/chat' }
const undecided: PeerKind = { kind: 'undecided' }
const bytes = (text: string): Uint8Array => Buffer.from(text)
const none = new Uint8Array(0)

describe('the first bytes', () => {
  test('a Hello is one from its marker on, and undecided before, however it is cut', () => {
    for (let length = 0; length <= hello.byteLength; length++) {
      const expected = length < 13 ? 'need-more' : 'hello'
      expect(readFirstBytes(hello.subarray(0, length))).toBe(expected)
    }
  })

  test('a Hello with fields of a later version, and a longer length, is one', () => {
    const longer = Buffer.concat([encodeFrame({ kind: 'hello', log: 'ab'.repeat(8) }), Buffer.alloc(200, 0x7a)])
    expect(readFirstBytes(lengthPrefixed(longer))).toBe('hello')
  })

  test('no text is ever a Hello', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('h\n\x0e\n\x08Parley'))
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, framed) => {
        const first = readFirstBytes(framed ? lengthPrefixed(text) : bytes(text))
        expect(first).not.toBe('hello')
      })
    )
  })

  test('more bytes never change an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), (all, length) => {
        const before = readFirstBytes(all.subarray(0, length))
        if (before !== 'need-more') expect(readFirstBytes(all)).toBe(before)
      })
    )
  })

  test.each([
    ['h\n', 'need-more'],
    ['hello\n', 'not-hello'],
    ['\n', 'not-hello'],
    ['A'.repeat(65) + '\n', 'not-hello'],
    ['', 'need-more']
  ])('%j is %s', (text, expected) => {
    expect(readFirstBytes(bytes(text))).toBe(expected)
  })
})

describe('the decision', () => {
  const facts = { isLines: false, knownParley: false, kind: undefined, bytes: none, waitedEnough: false }

  test('a Hello overrides everything', () => {
    for (const kind of [undefined, go, undecided, { kind: 'parley' } as const]) {
      for (const knownParley of [true, false]) {
        const decision = decideDialect({ ...facts, knownParley, kind, bytes: hello, waitedEnough: false })
        expect(decision).toEqual({ kind: 'decided', dialect: 'parley' })
      }
    }
  })

  test('a peer known as Parley is never read as text, whatever is known of it now', () => {
    for (const kind of [undefined, go, undecided]) {
      const known = { ...facts, kind, knownParley: true }
      expect(decideDialect(known)).toEqual({ kind: 'decided', dialect: 'parley' })
      expect(decideDialect({ ...known, bytes: bytes('hello\n') })).toEqual({ kind: 'not-parley' })
    }
  })

  test('nothing is said before it is known what the peer is', () => {
    expect(decideDialect(facts)).toEqual({ kind: 'wait' })
    expect(decideDialect({ ...facts, bytes: bytes('hello\n'), waitedEnough: true })).toEqual({ kind: 'wait' })
    expect(decideDialect({ ...facts, kind: undecided, waitedEnough: true })).toEqual({ kind: 'wait' })
  })

  test('to a foreign peer one may speak at once, and its first bytes settle it', () => {
    expect(decideDialect({ ...facts, kind: go })).toEqual({ kind: 'provisional', dialect: 'lines' })
    expect(decideDialect({ ...facts, kind: go, bytes: bytes('h\n') }).kind).toBe('provisional')
    const settled = { kind: 'decided', dialect: 'lines' }
    expect(decideDialect({ ...facts, kind: go, bytes: bytes('h\n'), waitedEnough: true })).toEqual(settled)
    expect(decideDialect({ ...facts, kind: go, bytes: bytes('hi\n') })).toEqual(settled)
  })

  test.each(['github.com/somebody/chat@', 'py-libp2p/0.8.1', ''])(
    'what is known goes before what the bytes look like: %j',
    (agent) => {
      const kind = { kind: 'foreign', agent } as const
      for (const text of ['A'.repeat(65) + '\n', '\t123456789', '\n123456789\n']) {
        expect(decideDialect({ ...facts, kind, bytes: bytes(text) })).toEqual({ kind: 'decided', dialect: 'lines' })
      }
    }
  )

  test('whole frames override an agent that nobody knows, and a length that begins no line any agent', () => {
    const framed = { kind: 'decided', dialect: 'framed-text' }
    const unknown = { kind: 'foreign', agent: 'somebodys-chat/1.0.0' } as const
    expect(decideDialect({ ...facts, kind: unknown, bytes: lengthPrefixed('x'.repeat(64) + '\n') })).toEqual(framed)
    expect(decideDialect({ ...facts, kind: unknown, bytes: lengthPrefixed('one\n') })).toEqual(framed)
    expect(decideDialect({ ...facts, kind: go, bytes: lengthPrefixed('hello my friend\n') })).toEqual(framed)
    expect(decideDialect({ ...facts, kind: unknown, bytes: bytes('hello\n') }).kind).toBe('decided')
    expect(decideDialect({ ...facts, kind: unknown, bytes: bytes('hello\n') })).toMatchObject({ dialect: 'lines' })
  })

  test('a stream of /chat/1.1.0 is lines, whatever the peer says of itself, unless it is Parley', () => {
    const isLines = true
    const js = { kind: 'foreign', agent: 'js-libp2p/3.3.11' } as const
    const lines = { kind: 'decided', dialect: 'lines' }
    for (const kind of [js, undecided]) {
      expect(decideDialect({ ...facts, isLines, kind }).kind).toBe('provisional')
      expect(decideDialect({ ...facts, isLines, kind, bytes: lengthPrefixed('hi\n') })).toEqual(lines)
    }
    expect(decideDialect({ ...facts, isLines, knownParley: true, bytes: bytes('hi\n') }).kind).toBe('not-parley')
  })

  test.each([
    [undefined, 'framed-text'],
    ['js-libp2p/3.0.0', 'framed-text'],
    ['example.com/js-libp2p-chat', 'lines'],
    ['', 'lines'],
    ['my-chat/1.0.0 node/24.21.0', 'framed-text'],
    ['my-chat/1.0.0 deno/2.1.4', 'framed-text'],
    ['my-chat/1.0.0 bun/1.3.0', 'framed-text'],
    ['a node/of words', 'lines'],
    ['rust-libp2p/0.47.0', 'lines']
  ])('agent %j speaks %s', (agent, dialect) => {
    expect(foreignDialect(agent)).toBe(dialect)
  })
})

describe('the guess between the plain dialects', () => {
  test.each([
    [lengthPrefixed('hi\n'), 'framed-text'],
    [Buffer.concat([lengthPrefixed('one\n'), lengthPrefixed('x'.repeat(300))]), 'framed-text'],
    [lengthPrefixed('half').subarray(0, 3), 'lines'],
    [bytes('hello\n'), 'lines'],
    [Uint8Array.of(2, 0xff, 0xfe), 'lines'],
    // The documented mistake: 66 bytes whose first happens to be the number of the others.
    [bytes('A' + 'b'.repeat(64) + '\n'), 'framed-text']
  ])('%j', (arrived, dialect) => {
    expect(guessPlain(arrived)).toBe(dialect)
  })
})
