// What the page makes of the directory's events, and of the names in them.
import { MAX_MARKS_ON_A_LETTER } from '../../../src/lib/index.ts'
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import type { PeerJson, RosterEvents } from '../../../src/directory/http/roster-api.ts'
import { cleanText } from '../../../src/web/model/clean-text.ts'
import {
  byArrival,
  fromSnapshot,
  matching,
  namesakesOf,
  withChanges,
  type RosterModel
} from '../../../src/web/model/roster-model.ts'

function peer(id: string, nickname: string, since = 1_000): PeerJson {
  return {
    peer: `12D3KooW${id}`,
    shortId: id,
    nickname,
    status: `status of ${nickname}`,
    since,
    seq: '1',
    addresses: ['/ip4/192.0.2.7/tcp/4001'],
    directories: ['directory-1'],
    path: 'lan'
  }
}

const snapshot: RosterEvents['snapshot'] = {
  network: 'test',
  directory: 'directory-1',
  addresses: [],
  now: 5_000,
  total: 0,
  directories: [],
  recent: [],
  peers: [],
  more: false
}

const changes = (over: Partial<RosterEvents['changes']>): RosterEvents['changes'] => ({
  now: 6_000,
  total: 0,
  peers: [],
  gone: [],
  recent: [],
  ...over
})

const names = (model: RosterModel): readonly string[] => model.byName.map(({ name }) => name)

test('peers stand in the order of their names, and those without one last', () => {
  const model = fromSnapshot(
    snapshot,
    [peer('1', 'bob'), peer('2', ''), peer('3', 'Anna'), peer('4', 'anna 10'), peer('5', 'anna 9')],
    0
  )
  expect(names(model)).toEqual(['Anna', 'anna 9', 'anna 10', 'bob', 'nameless'])
})

test('peers whose names may be taken for one another are known to each other, as they come and go', () => {
  const of = (model: RosterModel, id: string): readonly string[] => {
    const found = model.peers.get(`12D3KooW${id}`)
    return found === undefined ? [] : namesakesOf(model, found).map(({ shortId }) => shortId)
  }
  const first = fromSnapshot(snapshot, [peer('1', 'victor'), peer('2', 'Lise'), peer('3', ''), peer('4', '')], 0)
  expect(['1', '2', '3'].map((id) => of(first, id))).toEqual([[], [], []])
  const joined = withChanges(
    first,
    changes({ peers: [peer('5', 'v1ctor'), peer('6', 'víctor'), peer('7', 'Ilse')] }),
    0
  )
  expect(['1', '5', '2'].map((id) => of(joined, id))).toEqual([['5', '6'], ['1', '6'], []])
  const later = withChanges(joined, changes({ peers: [peer('6', 'anna')], gone: ['12D3KooW5'] }), 0)
  expect(of(later, '1')).toEqual([])
})

test('a name that nobody could see is none', () => {
  const model = fromSnapshot(snapshot, [peer('1', '\u2800\u3164')], 0)
  expect(names(model)).toEqual(['nameless'])
})

test('any changes give what a snapshot after them would', () => {
  const row = fc.tuple(
    fc.constantFrom('1', '2', '3', '4', '5', '6'),
    fc.constantFrom('', 'anna', 'bob', 'Bob', 'carol')
  )
  const step = fc.record({ peers: fc.array(row, { maxLength: 4 }), gone: fc.subarray(['1', '2', '3', '4', '5', '6']) })
  fc.assert(
    fc.property(fc.array(row, { maxLength: 6 }), fc.array(step, { maxLength: 6 }), (first, steps) => {
      const truth = new Map<string, PeerJson>(first.map(([id, name]) => [id, peer(id, name)]))
      let model = fromSnapshot(snapshot, [...truth.values()], 0)
      for (const { peers, gone } of steps) {
        const rows = new Map<string, PeerJson>(peers.map(([id, name]) => [id, peer(id, name)]))
        const left = gone.filter((id) => !rows.has(id))
        for (const id of left) truth.delete(id)
        for (const [id, one] of rows) truth.set(id, one)
        model = withChanges(model, changes({ peers: [...rows.values()], gone: left.map((id) => `12D3KooW${id}`) }), 0)
      }
      const fresh = fromSnapshot(snapshot, [...truth.values()], 0)
      expect(model.byName).toEqual(fresh.byName)
      expect(new Map(model.peers)).toEqual(new Map(fresh.peers))
    })
  )
})

