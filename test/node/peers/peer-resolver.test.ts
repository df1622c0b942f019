import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import type { Notice } from '../../../src/node/api/notices.ts'
import { PeerResolver } from '../../../src/node/peers/peer-resolver.ts'
import type { KnownPeers, NamedPeer } from '../../../src/node/peers/peer-reference.ts'
import { shortId } from '../../../src/lib/index.ts'
import { UntrustedNameError } from '../../../src/node/api/errors.ts'
import { PeerBook } from '../../../src/storage/index.ts'

const self = '12D3KooWRuMa9Eh2Nbn7CSbFbWJ3REyUd8dTYt8FVhwSfVcdC17F'
const first = { peer: '12D3KooWPKXP6T6dBxTP941cjTLnApFNkEumGpUX35EqGnvgC16b', name: 'twin' }
const second = { peer: '12D3KooWPJbUPDNXbx39JbNwuWDfZG38KkWDJQkneEnCapQrpt8U', name: 'twin' }

/** A network on which the first peer is seen at once, and the others after a look around. */
function resolver(
  later: readonly NamedPeer[],
  away: readonly NamedPeer[] = []
): { resolver: PeerResolver; looked: () => boolean } {
  let hasLooked = false
  const known = (): KnownPeers => ({ self, contacts: [], roster: hasLooked ? [first, ...later] : [first], others: [] })
  return {
    looked: () => hasLooked,
    resolver: new PeerResolver({
      book: PeerBook.inMemory(),
      peers: { known, name: (peer) => peer },
      addresses: { learn: () => undefined },
      dialer: { dial: () => Promise.reject(new Error('nothing is dialled here')) },
      lookAround: async () => {
        hasLooked = true
      },
      isDirectory: async () => false,
      away: async () => away,
      meet: async () => undefined,
      notice: () => undefined
    })
  }
}

describe('before all peers around are known', () => {
  test.each([
    ['a nickname', 'twin'],
    ['the beginning of a peer ID', '12D3KooWP']
  ])('%s that only one peer has so far may still mean another', async (_, words) => {
    const { resolver: early } = resolver([second])
    await expect(early.resolve([words], { trustName: true })).rejects.toThrow(/can mean .*twin.*twin/u)
    const { resolver: alone } = resolver([])
    expect((await alone.resolve([words], { trustName: true })).peer).toBe(first.peer)
  })

  test('a whole unknown peer ID is compared with the peers that appear later, in case it is mistyped', async () => {
    const mistyped = `${second.peer.slice(0, -1)}V`
    await expect(resolver([second]).resolver.resolve([mistyped])).rejects.toThrow(/that of twin begins like it/u)
    expect((await resolver([]).resolver.resolve([mistyped])).peer).toBe(mistyped)
  })

  test('a whole peer ID that is known needs no look around', async () => {
    const { resolver: early, looked } = resolver([second])
    expect((await early.resolve([first.peer])).peer).toBe(first.peer)
    expect(looked()).toBe(false)
  })
})

describe('a peer with a conversation that is no contact and not around', () => {
  const gone = { peer: '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo', name: 'gone' }
  const short = shortId(gone.peer)

  test.each(['gone', 'GONE', short, gone.peer, `gone (${short})`, `! gone (${short})`])(
    'is found by %s',
    async (words) => {
      const found = await resolver([], [gone]).resolver.resolve(words.split(' '), { trustName: true })
      expect(found.peer).toBe(gone.peer)
    }
  )

  test('is a stranger by its name', async () => {
    await expect(resolver([], [gone]).resolver.resolve(['gone'])).rejects.toThrow(UntrustedNameError)
  })

  test('never stands in the way of one that is around', async () => {
    const twin = { ...gone, name: first.name }
    const found = await resolver([], [twin]).resolver.resolve([first.name], { trustName: true })
    expect(found.peer).toBe(first.peer)
  })
})

describe('an address where another key answers than before', () => {
  const place = '/ip4/192.0.2.7/tcp/4001'

  function atPlace(answering: string) {
    const book = PeerBook.inMemory()
    const notices: Notice[] = []
    const connection = { remotePeer: { toString: () => answering }, remoteAddr: multiaddr(place) }
    const dialled = new PeerResolver({
      book,
      peers: { known: () => ({ self, contacts: [], roster: [], others: [] }), name: (peer) => peer },
      addresses: { learn: () => undefined },
      // The smallest part of a connection that learning a key uses.
      dialer: { dial: async () => connection as unknown as Connection },
      lookAround: async () => undefined,
      isDirectory: async () => false,
      away: async () => [],
      meet: async () => undefined,
      notice: (notice) => notices.push(notice)
    })
    return { resolver: dialled, book, notices }
  }

  test('causes a warning each time, and is trusted only when the user names the new ID', async () => {
    const { resolver: changed, book, notices } = atPlace(second.peer)
    await book.setPin(place, first.peer)
    await changed.resolve([place])
    await changed.resolve([place])
    expect(notices.map(({ code }) => code)).toEqual(['key-changed', 'key-changed'])
    await expect(changed.resolve([place], { refuseChangedKey: true })).rejects.toThrow(/another key/)
    await changed.resolve([`${place}/p2p/${second.peer}`])
    await changed.resolve([place])
    expect(notices.map(({ code }) => code)).toEqual(['key-changed', 'key-changed'])
    expect(book.pin(place)).toBe(second.peer)
  })

  test('causes a warning that says so if the old key was verified', async () => {
    const { resolver: changed, book, notices } = atPlace(second.peer)
    await book.setPin(place, first.peer)
    await book.verify(first.peer, 'twin', 1)
    await changed.resolve([place])
    const was = { was: first.peer, peer: second.peer, by: 'address', verified: true }
    expect(notices).toEqual([
      { code: 'key-changed', ...was, text: expect.stringMatching(/\(PKXP6T6dBxTP, verified\)/u) }
    ])
    await expect(changed.resolve([place], { refuseChangedKey: true })).rejects.toThrow(/PKXP6T6dBxTP, verified/u)
  })
})
