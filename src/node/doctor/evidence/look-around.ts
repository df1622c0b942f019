// Gathers what is known of this machine's own network: interfaces, multicast on each, the
// way out, tunnels and the firewall. It concludes nothing.
import { type Interfaces, networkInterfaces } from '../../../transport/index.ts'
import { canMulticast, multicastLinks } from '../../discovery/links.ts'
import type { Surroundings } from './evidence.ts'
import { lookAtFirewall } from './firewall.ts'
import { probeMulticast } from './multicast-probe.ts'
import { ELSEWHERE, interfaceOf, isTunnel, sourceTowards } from './routes.ts'

export interface LookSignals {
  /** The time for all of it is over: what is not known by then stays unknown. */
  readonly signal: AbortSignal
  /** Nobody waits for the answer any more. */
  readonly interrupted: AbortSignal | undefined
}

/** @throws the reason of `interrupted` */
export async function lookAround(searchesLan: boolean, { signal, interrupted }: LookSignals): Promise<Surroundings> {
  const interfaces = networkInterfaces()
  const { links, unused } = multicastLinks(interfaces, canMulticast)
  const outward = links.filter(({ isLoopback }) => !isLoopback)
  const [probes, firewall, tunnels, ipv4, ipv6] = await Promise.all([
    // It has a bound of its own. On a busy machine it is late, which is better than half of it: that would look like silence.
    searchesLan ? probeMulticast(outward, interfaces, interrupted) : [],
    lookAtFirewall(signal),
    tunnelsOf(interfaces),
    sourceTowards(ELSEWHERE.ipv4),
    sourceTowards(ELSEWHERE.ipv6)
  ])
  return {
    interfaces,
    links: probes,
    unused: searchesLan ? unused : [],
    searchesLan,
    tunnels,
    defaultWay: { ipv4: interfaceOf(ipv4, interfaces), ipv6: interfaceOf(ipv6, interfaces) },
    firewall
  }
}

async function tunnelsOf(interfaces: Interfaces): Promise<ReadonlySet<string>> {
  const names = Object.keys(interfaces)
  const are = await Promise.all(names.map(isTunnel))
  return new Set(names.filter((_name, index) => are[index]))
}
