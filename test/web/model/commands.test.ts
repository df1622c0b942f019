// What the page offers to copy into a terminal: made of addresses of others.
import { describe, expect, test } from 'vitest'
import { chatCommand, joinWith } from '../../../src/web/model/commands.ts'
import { fromSnapshot, type Peer, type RosterModel } from '../../../src/web/model/roster-model.ts'

const id = '12D3KooWSgPXpty5DASE'

function roster(over: { readonly addresses?: readonly string[]; readonly network?: string }): RosterModel {
  const { addresses = [], network = 'parley' } = over
  const snapshot = { network, directory: 'd', addresses, now: 0, total: 0, directories: [], recent: [], peers: [] }
  return fromSnapshot({ ...snapshot, more: false }, [], 0)
}

function peer(addresses: readonly string[], path: Peer['path'] = 'lan'): Peer {
  const json = { peer: id, shortId: 'SgPX', nickname: 'anna', status: '', since: 0, seq: '1', directories: [], path }
  const snapshot = { network: 'parley', directory: 'd', addresses: [], now: 0, total: 1, directories: [], recent: [] }
  const { byName } = fromSnapshot({ ...snapshot, peers: [], more: false }, [{ ...json, addresses }], 0)
  const [one] = byName
  if (one === undefined) throw new Error('there is one')
  return one
}

const all = [
  '/ip4/127.0.0.1/tcp/4001',
  '/ip6/fd00::7/tcp/4001',
  '/ip4/192.168.1.7/tcp/4001',
  '/ip4/10.0.0.7/tcp/4001/p2p/12D3KooWSgPXpty5DASE'
]

describe('to talk to a peer', () => {
  test.each([
    ['an IPv4 address for others', all, '192.168.1.5', 'parley chat 192.168.1.7 4001'],
    ['the address of the page’s own machine', all, '10.0.0.7', 'parley chat 10.0.0.7 4001'],
    ['IPv6 where there is nothing else', ['/ip6/fd00::7/tcp/4001'], 'localhost', 'parley chat fd00::7 4001'],
    ['a name', ['/dns4/anna.example/tcp/4001'], 'localhost', 'parley chat anna.example 4001'],
    ['loopback for peers on that machine', ['/ip4/127.0.0.1/tcp/4001'], '127.0.0.1', 'parley chat 127.0.0.1 4001'],
    ['the ID where loopback is another machine', ['/ip4/127.0.0.1/tcp/4001'], '192.168.1.5', `parley chat ${id}`],
    ['the ID where there is no address', [], 'localhost', `parley chat ${id}`],
    [
      'the ID where only one link leads to it',
      ['/ip6zone/eth0/ip6/fe80::1/tcp/4001', '/ip4/169.254.1.1/tcp/1'],
      'h',
      `parley chat ${id}`
    ],
    [
      'the ID where the address is a relay’s',
      ['/ip4/10.0.0.1/tcp/1/p2p/12D3KooW/p2p-circuit'],
      'h',
      `parley chat ${id}`
    ],
    ['the ID where it is no TCP', ['/ip4/10.0.0.1/udp/1/quic-v1'], 'h', `parley chat ${id}`]
  ])('it has %s', (_, addresses, pageHost, command) => {
    expect(chatCommand(peer(addresses), pageHost)).toBe(command)
  })

  test('through a relay it has the ID, whatever addresses are announced', () => {
    expect(chatCommand(peer(all, 'relayed'), '192.168.1.5')).toBe(`parley chat ${id}`)
  })

  test.each([
    '/dns4/$(reboot)/tcp/1',
    '/dns4/a;reboot/tcp/1',
    '/dns4/-oProxy/tcp/1',
    '/dns4/a b/tcp/1',
    '/dns4/a\n/tcp/1',
    '/ip4/1.2.3.4/tcp/1;reboot',
    '/dns4/a\u202e/tcp/1'
  ])('nothing of %j comes into it', (address) => {
    expect(chatCommand(peer([address]), 'localhost')).toBe(`parley chat ${id}`)
  })
})

describe('to join', () => {
  test.each([
    [all, '127.0.0.1', { command: 'parley --directory 192.168.1.7:4001', isLocal: false }],
    [all, '[fd00::7]', { command: 'parley --directory [fd00::7]:4001', isLocal: false }],
    [['/ip4/127.0.0.1/tcp/8000'], 'localhost', { command: 'parley --directory 8000', isLocal: true }],
    [['/ip4/127.0.0.1/tcp/8000'], 'roster.example', undefined],
    [[], 'localhost', undefined]
  ])('%j as seen from %s', (addresses, pageHost, join) => {
    expect(joinWith(roster({ addresses }), pageHost)).toEqual(join)
  })

  test('a relay without a roster is named as one', () => {
    const relay = { ...roster({ addresses: all, network: 'lab' }), isRelayOnly: true }
    expect(joinWith(relay, 'localhost')?.command).toBe('parley --relay-via 192.168.1.7:4001')
  })

  test('another network is named', () => {
    const { command } = joinWith(roster({ addresses: all, network: 'lab' }), 'localhost') ?? {}
    expect(command).toBe('parley --directory 192.168.1.7:4001 --network lab')
  })
})
