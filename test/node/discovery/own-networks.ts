// A machine's networks for tests: interfaces with addresses as `192.168.1.20/24`,
// and a loopback interface as every machine has it.
import { isIPv4 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { OwnNetwork } from '../../../src/node/dialing/own-network.ts'

type Cidrs = Readonly<Record<string, readonly string[]>>

export function network(own: Cidrs): OwnNetwork {
  return new OwnNetwork(interfaces(own))
}

/** As the system lists them. */
export function interfaces(own: Cidrs): Record<string, NetworkInterfaceInfo[]> {
  const all = { lo: ['127.0.0.1/8', '::1/128'], ...own }
  return Object.fromEntries(Object.entries(all).map(([name, cidrs]) => [name, cidrs.map((cidr) => infoOf(name, cidr))]))
}

function infoOf(name: string, cidr: string): NetworkInterfaceInfo {
  const address = cidr.split('/')[0] ?? ''
  const common = { address, cidr, netmask: '', mac: '00:00:00:00:00:00', internal: name === 'lo' }
  return isIPv4(address) ? { ...common, family: 'IPv4' } : { ...common, family: 'IPv6', scopeid: 0 }
}
