import { expect, test } from 'vitest'
import { MAX_NUMBERS_OF_CLASS, NumberRegister } from '../../../src/invite/server/number-register.ts'
import { MAX_INVITATIONS } from '../../../src/invite/open-invitations.ts'

test('a number is its first holder’s until that releases it', () => {
  const register = new NumberRegister()
  expect(register.claim(7, { peer: 'anna', addressClass: 'a' })).toBe('claimed')
  expect(register.claim(7, { peer: 'anna', addressClass: 'b' })).toBe('claimed')
  expect(register.claim(7, { peer: 'bob', addressClass: 'b' })).toBe('taken')
  register.release(7, 'bob')
  expect(register.holder(7)).toBe('anna')
  register.release(7, 'anna')
  expect([register.holder(7), register.size]).toEqual([undefined, 0])
})

test('a peer has so many numbers, and gets new ones for those that it gives up', () => {
  const register = new NumberRegister()
  const claim = (number: number) => register.claim(number, { peer: 'anna', addressClass: 'a' })
  for (let n = 1; n <= MAX_INVITATIONS; n++) expect(claim(n)).toBe('claimed')
  expect(claim(100)).toBe('full')
  register.release(1, 'anna')
  expect(claim(100)).toBe('claimed')
})

test('one address class can’t take the numbers of others', () => {
  const register = new NumberRegister()
  for (let n = 1; n <= MAX_NUMBERS_OF_CLASS; n++) {
    expect(register.claim(n, { peer: `sybil ${n}`, addressClass: 'crowd' })).toBe('claimed')
  }
  expect(register.claim(50_000, { peer: 'sybil', addressClass: 'crowd' })).toBe('full')
  expect(register.claim(50_000, { peer: 'anna', addressClass: 'a' })).toBe('claimed')
})
