import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { LinkDoubts } from '../../../src/node/dialing/link-doubts.ts'

/** A node connected with one peer, and the links that it has doubted: that one, or all. */
function connectedTo(remoteAddr: string, isOnNetwork = true) {
  const doubted: string[] = []
  const asked: string[] = []
  // Of a connection only its address is looked at.
  const connection = { remoteAddr: multiaddr(remoteAddr) } as Connection
  const toDirectory = { remoteAddr: multiaddr('/ip4/11.22.33.44/tcp/443') } as Connection
  const doubts = new LinkDoubts({
    links: () => ({
      ask: (one) => asked.push(one.remoteAddr.toString()),
      doubt: (one) => doubted.push(one?.remoteAddr.toString() ?? 'all')
    }),
    connection: (peer) => (peer === 'anna' ? connection : peer === 'directory' ? toDirectory : undefined),
    directories: () => ['directory', 'another'],
    isOnNetwork: () => isOnNetwork
  })
  return { doubts, doubted, asked }
}

const at = (...hosts: readonly string[]) => hosts.map((host) => multiaddr(`/ip4/${host}/tcp/4001`))

test('all links are in doubt after a change of the network, and none while there is no network', () => {
  const { doubts, doubted } = connectedTo('/ip4/192.168.1.7/tcp/4001')
  doubts.networkChanged()
  expect(doubted).toEqual(['all'])
  const without = connectedTo('/ip4/192.168.1.7/tcp/4001', false)
  without.doubts.networkChanged()
  expect(without.doubted).toEqual([])
})

test('all links are in doubt when a directory is lost, and none when another peer is', () => {
  const { doubts, doubted } = connectedTo('/ip4/192.168.1.7/tcp/4001')
  doubts.disconnected('anna')
  expect(doubted).toEqual([])
  doubts.disconnected('directory')
  expect(doubted).toEqual(['all'])
})

test('when a peer does not answer, its link and those of directories are asked, and none is in doubt yet', () => {
  const { doubts, doubted, asked } = connectedTo('/ip4/11.22.33.55/udp/40123')
  doubts.unanswered('anna')
  expect(asked).toEqual(['/ip4/11.22.33.55/udp/40123', '/ip4/11.22.33.44/tcp/443'])
  expect(doubted).toEqual([])
})

test('the link of a peer is in doubt when the peer has left the address to which it leads', () => {
  const address = '/ip4/192.168.1.7/tcp/50123'
  const { doubts, doubted } = connectedTo(address)
  doubts.moved('anna', at('192.168.1.7', '10.0.0.2'), at('192.168.1.7'))
  // Its router's address, which it never announced.
  doubts.moved('anna', at('192.168.1.8'), at('192.168.1.9'))
  doubts.moved('berta', at('192.168.1.8'), at('192.168.1.7'))
  expect(doubted).toEqual([])
  doubts.moved('anna', at('192.168.1.8'), at('192.168.1.7', '10.0.0.2'))
  expect(doubted).toEqual([address])
})

test('a relayed link says nothing about where its peer is', () => {
  const relay = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
  const { doubts, doubted } = connectedTo(`/p2p/${relay}/p2p-circuit`)
  doubts.moved('anna', at('192.168.1.8'), at('192.168.1.7'))
  expect(doubted).toEqual([])
})
