import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { addressClassOf, UNKNOWN_ADDRESS_CLASS } from '../../src/wire/address-class.ts'
import {
  MAX_OFFENDERS,
  OFFENCE_MEMORY_MS,
  OFFENCE_WINDOW_MS,
  OFFENCES_UNTIL_SLOWED,
  OFFENDER_BACKOFF,
  SLOWED_CONNECTION_RATE
} from '../../src/wire/budgets.ts'
import { Offenders } from '../../src/transport/offenders.ts'

const place = '203.0.113.7'

function admitted(offenders: Offenders, addressClass: string, tries: number, nowMs: number): number {
  let count = 0
  for (let made = 0; made < tries; made++) if (offenders.mayConnect(addressClass, nowMs)) count += 1
  return count
}

describe('offenders', () => {
  test('a peer that was cut is refused for a while, longer each time, and then forgotten', () => {
    const offenders = new Offenders()
    let nowMs = 0
    let refusedForMs: number = OFFENDER_BACKOFF.firstMs
    for (let offences = 0; offences < 10; offences++) {
      offenders.record({ peer: 'mallory', addressClass: place }, nowMs)
      expect(offenders.isRefused('mallory', nowMs + refusedForMs - 1)).toBe(true)
      nowMs += refusedForMs
      expect(offenders.isRefused('mallory', nowMs)).toBe(false)
      refusedForMs = Math.min(2 * refusedForMs, OFFENDER_BACKOFF.maxMs)
    }
    nowMs += OFFENCE_MEMORY_MS + 1
    offenders.record({ peer: 'mallory', addressClass: place }, nowMs)
    expect(offenders.isRefused('mallory', nowMs + OFFENDER_BACKOFF.firstMs)).toBe(false)
  })

  test('a known peer comes back at once after its first offence, and waits as others do after the next', () => {
    const offenders = new Offenders()
    offenders.record({ peer: 'friend', addressClass: place }, 0)
    expect([offenders.isRefused('friend', 1, true), offenders.isRefused('friend', 1)]).toEqual([false, true])
    offenders.record({ peer: 'friend', addressClass: place }, 2)
    expect(offenders.isRefused('friend', 3, true)).toBe(true)
    offenders.record({ peer: 'friend', addressClass: place }, 3 + OFFENCE_MEMORY_MS)
    expect(offenders.isRefused('friend', 4 + OFFENCE_MEMORY_MS, true)).toBe(false)
  })

  test('those who share its address are not refused, and not slowed for a few offences', () => {
    const offenders = new Offenders()
    for (let offences = 1; offences < OFFENCES_UNTIL_SLOWED; offences++) {
      offenders.record({ peer: 'mallory', addressClass: place }, 0)
    }
    expect(offenders.isRefused('alice', 0)).toBe(false)
    expect(admitted(offenders, place, 1_000, 0)).toBe(1_000)
  })

  test('an address from which ever new keys offend gets new connections at a low rate, until it is quiet', () => {
    const offenders = new Offenders()
    for (let offences = 0; offences < OFFENCES_UNTIL_SLOWED; offences++) {
      offenders.record({ peer: `key ${offences}`, addressClass: place }, offences)
    }
    expect(admitted(offenders, place, 1_000, 1_000)).toBe(SLOWED_CONNECTION_RATE.burst)
    expect(admitted(offenders, place, 1_000, 2_000)).toBe(SLOWED_CONNECTION_RATE.perSecond)
    expect(admitted(offenders, '203.0.113.8', 1_000, 2_000)).toBe(1_000)
    expect(admitted(offenders, place, 1_000, OFFENCE_WINDOW_MS + 1)).toBe(1_000)
  })

  test('a neighbour that offends over link-local IPv6 slows down no other neighbour', () => {
    const offenders = new Offenders()
    const neighbour = (last: number): string => addressClassOf(multiaddr(`/ip6zone/eth0/ip6/fe80::${last}/tcp/4001`))
    for (let offences = 0; offences < OFFENCES_UNTIL_SLOWED; offences++) {
      offenders.record({ peer: `key ${offences}`, addressClass: neighbour(7) }, offences)
    }
    expect(admitted(offenders, neighbour(7), 1_000, 1_000)).toBe(SLOWED_CONNECTION_RATE.burst)
    expect(admitted(offenders, neighbour(8), 1_000, 1_000)).toBe(1_000)
  })

  test('addresses that are not known, as behind a relay, are no class', () => {
    const offenders = new Offenders()
    for (let offences = 0; offences < 100; offences++) {
      offenders.record({ peer: `key ${offences}`, addressClass: UNKNOWN_ADDRESS_CLASS }, 0)
    }
    expect(admitted(offenders, UNKNOWN_ADDRESS_CLASS, 100, 0)).toBe(100)
  })

  test('as many as are ever made up are remembered only up to the bound, the youngest of them', () => {
    const offenders = new Offenders()
    for (let made = 0; made <= MAX_OFFENDERS; made++) {
      offenders.record({ peer: `key ${made}`, addressClass: `10.0.${made}` }, 0)
    }
    expect(offenders.isRefused('key 0', 0)).toBe(false)
    expect(offenders.isRefused('key 1', 0)).toBe(true)
    expect(offenders.isRefused(`key ${MAX_OFFENDERS}`, 0)).toBe(true)
  })
})
