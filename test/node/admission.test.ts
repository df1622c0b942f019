import { expect, test } from 'vitest'
import { admit } from '../../src/node/admission.ts'
import { HELD_RESERVED_FOR_LAN, MAX_HELD_PER_STRANGER, MAX_HELD_TOTAL } from '../../src/node/constants.ts'

const stranger = { isContact: false, isBlocked: false, isLan: false }
const nothingHeld = { fromPeer: 0, total: 0, lan: 0 }

test('a contact is accepted whatever is held', () => {
  const full = { fromPeer: 0, total: MAX_HELD_TOTAL, lan: 0 }
  expect(admit({ ...stranger, isContact: true }, 'ask', full)).toEqual({ kind: 'accept' })
})

test.each([
  ['ask', false, 'hold'],
  ['ask', true, 'hold'],
  ['lan', false, 'hold'],
  ['lan', true, 'accept'],
  ['all', false, 'accept']
] as const)('under the policy %s a stranger with isLan %s is met with %s', (policy, isLan, kind) => {
  expect(admit({ ...stranger, isLan }, policy, nothingHeld).kind).toBe(kind)
})

test('a blocked peer is refused under every policy', () => {
  for (const policy of ['ask', 'lan', 'all'] as const) {
    expect(admit({ ...stranger, isBlocked: true }, policy, nothingHeld).kind).toBe('refuse')
  }
})

test('one stranger can fill no more than its share', () => {
  const held = (fromPeer: number) => ({ fromPeer, total: fromPeer, lan: 0 })
  expect(admit(stranger, 'ask', held(MAX_HELD_PER_STRANGER - 1))).toEqual({ kind: 'hold', room: 1 })
  expect(admit(stranger, 'ask', held(MAX_HELD_PER_STRANGER)).kind).toBe('refuse')
})

test('strangers from elsewhere leave room for those on the LAN', () => {
  const fromElsewhere = MAX_HELD_TOTAL - HELD_RESERVED_FOR_LAN
  const held = { fromPeer: 0, total: fromElsewhere, lan: 0 }
  expect(admit(stranger, 'ask', held).kind).toBe('refuse')
  expect(admit({ ...stranger, isLan: true }, 'ask', held).kind).toBe('hold')
})
