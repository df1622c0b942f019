// What is kept of the connections to a peer, and which of them are let go.
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeEach, expect, test } from 'vitest'
import { RECORD_PROTOCOL } from '../../src/presence/index.ts'
import { PeerConnections } from '../../src/node/peer-connections.ts'
import type { Dialer } from '../../src/node/dialing/dialer.ts'

const peer = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'
const relay = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const signal = new AbortController().signal

let open: Connection[]
let kept: string[]
let connections: PeerConnections

beforeEach(() => {
  open = []
  kept = []
  connections = new PeerConnections({
    // The smallest part of the dialer: it reaches the newest connection.
    dialer: { connect: async () => open.at(-1) } as unknown as Dialer,
    addresses: {
      keep: async (_peer, address) => {
        kept.push(address)
      }
    },
    unanswered: () => undefined,
    direct: () => undefined,
    libp2p: () => ({ getConnections: () => open, peerStore: undefined as never }),
    kindOf: async () => ({ kind: 'undecided' }),
    isDirectoryInUse: () => false
  })
})

function connected(address: string, protocols: readonly string[] = []): Connection & { closed: boolean } {
  const made = {
    remoteAddr: multiaddr(address),
    direction: 'outbound',
    status: 'open',
    streams: protocols.map((protocol) => ({ protocol })),
    closed: false,
    close: async () => {
      made.closed = true
    }
  }
  open.push(made as unknown as Connection)
  return made as unknown as Connection & { closed: boolean }
}

test('an address that was dialled is kept; the UDP port of a path through routers and a relay are not', async () => {
  for (const address of ['/ip4/11.22.33.44/udp/40123', `/p2p/${relay}/p2p-circuit`, '/ip4/11.22.33.44/tcp/4001']) {
    connected(address)
    await connections.connect(peer, { signal })
  }
  expect(kept).toEqual(['/ip4/11.22.33.44/tcp/4001'])
})

test('beside a LAN connection, relayed ones and those over UDP are closed unless they are used', () => {
  const relayed = connected(`/p2p/${relay}/p2p-circuit`, [RECORD_PROTOCOL])
  const used = connected(`/p2p/${relay}/p2p-circuit`, ['/chat/1.0.0'])
  const punched = connected('/ip4/11.22.33.44/udp/40123', [RECORD_PROTOCOL])
  const lan = connected('/ip4/192.168.1.7/tcp/4001')
  expect(connections.closeSuperseded(peer)).toBe(1)
  expect([relayed, used, punched, lan].map(({ closed }) => closed)).toEqual([true, false, true, false])
})

test('the only path is not closed', () => {
  const punched = connected('/ip4/11.22.33.44/udp/40123')
  expect(connections.closeSuperseded(peer)).toBe(0)
  expect(punched.closed).toBe(false)
})
