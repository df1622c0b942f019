// Which lines of the system's tables are routes to the Internet, and what of them counts.
import { expect, test } from 'vitest'
import { defaultRoutes } from '../../src/transport/default-routes.ts'

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'
const onLan = 'eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n'
const byLan = 'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n'
const lowerHalf = 'tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n'
const zeros = '0'.repeat(32)
const router = `fe80${'0'.repeat(27)}1`
const ipv6 = (used: string): string =>
  [
    `2a000077${'0'.repeat(24)} 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001     eth0`,
    `${zeros} 00 ${zeros} 00 ${router} 00000400 ${used} 00000000 00000003     eth0`,
    `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo`
  ].join('\n')

function routes(ipv4: string, six = ''): string {
  return defaultRoutes((file) => (file.endsWith('/route') ? ipv4 : six))
}

test('the default route counts, with its interface, gateway and metric; routes of networks do not', () => {
  expect(routes(head + onLan)).toBe('')
  expect(routes(head + onLan + byLan)).toBe('eth0 00000000/00000000 0101A8C0 100')
})

test('half of all addresses counts, as a VPN takes it', () => {
  expect(routes(head + byLan + lowerHalf)).toContain('tun0 00000000/00000080 0100080A 0')
})

test('over IPv6 the same, but not the entry for no route, nor how often a route was used', () => {
  expect(routes('', ipv6('00000003'))).toBe(`eth0 ${zeros}/00 ${router} 00000400`)
  expect(routes('', ipv6('0000000a'))).toBe(routes('', ipv6('00000003')))
})

test('the order of the lines does not count', () => {
  expect(routes(head + byLan + lowerHalf)).toBe(routes(head + lowerHalf + byLan))
})

test('a system without such tables has no routes that could be watched', () => {
  expect(routes('')).toBe('')
})

test('the tables of this system can be read', () => {
  expect(typeof defaultRoutes()).toBe('string')
})
