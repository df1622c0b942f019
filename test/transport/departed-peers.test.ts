import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { eventually } from '../eventually.ts'
import { FORGET_DEPARTED_MS, departedPeers } from '../../src/transport/departed-peers.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

async function node(isKept: (peer: PeerId) => boolean = () => false) {
  const events: EventTarget[] = []
  const libp2p = await createLibp2p({
    addresses: { listen: [] },
    services: {
      departed: departedPeers({ isKept }),
      spy: (components: { events: EventTarget }) => {
        events.push(components.events)
        return {}
      }
    }
  })
  await libp2p.start()
  onTestFinished(async () => libp2p.stop())
  const known = async (): Promise<number> => (await libp2p.peerStore.all()).length
  /** As libp2p does when a peer has come, told of itself and left. */
  const passes = async (peer: PeerId): Promise<void> => {
    await libp2p.peerStore.merge(peer, { multiaddrs: [multiaddr('/ip4/192.0.2.1/tcp/1')], protocols: ['/chat/1.0.0'] })
    events[0]?.dispatchEvent(new CustomEvent('peer:disconnect', { detail: peer }))
  }
  return { libp2p, known, passes }
}

const somePeer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

test('of identities that came and went nothing is left', async () => {
  const { known, passes } = await node()
  for (let count = 0; count < 2_000; count++) await passes(await somePeer())
  expect(await known()).toBe(2_000)
  await vi.advanceTimersByTimeAsync(FORGET_DEPARTED_MS)
  await eventually(async () => expect(await known()).toBe(0))
})

test('a peer that is kept is not forgotten', async () => {
  const contact = await somePeer()
  const { libp2p, known, passes } = await node((peer) => peer.equals(contact))
  await passes(contact)
  await passes(await somePeer())
  await vi.advanceTimersByTimeAsync(FORGET_DEPARTED_MS)
  await eventually(async () => expect(await known()).toBe(1))
  expect(await libp2p.peerStore.has(contact)).toBe(true)
})
