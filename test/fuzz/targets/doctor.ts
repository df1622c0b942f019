/** What programs of this machine print when the doctor asks them. Names in it may come from other machines. */
import { readIpNeighbours } from '../../../src/node/doctor/evidence/neighbours.ts'
import { NftRuleset } from '../../../src/node/doctor/evidence/nft-ruleset.ts'
import { dropsOf, type Packet } from '../../../src/node/doctor/evidence/nftables.ts'
import { readTailnet } from '../../../src/node/doctor/evidence/tailnet.ts'
import { defaultRoutes } from '../../../src/transport/default-routes.ts'
import { promise, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const packets: readonly Packet[] = [
  {
    direction: 'in',
    interface: 'eth0',
    protocol: 'udp',
    source: '10.0.0.9',
    sourcePort: 5353,
    target: '224.0.0.251',
    targetPort: 5353
  },
  {
    direction: 'out',
    interface: 'eth0',
    protocol: 'tcp',
    source: '2001:db8::7',
    sourcePort: 50_000,
    target: '2001:db8::9',
    targetPort: 4001
  }
]

const chainNames = ['input', 'output', 'a', 'b', 'ufw-not-local'] as const
const names = ['inet', 'ip', 'ip6', ...chainNames] as const
const lefts: readonly unknown[] = [
  { payload: { protocol: 'tcp', field: 'dport' } },
  { payload: { protocol: 'ip', field: 'saddr' } },
  { payload: { protocol: 'ip6', field: 'daddr' } },
  { meta: { key: 'iifname' } },
  { ct: { key: 'state' } },
  { fib: { result: 'type', flags: ['daddr'] } }
]
const odd: readonly unknown[] = [null, true, {}, [], { toString: 1, valueOf: 1 }, '@a', '@b', -1, 4001, 'et*']

function someValue(reader: InputReader, depth = 0): unknown {
  if (depth > 6) return reader.oneOf(odd)
  switch (reader.below(8)) {
    case 0:
      return reader.list(4, () => someValue(reader, depth + 1))
    case 1:
      return { set: someValue(reader, depth + 1) }
    case 2:
      return { elem: { val: someValue(reader, depth + 1) } }
    case 3:
      return { range: [someValue(reader, depth + 1), someValue(reader, depth + 1)] }
    case 4:
      return { prefix: { addr: reader.oneOf(['10.0.0.0', '2001:db8::', 7, {}]), len: someValue(reader, depth + 1) } }
    case 5:
      return reader.text(12)
    default:
      return reader.oneOf(odd)
  }
}

function someStatement(reader: InputReader): unknown {
  switch (reader.below(6)) {
    case 0:
      return {
        match: {
          op: reader.oneOf(['==', '!=', '<', '>=', 'in', '?']),
          left: someLeft(reader),
          right: someValue(reader)
        }
      }
    case 1:
      return { vmap: { key: someLeft(reader), data: someValue(reader) } }
    case 2:
      return { jump: { target: reader.oneOf(chainNames) } }
    case 3:
      return { goto: { target: reader.oneOf(chainNames) } }
    case 4:
      return { xt: { name: reader.oneOf(['comment', 'addrtype', 'conntrack', 'multiport']) } }
    default:
      return reader.oneOf([{ accept: null }, { drop: null }, { return: null }, { queue: null }])
  }
}

function someLeft(reader: InputReader): unknown {
  return reader.byte() < 240 ? reader.oneOf(lefts) : someValue(reader)
}

function someEntry(reader: InputReader): unknown {
  const place = { family: 'inet', table: reader.byte() < 250 ? 't' : reader.oneOf(odd) }
  switch (reader.below(4)) {
    case 0:
      return {
        chain: { ...place, name: reader.oneOf(names), type: 'filter', hook: reader.oneOf(names), policy: 'drop' }
      }
    case 1:
      return { set: { ...place, name: reader.oneOf(['a', 'b']), elem: someValue(reader) } }
    default:
      return { rule: { ...place, chain: reader.oneOf(chainNames), expr: reader.list(4, () => someStatement(reader)) } }
  }
}

const firewall: FuzzTarget = {
  name: 'firewall-rules',
  reaches: 'the rules of nftables as nft prints them, and what they do to a packet',
  seeds: () => [
    asIs(
      Buffer.from(
        JSON.stringify({
          nftables: [
            { chain: { family: 'inet', table: 't', name: 'input', type: 'filter', hook: 'input', policy: 'drop' } },
            { rule: { family: 'inet', table: 't', chain: 'input', expr: [{ jump: { target: 'a' } }] } },
            { rule: { family: 'inet', table: 't', chain: 'a', expr: [{ jump: { target: 'a' } }, { accept: null }] } }
          ]
        })
      )
    ),
    choices(12, 0, 0, 3, 2, 1, 4),
    choices(40, 1, 2, 3, 4, 5, 6, 7, 8)
  ],
  run(input) {
    const text = Buffer.from(
      bytesOf(input, (reader) => Buffer.from(JSON.stringify({ nftables: reader.list(40, () => someEntry(reader)) })))
    ).toString()
    const ruleset = NftRuleset.read(text)
    if (ruleset === undefined) return
    promise(typeof ruleset.manager === 'string', 'nobody keeps the rules')
    for (const packet of packets) {
      const drops = dropsOf(packet, ruleset)
      promise(drops.length <= ruleset.baseChains.length, 'a chain drops a packet twice')
    }
  }
}

const lines = [
  '10.0.0.7 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE\n',
  'fe80::1 dev eth0 FAILED\n',
  'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n',
  'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n',
  '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n',
  '{"Peer":{"k":{"HostName":"laptop","TailscaleIPs":["100.64.0.2"],"Online":true}}}'
]

const tables: FuzzTarget = {
  name: 'network-tables',
  reaches: 'neighbours, routes and the machines of a tailnet, as the system tells them',
  seeds: () => [...lines.map((line) => asIs(Buffer.from(line))), choices(6, 0, 1, 2, 3, 4, 5)],
  stretchEvery: 50,
  run(input) {
    const text = Buffer.from(
      bytesOf(input, (reader) =>
        Buffer.from(reader.list(12, () => (reader.byte() < 200 ? reader.oneOf(lines) : reader.text(24))).join(''))
      )
    ).toString()
    for (const { ip, interface: name } of readIpNeighbours(text))
      promise(ip !== '' && name !== '', 'a neighbour nowhere')
    for (const { name, ip } of readTailnet(text)) {
      promise(typeof name === 'string' && typeof ip === 'string', 'a machine without a name')
    }
    defaultRoutes(() => text)
  }
}

export const targets: readonly FuzzTarget[] = [firewall, tables]
