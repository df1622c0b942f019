/** The list of interfaces, when the system can't make it, and when there is reason to look at the network anew. */
import type { NetworkInterfaceInfo } from 'node:os'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  INTERFACE_POLL_MS,
  InterfaceWatch,
  networkInterfaces,
  type Interfaces
} from '../../src/transport/network-interfaces.ts'

test('what was known stands when no more files may be open', () => {
  const known = networkInterfaces()
  const failing = (): never => {
    throw new Error('A system error occurred: uv_interface_addresses returned EMFILE')
  }
  expect(networkInterfaces(failing)).toBe(known)
  expect(Object.keys(known)).toContain('lo')
})

describe('a change of the network', () => {
  let changes = 0
  let interfaces: Interfaces = {}
  let routes = ''
  const watch = new InterfaceWatch(
    () => changes++,
    () => interfaces,
    () => routes
  )
  beforeEach(() => {
    vi.useFakeTimers()
    changes = 0
    interfaces = { eth0: [address('192.168.1.11')] }
    routes = 'by eth0'
    watch.start()
  })
  afterEach(() => {
    watch.stop()
    vi.useRealTimers()
  })

  test('is told once when an address comes, goes or changes', () => {
    for (const list of [[address('192.168.1.12')], [address('192.168.1.12'), address('10.0.0.1')], []]) {
      changes = 0
      interfaces = { eth0: list }
      vi.advanceTimersByTime(10 * INTERFACE_POLL_MS)
      expect(changes).toBe(1)
    }
  })

  test('is told once when routes change, though addresses stay, and not before there is a route', () => {
    for (const [now, told] of [
      ['by vpn0', 1],
      ['', 0],
      ['by eth0', 1]
    ] as const) {
      changes = 0
      routes = now
      vi.advanceTimersByTime(10 * INTERFACE_POLL_MS)
      expect(changes).toBe(told)
    }
  })

  test('is supposed once after the machine has slept, or the process was stopped', () => {
    vi.advanceTimersByTime(10 * INTERFACE_POLL_MS)
    expect(changes).toBe(0)
    vi.setSystemTime(Date.now() + 45_000)
    vi.advanceTimersByTime(10 * INTERFACE_POLL_MS)
    expect(changes).toBe(1)
  })

  test('is not supposed when the process was busy, or the clock was set back', () => {
    vi.setSystemTime(Date.now() + 5_000)
    vi.advanceTimersByTime(INTERFACE_POLL_MS)
    vi.setSystemTime(Date.now() - 3_600_000)
    vi.advanceTimersByTime(10 * INTERFACE_POLL_MS)
    expect(changes).toBe(0)
  })
})

function address(ip: string): NetworkInterfaceInfo {
  const [family, netmask, mac] = ['IPv4' as const, '255.255.255.0', '02:00:00:00:00:01']
  return { address: ip, cidr: `${ip}/24`, family, netmask, mac, internal: false }
}
