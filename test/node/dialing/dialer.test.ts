import type { Connection, Libp2p } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Vantage } from '../../../src/node/dialing/dialable.ts'
import { explainDialError, type LostRelay } from '../../../src/node/dialing/dial-errors.ts'
import { Dialer } from '../../../src/node/dialing/dialer.ts'
import { NoAddressError } from '../../../src/node/api/errors.ts'
import { RelayRefusedError } from '../../../src/relay/index.ts'
import { network } from '../discovery/own-networks.ts'
import { eventualMs } from '../../patience.ts'

afterEach(() => {
  vi.useRealTimers()
})

const peer = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'

function make(
  dial: (address: Multiaddr, signal: AbortSignal) => Promise<Connection>,
  addresses: string[],
  known: string[] = [],
  relays: readonly string[] = [],
  open: readonly Connection[] = [],
  isSighted = false,
  lost: readonly LostRelay[] = []
): Dialer {
  const libp2p = {
    getConnections: () => open,
    peerStore: { get: async () => Promise.reject(new Error('nothing is known')) },
    dial: async (address: Multiaddr, { signal }: { signal: AbortSignal }) => dial(address, signal)
  }
  return new Dialer({
    // The smallest part of libp2p that reaching a peer uses.
    libp2p: () => libp2p as unknown as Libp2p,
    addressDialer: () => ({ dial: async (address, { signal }) => dial(address, signal) }),
    addressesOf: () => [
      { addresses, from: 'user' },
      { addresses: known, from: 'known' }
    ],
    isBlocked: () => false,
    isContact: () => false,
    relays: () => new Set(relays),
    lostRelays: () => lost,
    isSighted: () => isSighted
  })
}

async function noAnswer(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer')), { once: true })
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

test('a caller that gives up leaves at once, and the dial goes on for the others', async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<Connection>()
  const dialer = make(async () => answered, ['/ip4/10.0.0.1/tcp/4001'])
  const first = dialer.connect(peer, { signal: new AbortController().signal })
  const impatient = new AbortController()
  const second = dialer.connect(peer, { signal: impatient.signal })
  impatient.abort(new Error('the user has left'))
  await expect(second).rejects.toThrow('the user has left')
  const made = connection()
  answer(made)
  expect(await first).toBe(made)
})

test('a dial ends when its last caller gives up, and the next call begins a new one', async () => {
  const signals: AbortSignal[] = []
  const dialer = make(
    async (_address, signal) => {
      signals.push(signal)
      return noAnswer(signal)
    },
    ['/ip4/10.0.0.1/tcp/4001']
  )
  const leaving = new AbortController()
  const left = dialer.connect(peer, { signal: leaving.signal })
  while (signals.length === 0) await new Promise((resolve) => setImmediate(resolve))
  leaving.abort(new Error('the user has left'))
  await expect(left).rejects.toThrow('the user has left')
  const back = new AbortController()
  const again = dialer.connect(peer, { signal: back.signal })
  while (signals.length === 1) await new Promise((resolve) => setImmediate(resolve))
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  back.abort(new Error('enough'))
  await expect(again).rejects.toThrow('enough')
})

test('a late dial that returns the connection already in use does not close it', async () => {
  const made = connection()
  const { promise: late, resolve: answerLate } = Promise.withResolvers<Connection>()
  const { promise: first, resolve: answerFirst } = Promise.withResolvers<Connection>()
  const dialer = make(
    async (address) => {
      if (!address.toString().startsWith('/dnsaddr')) return first
      answerFirst(made)
      return late
    },
    ['/ip4/10.0.0.1/tcp/4001', `/dnsaddr/example.org/p2p/${peer}`]
  )
  expect(await dialer.connect(peer, { signal: new AbortController().signal })).toBe(made)
  answerLate(made)
  await new Promise((resolve) => setImmediate(resolve))
  expect(made.closed).toBe(false)
})

test('of several connections the one on the LAN is used, then a direct one, then a relayed one; of equals the newest', () => {
  const [lan, direct, relayed] = ['/ip4/192.168.1.7/tcp/1', '/ip4/11.22.33.44/tcp/1', `/p2p/${peer}/p2p-circuit`].map(
    (address) => openAt(address)
  ) as [Connection, Connection, Connection]
  const newer = openAt('/ip4/11.22.33.44/tcp/2')
  const used = (open: readonly Connection[]): Connection | undefined =>
    make(async (_address, signal) => noAnswer(signal), [], [], [], open).connection(peer)
  expect(used([lan, direct, newer, relayed])).toBe(lan)
  expect(used([direct, newer, relayed])).toBe(newer)
  expect(used([relayed])).toBe(relayed)
  expect(used([])).toBeUndefined()
})

