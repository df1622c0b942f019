// Whether others can connect to this node: its port, and the firewall before it. Pure.
import type { DoctorFinding } from '../api/doctor-report.ts'
import { neighbourOn } from './diagnose-lan.ts'
import { addressOn, type PortEvidence, type Surroundings } from './evidence/evidence.ts'
import { fine, note, problem } from './finding.ts'
import { droppedBy, dropText, isCertain, openingCommands } from './evidence/firewall.ts'
import { type Packet, SOME_SOURCE_PORT } from './evidence/nftables.ts'

export function portFindings({ port, takenPort }: PortEvidence, seen: Surroundings): readonly DoctorFinding[] {
  return [...takenFindings(port, takenPort), firewallFinding(port, seen)]
}

function takenFindings(port: number, taken: number | undefined): readonly DoctorFinding[] {
  if (taken === undefined) return []
  return [
    problem('port', 'port-taken', `port ${taken} is taken by another program`, {
      evidence: [`the system refuses a second listener; Parley listens on ${port} instead, where it may`],
      advice: `End that program (ss -ltnp 'sport = :${taken}' names it), or choose another port with --port`
    })
  ]
}

/** What a machine of the own network meets that connects to the port. */
function firewallFinding(port: number, seen: Surroundings): DoctorFinding {
  const { firewall, interfaces, tunnels } = seen
  const links = Object.entries(interfaces).filter(
    ([name, infos]) => !tunnels.has(name) && infos?.some(({ internal }) => internal) === false
  )
  for (const [name] of links) {
    const arriving = connectionTo(port, name, seen)
    const drops = droppedBy(firewall, arriving)
    if (drops.length === 0) continue
    const shown = {
      evidence: drops.map((drop) => dropText(drop, arriving)),
      commands: openingCommands(firewall, arriving)
    }
    if (isCertain(drops)) {
      const text = `a firewall on this machine drops connections to port ${port}`
      return problem('port', 'firewall-port-in', text, { ...shown, advice: `Let TCP port ${port} in` })
    }
    // Nothing but the rules speaks for it: a rule that can't be judged may accept them.
    return note('port', `a firewall on this machine may drop connections to port ${port}`, {
      ...shown,
      advice: `If others can't connect, let TCP port ${port} in`
    })
  }
  const { manager, ruleset } = firewall
  if (ruleset === undefined && (manager === 'ufw' || manager === 'firewalld')) {
    return note('port', `${manager} is switched on, and may drop connections to port ${port}`, {
      evidence: ['only an administrator can read its rules'],
      advice: `If others can't connect, let TCP port ${port} in`,
      commands: links.slice(0, 1).flatMap(([name]) => openingCommands(firewall, connectionTo(port, name, seen)))
    })
  }
  if (firewall.isHidden) {
    return fine('port', `TCP port ${port} is free for Parley`, {
      evidence: ['only an administrator can read the rules of a firewall: sudo nft list ruleset']
    })
  }
  return fine('port', `TCP port ${port} is free for Parley, and no firewall of this machine is known to close it`)
}

function connectionTo(port: number, name: string, { interfaces }: Surroundings): Packet {
  const own = addressOn(name, '0.0.0.0', interfaces) ?? addressOn(name, '::', interfaces) ?? '0.0.0.0'
  return {
    direction: 'in',
    interface: name,
    protocol: 'tcp',
    source: neighbourOn(own, own.includes(':') ? 'ipv6' : 'ipv4'),
    sourcePort: SOME_SOURCE_PORT,
    target: own,
    targetPort: port
  }
}
