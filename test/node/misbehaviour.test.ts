import { describe, expect, test } from 'vitest'
import { MISBEHAVIOUR_AGAIN_MS, MISBEHAVIOUR_NOTICE_RATE, MisbehaviourWatch } from '../../src/node/misbehaviour.ts'
import type { Misbehaviour } from '../../src/node/api/notices.ts'
import { shortId } from '../../src/lib/short-id.ts'

const flood: Misbehaviour = {
  address: '203.0.113.7:4001',
  breach: 'ping-rate',
  what: 'sent too many pings',
  action: 'Its connection was cut'
}

describe('reports of misbehaviour', () => {
  test('name the peer, where it is, what it did and what was done', () => {
    const watch = new MisbehaviourWatch(0)
    const peer = '12D3KooWSgPXpty5xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'
    expect(watch.record({ ...flood, peer }, 0)?.text).toBe(
      `The peer ${shortId(peer)} at 203.0.113.7:4001 sent too many pings. Its connection was cut.`
    )
    expect(watch.record({ ...flood, breach: 'negotiation' }, 0)?.text).toMatch(
      /^A stranger at 203\.0\.113\.7:4001 sent/u
    )
  })

  test('of an address class that goes on come once in a while, with how often it was', () => {
    const watch = new MisbehaviourWatch(0)
    expect(watch.record(flood, 0)?.times).toBe(1)
    for (let again = 1; again < 50; again++) {
      expect(watch.record({ ...flood, address: `203.0.113.7:${again}`, peer: `key ${again}` }, again)).toBeUndefined()
    }
    expect(watch.record(flood, MISBEHAVIOUR_AGAIN_MS)).toMatchObject({
      times: 50,
      text: expect.stringContaining('(50 times since the last such note)')
    })
    expect(watch.summary).toMatchObject({ count: 51, last: { address: flood.address, atMs: MISBEHAVIOUR_AGAIN_MS } })
  })

  test('of many addresses come at a bounded pace, and all are counted', () => {
    const watch = new MisbehaviourWatch(0)
    const told = Array.from({ length: 200 }, (_, host) =>
      watch.record({ ...flood, address: `198.51.100.${host}:1` }, 0)
    )
    expect(told.filter((report) => report !== undefined)).toHaveLength(MISBEHAVIOUR_NOTICE_RATE.burst)
    expect(watch.summary.count).toBe(200)
  })

  test('of the addresses of one IPv6 customer are one', () => {
    const watch = new MisbehaviourWatch(0)
    expect(watch.record({ ...flood, address: '[2001:db8::1]:4001' }, 0)).toBeDefined()
    expect(watch.record({ ...flood, address: '[2001:db8::2]:4001' }, 0)).toBeUndefined()
    expect(watch.record({ ...flood, address: '[2001:db8:0:1::2]:4001' }, 0)).toBeDefined()
  })
})
