import type { ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { withInboundShare } from '../../src/node/inbound-share.ts'

const peer = peerIdFromString('12D3KooWJBz7tcnNcpEW7kbRQqNnLNcjmD3WeuQeUwUzpCdEvRho')

/** As much of a connection as the gater looks at; `end()` closes it. */
function from(host: string) {
  const events = new EventTarget()
  const connection = Object.assign(events, {
    remoteAddr: multiaddr(`/ip4/${host}/tcp/4001`),
    end: () => events.dispatchEvent(new Event('close'))
  })
  return connection as unknown as MultiaddrConnection & { end(): void }
}

async function denies(gater: ConnectionGater, connection: MultiaddrConnection): Promise<boolean> {
  return (await gater.denyInboundConnection?.(connection)) === true
}

describe('handshakes under way', () => {
  it('are no more of one address than its share, and others have theirs', async () => {
    const gater = withInboundShare({}, 2)
    expect(await denies(gater, from('192.0.2.1'))).toBe(false)
    expect(await denies(gater, from('192.0.2.1'))).toBe(false)
    expect(await denies(gater, from('192.0.2.1'))).toBe(true)
    expect(await denies(gater, from('192.0.2.2'))).toBe(false)
  })

  it('are over when the connection stands, or is lost, and count once', async () => {
    const gater = withInboundShare({}, 1)
    const stands = from('192.0.2.1')
    expect(await denies(gater, stands)).toBe(false)
    await gater.denyInboundUpgradedConnection?.(peer, stands)
    const lost = from('192.0.2.1')
    expect(await denies(gater, lost)).toBe(false)
    stands.end()
    expect(await denies(gater, from('192.0.2.1'))).toBe(true)
    lost.end()
    expect(await denies(gater, from('192.0.2.1'))).toBe(false)
  })

  it('leave the word to whoever else has one', async () => {
    const gater = withInboundShare({ denyInboundConnection: () => true, denyInboundUpgradedConnection: () => true }, 5)
    const connection = from('192.0.2.1')
    expect(await denies(gater, connection)).toBe(true)
    expect(await gater.denyInboundUpgradedConnection?.(peer, connection)).toBe(true)
  })
})
