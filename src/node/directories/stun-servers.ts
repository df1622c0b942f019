// Where a peer asks how it is seen from outside: at the address at which it has reached
// a directory or relay, and at one of the other family that it names.
import { isIPv4 } from 'node:net'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { StunPorts, StunServer } from '../../direct/stun/index.ts'
import { addressRange, canonicalIp } from '../../wire/index.ts'
import { hostPortOf } from '../dialing/address.ts'

/** A place where STUN is answered, as its node has said. */
export interface StunPlace {
  readonly directory: string
  /** Where it was reached. */
  readonly reachedAt: Multiaddr
  readonly stun: StunPorts & { readonly otherAddress?: string }
}

/** The named address counts where it is public and of the other family; it may be another machine's. */
export function stunServersAt({ directory: id, reachedAt, stun }: StunPlace): readonly StunServer[] {
  const host = hostPortOf(reachedAt)?.host
  const ip = canonicalIp(host ?? '')
  if (host === undefined || ip === undefined) return []
  const directory = peerIdFromString(id)
  const ports = [stun.port, stun.otherPort]
  const { otherAddress } = stun
  const isUsable =
    otherAddress !== undefined && isIPv4(otherAddress) !== isIPv4(ip) && addressRange(otherAddress) === 'public'
  return [
    ...ports.map((port) => ({ directory, host, port })),
    ...(isUsable ? ports.map((port) => ({ directory, host: otherAddress, port, isHearsay: true })) : [])
  ]
}
