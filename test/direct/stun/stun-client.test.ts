/** The peer's part of STUN, with servers that answer as the test wants, under a clock of its own. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import {
  SIGHTING_NONCE_BYTES,
  signSighting,
  StunClient,
  type StunSeen,
  type StunServer,
  type UdpPlace
} from '../../../src/direct/stun/index.ts'
import { decodeRequest, encodeAnswer } from '../../../src/direct/stun/stun-message.ts'

const [keyA, keyB] = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')]
const [directoryA, directoryB] = [peerIdFromPrivateKey(keyA), peerIdFromPrivateKey(keyB)]
const peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const nonce = new Uint8Array(SIGHTING_NONCE_BYTES).fill(7)

const a: StunServer = { directory: directoryA, host: '192.0.2.1', port: 8000 }
const aOther: StunServer = { ...a, port: 9000 }
const b: StunServer = { directory: directoryB, host: '192.0.2.2', port: 8000 }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

interface Sent {
  readonly bytes: Uint8Array
  readonly to: UdpPlace
}

/** What a server says to a request. */
async function answerTo(
  bytes: Uint8Array | undefined,
  { address = '203.0.113.7', as = 40_000, key = keyA, signs = true } = {}
): Promise<Uint8Array> {
  const request = bytes === undefined ? undefined : decodeRequest(bytes)
  if (request?.tag === undefined) throw new Error('the server was not asked')
  const claim = { tag: request.tag, timeMs: 1_000n, address, port: as }
  const proof = signs ? { proof: await signSighting(claim, key) } : {}
  return encodeAnswer({ transaction: request.transaction, address, port: as, ...proof })
}

function busyFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

class Asker {
  readonly sent: Sent[] = []
  readonly stun = new StunClient((bytes, to) => this.sent.push({ bytes, to }))
  seen: StunSeen | undefined
  failed: unknown

  constructor(servers: readonly StunServer[], signal = new AbortController().signal) {
    this.stun.look({ servers, peerId, nonce, signal }).then(
      (seen) => (this.seen = seen),
      (error: unknown) => (this.failed = error)
    )
  }

  get places(): readonly string[] {
    return this.sent.map(({ to }) => `${to.host} ${to.port}`)
  }

  /** The server answers its last request. */
  async answer(
    { host, port }: StunServer,
    { address = '203.0.113.7', as = 40_000, key = keyA, signs = true, from = { host, port } } = {}
  ): Promise<boolean> {
    const request = this.sent.findLast(({ to }) => to.host === host && to.port === port)?.bytes
    const taken = this.stun.received(await answerTo(request, { address, as, key, signs }), from)
    await vi.advanceTimersByTimeAsync(0)
    return taken
  }
}

test('all servers are asked at once, and the look ends when all have answered', async () => {
  const asker = new Asker([a, aOther, b])
  await vi.advanceTimersByTimeAsync(0)
  expect(asker.places).toEqual(['192.0.2.1 8000', '192.0.2.1 9000', '192.0.2.2 8000'])
  expect(await asker.answer(a)).toBe(true)
  expect(await asker.answer(aOther)).toBe(true)
  expect(asker.seen).toBeUndefined()
  expect(await asker.answer(b, { key: keyB })).toBe(true)
  expect(asker.seen?.mapping).toBe('independent')
  // The two ports of one directory have seen the same.
  expect(asker.seen?.sightings.map(({ directory }) => directory)).toEqual([directoryA, directoryB])
})

test('a mapping that differs between two ports or directories varies', async () => {
  const asker = new Asker([a, b])
  await vi.advanceTimersByTimeAsync(0)
  await asker.answer(a)
  await asker.answer(b, { key: keyB, as: 40_001 })
  expect(asker.seen?.mapping).toBe('varying')
  expect(asker.seen?.sightings.map(({ port }) => port)).toEqual([40_000, 40_001])
})

test('of both families, the mapping is that of IPv4; one answer tells none', async () => {
  const overIpv6 = { ...a, host: '2001:db8::1' }
  const asker = new Asker([a, overIpv6])
  await vi.advanceTimersByTimeAsync(0)
  await asker.answer(a)
  await asker.answer(overIpv6, { address: '2001:db8::7' })
  expect(asker.seen?.mapping).toBe('unknown')
  expect(asker.seen?.sightings).toHaveLength(2)
})

