/** The frames, and that docs/spec/share-1.0.0.md says the same: the bytes of its examples, and every value that it gives. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sourceConstants } from '../../scripts/source-constants.ts'
import { joinFrames } from '../../src/wire/index.ts'
import { shareFrames, ShareProtocolError, type ShareFrame } from '../../src/share/share-frames.ts'
import { ShareFrame as Pb } from '../../src/share/pb/share-frames.ts'

const file = 'ab'.repeat(32)

const samples: readonly ShareFrame[] = [
  { type: 'list', path: '', after: '' },
  { type: 'list', path: 'Slides/2026', after: 'día.pdf' },
  { type: 'find', words: ['slides', 'autumn'] },
  {
    type: 'listing',
    snapshot: Number.MAX_SAFE_INTEGER,
    entries: [
      { is: 'folder', name: 'Autumn', sizeBytes: 12 },
      { is: 'file', name: 'a.pdf', sizeBytes: 2 ** 40, modifiedAtMs: 1_790_000_000_000, file },
      { is: 'file', name: 'b.pdf', sizeBytes: 0, modifiedAtMs: 0, file: undefined }
    ],
    hasMore: true
  },
  { type: 'hits', hits: [{ path: 'Slides/a.pdf', sizeBytes: 3, modifiedAtMs: 4, file }], hasMore: false },
  { type: 'refuse', reason: 'not-here' },
  { type: 'refuse', reason: 'too-fast' }
]

describe('frames of shares', () => {
  test.each(samples)('$type comes back as it was', (frame) => {
    expect(shareFrames.decode(shareFrames.encode(frame))).toEqual(frame)
  })

  test.each(['..', '.', 'a/../b', '/a', 'a//b', 'a/', 'a\0b', '\ud800', 'n'.repeat(766), 'a/'.repeat(40) + 'a'])(
    'a path with %j is refused',
    (path) => {
      expect(() => shareFrames.decode(Pb.encode({ list: { path, after: '' } }))).toThrow(ShareProtocolError)
    }
  )

  test.each(['', '..', 'a/b', 'a\0', 'n'.repeat(766)])('an entry that is named %j is refused', (name) => {
    const entry = { name, size: 1n, modifiedMs: 1n, file: new Uint8Array(), folder: false }
    expect(() => shareFrames.decode(Pb.encode({ listing: { snapshot: 1n, entries: [entry], more: false } }))).toThrow(
      ShareProtocolError
    )
  })

  test.each([[[]], [['ab']], [['a'.repeat(33)]], [Array<string>(9).fill('word')], [['two words']]])(
    'the words %j are refused',
    (words) => {
      expect(() => shareFrames.decode(Pb.encode({ find: { words } }))).toThrow(ShareProtocolError)
    }
  )

  test('names that are not in order are refused, and so is one that comes twice', () => {
    for (const names of [
      ['b', 'a'],
      ['a', 'a']
    ]) {
      const entries = names.map((name) => ({ name, size: 1n, modifiedMs: 1n, file: new Uint8Array(), folder: true }))
      expect(() => shareFrames.decode(Pb.encode({ listing: { snapshot: 1n, entries, more: false } }))).toThrow(
        'not in order'
      )
    }
  })

  test('more entries, or hits, than a frame may have are refused', () => {
    const hit = { path: 'a', size: 1n, modifiedMs: 1n, file: new Uint8Array(32) }
    expect(() =>
      shareFrames.decode(Pb.encode({ hits: { hits: Array.from({ length: 51 }, () => ({ ...hit })), more: false } }))
    ).toThrow('51 hits')
    const entries = Array.from({ length: 501 }, (_, at) => ({
      name: String(at).padStart(4, '0'),
      size: 1n,
      modifiedMs: 1n,
      file: new Uint8Array(),
      folder: true
    }))
    expect(() => shareFrames.decode(Pb.encode({ listing: { snapshot: 1n, entries, more: false } }))).toThrow('501')
  })

  test('random bytes are a frame or an error of the protocol', () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const bytes = crypto.getRandomValues(new Uint8Array(seed % 64))
      try {
        shareFrames.decode(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(ShareProtocolError)
      }
    }
  })
})

const spec = readFileSync(new URL('../../docs/spec/share-1.0.0.md', import.meta.url), 'utf8')

/** The bytes of the block ```hex NAME: each line is bytes, then two spaces or more and what they are. */
function example(name: string): string {
  const block = new RegExp('```hex ' + name + '\n([^`]*)```').exec(spec)?.[1] ?? ''
  const lines = block.split('\n').map((line) => line.trim().split(/ {2,}/)[0] ?? '')
  return lines.join('').replaceAll(' ', '')
}

const emptyFile = '108d829d10fa6149f8134d692be9521f8f651c53231c1f7b9fa1ef124b3ce09c'

test.each<[string, ShareFrame]>([
  ['list', { type: 'list', path: 'Slides', after: 'a.pdf' }],
  ['find', { type: 'find', words: ['slides', 'autumn'] }],
  [
    'listing',
    {
      type: 'listing',
      snapshot: 300,
      entries: [
        { is: 'folder', name: 'b', sizeBytes: 5 },
        { is: 'file', name: 'c', sizeBytes: 0, modifiedAtMs: 1000, file: emptyFile }
      ],
      hasMore: true
    }
  ]
])('the specification shows the bytes of %s as they are', (name, frame) => {
  const written = joinFrames([shareFrames.encode(frame)], 1024)
  expect(example(name)).toBe(Buffer.from(written).toString('hex'))
})

test('the specification names constants that exist, and gives their values', () => {
  const actual = new Map(sourceConstants('share').map((constant) => [constant.name, constant.value]))
  for (const [, name = '', value] of spec.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`(?: \((\d+)\))?/g)) {
    expect(actual.has(name), name).toBe(true)
    if (value !== undefined) expect(actual.get(name), name).toBe(Number(value))
  }
})
