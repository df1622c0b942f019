/** From evidence that is made up to causes: what a network of namespaces would have to be built for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { shortId } from '../../../src/lib/index.ts'
import { doctorCauses } from '../../../src/node/api/doctor-report.ts'
import type { DirectoryView, RouterView } from '../../../src/node/api/chat-events.ts'
import { directoryFindings } from '../../../src/node/doctor/diagnose-directories.ts'
import { lanFindings } from '../../../src/node/doctor/diagnose-lan.ts'
import type { UdpEvidence } from '../../../src/node/doctor/evidence/udp-look.ts'
import { NftRuleset } from '../../../src/node/doctor/evidence/nft-ruleset.ts'
import { reachabilityFindings } from '../../../src/node/doctor/diagnose-reachability.ts'
import { portFindings } from '../../../src/node/doctor/diagnose-port.ts'
import { whyNoConnection } from '../../../src/node/doctor/diagnose-way.ts'
import { peerFindings } from '../../../src/node/doctor/diagnose-peer.ts'
import type { PeerEvidence, Surroundings, Way } from '../../../src/node/doctor/evidence/evidence.ts'
import { noFirewall } from '../../../src/node/doctor/evidence/firewall.ts'
import { readIpNeighbours } from '../../../src/node/doctor/evidence/neighbours.ts'
import { readTailnet } from '../../../src/node/doctor/evidence/tailnet.ts'

const home: Surroundings = {
  interfaces: {
    eth0: [
      {
        address: '192.168.1.7',
        netmask: '255.255.255.0',
        family: 'IPv4',
        mac: '02:00:00:00:00:07',
        internal: false,
        cidr: '192.168.1.7/24'
      }
    ]
  },
  links: [
    {
      name: 'eth0',
      addresses: ['192.168.1.7'],
      families: [{ family: 'ipv4', isHeard: true, failure: undefined }],
      others: 1
    }
  ],
  unused: [],
  searchesLan: true,
  tunnels: new Set(),
  defaultWay: { ipv4: 'eth0', ipv6: undefined },
  firewall: noFirewall
}

const neighbour: Way = {
  host: '192.168.1.8',
  port: 4001,
  link: 'eth0',
  by: 'eth0',
  isAnswering: false,
  hasNeighbours: true,
  otherPort: undefined
}

const connected: DirectoryView = {
  address: '192.168.1.9:8000',
  peer: undefined,
  state: 'connected',
  isDown: false,
  isDefault: false
}

const twoDaysMs = 172_800_000

test('each cause is explained in the guide', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/guide/doctor.md'), 'utf8')
  const missing = Object.keys(doctorCauses).filter((cause) => cause !== 'none' && !guide.includes(`\`${cause}\``))
  expect(missing).toEqual([])
})

test('a LAN that works is not called broken', () => {
  expect(lanFindings(home).map(({ verdict }) => verdict)).toEqual(['ok'])
  expect(portFindings({ port: 4001, takenPort: undefined }, home).map(({ verdict }) => verdict)).toEqual(['ok'])
})

test('a firewall that can not be read, or judged, is a note with the command of the program that keeps the rules', () => {
  const hidden = { ...noFirewall, isHidden: true, needsSudo: true }
  const opened = (manager: 'ufw' | 'firewalld', ruleset?: NftRuleset) =>
    portFindings({ port: 4001, takenPort: undefined }, { ...home, firewall: { ...hidden, manager, ruleset } })
  expect(opened('ufw')).toMatchObject([{ verdict: 'note', commands: ['sudo ufw allow 4001/tcp'] }])
  expect(opened('firewalld')).toMatchObject([
    {
      verdict: 'note',
      commands: ['sudo firewall-cmd --add-port=4001/tcp', 'sudo firewall-cmd --permanent --add-port=4001/tcp']
    }
  ])
  const chain = { family: 'ip', table: 'filter', name: 'INPUT', type: 'filter', hook: 'input', prio: 0, policy: 'drop' }
  const rule = (...expr: readonly object[]) => ({ rule: { family: 'ip', table: 'filter', chain: 'INPUT', expr } })
  const judged = (...rules: readonly object[]) => NftRuleset.read(JSON.stringify({ nftables: [{ chain }, ...rules] }))
  expect(opened('ufw', judged(rule({ xt: null }, { accept: null })))).toMatchObject([{ verdict: 'note' }])
  expect(opened('ufw', judged(rule({ accept: null })))).toMatchObject([{ verdict: 'ok' }])
})

test('a port that is taken is named beside the one that is used instead', () => {
  const [taken] = portFindings({ port: 4002, takenPort: 4001 }, home)
  expect(taken).toMatchObject({ cause: 'port-taken', text: 'port 4001 is taken by another program' })
})

test('what directories see of a UDP socket tells the router', () => {
  const asked = [{ host: '8.8.8.8', port: 8000 }]
  const reach = (udp: Partial<UdpEvidence>) =>
    reachabilityFindings(
      {
        udp: { asked, seenAt: [], mapping: 'unknown', isForbidden: false, ...udp },
        router: undefined,
        relays: 0,
        isSeen: false
      },
      home
    )
  const outside = { host: '203.0.113.9', port: 40_001 }
  expect(reach({ seenAt: [{ host: '192.168.1.7', port: 40_001 }] })).toMatchObject([{ verdict: 'ok' }])
  const unasked = { verdict: 'note', text: 'the router was not asked to let others in, as no parley runs here' }
  expect(reach({ seenAt: [outside], mapping: 'independent' })).toMatchObject([{ verdict: 'ok' }, unasked])
  expect(reach({ seenAt: [outside], mapping: 'varying' })).toMatchObject([
    { verdict: 'note', text: expect.stringContaining('(symmetric)') },
    unasked
  ])
  expect(reach({})).toMatchObject([{ verdict: 'problem', cause: 'udp-blocked', isLikely: true }])
  expect(reach({ isForbidden: true })).toMatchObject([{ cause: 'udp-blocked', isLikely: false }])
  expect(reach({ asked: [] })).toEqual([])
})

test('what a router of a running parley does is said in each state', () => {
  const about = (router: RouterView, ...seenAt: UdpEvidence['seenAt']) => {
    const udp: UdpEvidence = { asked: [], seenAt, mapping: 'unknown', isForbidden: false }
    return reachabilityFindings({ udp, router, relays: 0, isSeen: false }, home).map(({ text }) => text)
  }
  expect(about({ state: 'off' })).toEqual(['the router is not asked to let others in'])
  expect(about({ state: 'off' }, { host: '192.168.1.7', port: 40_001 })).toEqual([])
  expect(about({ state: 'asking' })).toEqual([expect.stringContaining('is being asked')])
  expect(about({ state: 'closed', why: 'by UPnP the router does not answer' })).toEqual([
    'the router lets nobody in: by UPnP the router does not answer'
  ])
  const open = { state: 'open', protocol: 'UPnP', address: '203.0.113.9:4001', isAnnounced: true } as const
  expect(about(open)).toEqual(['the router lets others in at 203.0.113.9:4001 (UPnP)'])
})

test('what several interfaces have in common is said once, and names them', () => {
  const at = (name: string, failure?: { code: string; why: string }) => ({
    name,
    addresses: ['192.168.1.7'],
    families: [{ family: 'ipv4' as const, isHeard: failure === undefined, failure }],
    others: 0
  })
  const [quiet, ...more] = lanFindings({ ...home, links: [at('eth0'), at('wlan0'), at('docker0')] })
  expect(quiet?.text).toBe('mDNS works at eth0, wlan0 and docker0: no other machine was heard just now')
  expect(more).toEqual([])
  const unrouted = { code: 'ENETUNREACH', why: 'no route' }
  expect(lanFindings({ ...home, links: [at('eth0', unrouted), at('wlan0', unrouted)] })).toMatchObject([
    {
      text: 'peers on the LAN at eth0 and wlan0 cannot be found: no route',
      advice: 'Restore the multicast route at eth0 and wlan0',
      commands: ['ip route add 224.0.0.0/4 dev eth0', 'ip route add 224.0.0.0/4 dev wlan0']
    }
  ])
})

test('no command names an interface whose name a shell would read otherwise', () => {
  const hostile = ['eth0;reboot', '$(id)', '-x', 'a b', "a'b", '`id`']
  const unused = hostile.map((name) => ({ name, why: 'it can not multicast' }))
  const links = hostile.map((name) => ({
    name,
    addresses: ['192.168.1.7'],
    families: [{ family: 'ipv4' as const, isHeard: false, failure: { code: 'ENETUNREACH', why: 'no route' } }],
    others: 0
  }))
  const found = lanFindings({ ...home, unused, links })
  expect(found.length).toBeGreaterThan(0)
  expect(found.flatMap(({ commands }) => commands)).toEqual([])
  for (const link of hostile) {
    const way = { ...neighbour, link, by: 'tun0' }
    const seen = { ...home, tunnels: new Set(['tun0']) }
    const { cause, commands } = whyNoConnection({ way, failure: 'silent', seen, isOnline: false })
    expect([cause, commands]).toEqual(['vpn-route', []])
  }
})

test('a path through a relay is named by the directory that relays, or by the short ID of another relay', () => {
  const relay = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'
  const place = `/ip4/203.0.113.7/tcp/8000/p2p/${relay}/p2p-circuit`
  const peer: PeerEvidence = {
    peer: '12D3',
    name: 'berta',
    isBlocked: false,
    isOnline: true,
    path: { kind: 'relayed', relay, address: place, rttMs: 12, noDirect: { why: 'UDP is blocked on this side' } },
    tried: {
      trials: [
        { place, kind: 'relayed', relay, host: undefined, port: undefined, outcome: { is: 'open', tookMs: 29.5 } }
      ],
      refused: []
    },
    ways: new Map(),
    directories: new Map()
  }
  expect(peerFindings(peer, home, 0).map(({ text }) => text)).toEqual([
    `berta is connected (relayed by ${shortId(relay)}, 12 ms)`,
    'berta has no direct path: UDP is blocked on this side',
    `berta answers, relayed by ${shortId(relay)} (in 30 ms)`
  ])
  const [known] = peerFindings({ ...peer, directories: new Map([[relay, '203.0.113.7:8000']]) }, home, 0)
  expect(known?.text).toBe(`berta is connected (relayed by the directory 203.0.113.7:8000 (${shortId(relay)}), 12 ms)`)
})

test('mDNS that works over one family only is a note', () => {
  const families = [
    { family: 'ipv4', isHeard: true, failure: undefined },
    { family: 'ipv6', isHeard: false, failure: { code: 'ENETUNREACH', why: 'no route' } }
  ] as const
  const [link] = home.links
  const seen = { ...home, links: link === undefined ? [] : [{ ...link, families }] }
  expect(lanFindings(seen)).toMatchObject([{ verdict: 'note', cause: 'no-multicast-route' }])
})

test('a forbidden send is a kill switch only where a VPN has the default route', () => {
  const families = [{ family: 'ipv4', isHeard: false, failure: { code: 'EPERM', why: 'forbidden' } }] as const
  const [link] = home.links
  const seen = { ...home, links: link === undefined ? [] : [{ ...link, families }] }
  expect(lanFindings(seen)).toMatchObject([{ cause: 'firewall-mdns-out' }])
  const behindVpn = { ...seen, tunnels: new Set(['wg0']), defaultWay: { ipv4: 'wg0', ipv6: undefined } }
  expect(lanFindings(behindVpn)).toMatchObject([{ cause: 'kill-switch', isLikely: true }])
})

test('a VPN beside a LAN that works is a note', () => {
  const seen = { ...home, tunnels: new Set(['wg0']), defaultWay: { ipv4: 'wg0', ipv6: undefined } }
  expect(lanFindings(seen).map(({ verdict }) => verdict)).toEqual(['ok', 'note'])
})

test('isolation is told from a firewall by who answers the question who has the address', () => {
  const silent = { failure: 'silent', seen: home } as const
  const isolated = whyNoConnection({ ...silent, way: neighbour, isOnline: true })
  expect(isolated).toMatchObject({ cause: 'isolated', isLikely: true })
  expect(whyNoConnection({ ...silent, way: neighbour, isOnline: false })).toMatchObject({ cause: 'no-neighbour' })
  const answering = { ...neighbour, isAnswering: true }
  expect(whyNoConnection({ ...silent, way: answering, isOnline: true })).toMatchObject({ cause: 'peer-firewall' })
  const refused = whyNoConnection({ ...silent, failure: 'refused', way: answering, isOnline: true })
  expect(refused).toMatchObject({ cause: 'nothing-listens', isLikely: false })
})

test('only a tunnel on the way to the own network is blamed for it', () => {
  const way = { ...neighbour, by: 'eth1' }
  const question = { way, failure: 'silent', seen: home, isOnline: false } as const
  expect(whyNoConnection(question).cause).toBe('no-neighbour')
  const seen = { ...home, tunnels: new Set(['eth1']) }
  expect(whyNoConnection({ ...question, seen }).cause).toBe('vpn-route')
})

test('two directories that agree leave no doubt about the clock, one does, and one that disagrees clears it', () => {
  const evidence = (...ahead: readonly number[]) =>
    ahead.map((clockAheadMs, index) => ({
      view: { ...connected, address: `192.168.1.${index + 20}:8000`, clockAheadMs },
      tried: undefined
    }))
  const clocks = (...ahead: readonly number[]) =>
    directoryFindings(evidence(...ahead), home).filter(({ cause }) => cause === 'clock')
  expect(clocks(twoDaysMs, twoDaysMs + 500)).toMatchObject([
    { isLikely: false, text: expect.stringContaining('2 days behind') }
  ])
  expect(clocks(-twoDaysMs)).toMatchObject([{ isLikely: true, text: expect.stringContaining('2 days ahead of') }])
  expect(clocks(twoDaysMs, 20)).toEqual([])
  expect(clocks(1_000)).toEqual([])
})

test('neighbours and machines of a tailnet are read as the programs print them', () => {
  const text =
    '10.0.0.1 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE\n10.0.0.2 dev eth0  FAILED\nfe80::1 dev eth0 lladdr 02:00:00:00:00:01 router STALE\n'
  expect(readIpNeighbours(text)).toEqual([
    { ip: '10.0.0.1', interface: 'eth0', isAnswering: true },
    { ip: '10.0.0.2', interface: 'eth0', isAnswering: false },
    { ip: 'fe80::1', interface: 'eth0', isAnswering: true }
  ])
  const status = {
    Peer: {
      a: { HostName: 'laptop', TailscaleIPs: ['100.64.0.2', 'fd7a::2'], Online: true },
      b: { HostName: 'off', TailscaleIPs: ['100.64.0.3'], Online: false },
      c: { HostName: 'odd', TailscaleIPs: 'none', Online: true },
      d: { HostName: { toString: 1 }, TailscaleIPs: ['100.64.0.4'], Online: true }
    }
  }
  expect(readTailnet(JSON.stringify(status))).toEqual([{ name: 'laptop', ip: '100.64.0.2' }])
  expect(readTailnet('tailscale is stopped')).toEqual([])
})

test('of a peer that is looked for it says why the last try failed and when the next comes, and the cause of each path', () => {
  const peer: PeerEvidence = {
    peer: '12D3',
    name: 'berta',
    isBlocked: false,
    isOnline: true,
    path: { kind: 'none', why: 'nothing answered', retryAtMs: 12_500 },
    tried: {
      trials: [
        {
          place: '192.168.1.8:4001',
          kind: 'lan',
          relay: undefined,
          host: '192.168.1.8',
          port: 4001,
          outcome: { is: 'failed', failure: 'silent', why: 'nothing answered at 192.168.1.8:4001' }
        }
      ],
      refused: []
    },
    ways: new Map([['192.168.1.8', neighbour]]),
    directories: new Map()
  }
  expect(peerFindings(peer, home, 2_500)).toMatchObject([
    {
      verdict: 'note',
      text: 'berta is looked for, and the last try failed: nothing answered; the next try is in 10 s'
    },
    { verdict: 'problem', cause: 'isolated', text: 'nothing answered at 192.168.1.8:4001' }
  ])
  // Where another path works it is a note, which says why all the same.
  const path = { kind: 'direct', address: '/ip4/203.0.113.5/tcp/4001', host: '203.0.113.5' } as const
  const [reached, missed] = peerFindings({ ...peer, path }, home, 0)
  expect(reached?.text).toBe('berta is connected (direct, 203.0.113.5)')
  expect([missed?.verdict, missed?.evidence[0]]).toEqual([
    'note',
    'likely cause: the access point, or the switch, keeps its clients apart'
  ])
  const [blocked] = peerFindings({ ...peer, isBlocked: true }, home, 0)
  expect(blocked).toMatchObject({ verdict: 'problem', cause: 'blocked' })
  const [unknown] = peerFindings(
    { ...peer, path: { kind: 'none', why: '' }, tried: { trials: [], refused: [] } },
    home,
    0
  )
  expect(unknown).toMatchObject({ verdict: 'problem', cause: 'no-address' })
})