function openAt(address: string): Connection {
  return { status: 'open', remoteAddr: multiaddr(address) } as unknown as Connection
}

test('a failure names the address that a person knows, not the link-local one that was reported first', async () => {
  const refused = async (address: Multiaddr): Promise<never> => {
    throw Object.assign(new Error(`connect ECONNREFUSED ${address.toString()}`), { code: 'ECONNREFUSED' })
  }
  const dialer = make(refused, [], ['/ip6zone/eth0/ip6/fe80::1/tcp/4001', '/ip4/10.0.0.2/tcp/4001'])
  await expect(dialer.connect(peer, { signal: new AbortController().signal })).rejects.toThrow(
    'nothing listens at 10.0.0.2:4001'
  )
})

test('a failure names the most promising address, not the one on this machine that was tried first', async () => {
  const refused = async (address: Multiaddr): Promise<never> => {
    throw Object.assign(new Error(`connect ECONNREFUSED ${address.toString()}`), { code: 'ECONNREFUSED' })
  }
  const dialer = make(refused, ['/ip4/203.0.113.2/tcp/4001', '/ip4/10.0.0.2/tcp/4001'])
  await expect(dialer.connect(peer, { signal: new AbortController().signal })).rejects.toThrow(
    'nothing listens at 203.0.113.2:4001'
  )
  // An address of this machine is among them, so that its loopback address is tried too.
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

describe('addresses that others reported', () => {
  const own = network({ eth0: ['192.168.1.20/24'] })

  /** A peer that is away, a clock that the test moves, and all dials to the peer. */
  function away(addresses: readonly string[], from: Vantage) {
    const clock = { ms: 0 }
    const dials: string[] = []
    const libp2p = {
      getConnections: () => [],
      peerStore: { get: async () => Promise.reject(new Error('nothing is known')) }
    }
    const dialer = new Dialer({
      libp2p: () => libp2p as unknown as Libp2p,
      addressDialer: () => ({
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
      dialer.connect(peer, { signal: new AbortController().signal }).then(() => 'reached', String)
    return { clock, dials, tryOnce, dialer }
  }

  test('are all tried while the peer is away, without a storm of dials', async () => {
    const sixteen = Array.from({ length: 16 }, (_, i) => `/ip4/11.22.33.${i + 1}/tcp/4001`)
    const { clock, dials, tryOnce } = away(sixteen, 'elsewhere')
    for (let i = 0; i < 12; i++) {
      await tryOnce()
      clock.ms += 500
    }
    expect(new Set(dials).size).toBe(16)
    expect(dials.length).toBeLessThanOrEqual(16 + 6)
  })

  test('are tried at each call, soon after a failure too, if there is only one', async () => {
    const { clock, dials, tryOnce } = away(['/ip4/11.22.33.44/tcp/4001'], 'elsewhere')
    for (let i = 0; i < 5; i++) {
      await tryOnce()
      clock.ms += 500
    }
    expect(dials).toHaveLength(5)
  })

  test('are not dialled where no peer may send us, and the error says why', async () => {
    const forbidden = ['/ip4/127.0.0.1/tcp/22', '/ip4/169.254.169.254/tcp/80', '/ip4/224.0.0.1/tcp/80']
    const { dials, tryOnce } = away(forbidden, 'elsewhere')
    expect(await tryOnce()).toContain(
      "no address of the peer is dialled from here: 127.0.0.1:22 is another machine's own (loopback); nor are 2 more"
    )
    expect(dials).toEqual([])
  })
})

test('an address on an interface that this machine lacks is refused at once, with the interface named', async () => {
  const dialled: string[] = []
  const dialer = make(async (address) => {
    dialled.push(address.toString())
    return noAnswer(AbortSignal.abort())
  }, [])
  const signal = AbortSignal.timeout(eventualMs)
  const zoned = multiaddr('/ip6zone/nosuch/ip6/fe80::1/tcp/4001')
  await expect(dialer.dial(zoned, { signal })).rejects.toThrow(
    /"\[fe80::1%nosuch\]:4001" is not an address: no interface nosuch of this machine has a link-local IPv6 address now/u
  )
  expect(dialled).toEqual([])
})

describe('a relay', () => {
  const relay = '12D3KooWPJbUPDNXbx39JbNwuWDfZG38KkWDJQkneEnCapQrpt8U'
  const behindRelay = `/p2p/${relay}/p2p-circuit`
  const options = { signal: new AbortController().signal }

  test('that comes into use while other dials wait for an answer is asked too', async () => {
    const dialled: string[] = []
    const made = relayed()
    const known = ['/ip4/10.0.0.1/tcp/4001']
    const relays: string[] = []
    const dialer = make(
      async (address, signal) => {
        dialled.push(address.toString())
        return address.toString().includes('p2p-circuit') ? made : noAnswer(signal)
      },
      [],
      known,
      relays
    )
    const connecting = dialer.connect(peer, options)
    while (dialled.length === 0) await new Promise((resolve) => setImmediate(resolve))
    relays.push(relay)
    known.push(behindRelay)
    dialer.relayCame()
    expect(await connecting).toBe(made)
    expect(dialled).toEqual([`/ip4/10.0.0.1/tcp/4001/p2p/${peer}`, `${behindRelay}/p2p/${peer}`])
    dialer.stop()
  })

  test('is asked when all other dials have failed, however soon that is', async () => {
    const dialled: string[] = []
    const made = relayed()
    const dialer = make(
      async (address) => {
        dialled.push(address.toString())
        if (address.toString().includes('p2p-circuit')) return made
        throw new Error('ECONNREFUSED')
      },
      [],
      [behindRelay, '/ip4/10.0.0.1/tcp/4001'],
      [relay]
    )
    expect(await dialer.connect(peer, options)).toBe(made)
    expect(dialled).toEqual([`/ip4/10.0.0.1/tcp/4001/p2p/${peer}`, `${behindRelay}/p2p/${peer}`])
  })

  test('is asked at once where there is nothing else, and its refusal is explained', async () => {
    const dialer = make(
      async () => {
        throw new RelayRefusedError('no-reservation')
      },
      [],
      [behindRelay],
      [relay]
    )
    await expect(dialer.connect(peer, options)).rejects.toThrow(
      /could not relay to the peer: the peer takes no circuits from it/u
    )
  })

  test('that is all there is, as no own address of the peer is dialled: the error says so', async () => {
    const dialer = make(
      async () => {
        throw new RelayRefusedError('no-reservation')
      },
      [],
      [behindRelay, '/ip4/169.254.169.254/tcp/80'],
      [relay]
    )
    await expect(dialer.connect(peer, options)).rejects.toThrow(
      /^no address of the peer is dialled from here: 169\.254\.169\.254:80 .*; the relay .* could not relay/u
    )
  })

  test('that was named and can not be used is named with the failure: first, where the peer was behind it', async () => {
    const lost = { relay, text: "the relay at 203.0.113.9:4001 can't be used: the connection to it was lost" }
    const failing = async (): Promise<never> => Promise.reject(new Error('no way'))
    const behind = { status: 'open', remoteAddr: multiaddr(`${behindRelay}/p2p/${peer}`) } as unknown as Connection
    const open: Connection[] = []
    const dialer = make(failing, [], ['/ip4/10.0.0.1/tcp/4001'], [], open, false, [lost])
    const noWay = `10.0.0.1:4001 could not be reached: no way`
    await expect(dialer.connect(peer, options)).rejects.toThrow(`${noWay}; ${lost.text}`)
    open.push(behind)
    dialer.connected(peer)
    open.pop()
    await expect(dialer.connect(peer, options)).rejects.toThrow(`${lost.text}; ${noWay}`)

    const unknown = make(failing, [], [], [], [], false, [lost])
    await expect(unknown.connect(peer, options)).rejects.toThrow(`${lost.text}; no address of the peer is known`)
    const blamed = make(failing, [], [])
    await expect(blamed.connect(peer, options)).rejects.toThrow(NoAddressError)
  })

  test('is asked at once where there is no public address to try', async () => {
    const made = relayed()
    const dialer = make(
      async (address, signal) => (address.toString().includes('p2p-circuit') ? made : noAnswer(signal)),
      [],
      [behindRelay, '/ip4/10.0.0.1/tcp/4001'],
      [relay]
    )
    vi.useFakeTimers()
    // No time passes.
    expect(await dialer.connect(peer, options)).toBe(made)
    dialer.stop()
  })

  test('is asked only when all other dials have failed while the LAN shows the peer', async () => {
    const dialled: string[] = []
    const { promise: answered, reject: fail } = Promise.withResolvers<Connection>()
    const made = relayed()
    const dialer = make(
      async (address) => {
        dialled.push(address.toString())
        return address.toString().includes('p2p-circuit') ? made : answered
      },
      [],
      [behindRelay, '/ip4/11.22.33.44/tcp/4001'],
      [relay],
      [],
      true
    )
    vi.useFakeTimers()
    const connecting = dialer.connect(peer, options)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(dialled).toEqual([`/ip4/11.22.33.44/tcp/4001/p2p/${peer}`])
    fail(new Error('ECONNREFUSED'))
    expect(await connecting).toBe(made)
  })

  test('that answers first ends no direct dial, whose connection stays for a better path', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<Connection>()
    const signals: AbortSignal[] = []
    const made = relayed()
    const dialer = make(
      async (address, signal) => {
        if (address.toString().includes('p2p-circuit')) return made
        signals.push(signal)
        return answered
      },
      [],
      [behindRelay, '/ip4/11.22.33.44/tcp/4001'],
      [relay]
    )
    expect(await dialer.connect(peer, options)).toBe(made)
    const direct = connection()
    answer(direct)
    await new Promise((resolve) => setImmediate(resolve))
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    expect([made.closed, direct.closed]).toEqual([false, false])
  })

  test('a stop ends dials that go on after a relay has answered', async () => {
    const signals: AbortSignal[] = []
    const made = relayed()
    const dialer = make(
      async (address, signal) => {
        if (address.toString().includes('p2p-circuit')) return made
        signals.push(signal)
        return noAnswer(signal)
      },
      [],
      [behindRelay, '/ip4/11.22.33.44/tcp/4001'],
      [relay]
    )
    await dialer.connect(peer, options)
    dialer.stop()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('is not asked by a dial for a better path, which goes out beside a relayed connection', async () => {
    const dialled: string[] = []
    const direct = connection()
    const open = Object.assign(relayed(), { status: 'open' as const })
    const dialer = make(
      async (address) => {
        dialled.push(address.toString())
        return direct
      },
      [],
      [behindRelay, '/ip4/11.22.33.44/tcp/4001'],
      [relay],
      [open]
    )
    expect(await dialer.connect(peer, options)).toBe(open)
    expect(await dialer.connectBetter(peer, options)).toBe(direct)
    expect(dialled).toEqual([`/ip4/11.22.33.44/tcp/4001/p2p/${peer}`])
  })

  test('beside a direct path, a dial for a better one goes to addresses on the LAN alone', async () => {
    const dialled: string[] = []
    const lan = connection()
    const remoteAddr = multiaddr('/ip4/11.22.33.44/udp/40123')
    const open = Object.assign(connection(), { remoteAddr, status: 'open' as const })
    const dialer = make(
      async (address) => {
        dialled.push(address.toString())
        return lan
      },
      ['/ip4/192.168.1.7/tcp/4001'],
      [behindRelay, '/ip4/11.22.33.44/tcp/4001'],
      [relay],
      [open]
    )
    expect(await dialer.connectBetter(peer, options)).toBe(lan)
    expect(dialled).toEqual([`/ip4/192.168.1.7/tcp/4001/p2p/${peer}`])
  })

  test('is asked when a dial for a better path, which a caller has joined, has failed', async () => {
    const { promise: answered, reject: fail } = Promise.withResolvers<Connection>()
    const made = relayed()
    const dialled: string[] = []
    const dialer = make(
      async (address) => {
        dialled.push(address.toString())
        return address.toString().includes('p2p-circuit') ? made : answered
      },
      [],
      [behindRelay, '/ip4/11.22.33.44/tcp/4001'],
      [relay]
    )
    const sighted = dialer.connectBetter(peer, options).catch(String)
    const wanted = dialer.connect(peer, options)
    while (dialled.length === 0) await new Promise((resolve) => setImmediate(resolve))
    fail(new Error('ECONNREFUSED'))
    expect(await sighted).toMatch(/11\.22\.33\.44/u)
    expect(await wanted).toBe(made)
  })

  test('is not asked when a direct dial succeeds', async () => {
    const dialled: string[] = []
    const direct = connection()
    const dialer = make(
      async (address) => {
        dialled.push(address.toString())
        return direct
      },
      [],
      [behindRelay, '/ip4/11.22.33.44/tcp/4001'],
      [relay]
    )
    expect(await dialer.connect(peer, options)).toBe(direct)
    expect(dialled).toEqual([`/ip4/11.22.33.44/tcp/4001/p2p/${peer}`])
  })

  test('that does not answer is named with the time that it had', () => {
    const late = new DOMException('too late', 'TimeoutError')
    const error = explainDialError(late, multiaddr(behindRelay), { expected: peer, timeoutMs: 5_000 })
    expect(error.message).toMatch(/no answer within 5 s$/u)
  })

  test('tells nothing about where the peer is', () => {
    const open = { status: 'open', remoteAddr: multiaddr(`${behindRelay}/p2p/${peer}`) } as unknown as Connection
    const dialer = make(async (_address, signal) => noAnswer(signal), [], [], [relay], [open])
    dialer.connected(peer)
    expect(dialer.lastVantage(peer)).toBeUndefined()
  })

  function relayed(): Connection & { closed: boolean } {
    return Object.assign(connection(), { remoteAddr: multiaddr(`${behindRelay}/p2p/${peer}`) })
  }
})
