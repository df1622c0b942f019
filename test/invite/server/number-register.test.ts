import { expect, test } from 'vitest'
import { type Holder, MAX_NUMBERS_OF_CLASS, NumberRegister } from '../../../src/invite/server/number-register.ts'
import { MAX_INVITATIONS } from '../../../src/invite/open-invitations.ts'

test('a number is its first holder’s until that releases it', () => {
  const register = new NumberRegister()
  const [anna, bob] = [holder('anna', 'a'), holder('bob', 'b')]
  expect(register.claim(7, anna)).toBe('claimed')
  expect(register.claim(7, bob)).toBe('taken')
  register.release(7, bob)
  expect(register.holder(7)).toBe('anna')
  register.release(7, anna)
  expect([register.holder(7), register.size]).toEqual([undefined, 0])
})

test('a number that a peer claims again belongs to its newer stream, and counts there', () => {
  const register = new NumberRegister()
  const [older, newer] = [holder('anna', 'a'), holder('anna', 'b')]
  expect([register.claim(7, older), register.claim(7, newer)]).toEqual(['claimed', 'claimed'])
  register.release(7, older)
  expect(register.holder(7)).toBe('anna')
  register.release(7, newer)
  expect([register.holder(7), register.size]).toEqual([undefined, 0])
  for (let n = 1; n <= MAX_INVITATIONS; n++) expect(register.claim(n, older)).toBe('claimed')
})

test('a peer has so many numbers, and gets new ones for those that it gives up', () => {
  const register = new NumberRegister()
  const anna = holder('anna', 'a')
  const claim = (number: number) => register.claim(number, anna)
  for (let n = 1; n <= MAX_INVITATIONS; n++) expect(claim(n)).toBe('claimed')
  expect(claim(100)).toBe('full')
  register.release(1, anna)
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

function holder(peer: string, addressClass: string): Holder {
  return { peer, addressClass }
}
