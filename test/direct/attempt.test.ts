import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { randomBytes } from 'node:crypto'
import { readdirSync, readlinkSync } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { Attempt, type AttemptInit, type Stun } from '../../src/direct/attempt.ts'
import { NoWayThroughError } from '../../src/direct/index.ts'
import { TOKEN_BYTES, type Offer } from '../../src/direct/direct-frames.ts'
import { PUNCH_MS, SPREAD_SOCKETS } from '../../src/direct/punch.ts'
import { SIGHTING_NONCE_BYTES, type Mapping } from '../../src/direct/stun/index.ts'
import { loadUdx } from '../../src/direct/udx-library.ts'
import { until } from '../eventually.ts'

afterEach(() => void vi.useRealTimers())

const udx = loadUdx()
const self = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
/** Sent to, and answered by nobody. */
const silent = { host: '127.0.0.1', port: 9 }

/** Where a directory has seen a socket. */
const place = { directory: self, address: '203.0.113.7', port: 40_000, proof: new Uint8Array(72) }

function attemptOf(mapping: Mapping, init: Partial<AttemptInit> = {}): Attempt {
  if (udx === undefined) throw new Error('udx-native is not installed')
  const stun: Stun = { received: () => false, look: async () => ({ sightings: [], mapping }) }
  const role = 'asking'
  return new Attempt({
    udx,
    host: '127.0.0.1',
    self,
    role,
    ownAddresses: [],
    stun: () => stun,
    onEnd: () => undefined,
    ...init
  })
}

const theirs: Offer = {
  type: 'offer',
  token: randomBytes(TOKEN_BYTES),
  stream: 1,
  mapping: 'independent',
  nonce: randomBytes(SIGHTING_NONCE_BYTES),
  candidates: []
}

function openSockets(): number {
  const links = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return [] // the one that the folder was read with
    }
  })
  return links.filter((link) => link.startsWith('socket:')).length
}

test.each([
  { ownAddresses: ['192.168.1.7', 'fe80::7%eth0', '::1'], asked: ['203.0.113.1'] },
  { ownAddresses: ['192.168.1.7', '2001:db8::7'], asked: ['203.0.113.1', '2001:db8::1'] }
])('with the addresses $ownAddresses a peer asks at $asked', async ({ ownAddresses, asked }) => {
  const servers = ['203.0.113.1', '2001:db8::1'].map((host) => ({ directory: self, host, port: 4_001 }))
  const seen: string[] = []
  const stun: Stun = {
    received: () => false,
    look: async ({ servers: looked }) => {
      seen.push(...looked.map(({ host }) => host))
      return { sightings: [], mapping: 'unknown' }
    }
  }
  const attempt = attemptOf('unknown', { ownAddresses, stun: () => stun })
  await attempt.offer(servers, new AbortController().signal)
  attempt.end()
  expect(seen).toEqual(asked)
})

test.each([
  { own: 'varying', theirs: 'independent', isAsked: true },
  { own: 'independent', theirs: 'independent', isAsked: false },
  { own: 'varying', theirs: 'varying', isAsked: false }
] as const)(
  'whether guesses are allowed is asked where they would help: $own and $theirs',
  async ({ own, theirs: mapping, isAsked }) => {
    const attempt = attemptOf(own)
    await attempt.offer([], new AbortController().signal)
    let asked = false
    const path = attempt.path({ ...theirs, mapping }, { places: [], sighted: [silent] }, () => (asked = true))
    attempt.end()
    await expect(path).rejects.toThrow(NoWayThroughError)
    expect(asked).toBe(isAsked)
  }
)

test.each([
  { why: 'no-udp-here', own: 'unknown', seen: [], mapping: 'independent', sees: true },
  { why: 'no-udp-there', own: 'independent', seen: [place], mapping: 'unknown', sees: false },
  { why: 'both-vary', own: 'varying', seen: [place], mapping: 'varying', sees: true },
  { why: 'silent', own: 'varying', seen: [place], mapping: 'independent', sees: true }
] as const)('an attempt in vain says what stands in the way: $why', async ({ why, own, seen, mapping, sees }) => {
  const stun: Stun = { received: () => false, look: async () => ({ sightings: seen, mapping: own }) }
  const attempt = attemptOf(own, { stun: () => stun })
  await attempt.offer([], new AbortController().signal)
  const sighted = sees ? { directory: self, proof: place.proof } : undefined
  const candidates = [{ host: place.address, port: place.port, sighted }]
  const path = attempt.path({ ...theirs, mapping, candidates }, { places: [], sighted: [] }, () => false)
  attempt.end()
  await expect(path).rejects.toMatchObject({ name: 'NoWayThroughError', why })
})

test.runIf(process.platform === 'linux')('after 100 attempts that failed no socket is left open', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const before = openSockets()
  let most = 0
  for (let n = 0; n < 100; n++) {
    // A few of them open all the sockets that may wait for guesses.
    const attempt = attemptOf(n % 25 === 0 ? 'varying' : 'independent')
    await attempt.offer([], new AbortController().signal)
    const path = attempt.path(theirs, { places: [silent], sighted: [silent] }, () => true)
    const failed = expect(path).rejects.toThrow(NoWayThroughError)
    vi.advanceTimersByTime(PUNCH_MS - 1)
    most = Math.max(most, openSockets())
    vi.advanceTimersByTime(1)
    await failed
  }
  expect(most).toBeGreaterThan(SPREAD_SOCKETS)
  vi.useRealTimers()
  await until(() => openSockets() <= before, 'all sockets are closed')
})
