import { expect, test } from 'vitest'
import { admit } from '../../../src/node/messaging/reception.ts'

const stranger = { isContact: false, isBlocked: false, isLan: false }

test('a contact is accepted under every policy', () => {
  for (const policy of ['ask', 'lan', 'all'] as const) {
    expect(admit({ ...stranger, isContact: true }, policy)).toBe('accept')
  }
})

test.each([
  ['ask', false, 'hold'],
  ['ask', true, 'hold'],
  ['lan', false, 'hold'],
  ['lan', true, 'accept'],
  ['all', false, 'accept']
] as const)('under the policy %s a stranger with isLan %s is met with %s', (policy, isLan, admission) => {
  expect(admit({ ...stranger, isLan }, policy)).toBe(admission)
})

test('a blocked peer is refused under every policy', () => {
  for (const policy of ['ask', 'lan', 'all'] as const) {
    expect(admit({ ...stranger, isBlocked: true }, policy)).toBe('refuse')
  }
})

test('a stranger that the user ignores is held under every policy, and a contact is none', () => {
  for (const policy of ['ask', 'lan', 'all'] as const) {
    expect(admit({ ...stranger, isLan: true, isIgnored: true }, policy)).toBe('hold')
    expect(admit({ ...stranger, isContact: true, isIgnored: true }, policy)).toBe('accept')
  }
})
