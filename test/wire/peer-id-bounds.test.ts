/** A long peer ID in an address costs nothing, and a real one is read as it was. */
import { execFileSync } from 'node:child_process'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import '../../src/wire/index.ts'

const peer = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
/** As much as one identify message holds. */
const longBytes = 8_000

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
])('a peer ID of 8 kB in %s is refused at once', (_what, read) => {
  const before = process.threadCpuUsage()
  expect(read).toThrow('a peer ID of')
  const { user, system } = process.threadCpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(50)
})

test('the fault is still in @multiformats/multiaddr: when this fails, src/wire/peer-id-bounds.ts can go', () => {
  const script =
    "import { multiaddr } from '@multiformats/multiaddr'; " +
    `const bytes = Uint8Array.from(JSON.parse('[${addressBytes(longBytes).join()}]')); ` +
    'try { multiaddr(bytes) } catch {} ' +
    'const { user } = process.cpuUsage(); const before = user; try { multiaddr(bytes) } catch {} ' +
    'process.stdout.write(String((process.cpuUsage().user - before) / 1000))'
  const ms = Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
  expect(ms).toBeGreaterThan(100)
})
