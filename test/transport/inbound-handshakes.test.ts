/** Connections before their handshake, at a node whose own process stands still. */
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { directoryLimits } from '../../src/transport/index.ts'
import { InboundHandshakes } from '../../src/transport/inbound-handshakes.ts'

const remoteAddr = multiaddr('/ip4/192.0.2.7/tcp/40123')
const tickMs = 100

let nowMs: number
let upgraded: number

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  nowMs = 0
  upgraded = 0
})

afterEach(() => {
  vi.useRealTimers()
})

/** @returns the dialer's side of a connection that a node has accepted, and what becomes of its upgrade */
function accept(): { readonly dialer: MultiaddrConnection; readonly outcome: Promise<string> } {
  const handshakes = new InboundHandshakes({
    limits: directoryLimits.handshakes,
    isTrustedProxy: () => false,
    onHeaderMissing: () => undefined,
    onGaveWay: () => undefined,
    now: () => nowMs
  })
  const upgradeInbound = async (): Promise<void> => void upgraded++
  // Nothing else of an upgrader is used.
  const upgrader = handshakes.queueing({ upgradeInbound } as unknown as Upgrader)
  const [dialer, accepted] = multiaddrConnectionPair({ delay: 0, inbound: { remoteAddr }, outbound: { remoteAddr } })
  const outcome = upgrader.upgradeInbound(accepted, { signal: new AbortController().signal }).then(
    () => 'upgraded',
    (error: unknown) => String(error)
  )
  return { dialer, outcome }
}

function pass(ms: number): void {
  nowMs += ms
  vi.advanceTimersByTime(tickMs)
}

test('a dialer whose first bytes were not read while the process stood still is let in', async () => {
  const { dialer, outcome } = accept()
  pass(60_000)
  dialer.send(Uint8Array.of(1))
  expect(await outcome).toBe('upgraded')
  expect(upgraded).toBe(1)
})

test('a dialer that says nothing while the process runs is cut', async () => {
  const { outcome } = accept()
  for (let ms = 0; ms <= directoryLimits.handshakes.firstBytesMs; ms += tickMs) pass(tickMs)
  expect(await outcome).toContain('nothing was received')
  expect(upgraded).toBe(0)
})
