/**
 * Guards a connection while it has no key yet: until it is encrypted and
 * multiplexed a remote may send no more than a handshake takes, and must keep to
 * the rules of the negotiation. Knows bytes and messages of multistream-select,
 * and nothing of Noise.
 */

import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { MAX_UPGRADE_BYTES, MisbehaviourError } from '../../wire/index.ts'
import { guardNegotiation, isTakingStream } from './negotiation.ts'
import { beforeUpgrade } from './around-upgrade.ts'

type OnBreach = (error: MisbehaviourError, connection: MultiaddrConnection) => void

/** Transports whose upgrades are guarded: `createLibp2p({ transports: [guardedUpgrade(tcp(), onBreach)] })`. */
export function guardedUpgrade<Components>(
  transportOf: (components: Components) => Transport,
  onBreach: OnBreach
): (components: Components) => Transport {
  return (components) => {
    const transport = transportOf(components)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    transport.dial = async (address, init) => dial(address, { ...init, upgrader: guarded(init.upgrader, onBreach) })
    transport.createListener = (init) => createListener({ ...init, upgrader: guarded(init.upgrader, onBreach) })
    return transport
  }
}

function guarded(upgrader: Upgrader, onBreach: OnBreach): Upgrader {
  return beforeUpgrade(upgrader, ['upgradeInbound', 'upgradeOutbound'], (connection, { initiator }) => {
    const cut = (error: MisbehaviourError): void => {
      connection.abort(error)
      onBreach(error, connection)
    }
    const end = countBytes(connection, cut)
    // In a simultaneous open, the side that is not the initiator is asked, as a listener is.
    const isAsked = connection.direction === 'inbound' || initiator === false
    // A dialer knows the whole answer in advance: see eager-noise.ts.
    if (isAsked) guardNegotiation(connection, (message) => upgrader.getConnectionEncrypters().has(message), cut)
    return end
  })
}

/** @returns ends the count */
function countBytes(
  connection: MultiaddrConnection,
  cut: (error: MisbehaviourError) => void
): (() => void) | undefined {
  if (!isTakingStream(connection)) return undefined
  const take = connection.onData.bind(connection)
  let leftBytes = MAX_UPGRADE_BYTES
  const counted = (bytes: Uint8Array | Uint8ArrayList): void => {
    leftBytes -= bytes.byteLength
    if (leftBytes >= 0) take(bytes)
    else
      cut(new MisbehaviourError('handshake', `sent more than ${MAX_UPGRADE_BYTES} bytes before its handshake was over`))
  }
  connection.onData = counted
  return () => {
    leftBytes = Number.POSITIVE_INFINITY
    if (connection.onData === counted) connection.onData = take
  }
}
