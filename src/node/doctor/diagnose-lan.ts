// What keeps peers of the own network from being found: from the evidence of each link to
// a cause. Pure.
import type { DoctorFinding } from '../api/doctor-report.ts'
import { addressRange } from '../../wire/index.ts'
import { MDNS_PORT, mdnsGroups } from '../discovery/mdns-sockets.ts'
import { lanProblemText } from '../discovery/multicast.ts'
import { addressOn, type Surroundings } from './evidence/evidence.ts'
import { commonDirectory, fine, note, problem } from './finding.ts'
import {
  droppedBy,
  dropText,
  insertedRules,
  interfaceCommand,
  isCertain,
  isPlain,
  openingCommands
} from './evidence/firewall.ts'
import type { FamilyProbe, LinkProbe } from './evidence/multicast-probe.ts'
import type { NftDrop, Packet } from './evidence/nftables.ts'

/** An address that another machine of the link may have, where none is known. */
const someNeighbour = { ipv4: '169.254.1.2', ipv6: 'fe80::2' } as const

export function lanFindings(seen: Surroundings): readonly DoctorFinding[] {
  if (!seen.searchesLan) return [note('lan', 'peers on the LAN are not looked for, as mdns is switched off')]
  if (seen.links.length === 0 && seen.unused.every(({ name }) => seen.tunnels.has(name))) {
    return [
      problem(
        'lan',
        'no-network',
        lanProblemText({ name: '', why: 'this machine is on no network that can multicast' }),
        {
          evidence: ['no interface but loopback has an address'],
          advice: 'Plug in a cable or join a Wi-Fi'
        }
      )
    ]
  }
  const links = seen.links
    .filter(({ name }) => !seen.tunnels.has(name))
    .map(({ name, ...link }) => ({ name, about: (at: string) => linkFinding({ name, ...link }, seen, at) }))
  const unable = seen.unused
    .filter(({ name }) => !seen.tunnels.has(name))
    .map(({ name, why }) => ({ name, about: (at: string) => unableFinding({ name, why }, seen, at) }))
  const found = [...saidOnce(links), ...saidOnce(unable)]
  return [...found, ...vpnFindings(seen, found)]
}

/** A finding at one interface. */
interface LinkFinding {
  readonly name: string
  /** @param at the interfaces that its text and advice name; evidence and commands are of this one */
  readonly about: (at: string) => DoctorFinding
}

/** What several interfaces have in common is said once, of all of them. */
function saidOnce(found: readonly LinkFinding[]): readonly DoctorFinding[] {
  const alike = Map.groupBy(found, ({ about }) => {
    const { evidence: _evidence, commands: _commands, ...said } = about('')
    return JSON.stringify(said)
  })
  return [...alike.values()].flatMap((links) => {
    const at = listed(links.map(({ name }) => name))
    const all = links.map(({ about }) => about(at))
    const together = (clauses: readonly string[]): readonly string[] => [...new Set(clauses)]
    return all.slice(0, 1).map((first) => ({
      ...first,
      evidence: together(all.flatMap(({ evidence }) => evidence)),
      commands: together(all.flatMap(({ commands }) => commands))
    }))
  })
}

/** `eth0`, `eth0 and wlan0`, `eth0, wlan0 and docker0` */
function listed(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((one) => one !== '').join(' and ')
}

function linkFinding(link: LinkProbe, seen: Surroundings, at: string): DoctorFinding {
  const { families, others } = link
  const works = families.filter(({ isHeard, failure }) => isHeard && failure === undefined)
  if (works.length === families.length && works.length > 0) {
    return fine('lan', `mDNS works at ${at}: ${heardText(others)}`, others > 0 ? {} : { advice: ifNotAlone })
  }
  const broken = families.filter((one) => !works.includes(one))
  const [worst = broken[0]] = broken.filter(({ failure }) => failure !== undefined)
  if (worst === undefined) return fine('lan', `no address that mDNS uses is at ${at}`)
  const finding = brokenLink(link, worst, seen, at)
  // On a server on the Internet nobody is looked for by mDNS, and its firewall is right.
  if (isPublic(link)) return { ...finding, verdict: 'note' }
  if (works.length === 0) return finding
  const half = worst.family === 'ipv4' ? 'IPv4' : 'IPv6'
  const whole = works[0]?.family === 'ipv4' ? 'IPv4' : 'IPv6'
  return { ...finding, verdict: 'note', text: `mDNS works at ${at} over ${whole} only, and fails over ${half}` }
}

