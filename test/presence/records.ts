// Records and keys for the tests of this folder.
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface'
import { sealRecord } from '../../src/presence/index.ts'
import type { PresenceInit, VerifiedRecord } from '../../src/presence/index.ts'

export interface Identity {
  readonly key: Ed25519PrivateKey
  readonly peer: PeerId
  readonly id: string
}

/** The same number gives the same identity. */
export async function identity(n: number): Promise<Identity> {
  const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(n))
  const peer = peerIdFromPrivateKey(key)
  return { key, peer, id: peer.toString() }
}

export const presence: PresenceInit = {
  seq: 1_000n,
  issuedAtMs: 1_000,
  nickname: 'ada',
  status: 'here',
  addresses: [multiaddr('/ip4/192.0.2.7/tcp/4001')],
  capabilities: ['chat/1'],
  network: 'test'
}

export function sealedBy(who: Identity, over: Partial<PresenceInit> = {}): Promise<VerifiedRecord> {
  return sealRecord({ ...presence, ...over }, who.key)
}
