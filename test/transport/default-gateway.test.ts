import { expect, test } from 'vitest'
import { defaultGateway } from '../../src/transport/index.ts'

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'
const table = (...lines: readonly string[]): string => [head, ...lines, ''].join('\n')

test('the router of the default route with the lowest metric', () => {
  const wifi = 'wlan0\t00000000\tFE01A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0'
  const cable = 'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0'
  const subnet = 'eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0'
  expect(defaultGateway(() => table(wifi, cable, subnet))).toBe('192.168.1.1')
  expect(defaultGateway(() => table(wifi))).toBe('192.168.1.254')
})

test('no router where there is no default route, it is down, or leads straight into a tunnel', () => {
  expect(defaultGateway(() => table())).toBeUndefined()
  expect(defaultGateway(() => '')).toBeUndefined()
  expect(defaultGateway(() => table('eth0\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000'))).toBeUndefined()
  expect(defaultGateway(() => table('tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000'))).toBeUndefined()
  expect(defaultGateway(() => table('eth0\t00000000\tgarbage\t0003'))).toBeUndefined()
})
