import { expect, test } from 'vitest'
import { dialCandidates } from '../../src/node/candidates.ts'
import { MAX_ADDRESSES_PER_DIAL } from '../../src/node/constants.ts'
import type { Vantage } from '../../src/node/dialable.ts'
import { network } from './own-networks.ts'

const peer = '12D3KooWPKXP6T6dBxTP941cjTLnApFNkEumGpUX35EqGnvgC16b'
const own = network({ eth0: ['192.168.1.20/24'] })

function candidates(...sources: string[][]): string[] {
  return from('known', ...sources)
}

function from(vantage: Vantage, ...sources: string[][]): string[] {
  const told = sources.map((addresses) => ({ addresses, from: vantage }))
  return dialCandidates(peer, told, own).dialled.map(({ address }) => address.toString().replace(`/p2p/${peer}`, ''))
}

test("another machine's loopback address is not dialled: somebody else may answer there", () => {
  expect(candidates(['/ip4/127.0.0.1/tcp/4001', '/ip4/192.168.1.7/tcp/4001'])).toEqual(['/ip4/192.168.1.7/tcp/4001'])
})

test('the loopback address of a peer on this machine is, and that of one who has no other', () => {
  const here = ['/ip4/127.0.0.1/tcp/4001', '/ip4/192.168.1.20/tcp/4001']
  expect(candidates(here)).toEqual(here)
  expect(candidates(['/ip4/127.0.0.1/tcp/4001'])).toEqual(['/ip4/127.0.0.1/tcp/4001'])
})

test('a flood of addresses from one source leaves room for those of the others', () => {
  const flood = Array.from({ length: 200 }, (_, i) => `/ip4/10.0.0.${i}/tcp/1`)
  const real = ['/ip4/192.168.1.7/tcp/4001', '/ip4/192.168.1.8/tcp/4001']
  const dialled = candidates(flood, real)
  expect(dialled).toHaveLength(MAX_ADDRESSES_PER_DIAL)
  expect(dialled).toEqual(expect.arrayContaining(real))
})

test("what is no multiaddr, and what is another peer's, is left out", () => {
  const other = '12D3KooWPJbUPDNXbx39JbNwuWDfZG38KkWDJQkneEnCapQrpt8U'
  expect(candidates(['/ip4/999.0.0.1/tcp/1', '/nonsense', `/ip4/10.0.0.1/tcp/1/p2p/${other}`])).toEqual([])
})

test('refused addresses are listed, except those that another source may name', () => {
  const addresses = ['/ip4/127.0.0.1/tcp/22', '/ip4/169.254.169.254/tcp/80', '/ip4/203.0.113.7/tcp/4001']
  const told = { addresses, from: 'elsewhere' } as const
  expect(dialCandidates(peer, [told], own).refused).toEqual([
    "127.0.0.1:22 is another machine's own (loopback)",
    '169.254.169.254:80 is where a cloud keeps the secrets of its machines'
  ])
  const named = { addresses: ['/ip4/127.0.0.1/tcp/22'], from: 'user' } as const
  expect(dialCandidates(peer, [told, named], own).refused).toEqual([
    '169.254.169.254:80 is where a cloud keeps the secrets of its machines'
  ])
})