test('a request that is not answered is sent again, a place that was only heard of is asked twice', async () => {
  const asker = new Asker([a, { ...b, isHearsay: true }])
  await vi.advanceTimersByTimeAsync(2_000)
  expect(asker.places.filter((place) => place === '192.0.2.1 8000')).toHaveLength(4)
  expect(asker.places.filter((place) => place === '192.0.2.2 8000')).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(501)
  expect(asker.seen).toEqual({ sightings: [], mapping: 'unknown' })
  const sent = asker.sent.length
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asker.sent).toHaveLength(sent)
})

test('a server that is silent is not waited for long once another has answered', async () => {
  const asker = new Asker([a, b])
  await vi.advanceTimersByTimeAsync(0)
  await asker.answer(a)
  await vi.advanceTimersByTimeAsync(499)
  expect(asker.seen).toBeUndefined()
  await vi.advanceTimersByTimeAsync(2)
  expect(asker.seen?.sightings).toHaveLength(1)
  expect(await asker.answer(b, { key: keyB })).toBe(false)
})

test('an answer that waited in the socket while this process was busy counts', async () => {
  vi.useRealTimers()
  const [own, quick, late] = [createSocket('udp4'), createSocket('udp4'), createSocket('udp4')]
  onTestFinished(() => [own, quick, late].forEach((socket) => socket.close()))
  await Promise.all([own, quick, late].map(async (socket) => once(socket.bind(0, '127.0.0.1'), 'listening')))
  const stun = new StunClient((bytes, { host, port }) => own.send(bytes, port, host))
  own.on('message', (bytes, { address, port }) => stun.received(bytes, { host: address, port }))
  const asked = Promise.all([quick, late].map(async (socket) => once(socket, 'message')))
  const servers = [quick, late].map((socket) => ({ ...a, host: '127.0.0.1', port: socket.address().port }))
  const looking = stun.look({ servers, peerId, nonce, signal: new AbortController().signal })
  const [first, second] = await Promise.all(
    (await asked).map(async ([bytes], turn) => answerTo(bytes as Uint8Array, { as: 40_000 + turn }))
  )
  quick.send(first ?? '', own.address().port, '127.0.0.1')
  await once(own, 'message')
  // Until the first answer is verified: from then on the time runs, and meanwhile nothing is read.
  for (let turns = 0; turns < 20; turns++) await setImmediate()
  late.send(second ?? '', own.address().port, '127.0.0.1', () => busyFor(600))
  expect((await looking).sightings).toHaveLength(2)
})

test('answers from elsewhere, of another key or without a signature count for nothing', async () => {
  const asker = new Asker([a, aOther, b])
  await vi.advanceTimersByTimeAsync(0)
  expect(await asker.answer(a, { from: { host: '192.0.2.9', port: 8000 } })).toBe(false)
  expect(await asker.answer(a, { from: { host: '192.0.2.1', port: 8001 } })).toBe(false)
  expect(asker.stun.received(Uint8Array.of(1, 2, 3), { host: '192.0.2.1', port: 8000 })).toBe(false)
  expect(await asker.answer(a)).toBe(true)
  expect(await asker.answer(aOther, { key: keyB, as: 40_001 })).toBe(true)
  expect(await asker.answer(b, { key: keyB, signs: false, as: 40_002 })).toBe(true)
  expect(asker.seen?.sightings.map(({ port }) => port)).toEqual([40_000])
  expect(asker.seen?.mapping).toBe('unknown')
})

test('a look that is aborted ends at once with its reason, and sends nothing more', async () => {
  const life = new AbortController()
  const asker = new Asker([a], life.signal)
  await vi.advanceTimersByTimeAsync(0)
  life.abort(new Error('enough'))
  await vi.advanceTimersByTimeAsync(0)
  expect(asker.failed).toEqual(new Error('enough'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asker.sent).toHaveLength(1)
})

test('with nobody to ask, nothing is seen at once', async () => {
  const asker = new Asker([])
  await vi.advanceTimersByTimeAsync(0)
  expect(asker.seen).toEqual({ sightings: [], mapping: 'unknown' })
})