test('a search takes all words, in names, statuses, IDs and addresses', () => {
  const { byName } = fromSnapshot(snapshot, [peer('AAA', 'Anna'), peer('BBB', 'Bob'), peer('CCC', 'Anna-Bob')], 0)
  const found = (query: string): readonly string[] => matching(byName, query).map(({ name }) => name)
  expect(found('')).toHaveLength(3)
  expect(found('ANN')).toEqual(['Anna', 'Anna-Bob'])
  expect(found('bob  ann')).toEqual(['Anna-Bob'])
  expect(found('bbb')).toEqual(['Bob'])
  expect(found('192.0.2.7')).toHaveLength(3)
  expect(found('4001')).toEqual([])
  expect(found('tcp/4001')).toHaveLength(3)
  expect(found('nobody')).toEqual([])
})

test('a search takes no notice of case and invisible characters, in whichever language', () => {
  const { byName } = fromSnapshot(snapshot, [peer('AAA', 'Straße'), peer('BBB', 'Işık'), peer('CCC', 'ca\u200crol')], 0)
  const found = (query: string): number => matching(byName, query).length
  expect(['STRASSE', 'IŞIK', 'ışık', 'carol', 'car\u00adol'].map(found)).toEqual([1, 1, 1, 1, 1])
})

test('who came last stands first, where that is asked for', () => {
  const { byName } = fromSnapshot(snapshot, [peer('1', 'anna', 10), peer('2', 'bob', 30), peer('3', 'carol', 20)], 0)
  expect(byArrival(byName).map(({ name }) => name)).toEqual(['bob', 'carol', 'anna'])
})

test('what happened is kept, newest first, and not without end', () => {
  const happening = (n: number) => ({
    at: n,
    what: 'joined' as const,
    peer: `${n}`,
    shortId: `${n}`,
    nickname: `n${n}`
  })
  let model = fromSnapshot({ ...snapshot, recent: [happening(2), happening(1)] }, [], 0)
  model = withChanges(model, changes({ recent: [happening(3)] }), 0)
  expect(model.recent.map(({ name }) => name)).toEqual(['n3', 'n2', 'n1'])
  for (let n = 4; n < 200; n++) model = withChanges(model, changes({ recent: [happening(n)] }), 0)
  expect(model.recent.length).toBe(60)
  expect(new Set(model.recent.map(({ key }) => key)).size).toBe(60)
})

test('the clock of the directory is reckoned with', () => {
  expect(fromSnapshot(snapshot, [], 2_000).clockAheadMs).toBe(3_000)
})

describe('a name', () => {
  test.each([
    ['anna\u202Eexe.gpj', 'annaexe.gpj'],
    ['\u2066\u200Banna\u2069', 'anna'],
    ['anna\n<b>bob</b>\u0000', 'anna <b>bob</b>'],
    ['\u{e0061}\u{e0062}anna', 'anna'],
    ['👨‍👩‍👧', '👨‍👩‍👧'],
    ['می‌خواهم', 'می‌خواهم'],
    ['\ud800anna', '\ufffdanna']
  ])('%j is shown as %j', (raw, shown) => {
    expect(cleanText(raw)).toBe(shown)
  })

  test('of many marks on one letter loses most of them', () => {
    expect(cleanText(`a${'\u0301'.repeat(50)}`)).toHaveLength(1 + MAX_MARKS_ON_A_LETTER)
  })

  test('of any text holds nothing that reorders, hides or breaks the line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(cleanText(text)).not.toMatch(
          /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff]/u
        )
      })
    )
  })
})
