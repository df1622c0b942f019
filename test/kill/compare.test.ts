// The comparison of two histories sees what is lost, doubled or out of order: by it the rounds of `npm run test:kill`
// are judged.
import { expect, test } from 'vitest'
import { compareClaims, compareHistories, type KeptMessage, type Side } from './compare.ts'

test('the comparison finds nothing wrong where all is well, over two logs', () => {
  const sent = [kept('out', 1), kept('out', 2), { ...kept('out', 3), seq: 1, log: 'later' }]
  const received = sent.map((message): KeptMessage => ({ ...message, direction: 'in', state: 'accepted' }))
  const verdict = compareHistories(side([...sent, kept('in', 9)]), side([kept('out', 9), ...received]))
  expect(verdict).toEqual({ lost: 0, doubled: 0, disordered: 0, unmarked: 0, findings: [] })
})

test.each([
  ['what did not arrive', [1, 2, 3], [1, 3], { lost: 1 }],
  ['what its sender no longer has', [1, 3], [1, 2, 3], { lost: 1 }],
  ['what arrived twice', [1, 2], [1, 2, 2], { doubled: 1 }],
  ['what arrived after a later one', [1, 2, 3], [1, 3, 2], { disordered: 1 }]
])('the comparison finds %s', (_, sent, received, found) => {
  const sender = side(sent.map((seq) => kept('out', seq)))
  const receiver = side(received.map((seq) => kept('in', seq)))
  const nothing = { lost: 0, doubled: 0, disordered: 0, unmarked: 0 }
  expect(compareHistories(sender, receiver)).toMatchObject({ ...nothing, ...found })
})

test('the comparison finds what was promised and is not kept, what has changed, and what is not marked', () => {
  const promised = { ...side([]), answered: new Set(['an id']) }
  expect(compareHistories(promised, side([])).lost).toBe(1)
  const changed = side([{ ...kept('in', 1), text: 'something else' }])
  expect(compareHistories(side([kept('out', 1)]), changed).lost).toBe(1)
  const renumbered = side([{ ...kept('in', 1), seq: 7 }])
  expect(compareHistories(side([kept('out', 1)]), renumbered).disordered).toBe(1)
  const unmarked = side([{ ...kept('out', 1), state: 'pending' }])
  expect(compareHistories(unmarked, side([kept('in', 1)])).unmarked).toBe(1)
})

test('two clients with one message, and a message that no client asked for, are found', () => {
  const sender = side(['one', 'two'].map((id) => ({ ...kept('out', 1), id })))
  expect(compareClaims({ claimed: ['one', 'two'], asked: 2 }, sender)).toEqual([])
  expect(compareClaims({ claimed: ['one', 'one'], asked: 2 }, sender)).toHaveLength(1)
  expect(compareClaims({ claimed: ['one'], asked: 1 }, sender)).toHaveLength(1)
})

function kept(direction: 'in' | 'out', seq: number): KeptMessage {
  const state = direction === 'out' ? 'delivered' : 'accepted'
  return { id: `id ${seq}`, direction, state, text: `text ${seq}`, log: 'log', seq }
}

function side(history: readonly KeptMessage[]): Side {
  return { history, answered: new Set() }
}