/** Silence alone shows nothing: most networks at home have one machine on them at times. */
const ifNotAlone =
  'If others run Parley on this network, run doctor there too. An access point that keeps its clients apart looks like ' +
  `this, as guest networks do: then ${commonDirectory}`

function isPublic({ addresses }: LinkProbe): boolean {
  const routed = addresses.filter((ip) => addressRange(ip) !== 'link-local')
  return routed.length > 0 && routed.every((ip) => addressRange(ip) === 'public')
}

function heardText(count: number): string {
  if (count === 0) return 'no other machine was heard just now'
  return count === 1 ? 'one other machine was heard' : `${count} other machines were heard`
}

function brokenLink(link: LinkProbe, { family, failure }: FamilyProbe, seen: Surroundings, at: string): DoctorFinding {
  const { name } = link
  const text = lanProblemText({
    name: at,
    why: failure?.why ?? 'a firewall on this machine drops what arrives by mDNS'
  })
  if (failure === undefined) return droppedInside(link, family, seen, text)
  switch (failure.code) {
    case 'EADDRINUSE':
      return problem('lan', 'port-5353-held', text, {
        evidence: ['the system refuses a second socket on UDP port 5353'],
        advice: "ss -lunp 'sport = :5353' names that program: end it, or let it share the port"
      })
    case 'EACCES':
    case 'EPERM':
      return forbidden(link, family, seen, { text, at })
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return problem('lan', 'no-multicast-route', text, {
        evidence: [`the system has no way to ${mdnsGroups[family]} at ${name}`],
        advice: `Restore the multicast route at ${at}`,
        commands: interfaceCommand(seen.firewall, name, (dev) =>
          family === 'ipv6'
            ? `-6 route add multicast ff00::/8 dev ${dev} table local`
            : `route add 224.0.0.0/4 dev ${dev}`
        )
      })
    default:
      return problem('lan', 'mdns-failed', text)
  }
}

/** The question left and its copy did not come back. */
function droppedInside(
  { name }: LinkProbe,
  family: FamilyProbe['family'],
  seen: Surroundings,
  text: string
): DoctorFinding {
  const arriving = mdnsPacket('in', name, family, seen)
  const drops = droppedBy(seen.firewall, arriving)
  return problem('lan', 'firewall-mdns-in', text, {
    evidence: [
      `a question that was sent at ${name} did not come back to this machine, as the system would pass it`,
      ...drops.map((drop) => dropText(drop, arriving)),
      ...managerEvidence(seen)
    ],
    advice: 'Let UDP port 5353 in',
    commands: openingCommands(seen.firewall, arriving)
  })
}

/** The system refuses to send. Where a VPN has the default route, its kill switch is the one that forbids it. */
function forbidden(
  { name }: LinkProbe,
  family: FamilyProbe['family'],
  seen: Surroundings,
  { text, at }: { readonly text: string; readonly at: string }
): DoctorFinding {
  const leaving = mdnsPacket('out', name, family, seen)
  const drops = droppedBy(seen.firewall, leaving)
  const evidence = [
    `the system forbids sending mDNS at ${name}`,
    ...drops.map((drop) => dropText(drop, leaving)),
    ...managerEvidence(seen)
  ]
  const tunnel = seen.defaultWay.ipv4 ?? seen.defaultWay.ipv6
  if (tunnel !== undefined && seen.tunnels.has(tunnel)) {
    return problem('vpn', 'kill-switch', `the kill switch of the VPN at ${tunnel} forbids the network at ${at}`, {
      isLikely: !isCertain(drops),
      evidence: [...evidence, `the default route leads through ${tunnel}`],
      advice: "Allow the local network in the VPN's settings (most call it local network sharing, or LAN access)",
      commands: killSwitchCommands(name, seen)
    })
  }
  return problem('lan', 'firewall-mdns-out', text, {
    evidence,
    advice: 'Let UDP to port 5353 out',
    commands: openingCommands(seen.firewall, leaving)
  })
}

