/** A long peer ID in an address costs nothing, and a real one is read as it was. */
import { execFileSync } from 'node:child_process'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { cpuMsOf } from '../../cpu-time.ts'
import '../../../src/transport/index.ts'

const peer = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
/** As much as one identify message holds. */
const longBytes = 8_000
/** It has some hundred times the bytes of a real one. */
const someHundred = 600

/** `/p2p/` with a multihash of this size: code, length, the hash's code and length, the hash. */
function addressBytes(hashBytes: number): Uint8Array {
  const two = (n: number): number[] => [(n & 0x7f) | 0x80, n >> 7]
  return Uint8Array.from([0xa5, 0x03, ...two(hashBytes + 3), 0x12, ...two(hashBytes), ...Buffer.alloc(hashBytes, 0xff)])
}

test('peer IDs of every kind are read as they were', () => {
  for (const id of [peer, 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N']) {
    const address = multiaddr(`/ip4/192.0.2.7/tcp/4001/p2p/${id}`)
    expect(multiaddr(address.bytes).toString()).toBe(address.toString())
  }
})

test.each([
  ['bytes', () => multiaddr(addressBytes(longBytes))],
  ['text', () => multiaddr(`/ip4/192.0.2.7/tcp/4001/p2p/Qm${'z'.repeat(longBytes)}`)]
])('a peer ID of 8 kB in %s is refused for less than it costs to read some hundred real ones', (_what, read) => {
  const real = `/ip4/192.0.2.7/tcp/4001/p2p/${peer}`
  const times = 20
  const readMs = cpuMsOf(() => {
    for (let n = 0; n < someHundred * times; n++) multiaddr(real)
  })
  expect(read).toThrow('a peer ID of')
  const refusedMs = cpuMsOf(() => {
    for (let n = 0; n < times; n++) {
      try {
        read()
      } catch {
        // it is refused
      }
    }
  })
  expect(refusedMs).toBeLessThan(readMs)
})

test('the fault is still in @multiformats/multiaddr: when this fails, src/transport/tuning/peer-id-bounds.ts can go', () => {
  const script =
    "import { multiaddr } from '@multiformats/multiaddr'; " +
    `const bytes = Uint8Array.from(JSON.parse('[${addressBytes(longBytes).join()}]')); ` +
    'const cpuMs = (work) => { const before = process.cpuUsage(); work(); return process.cpuUsage(before).user / 1000 }; ' +
    'const long = () => { try { multiaddr(bytes) } catch {} }; ' +
    `const real = () => { for (let n = 0; n < ${someHundred}; n++) multiaddr('/ip4/192.0.2.7/tcp/4001/p2p/${peer}') }; ` +
    'long(); real(); process.stdout.write(JSON.stringify([cpuMs(long), cpuMs(real)]))'
  const told = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  const [longMs = 0, realMs = 0]: readonly number[] = JSON.parse(told)
  expect(longMs).toBeGreaterThan(realMs)
})
