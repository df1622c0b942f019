import type { Connection, Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Vantage } from '../../src/node/dialable.ts'
import { Reach } from '../../src/node/reach.ts'
import { network } from './own-networks.ts'

const peer = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'

function make(
  dial: (address: Multiaddr, signal: AbortSignal) => Promise<Connection>,
  addresses: string[],
  known: string[] = []
): Reach {
  const libp2p = {
    getConnections: () => [],
    peerStore: { get: async () => Promise.reject(new Error('nothing is known')) },
    dial: async (address: Multiaddr, { signal }: { signal: AbortSignal }) => dial(address, signal)
  }
  return new Reach({
    // The smallest part of libp2p that reaching a peer uses.
    libp2p: () => libp2p as unknown as Libp2p,
    dialer: () => ({ dial: async (address, { signal }) => dial(address, signal) }),
    addressesOf: () => [
      { addresses, from: 'user' },
      { addresses: known, from: 'known' }
    ],
    isBlocked: () => false,
    isContact: () => false
  })
}

async function nobody(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('nobody answers')), { once: true })
  })
}

function connection(): Connection & { closed: boolean } {
  const made = {
    closed: false,
    close: async () => {
      made.closed = true
    }
  }
  return made as unknown as Connection & { closed: boolean }
}

test('who gives up waiting for a dial that another one began goes at once, and the dial goes on', async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<Connection>()
  const reach = make(async () => answered, ['/ip4/10.0.0.1/tcp/4001'])
  const first = reach.connect(peer, { signal: new AbortController().signal })
  const impatient = new AbortController()
  const second = reach.connect(peer, { signal: impatient.signal })
  impatient.abort(new Error('the user has left'))
  await expect(second).rejects.toThrow('the user has left')
  const made = connection()
  answer(made)
  expect(await first).toBe(made)
})

test('a dial is given up when nobody waits for it any more, and whoever comes then begins anew', async () => {
  const signals: AbortSignal[] = []
  const reach = make(
    async (_address, signal) => {
      signals.push(signal)
      return nobody(signal)
    },
    ['/ip4/10.0.0.1/tcp/4001']
  )
  const leaving = new AbortController()
  const left = reach.connect(peer, { signal: leaving.signal })
  while (signals.length === 0) await new Promise((resolve) => setImmediate(resolve))
  leaving.abort(new Error('the user has left'))
  await expect(left).rejects.toThrow('the user has left')
  const back = new AbortController()
  const again = reach.connect(peer, { signal: back.signal })
  while (signals.length === 1) await new Promise((resolve) => setImmediate(resolve))
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  back.abort(new Error('enough'))
  await expect(again).rejects.toThrow('enough')
})

test('a way that turns out to be the one that was found already is not closed', async () => {
  const made = connection()
  const { promise: late, resolve: answerLate } = Promise.withResolvers<Connection>()
  const { promise: first, resolve: answerFirst } = Promise.withResolvers<Connection>()
  const reach = make(
    async (address) => {
      if (!address.toString().startsWith('/dnsaddr')) return first
      answerFirst(made)
      return late
    },
    ['/ip4/10.0.0.1/tcp/4001', `/dnsaddr/example.org/p2p/${peer}`]
  )
  expect(await reach.connect(peer, { signal: new AbortController().signal })).toBe(made)
  answerLate(made)
  await new Promise((resolve) => setImmediate(resolve))
  expect(made.closed).toBe(false)
})

test('a failure names the address that is known best, not the one on this machine that was tried first', async () => {
  const refused = async (address: Multiaddr): Promise<never> => {
    throw Object.assign(new Error(`connect ECONNREFUSED ${address.toString()}`), { code: 'ECONNREFUSED' })
  }
  const reach = make(refused, ['/ip4/203.0.113.2/tcp/4001', '/ip4/10.0.0.2/tcp/4001'])
  await expect(reach.connect(peer, { signal: new AbortController().signal })).rejects.toThrow(
    'nothing listens at 203.0.113.2:4001'
  )
  // With one of this machine among them, so that its loopback address is tried too.
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address
  if (own === undefined) return
  const here = ['/ip4/127.0.0.1/tcp/4001', `/ip4/${own}/tcp/4001`]
  const why = async (named: string[], known: string[]): Promise<unknown> =>
    make(refused, named, known).connect(peer, { signal: new AbortController().signal }).catch(String)
  expect(await why(['/ip4/127.0.0.1/tcp/4001'], here)).toContain('nothing listens at 127.0.0.1:4001')
  expect(await why([], here)).toContain(`nothing listens at ${own}:4001`)
})

describe('what others told', () => {
  const own = network({ eth0: ['192.168.1.20/24'] })

  /** A peer that is away, on a clock that is moved by hand, and all dials to it. */
  function away(addresses: readonly string[], from: Vantage) {
    const clock = { ms: 0 }
    const dials: string[] = []
    const libp2p = {
      getConnections: () => [],
      peerStore: { get: async () => Promise.reject(new Error('nothing is known')) }
    }
    const reach = new Reach({
      libp2p: () => libp2p as unknown as Libp2p,
      dialer: () => ({
        dial: async (address) => {
          dials.push(address.toString())
          throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
        }
      }),
      addressesOf: () => [{ addresses, from }],
      isBlocked: () => false,
      isContact: () => false,
      ownNetwork: () => own,
      now: () => clock.ms
    })
    const tryOnce = async (): Promise<string> =>
      reach.connect(peer, { signal: new AbortController().signal }).then(() => 'reached', String)
    return { clock, dials, tryOnce, reach }
  }

  test('of sixteen addresses of a peer that is away makes no storm of dials, and leaves none out', async () => {
    const sixteen = Array.from({ length: 16 }, (_, i) => `/ip4/11.22.33.${i + 1}/tcp/4001`)
    const { clock, dials, tryOnce } = away(sixteen, 'elsewhere')
    for (let i = 0; i < 12; i++) {
      await tryOnce()
      clock.ms += 500
    }
    expect(new Set(dials).size).toBe(16)
    expect(dials.length).toBeLessThanOrEqual(16 + 6)
  })

  test('of the only address of a peer is tried whenever that is asked for, and soon after it failed', async () => {
    const { clock, dials, tryOnce } = away(['/ip4/11.22.33.44/tcp/4001'], 'elsewhere')
    for (let i = 0; i < 5; i++) {
      await tryOnce()
      clock.ms += 500
    }
    expect(dials).toHaveLength(5)
  })

  test('is dialled nowhere where nobody may send us, and the user hears why', async () => {
    const forbidden = ['/ip4/127.0.0.1/tcp/22', '/ip4/169.254.169.254/tcp/80', '/ip4/224.0.0.1/tcp/80']
    const { dials, tryOnce } = away(forbidden, 'elsewhere')
    expect(await tryOnce()).toContain(
      "no address of the peer is dialled from here: 127.0.0.1:22 is another machine's own (loopback); nor are 2 more"
    )
    expect(dials).toEqual([])
  })
})
