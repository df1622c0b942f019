/** Who may connect again after an offence, as the connection gater answers. */
import type { MultiaddrConnection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { offenderGater, Offenders } from '../../src/transport/index.ts'

const peer = peerIdFromString('12D3KooWJBz7tcnNcpEW7kbRQqNnLNcjmD3WeuQeUwUzpCdEvRho')
const addressClass = '203.0.113.7'
// As much of a connection as the gater looks at.
const connection = { remoteAddr: multiaddr(`/ip4/${addressClass}/tcp/4001`) } as MultiaddrConnection

test.each([
  ['a stranger', false, [true, true]],
  ['a contact', true, [false, true]]
])('%s that was cut once, and again', async (_who, isKnown, expected) => {
  const offenders = new Offenders()
  const gater = offenderGater({}, offenders, () => isKnown)
  const answers: unknown[] = []
  for (let offences = 0; offences < 2; offences++) {
    offenders.record({ peer: peer.toString(), addressClass }, performance.now())
    answers.push(await gater.denyInboundEncryptedConnection?.(peer, connection))
  }
  expect(answers).toEqual(expected)
  expect(await gater.denyInboundConnection?.(connection)).toBe(false)
})
