import { expect, test } from 'vitest'
import { CircuitPlaces } from '../../src/relay/server/circuit-places.ts'

const limits = { maxCircuits: 4, maxOfDialer: 2, maxToTarget: 3 }
const ends = (dialer: string, target: string, addressClass = 'here') => ({ dialer, target, addressClass })

test('a dialer and a target have so many circuits, and places come back', () => {
  const places = new CircuitPlaces<string>(limits)
  expect(places.open('1', ends('anna', 'bob')).is).toBe('admitted')
  expect(places.open('2', ends('anna', 'bob')).is).toBe('admitted')
  expect(places.open('3', ends('anna', 'carl')).is).toBe('refused')
  expect(places.open('4', ends('dora', 'bob')).is).toBe('admitted')
  expect(places.open('5', ends('emil', 'bob')).is).toBe('refused')
  places.close('1')
  expect(places.open('6', ends('anna', 'carl')).is).toBe('admitted')
  expect(places.size).toBe(3)
})

test('in a full room the largest address class gives its oldest circuit to one that has less', () => {
  const places = new CircuitPlaces<string>(limits)
  for (const n of [1, 2, 3]) places.open(`crowd ${n}`, ends(`sybil${n}`, `t${n}`, 'crowd'))
  places.open('anna', ends('anna', 'bob', 'home'))
  expect(places.open('carl', ends('carl', 'dora', 'elsewhere'))).toEqual({ is: 'admitted', givesWay: 'crowd 1' })
  expect(places.size).toBe(limits.maxCircuits)
})

test('in a full room the largest address class gets no more', () => {
  const places = new CircuitPlaces<string>(limits)
  for (const n of [1, 2, 3]) places.open(`crowd ${n}`, ends(`sybil${n}`, `t${n}`, 'crowd'))
  places.open('anna', ends('anna', 'bob', 'home'))
  expect(places.open('crowd 4', ends('sybil4', 't4', 'crowd'))).toEqual({ is: 'refused' })
})

test('one address class does not keep all places to a target', () => {
  const places = new CircuitPlaces<string>(limits)
  for (const n of [1, 2, 3]) places.open(`crowd ${n}`, ends(`sybil${n}`, 'bob', 'crowd'))
  expect(places.open('crowd 4', ends('sybil4', 'bob', 'crowd'))).toEqual({ is: 'refused' })
  expect(places.open('anna', ends('anna', 'bob', 'home'))).toEqual({ is: 'admitted', givesWay: 'crowd 1' })
  expect(places.size).toBe(3)
})

test('closing a circuit that gave way already changes nothing', () => {
  const places = new CircuitPlaces<string>(limits)
  places.open('1', ends('anna', 'bob'))
  places.close('1')
  places.close('1')
  expect(places.size).toBe(0)
})
