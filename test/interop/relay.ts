/**
 * A relay of another libp2p between two peers that name it and know no other way. It
 * ends each connection after 128 KiB, and each reservation by its own clock.
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { addressDialer, type AddressDialer } from '../../src/node/dialing/dialer.ts'
import { circuitAddress, Circuits, NamedRelays, RelayRefusedError } from '../../src/relay/index.ts'
import { hostOptions } from '../../src/transport/index.ts'
import { JsonParley, randomNetwork } from '../fault/json-parley.ts'
import { PeerProcess, type PeerProgram } from './peer-process.ts'

/** Each way; with what Noise, Yamux and the frames add, several times what one connection may carry. */
const messages = 400
const textChars = 1_000

const leaseMs = 20_000
/** go-libp2p looks once a minute for leases that have ended, rust-libp2p at once. */
const leases = 3
const renewMs = 5_000
const hourMs = 3_600_000
const lookMs = 2_000
/** Three times what it takes. */
const patienceMs = 180_000

/** All messages arrive, once and in order, over as many connections as that takes; and both are told of the limits. */
export async function talkWithinLimits(program: PeerProgram): Promise<void> {
  const relay = new PeerProcess(program, ['relay'])
  const network = randomNetwork()
  const args = async (): Promise<string[]> => [
    '--accept',
    'all',
    '--relay-via',
    (await relay.first('listening')).address
  ]
  const started: JsonParley[] = []
  try {
    for (let n = 0; n < 2; n++) started.push(await JsonParley.start({ network, args: await args() }))
    const [anna, berta] = started
    if (anna === undefined || berta === undefined) throw new Error('two were started')
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    for (const one of started) {
      const { text } = await one.until('the relay', () =>
        one.events.find(({ event, code }) => event === 'notice' && code === 'relay')
      )
      assert.match(String(text), /It ends a connection after 2m or after 128 KiB each way/)
    }
    await anna.do({ do: 'chat', peer: bertaId })
    await anna.untilConversation(bertaId, 'open')
    const { path, address } = await anna.do({ do: 'path', peer: bertaId })
    assert.deepEqual([path, address], ['relayed', `/p2p/${(await relay.first('listening')).peerId}/p2p-circuit`])
    anna.tell(texts('anna').map((text) => ({ do: 'send', peer: bertaId, text })))
    berta.tell(texts('berta').map((text) => ({ do: 'send', peer: annaId, text })))
    await Promise.all([berta.untilTexts(annaId, messages), anna.untilTexts(bertaId, messages)])
    assert.deepEqual(berta.textsFrom(annaId), texts('anna'))
    assert.deepEqual(anna.textsFrom(bertaId), texts('berta'))
    const opened = anna.events.filter(({ event, state }) => event === 'conversation' && state === 'open')
    assert.ok(opened.length > 1, 'the relay has ended a connection meanwhile')
  } finally {
    await Promise.all([...started, relay].map(async (one) => one.stop()))
  }
}

/** A peer that renews is reached after the lease of one that does not has ended. */
export async function holdLease(program: PeerProgram): Promise<void> {
  const relay = new PeerProcess(program, ['relay', '--lease', `${leaseMs / 1_000}s`])
  const peers: LeasePeer[] = []
  try {
    const address = multiaddr((await relay.first('listening')).address)
    const relayId = (await relay.first('listening')).peerId
    const clocks = [0, hourMs, -hourMs].map((clockMs) => () => Date.now() + clockMs)
    for (const wallNowMs of clocks) peers.push(await LeasePeer.start(wallNowMs))
    const [dialer, ahead, behind] = peers
    const forgetful = await LeasePeer.start(Date.now)
    peers.push(forgetful)
    if (dialer === undefined || ahead === undefined || behind === undefined) throw new Error('three were started')
    for (const peer of [dialer, ahead, behind]) peer.relays.start([address])
    const signal = AbortSignal.timeout(hourMs)
    await forgetful.circuits.reserveNamed(await forgetful.libp2p.dial(address), { signal })
    await eventually(() => assert.ok(dialer.circuits.named.has(relayId)))
    const endMs = performance.now() + leases * leaseMs
    await eventually(async () => {
      assert.ok(performance.now() > endMs)
      const circuit = dialer.dial(relayId, forgetful, signal)
      await circuit.then(async (connection) => connection.close()).catch(() => undefined)
      await assert.rejects(circuit, (error) => error instanceof RelayRefusedError && error.status === 'no-reservation')
    })
    for (const peer of [ahead, behind]) await (await dialer.dial(relayId, peer, signal)).close()
  } finally {
    await Promise.all(peers.map(async (peer) => peer.stop()))
    await relay.stop()
  }
}

class LeasePeer {
  readonly libp2p: Libp2p<{ dialer: AddressDialer }>
  readonly circuits: Circuits
  readonly relays: NamedRelays

  static async start(wallNowMs: () => number): Promise<LeasePeer> {
    const key = await generateKeyPair('Ed25519')
    const circuits = new Circuits({ isUsed: () => true })
    const libp2p = await createLibp2p<{ dialer: AddressDialer }>({
      ...hostOptions({ key, host: '127.0.0.1', port: 0, circuits, discovery: [], gater: {} }),
      services: { dialer: addressDialer() }
    })
    await libp2p.start()
    return new LeasePeer(libp2p, circuits, wallNowMs)
  }

  private constructor(libp2p: LeasePeer['libp2p'], circuits: Circuits, wallNowMs: () => number) {
    this.libp2p = libp2p
    this.circuits = circuits
    this.relays = new NamedRelays({
      circuits,
      connect: async (address, options) => libp2p.dial(address, options),
      onState: () => undefined,
      maxRenewMs: renewMs,
      wallNowMs
    })
  }

  async dial(relay: string, peer: LeasePeer, signal: AbortSignal) {
    return this.libp2p.services.dialer.dial(circuitAddress(relay, peer.libp2p.peerId.toString()), { signal })
  }

  async stop(): Promise<void> {
    await this.relays.stop()
    await this.libp2p.stop()
  }
}

async function eventually(look: () => unknown): Promise<void> {
  for (const untilMs = performance.now() + patienceMs; ; await delay(lookMs)) {
    try {
      await look()
      return
    } catch (error) {
      if (performance.now() > untilMs) throw error
    }
  }
}

function texts(name: string): readonly string[] {
  return Array.from({ length: messages }, (_, at) => `${name} ${at + 1} `.padEnd(textChars, '-'))
}
