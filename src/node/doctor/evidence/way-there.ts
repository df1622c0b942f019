// Looks at the way to a place: its link, the interface that the system would use, whether
// the machine itself answers, and for a silent one whether another port does.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Interfaces } from '../../../transport/index.ts'
import { linkOf, type Way } from './evidence.ts'
import type { Neighbour } from './neighbours.ts'
import { interfaceOf, sourceTowards } from './routes.ts'
import { tcpProbe, type TcpPlace } from './tcp-probe.ts'

/** The port that hotels and offices leave open: who is silent elsewhere and answers there is behind a filter. */
const WEB_PORT = 443

interface Look {
  readonly interfaces: Interfaces
  readonly neighbours: readonly Neighbour[]
  /** Whether the place did not answer at all. */
  readonly isSilent: boolean
  readonly signal: AbortSignal
}

export async function lookAtWay(place: TcpPlace, look: Look): Promise<Way> {
  const { interfaces, neighbours, isSilent, signal } = look
  const host = await addressOf(place.host)
  const link = linkOf(host, interfaces)
  const by = host.includes('%') ? link : interfaceOf(await sourceTowards(host), interfaces)
  const plain = host.split('%')[0]
  const known = neighbours.find((one) => one.ip === plain && one.interface === link)
  const asksWeb = isSilent && link === undefined && by !== undefined && place.port !== WEB_PORT
  const outcome = asksWeb ? await tcpProbe({ host, port: WEB_PORT }, signal) : undefined
  return {
    host,
    port: place.port,
    link,
    by,
    isAnswering: known?.isAnswering,
    hasNeighbours: neighbours.some(({ interface: name, isAnswering }) => name === link && isAnswering),
    otherPort: outcome === undefined ? undefined : { port: WEB_PORT, outcome }
  }
}

/** A name that has no address stays as it is: nothing is known of the way there. */
async function addressOf(host: string): Promise<string> {
  if (isIP(host.split('%')[0] ?? '') !== 0) return host
  try {
    return (await lookup(host)).address
  } catch {
    return host
  }
}
