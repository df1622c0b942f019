// Why no connection came about with a place: from how the dial failed and what is known of
// the way there, to a cause. Pure.
import type { DoctorCause, DoctorFinding } from '../api/doctor-report.ts'
import { commonDirectory } from './finding.ts'
import { addressOn, type Surroundings, type Way } from './evidence/evidence.ts'
import { droppedBy, dropText, interfaceCommand, isCertain, openingCommands } from './evidence/firewall.ts'
import { type Packet, SOME_SOURCE_PORT } from './evidence/nftables.ts'

/** How a connection failed, as far as it matters here. */
export type WayFailure = 'silent' | 'refused' | 'no-route' | 'forbidden' | 'other'

export type Explanation = Pick<DoctorFinding, 'isLikely' | 'evidence' | 'advice' | 'commands'> & {
  readonly cause: DoctorCause
}

interface Question {
  readonly way: Way
  readonly failure: WayFailure
  readonly seen: Surroundings
  /** A directory, or a connected peer, says that the peer is online now. */
  readonly isOnline: boolean
}

export function whyNoConnection(question: Question): Explanation {
  const { way } = question
  return (
    ownFirewall(question) ??
    wrongWay(question) ??
    (way.link === undefined ? farAway(question) : onTheLink(question, way.link))
  )
}

const nothing = { isLikely: false, evidence: [], advice: '', commands: [] } as const

function ownFirewall({ way, failure, seen }: Question): Explanation | undefined {
  if (way.by === undefined) return undefined
  const leaving: Packet = {
    direction: 'out',
    interface: way.by,
    protocol: 'tcp',
    source: addressOn(way.by, way.host, seen.interfaces) ?? '0.0.0.0',
    sourcePort: SOME_SOURCE_PORT,
    target: way.host.split('%')[0] ?? way.host,
    targetPort: way.port
  }
  const drops = droppedBy(seen.firewall, leaving)
  if (drops.length === 0 && failure !== 'forbidden') return undefined
  return {
    ...nothing,
    cause: 'firewall-port-out',
    isLikely: drops.length > 0 && !isCertain(drops),
    evidence: [
      ...(failure === 'forbidden' ? ['the system forbids the connection'] : []),
      ...drops.map((drop) => dropText(drop, leaving))
    ],
    advice: `Let TCP to port ${way.port} out`,
    commands: openingCommands(seen.firewall, leaving, false)
  }
}

function wrongWay({ way, seen }: Question): Explanation | undefined {
  const { link, by, host } = way
  if (by === undefined) {
    const isIpv6 = host.includes(':')
    const hasOther = isIpv6 && seen.defaultWay.ipv4 !== undefined
    return {
      ...nothing,
      cause: isIpv6 ? 'ipv6-no-route' : 'no-route',
      evidence: [`the system has no route to ${host}`],
      advice: hasOther
        ? 'This network has no IPv6: the other side needs an IPv4 address, or both use one directory as a relay'
        : 'Check the network: the router, or the lease of an address, is missing'
    }
  }
  if (link === undefined || by === link || !seen.tunnels.has(by)) return undefined
  return {
    ...nothing,
    cause: 'vpn-route',
    evidence: [`${host} is in the network at ${link}, and the system sends packets for it through ${by}`],
    advice: 'Leave the local network out of the VPN, in its settings, or give this address a way of its own',
    commands: interfaceCommand(
      seen.firewall,
      link,
      (dev) => `route replace ${host}/${host.includes(':') ? 128 : 32} dev ${dev}`
    )
  }
}

function onTheLink({ way, failure, isOnline }: Question, link: string): Explanation {
  const { host, port, isAnswering, hasNeighbours } = way
  if (failure === 'refused') {
    return {
      ...nothing,
      cause: 'nothing-listens',
      evidence: [`${host} answers, and refuses the connection`],
      advice: `Start Parley there, and compare the port: parley id shows it`
    }
  }
  if (isAnswering === true) {
    return {
      ...nothing,
      cause: 'peer-firewall',
      isLikely: true,
      evidence: [`the machine ${host} is on the network at ${link}, and answers nothing on TCP port ${port}`],
      advice: 'Run parley doctor there: its firewall drops the connection, most likely'
    }
  }
  if (isAnswering === undefined) return { ...nothing, cause: 'no-answer' }
  const silent = `nothing at ${link} answers the question who has ${host} (${host.includes(':') ? 'ND' : 'ARP'})`
  const others = hasNeighbours ? ['other machines there answer it'] : []
  if (isOnline) {
    return {
      ...nothing,
      cause: 'isolated',
      isLikely: true,
      evidence: [silent, ...others, 'a directory says that the peer is online'],
      advice:
        'Switch off client isolation (AP isolation, guest network) at the access point, or use another network for ' +
        'both. Until then the directory relays between you'
    }
  }
  return {
    ...nothing,
    cause: 'no-neighbour',
    evidence: [silent, ...others],
    advice:
      'Check that the machine is on and has this address. An access point that isolates its clients looks the same: ' +
      `then ${commonDirectory}`
  }
}

function farAway({ way, failure }: Question): Explanation {
  const { host, port, otherPort } = way
  if (failure === 'refused') {
    return {
      ...nothing,
      cause: 'nothing-listens',
      evidence: [`${host} answers, and refuses the connection`]
    }
  }
  const answers = otherPort?.outcome === 'open' || otherPort?.outcome === 'refused'
  if (failure === 'silent' && otherPort !== undefined && answers) {
    return {
      ...nothing,
      cause: 'ports-filtered',
      isLikely: true,
      evidence: [`${host} is silent on TCP port ${port}, and answers on port ${otherPort.port}`],
      advice: `The network lets out port ${otherPort.port} and not ${port}: use a directory that listens on ${otherPort.port}`
    }
  }
  return { ...nothing, cause: 'no-answer' }
}
