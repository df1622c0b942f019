// What the comparison at the end of a round of chaos finds. Each test changes one
// fact of a cluster in which all is well, so that a comparison which is left out, or
// sees nothing any more, fails one of them.
import { describe, expect, test } from 'vitest'
import { differences, type Inhabitant, type SeenRow, type Snapshot, type View } from './compare.ts'

const directories = new Map([
  ['peer-of-d1', 'd1'],
  ['peer-of-d2', 'd2']
])

function inhabitant(client: string, fields: Partial<Inhabitant> = {}): Inhabitant {
  return { client, peer: `peer-of-${client}`, nickname: client, status: 'well', directories: ['peer-of-d1'], ...fields }
}

function rowOf({ peer, nickname, status, directories: attachedTo }: Inhabitant): SeenRow {
  return { peer, nickname, status, seq: '7', attachedTo }
}

/** Two clients at d1, two directories that are joined, each of the four with the whole roster. */
function well(): Snapshot {
  const truth = [inhabitant('anna'), inhabitant('bob')]
  const view = (who: string): View => ({
    who,
    peer: `peer-of-${who}`,
    rows: truth.filter(({ client }) => client !== who).map(rowOf)
  })
  return { truth, views: ['d1', 'd2', 'anna', 'bob'].map(view), directories, usedAtOnce: 1, unseen: [] }
}

/** The same, but one row of one view is another. */
function withRow(who: string, peer: string, change: (row: SeenRow) => readonly SeenRow[]): Snapshot {
  const snapshot = well()
  const views = snapshot.views.map((view) =>
    view.who === who ? { ...view, rows: view.rows.flatMap((row) => (row.peer === peer ? change(row) : [row])) } : view
  )
  return { ...snapshot, views }
}

const texts = (snapshot: Snapshot): readonly string[] => differences(snapshot).map(({ text }) => text)

test('where all is well there are no differences', () => {
  expect(differences(well())).toEqual([])
})

describe('a roster that is not the truth is named', () => {
  test.each([
    ['a peer that is missing', () => [], ['d2 misses bob']],
    ['a peer that is there twice', (row: SeenRow) => [row, row], ['d2 has a peer twice']],
    [
      'another nickname',
      (row: SeenRow) => [{ ...row, nickname: 'rob' }],
      ['d2 shows bob as "rob, well", not "bob, well"']
    ],
    ['another status', (row: SeenRow) => [{ ...row, status: 'ill' }], ['d2 shows bob as "bob, ill", not "bob, well"']],
    [
      'another attachment',
      (row: SeenRow) => [{ ...row, attachedTo: ['peer-of-d2'] }],
      ['d2 shows bob attached to [d2], not [d1]']
    ],
    [
      'an attachment too many, to a directory that is gone',
      (row: SeenRow) => [{ ...row, attachedTo: ['peer-of-d1', 'peer-of-old'] }],
      ['d2 shows bob attached to [d1 gone:of-old], not [d1]']
    ],
    ['an older record', (row: SeenRow) => [{ ...row, seq: '6' }], ['d2 holds record 6 of bob, there is 7']],
    [
      'a newer record, which all others do not have',
      (row: SeenRow) => [{ ...row, seq: '10' }],
      ['d1 holds record 7 of bob, there is 10', 'anna holds record 7 of bob, there is 10']
    ]
  ])('%s', (_, change: (row: SeenRow) => readonly SeenRow[], expected) => {
    expect(texts(withRow('d2', 'peer-of-bob', change))).toEqual(expected)
  })

  test('a peer too many, with the directories that are said to know it', () => {
    const ghost: SeenRow = { peer: 'peer-of-ghost', nickname: 'ghost', status: '', attachedTo: ['peer-of-d1'] }
    const { attachedTo: _attachedTo, ...unattached } = ghost
    const told: SeenRow = { ...unattached, toldBy: ['peer-of-d2'] }
    expect(texts(withRow('d1', 'peer-of-bob', (row) => [row, ghost]))).toEqual([
      'd1 has ghost (-ghost) too many, attached to [d1]'
    ])
    expect(texts(withRow('anna', 'peer-of-bob', (row) => [row, told]))).toEqual([
      'anna has ghost (-ghost) too many, told by [d2]'
    ])
  })

  test('oneself on the own roster is one too many', () => {
    const own = rowOf(inhabitant('anna'))
    expect(texts(withRow('anna', 'peer-of-bob', (row) => [row, own]))).toEqual([
      'anna has anna (f-anna) too many, attached to [d1]'
    ])
  })
})

describe('a client that is not connected as it is meant to be is named', () => {
  const wherever = (used: readonly string[]): Snapshot => {
    const snapshot = well()
    const [anna, bob] = [inhabitant('anna', { directories: used }), inhabitant('bob')]
    // All see it where it says that it is: nothing but the connection differs.
    const views = snapshot.views.map((view) => ({
      ...view,
      rows: view.rows.map((row) => (row.peer === anna.peer ? rowOf(anna) : row))
    }))
    return { ...snapshot, truth: [anna, bob], views }
  }

  test.each([
    ['to none', [], 'anna is connected to [], not to 1 that run'],
    ['to more than it uses', ['peer-of-d1', 'peer-of-d2'], 'anna is connected to [d1 d2], not to 1 that run'],
    ['to one that does not run', ['peer-of-old'], 'anna is connected to [gone:of-old], not to 1 that run']
  ])('%s', (_, used, expected) => {
    expect(texts(wherever(used))).toEqual([expected])
  })

  test('but not where fewer directories run than it would use', () => {
    expect(
      texts({ ...wherever(['peer-of-d1', 'peer-of-d2']), usedAtOnce: 3 }).filter((text) => /anna/u.test(text))
    ).toEqual([])
  })
})

test('what could not be looked at is no agreement', () => {
  expect(differences({ ...well(), unseen: ['d2: no answer'] })).toEqual([{ who: 'd2', text: 'd2: no answer' }])
})

test('where neither attachments nor sequence numbers are known, the rest is compared all the same', () => {
  const bare = ({ peer, nickname, status }: SeenRow): SeenRow => ({ peer, nickname, status })
  expect(texts(withRow('anna', 'peer-of-bob', (row) => [bare(row)]))).toEqual([])
  expect(texts(withRow('anna', 'peer-of-bob', (row) => [{ ...bare(row), status: 'ill' }]))).toEqual([
    'anna shows bob as "bob, ill", not "bob, well"'
  ])
})
