import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ENDED_KNOWN_MS,
  INVITATION_MS,
  MAX_FAILED_TRIES,
  MAX_FAILED_TRIES_OF_CLASS,
  MAX_FAILED_TRIES_OF_MANY,
  MANY_INVITATION_MS,
  MAX_INVITATIONS,
  MAX_PLACES,
  OpenInvitations,
  TooManyInvitationsError,
  type Guest,
  type Try
} from '../../src/invite/open-invitations.ts'

const code = { number: 7, words: ['oak', 'pilot', 'river'] }
const bob: Guest = { peer: 'bob', addressClass: '192.0.2.7' }
const guest = (n: number): Guest => ({ peer: `guest ${n}`, addressClass: `198.51.100.${n}` })

function open(options: { readonly places?: number } = {}): OpenInvitations {
  const invitations = new OpenInvitations()
  invitations.add(code, { ...options, expiresAtMs: INVITATION_MS })
  return invitations
}

function begun(invitations: OpenInvitations, who: Guest, nowMs = 0): Try {
  const answer = invitations.begin(code.number, who, nowMs)
  if (typeof answer === 'string') throw new Error(`refused: ${answer}`)
  return answer
}

test('one person comes, and the code is used for all others', () => {
  const invitations = open()
  expect(begun(invitations, bob).succeeded(1)).toBe('came')
  expect(invitations.get(7)).toMatchObject({ came: ['bob'], end: 'used', failedTries: 0 })
  expect(invitations.begin(7, guest(1), 2)).toBe('used')
})

test('a guest that came may come again, as the last answer may have been lost', () => {
  const invitations = open()
  begun(invitations, bob).succeeded(1)
  expect(begun(invitations, bob, 2).succeeded(3)).toBe('came again')
  expect(invitations.get(7)?.came).toEqual(['bob'])
  expect(invitations.begin(7, bob, INVITATION_MS)).toBe('used')
})

test('when two prove the words at the same time, one comes', () => {
  const invitations = open()
  const [one, other] = [begun(invitations, bob), begun(invitations, guest(1))]
  expect([one.succeeded(1), other.succeeded(1)]).toEqual(['came', 'full'])
})

test.each([
  ['unknown', (all: OpenInvitations) => all.begin(8, bob, 0)],
  ['expired', (all: OpenInvitations) => all.begin(7, bob, INVITATION_MS)],
  ['revoked', (all: OpenInvitations) => (all.revoke(7, 1), all.begin(7, bob, 2))]
])('a code that is %s lets nobody try', (why, begin) => {
  expect(begin(open())).toBe(why)
})

describe('failed tries', () => {
  test('of several address classes end the invitation', () => {
    const invitations = open()
    for (let n = 0; n < MAX_FAILED_TRIES; n++) begun(invitations, guest(n)).failed(n)
    expect(invitations.get(7)).toMatchObject({ failedTries: MAX_FAILED_TRIES, end: 'ended' })
    expect(invitations.begin(7, bob, 9)).toBe('ended')
  })

  test('of one address class are let through three times of 10,000, and lock nobody else out', () => {
    const invitations = open()
    let tries = 0
    for (let n = 0; n < 10_000; n++) {
      const answer = invitations.begin(7, { peer: `sybil ${n}`, addressClass: '203.0.113.9' }, n)
      if (typeof answer === 'string') expect(answer).toBe('too-many-tries')
      else {
        answer.failed(n)
        tries++
      }
    }
    expect(tries).toBe(MAX_FAILED_TRIES_OF_CLASS)
    expect(begun(invitations, bob, 10_000).succeeded(10_001)).toBe('came')
  })

  test('count from their beginning: many at the same time are no more guesses', () => {
    const invitations = open()
    const tries = Array.from({ length: MAX_FAILED_TRIES }, (_, n) => begun(invitations, guest(n)))
    expect(invitations.begin(7, bob, 0)).toBe('ended')
    expect(invitations.get(7)).toMatchObject({ failedTries: 0, end: undefined })
    tries[0]?.succeeded(1)
    expect(invitations.get(7)?.end).toBe('used')
  })

  test('of a guest who then has the right words take a place away from strangers only', () => {
    const invitations = open()
    begun(invitations, bob).failed(0)
    expect(begun(invitations, bob).succeeded(1)).toBe('came')
    expect(invitations.get(7)).toMatchObject({ failedTries: 1, end: 'used' })
  })
})

describe('an invitation for many', () => {
  test('lets so many people in, one exchange each', () => {
    const invitations = open({ places: 2 })
    begun(invitations, guest(1)).succeeded(1)
    begun(invitations, guest(1)).succeeded(2)
    expect(invitations.get(7)?.end).toBeUndefined()
    begun(invitations, guest(2)).succeeded(3)
    expect(invitations.begin(7, guest(3), 4)).toBe('used')
  })

  test('may be open for a week, and for a crowd', () => {
    const invitations = new OpenInvitations()
    invitations.add(code, { places: MAX_PLACES, expiresAtMs: MANY_INVITATION_MS.max })
    for (let n = 0; n < MAX_PLACES; n++) {
      expect(begun(invitations, guest(n), MANY_INVITATION_MS.max - 1).succeeded(n)).toBe('came')
    }
    expect(invitations.get(7)?.end).toBe('used')
  })

  test('bears more slips', () => {
    const invitations = open({ places: 20 })
    for (let n = 0; n < MAX_FAILED_TRIES_OF_MANY; n++) {
      expect(invitations.get(7)?.end).toBeUndefined()
      begun(invitations, guest(n)).failed(n)
    }
    expect(invitations.get(7)?.end).toBe('ended')
  })
})

test('an invitation expires, is known for a while, and is forgotten', () => {
  const invitations = open()
  expect(invitations.nextDeadlineMs()).toBe(INVITATION_MS)
  expect(invitations.expire(INVITATION_MS - 1)).toEqual({ expired: [], forgotten: [] })
  expect(invitations.expire(INVITATION_MS).expired).toMatchObject([{ end: 'expired' }])
  expect(invitations.begin(7, bob, INVITATION_MS + 1)).toBe('expired')
  expect(invitations.expire(invitations.nextDeadlineMs()).forgotten).toHaveLength(1)
  expect(invitations.nextDeadlineMs()).toBe(Infinity)
  expect(invitations.begin(7, bob, INVITATION_MS + ENDED_KNOWN_MS)).toBe('unknown')
})

test('there are so many at a time', () => {
  const invitations = new OpenInvitations()
  const add = (number: number) => invitations.add({ ...code, number }, { expiresAtMs: INVITATION_MS })
  for (let n = 0; n < MAX_INVITATIONS; n++) add(n)
  expect(() => add(99)).toThrow(TooManyInvitationsError)
})

test('whatever happens in whatever order, no more guesses are let through than the limit', () => {
  const step = fc.record({ who: fc.nat({ max: 9 }), act: fc.constantFrom('begin', 'fail') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const invitations = open()
      const underWay: Try[] = []
      let admitted = 0
      for (const { who, act } of steps) {
        if (act === 'fail') underWay.shift()?.failed(1)
        else {
          const answer = invitations.begin(7, guest(who), 0)
          if (typeof answer === 'string') continue
          admitted++
          underWay.push(answer)
        }
      }
      expect(admitted).toBeLessThanOrEqual(MAX_FAILED_TRIES)
    })
  )
})
