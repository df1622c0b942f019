import { expect, test } from 'vitest'
import { TakenCircuits } from '../../src/relay/client/taken-circuits.ts'

function room(capacity: number, chosen: readonly string[] = []) {
  return new TakenCircuits<string>({ capacity, isChosen: (peer) => chosen.includes(peer) })
}

test('while there is room every circuit is taken, and in a full one a source with the most gets no more', () => {
  const taken = room(3)
  for (const n of [1, 2, 3]) {
    expect(taken.open(`${n}`, { peer: `sybil${n}`, source: 'crowd' })).toEqual({ isTaken: true, givesWay: undefined })
  }
  expect(taken.open('4', { peer: 'sybil4', source: 'crowd' })).toEqual({ isTaken: false })
  expect(taken.size).toBe(3)
})

test('in a full room the largest source gives its oldest circuit to a stranger from elsewhere', () => {
  const taken = room(3)
  for (const n of [1, 2, 3]) taken.open(`${n}`, { peer: `sybil${n}`, source: 'crowd' })
  expect(taken.open('anna', { peer: 'anna', source: 'home' })).toEqual({ isTaken: true, givesWay: '1' })
  expect(taken.open('carl', { peer: 'carl', source: 'home' })).toEqual({ isTaken: false })
  expect(taken.size).toBe(3)
})

test('a stranger gives way to a chosen peer, from whichever network either comes, and never the other way round', () => {
  const taken = room(3, ['anna', 'bob', 'carl', 'dora'])
  taken.open('stranger', { peer: 'sybil', source: 'elsewhere' })
  taken.open('anna', { peer: 'anna', source: 'home' })
  taken.open('bob', { peer: 'bob', source: 'home' })
  expect(taken.open('another', { peer: 'sybil2', source: 'anywhere' })).toEqual({ isTaken: false })
  expect(taken.open('carl', { peer: 'carl', source: 'home' })).toEqual({ isTaken: true, givesWay: 'stranger' })
  expect(taken.open('dora', { peer: 'dora', source: 'away' })).toEqual({ isTaken: false })
})

test('a place comes back once, however often it is given back', () => {
  const taken = room(1)
  taken.open('1', { peer: 'anna', source: 'home' })
  taken.close('1')
  taken.close('1')
  expect(taken.size).toBe(0)
})
