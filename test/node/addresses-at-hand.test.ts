import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { addressesAtHand } from '../../src/node/addresses-at-hand.ts'
import { INTERFACE_POLL_MS } from '../../src/node/constants.ts'

const here = multiaddr('/ip4/10.0.0.1/tcp/4001')
const there = multiaddr('/ip4/10.0.0.2/tcp/4001')

class Addresses {
  current: Multiaddr[] = []
  asked = 0

  getAddresses(): Multiaddr[] {
    this.asked++
    return this.current
  }

  getAnnounceAddrs(): Multiaddr[] {
    return this.current
  }
}

test('the system is asked once while the answer is young, and again when it is old', () => {
  const addressManager = new Addresses()
  addressManager.current = [here]
  let nowMs = 1_000
  const atHand = addressesAtHand({ addressManager, announce: true, now: () => nowMs })
  expect(atHand.getAddresses()).toEqual([here])
  addressManager.current = [there]
  nowMs += INTERFACE_POLL_MS - 1
  expect(atHand.getAddresses()).toEqual([here])
  expect(addressManager.asked).toBe(1)
  nowMs += 1
  expect(atHand.getAddresses()).toEqual([there])
  expect(addressManager.asked).toBe(2)
})

test('no addresses are not kept: a node that starts is found as soon as it listens', () => {
  const addressManager = new Addresses()
  const atHand = addressesAtHand({ addressManager, announce: true, now: () => 1_000 })
  expect(atHand.getAddresses()).toEqual([])
  addressManager.current = [here]
  expect(atHand.getAddresses()).toEqual([here])
})

test('who announces nothing has no addresses and asks for none; the rest is as it was', () => {
  const addressManager = new Addresses()
  addressManager.current = [here]
  const atHand = addressesAtHand({ addressManager, announce: false, now: () => 1_000 })
  expect(atHand.getAddresses()).toEqual([])
  expect(addressManager.asked).toBe(0)
  expect(atHand.getAnnounceAddrs()).toEqual([here])
})