/** Rules that let the own network through, in and out, on that interface alone. */
function killSwitchCommands(name: string, seen: Surroundings): readonly string[] {
  if (!isPlain(name)) return []
  const both = (direction: Packet['direction']): readonly NftDrop[] => {
    const drops = (['ipv4', 'ipv6'] as const).flatMap((family) =>
      droppedBy(seen.firewall, mdnsPacket(direction, name, family, seen))
    )
    return [...new Map(drops.map((drop) => [JSON.stringify([drop.family, drop.table, drop.chain]), drop])).values()]
  }
  const infos = seen.interfaces[name] ?? []
  const rulesFor = (direction: Packet['direction']): readonly string[] => {
    const match = direction === 'in' ? 'iifname' : 'oifname'
    const end = direction === 'in' ? 'saddr' : 'daddr'
    const ipv4 = infos.flatMap(({ family, cidr }) => (family === 'IPv4' && cidr !== null ? [cidr] : []))
    const group = direction === 'in' ? [] : [mdnsGroups.ipv4]
    const drops = both(direction)
    return [
      ...(ipv4.length === 0
        ? []
        : insertedRules(
            seen.firewall,
            drops.filter(({ family }) => family !== 'ip6'),
            `${match} "${name}" ip ${end} { ${[...ipv4, ...group].join(', ')} } accept`
          )),
      ...insertedRules(
        seen.firewall,
        drops.filter(({ family }) => family !== 'ip'),
        `${match} "${name}" ip6 ${end} { fe80::/10${direction === 'in' ? '' : ', ff02::/16'} } accept`
      )
    ]
  }
  return [...rulesFor('out'), ...rulesFor('in')]
}

function unableFinding(
  { name, why }: { readonly name: string; readonly why: string },
  seen: Surroundings,
  at: string
): DoctorFinding {
  return problem('lan', 'cannot-multicast', lanProblemText({ name: at, why }), {
    evidence: [`${name} does not have the flag MULTICAST`],
    advice: `Switch multicast on at ${at}`,
    commands: interfaceCommand(seen.firewall, name, (dev) => `link set ${dev} multicast on`)
  })
}

/** Worth knowing: whom a VPN hides from, and what it does not hide. */
function vpnFindings(
  { defaultWay, tunnels }: Surroundings,
  others: readonly DoctorFinding[]
): readonly DoctorFinding[] {
  const tunnel = [defaultWay.ipv4, defaultWay.ipv6].find((name) => name !== undefined && tunnels.has(name))
  if (tunnel === undefined || others.some(({ cause }) => cause === 'kill-switch')) return []
  return [
    note('vpn', `the default route leads through the VPN at ${tunnel}`, {
      evidence: ['directories and peers elsewhere see its address, and seldom reach this machine there by themselves']
    })
  ]
}

function mdnsPacket(
  direction: Packet['direction'],
  name: string,
  family: FamilyProbe['family'],
  { interfaces }: Surroundings
): Packet {
  const own = addressOn(name, mdnsGroups[family], interfaces) ?? someNeighbour[family]
  const source = direction === 'out' ? own : neighbourOn(own, family)
  return {
    direction,
    interface: name,
    protocol: 'udp',
    source,
    sourcePort: MDNS_PORT,
    target: mdnsGroups[family],
    targetPort: MDNS_PORT
  }
}

/** Another address of the same subnet. */
export function neighbourOn(own: string, family: FamilyProbe['family']): string {
  if (family === 'ipv6') return someNeighbour.ipv6
  const parts = own.split('.')
  const last = Number(parts.at(-1))
  return [...parts.slice(0, -1), last % 2 === 0 ? last + 1 : last - 1 || 2].join('.')
}

function managerEvidence({ firewall: { manager, isHidden } }: Surroundings): readonly string[] {
  const named = manager === 'ufw' || manager === 'firewalld' ? [`${manager} is switched on`] : []
  return isHidden ? [...named, 'only an administrator can read the rules: sudo nft list ruleset'] : named
}
