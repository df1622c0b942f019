// Dials without waiting for the word that the other side speaks Noise: it is the
// only encryption that Parley offers, so the answer can only be yes, or the end.
// The proposal and the first message of the handshake leave together, which
// saves a round trip of every dial. Knows the agreement, and nothing of Noise.
import type { Transport, Upgrader } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { beforeUpgrade } from './around-upgrade.ts'

/**
 * The whole answer to a proposal that is accepted: two lines, each behind its length.
 *
 * @see https://github.com/multiformats/multistream-select
 */
const accepted = Buffer.from('\u0013/multistream/1.0.0\n\u0007/noise\n')
/** The first line alone: whatever follows, a libp2p node has said it. */
const headerBytes = accepted.indexOf('\n') + 1

/** libp2p keeps the texts of such errors, and not their classes. */
export const NO_NOISE = 'the other side speaks libp2p, and does not speak Noise'
const NO_LIBP2P = 'the other side does not speak libp2p'

/** Transports whose dials expect Noise: `createLibp2p({ transports: [eagerNoise(tcp())] })`. */
export function eagerNoise<Components>(
  transportOf: (components: Components) => Transport
): (components: Components) => Transport {
  return (components) => {
    const transport = transportOf(components)
    const dial = transport.dial.bind(transport)
    transport.dial = async (address, init) => dial(address, { ...init, upgrader: expecting(init.upgrader) })
    return transport
  }
}

function expecting(upgrader: Upgrader): Upgrader {
  return beforeUpgrade(upgrader, ['upgradeOutbound'], (connection, { initiator }) => {
    // In a simultaneous open, one side waits for the other's proposal.
    if (initiator !== false && connection instanceof AbstractMultiaddrConnection) expectYes(connection)
  })
}

/** Gives the answer before it has come, and takes it away when it comes. Another one ends the connection. */
function expectYes(connection: AbstractMultiaddrConnection): void {
  // There is no listener yet: the reader of the answer finds it there.
  connection.push(accepted)
  const take = connection.onData.bind(connection)
  let seen = 0
  connection.onData = (data) => {
    const bytes = data.subarray()
    const expected = accepted.subarray(seen, seen + bytes.byteLength)
    const agreed = seen + lengthOfCommon(bytes, expected)
    seen += expected.byteLength
    if (seen === accepted.byteLength) connection.onData = take
    if (agreed === seen) take(bytes.subarray(expected.byteLength))
    else connection.abort(new Error(agreed >= headerBytes ? NO_NOISE : NO_LIBP2P))
  }
}

/** How many bytes are the same at the beginning of both. */
function lengthOfCommon(bytes: Uint8Array, expected: Uint8Array): number {
  const differs = expected.findIndex((byte, at) => byte !== bytes[at])
  return differs < 0 ? expected.byteLength : differs
}
