// Which machines of the own links answer the question who has an address (ARP, and
// neighbour discovery of IPv6), as the system remembers it. A machine whose firewall drops
// everything answers this; one behind an access point that isolates its clients does not.
import { platform } from 'node:os'
import { printed } from './system-command.ts'

export interface Neighbour {
  readonly ip: string
  readonly interface: string
  readonly isAnswering: boolean
}

export async function neighbours(signal: AbortSignal): Promise<readonly Neighbour[]> {
  if (platform() === 'win32') return []
  const text = await printed('ip', ['neigh', 'show'], signal)
  if (text !== undefined) return readIpNeighbours(text)
  return readArp((await printed('arp', ['-an'], signal)) ?? '')
}

/** `10.0.0.7 dev eth0 lladdr 02:… REACHABLE`, of `ip neigh show`. */
export function readIpNeighbours(text: string): readonly Neighbour[] {
  return text.split('\n').flatMap((line) => {
    const [, ip = '', name = '', rest = ''] = /^(\S+) dev (\S+)(.*)$/u.exec(line) ?? []
    if (ip === '') return []
    const state = rest.trim().split(' ').at(-1)
    return [{ ip, interface: name, isAnswering: state !== 'FAILED' && state !== 'INCOMPLETE' }]
  })
}

/** `? (10.0.0.7) at 02:… on en0 …`, of `arp -an`. */
function readArp(text: string): readonly Neighbour[] {
  return text.split('\n').flatMap((line) => {
    const [, ip = '', at = '', name = ''] = /\(([\d.]+)\) at (\S+) on (\S+)/u.exec(line) ?? []
    return ip === '' ? [] : [{ ip, interface: name, isAnswering: !at.includes('incomplete') }]
  })
}
