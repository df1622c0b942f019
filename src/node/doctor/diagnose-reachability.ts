// How others elsewhere reach this machine: at an address of its own, through a router of
// some kind, or by relays. Pure.
import type { RouterView } from '../api/chat-events.ts'
import type { DoctorFinding } from '../api/doctor-report.ts'
import { OwnNetwork } from '../dialing/own-network.ts'
import { addressOn, type ReachEvidence, type Surroundings } from './evidence/evidence.ts'
import { fine, note, problem } from './finding.ts'
import { droppedBy, dropText, openingCommands } from './evidence/firewall.ts'
import { type Packet, SOME_SOURCE_PORT } from './evidence/nftables.ts'
import type { UdpEvidence } from './evidence/udp-look.ts'

export function reachabilityFindings(
  { udp, router, relays, isSeen }: ReachEvidence,
  seen: Surroundings
): readonly DoctorFinding[] {
  return [
    ...udpFindings(udp, seen),
    ...routerFindings(router, whereSeen(udp, seen)),
    ...(isSeen ? relayFindings(relays) : [])
  ]
}

/** Where directories see this machine: at an address of its own, or of a router; undefined where none has said. */
function whereSeen({ seenAt: [first] }: UdpEvidence, { interfaces }: Surroundings): 'here' | 'router' | undefined {
  if (first === undefined) return undefined
  return new OwnNetwork(interfaces).isOwn(first.host) ? 'here' : 'router'
}

function routerFindings(router: RouterView | undefined, at: ReturnType<typeof whereSeen>): readonly DoctorFinding[] {
  if (router === undefined && at === 'router') {
    return [
      note('reachability', 'the router was not asked to let others in, as no parley runs here', {
        advice: 'Start parley and run doctor again: it says what the router does then'
      })
    ]
  }
  // No router is in the way.
  if (router === undefined || (at === 'here' && router.state !== 'open')) return []
  switch (router.state) {
    case 'open': {
      const text = `the router lets others in at ${router.address} (${router.protocol})`
      if (router.isAnnounced) return [fine('reachability', text)]
      return [note('reachability', text, { evidence: ['by its own word: no directory has seen this machine there'] })]
    }
    case 'closed':
      return [note('reachability', `the router lets nobody in: ${router.why}`)]
    case 'off':
      return [
        note('reachability', 'the router is not asked to let others in', {
          advice: 'With the setting portMapping on, Parley asks it (parley config shows the setting)'
        })
      ]
    case 'asking':
      return [fine('reachability', 'the router is being asked to let others in: run doctor again in some seconds')]
  }
}

function udpFindings(udp: UdpEvidence, seen: Surroundings): readonly DoctorFinding[] {
  const [first] = udp.seenAt
  if (udp.asked.length === 0) return []
  if (first === undefined) return [noUdp(udp, seen)]
  if (whereSeen(udp, seen) === 'here') {
    return [
      fine(
        'reachability',
        `directories see this machine at its own address, ${first.host}: no router on the way translates it`
      )
    ]
  }
  const evidence = [`directories see it at ${udp.seenAt.map(({ host, port }) => `${host}:${port}`).join(', ')}`]
  switch (udp.mapping) {
    case 'independent':
      return [
        fine('reachability', 'the router before this machine keeps one port towards all: direct paths can be made', {
          evidence
        })
      ]
    case 'varying':
      return [
        note(
          'reachability',
          'the router before this machine takes another port towards each destination (symmetric): with such a router on ' +
            'both sides a relay carries the conversation',
          { evidence }
        )
      ]
    case 'unknown':
      return [note('reachability', 'this machine is behind a router; one answer does not show what kind', { evidence })]
  }
}

/** TCP reached them, UDP did not. */
function noUdp({ asked, isForbidden }: UdpEvidence, seen: Surroundings): DoctorFinding {
  const [place] = asked
  const by = seen.defaultWay.ipv4
  const leaving: Packet | undefined =
    place === undefined || by === undefined
      ? undefined
      : {
          direction: 'out',
          interface: by,
          protocol: 'udp',
          source: addressOn(by, place.host, seen.interfaces) ?? '0.0.0.0',
          sourcePort: SOME_SOURCE_PORT,
          target: place.host,
          targetPort: place.port
        }
  const drops = leaving === undefined ? [] : droppedBy(seen.firewall, leaving)
  return problem(
    'reachability',
    'udp-blocked',
    'no UDP gets through to the directories: only relays lead to peers elsewhere',
    {
      isLikely: drops.length === 0 && !isForbidden,
      evidence: [
        `of ${asked.map(({ host, port }) => `${host}:${port}`).join(', ')} none answered over UDP, and TCP reaches them`,
        ...(isForbidden ? ['the system forbids sending there'] : []),
        ...(leaving === undefined ? [] : drops.map((drop) => dropText(drop, leaving)))
      ],
      advice:
        drops.length > 0
          ? 'Let UDP out'
          : 'Conversations go on through relays. Ask the administrator of this network, or of the directory, to let UDP through',
      commands: leaving === undefined ? [] : openingCommands(seen.firewall, leaving, false)
    }
  )
}

function relayFindings(relays: number): readonly DoctorFinding[] {
  if (relays === 0) {
    return [
      note(
        'reachability',
        'no directory relays to you: peers elsewhere reach you at an address of yours, or not at all'
      )
    ]
  }
  const which = relays === 1 ? 'one directory relays' : `${relays} directories relay`
  return [fine('reachability', `${which} to you where there is no direct path`)]
}
