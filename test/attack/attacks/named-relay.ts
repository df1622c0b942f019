// Attacks by a relay that the user of a chat has named: it is believed when it states
// who is at the other end of a circuit, and from which network.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { transportSymbol, type Connection, type PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { randomBytes } from 'node:crypto'
import { circuitAddress } from '../../../src/relay/index.ts'
import { CircuitConnection } from '../../../src/relay/client/circuit-connection.ts'
import {
  HOP_PROTOCOL,
  hopFrames,
  SOURCE_TAG_BYTES,
  STOP_PROTOCOL,
  stopFrames,
  unlimitedReservation
} from '../../../src/relay/relay-frames.ts'
import { Attacker, ChatLine, framed, openStream, type TransportFactory } from '../../fault/attacker.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { again } from '../raw-link.ts'

/** What one stranger may leave as a request. */
const messagesOfOne = 20
/** Guests that stay until the victim takes no more of them: more than it takes circuits of one relay. */
const guestsAtOnce = 128

/** The connection on which the victim has reserved the attacker. */
const reservedBy = new WeakMap<AttackContext, Connection>()

/** Is the relay that the victim looks for, and grants what it asks. */
async function beNamed(context: AttackContext): Promise<void> {
  const relay = await Attacker.start({ listen: `/ip4/127.0.0.1/tcp/${context.target.relayPort}` })
  context.identity(relay.peerId)
  await new Promise<void>((resolve, reject) => {
    relay
      .serve(HOP_PROTOCOL, (stream, connection) => {
        stream.send(framed(hopFrames.encode({ type: 'reserved', reservation: unlimitedReservation })))
        void stream.close().catch(() => undefined)
        reservedBy.set(context, connection)
        resolve()
      })
      .catch(reject)
  })
}

/** The transport of a guest that the relay has made up, whose circuit is from a network that nobody else has. */
function circuitsTo(context: AttackContext, victim: Connection, peer: PeerId): TransportFactory {
  return ({ logger }) => ({
    [transportSymbol]: true,
    [Symbol.toStringTag]: 'hostile circuits',
    dial: async (remoteAddr, { signal, upgrader }) => {
      const stream = await openStream(victim, STOP_PROTOCOL)
      const frames = lpStream(stream)
      const source = randomBytes(SOURCE_TAG_BYTES).toString('hex')
      const offer = stopFrames.encode({ type: 'connect', peer, source })
      context.sent(offer.byteLength)
      await frames.write(offer, { signal })
      const answer = stopFrames.decode((await frames.read({ signal })).subarray())
      if (answer.type !== 'status' || answer.status !== 'ok') throw new Error('the victim refused the circuit')
      const log = logger.forComponent('circuit')
      const circuit = new CircuitConnection({ stream: frames.unwrap(), remoteAddr, direction: 'outbound', log })
      return upgrader.upgradeOutbound(circuit, { signal })
    },
    createListener: () => {
      throw new Error('guests take nothing')
    },
    listenFilter: () => [],
    dialFilter: (addresses) => addresses
  })
}

/** A stranger that comes through the relay, writes as much as one may, and stays. */
async function guest(context: AttackContext, victim: Connection): Promise<Attacker> {
  const key = await generateKeyPair('Ed25519')
  const transport = circuitsTo(context, victim, peerIdFromPrivateKey(key))
  const attacker = await Attacker.start({ key, transport, looksLikeParley: true })
  context.identity(attacker.peerId)
  try {
    const relay = victim.remotePeer.toString()
    const connection = await attacker.connect(circuitAddress(relay, context.target.peer).toString())
    const line = await ChatLine.open(connection)
    for (let count = 0; count < messagesOfOne; count++) {
      const { bytes } = line.message(Buffer.from(`let me in ${count}`))
      context.sent(bytes.byteLength)
      line.write(bytes)
    }
    return attacker
  } catch (error) {
    await attacker.stop()
    throw error
  }
}

export const namedRelayAttacks: readonly Attack[] = [
  {
    name: 'sources-without-end-behind-a-relay',
    does: 'is a relay that the user named, and brings strangers that write, each from a network of its own',
    against: ['chat'],
    isNamedRelay: true,
    needsFreshVictim: true,
    named: true,
    bounds: { cpuMsPerMb: undefined },
    prepare: beNamed,
    run: async (context) => {
      const guests: Attacker[] = []
      await again(context, async () => {
        const victim = reservedBy.get(context)
        if (victim === undefined) throw new Error('the victim has not reserved')
        try {
          guests.push(await guest(context, victim))
          if (guests.length > guestsAtOnce) await guests.shift()?.stop()
        } catch {
          // It takes no more of them: one makes room for the next.
          await guests.shift()?.stop()
        }
      })
    }
  }
]
