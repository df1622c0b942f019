/** The directory's part of STUN, on loopback. */
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Logger } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, onTestFinished, test } from 'vitest'
import {
  SIGHTING_NONCE_BYTES,
  StunClient,
  stunResponder,
  verifySighting,
  type StunOutcome,
  type StunResponder,
  type StunResponderInit,
  type StunServer
} from '../../../src/direct/stun/index.ts'
import { STUN_RATE, STUN_RATE_OF_CLASS } from '../../../src/direct/stun/stun-responder.ts'
import { decodeAnswer, encodeAnswer, encodeRequest } from '../../../src/direct/stun/stun-message.ts'
import { STUN_OTHER_PORT_OFFSET } from '../../../src/direct/stun/stun-sockets.ts'
import { eventually } from '../../eventually.ts'

const key = await generateKeyPair('Ed25519')
const quiet: Logger = Object.assign((): void => undefined, {
  enabled: false,
  error: (): void => undefined,
  trace: (): void => undefined,
  newScope: (): Logger => quiet
})
const directory = peerIdFromPrivateKey(key)

interface Running {
  readonly responder: StunResponder
  readonly outcomes: StunOutcome[]
  readonly problems: Error[]
}

async function running(init: Partial<StunResponderInit> = {}): Promise<Running> {
  const outcomes: StunOutcome[] = []
  const problems: Error[] = []
  const port = init.port ?? (await freeUdpPort())
  const responder = stunResponder({
    host: '127.0.0.1',
    port,
    onProblem: (error) => problems.push(error),
    metrics: { asked: (outcome) => outcomes.push(outcome) },
    ...init
  })({ privateKey: key, logger: { forComponent: () => quiet } })
  onTestFinished(async () => responder.stop())
  await responder.start()
  return { responder, outcomes, problems }
}

async function udp(type: 'udp4' | 'udp6', host: string, port = 0): Promise<Socket> {
  const socket = createSocket(type)
  onTestFinished(() => {
    socket.close()
  })
  const listening = once(socket, 'listening')
  socket.bind(port, host)
  await listening
  return socket
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  const listening = once(socket, 'listening')
  socket.bind(0, '127.0.0.1')
  await listening
  const { port } = socket.address()
  const closed = once(socket, 'close')
  socket.close()
  await closed
  // Below the range from which other tests get theirs, so that the two ports above it stay free.
  return port - 20_000
}

function serversOf({ responder }: Running, host: string): readonly StunServer[] {
  const { ports } = responder
  if (ports === undefined) throw new Error('it does not answer')
  return [
    { directory, host, port: ports.port },
    { directory, host, port: ports.otherPort }
  ]
}

function clientOf(socket: Socket): StunClient {
  const stun = new StunClient((bytes, { host, port }) => socket.send(bytes, port, host))
  socket.on('message', (bytes, { address, port }) => stun.received(bytes, { host: address, port }))
  return stun
}

test.for([
  ['udp4', '127.0.0.1'],
  ['udp6', '::1']
] as const)('both ports say and sign where a socket of %s is seen', async ([type, host]) => {
  const node = await running({ host: undefined })
  const socket = await udp(type, host)
  const owner = {
    peer: peerIdFromPrivateKey(await generateKeyPair('Ed25519')),
    nonce: randomBytes(SIGHTING_NONCE_BYTES)
  }
  const { signal } = new AbortController()
  const seen = await clientOf(socket).look({
    servers: serversOf(node, host),
    peerId: owner.peer,
    nonce: owner.nonce,
    signal
  })
  expect(seen.mapping).toBe('independent')
  expect(seen.sightings).toMatchObject([{ address: host, port: socket.address().port }])
  for (const sighting of seen.sightings) {
    expect(await verifySighting(sighting, { ...owner, own: seen.sightings })).toBe(true)
  }
  // A request that was not answered at once is sent again.
  expect(node.outcomes.length).toBeGreaterThanOrEqual(2)
  expect(new Set(node.outcomes)).toEqual(new Set(['answered']))
})

test('only requests that are as long as their answer get one; without a tag it is unsigned', async () => {
  const node = await running()
  const [server] = serversOf(node, '127.0.0.1')
  const socket = await udp('udp4', '127.0.0.1')
  const answers: Uint8Array[] = []
  socket.on('message', (bytes) => answers.push(bytes))
  const transaction = randomBytes(12)
  const send = (bytes: Uint8Array): void => socket.send(bytes, server?.port ?? 0, '127.0.0.1')
  send(randomBytes(40))
  // An answer is not answered: two directories can't be set on each other.
  send(encodeAnswer({ transaction, address: '127.0.0.1', port: 7 }))
  const bare = Buffer.from('000100002112a442000000000000000000000000', 'hex')
  send(bare)
  await eventually(() => expect(node.outcomes).toEqual(['malformed', 'malformed', 'too-short']))
  send(encodeRequest({ transaction }))
  await eventually(() => expect(answers).toHaveLength(1))
  const [answer = new Uint8Array()] = answers
  expect(decodeAnswer(answer)).toEqual({
    transaction: new Uint8Array(transaction),
    address: '127.0.0.1',
    port: socket.address().port
  })
  expect(answer.byteLength).toBeLessThanOrEqual(encodeRequest({ transaction }).byteLength)
})

test('one address gets no more than its rate, and takes no more than that from the rate of all', async () => {
  const node = await running({ now: () => 0 })
  const [server] = serversOf(node, '127.0.0.1')
  const ask = async (host: string, count: number): Promise<void> => {
    const socket = await udp('udp4', host)
    const before = node.outcomes.length
    for (let sent = 1; sent <= count; sent++) {
      socket.send(encodeRequest({ transaction: randomBytes(12) }), server?.port ?? 0, '127.0.0.1')
      // A few at a time: a full buffer of the receiver loses datagrams.
      if (sent % 32 === 0 || sent === count) await eventually(() => expect(node.outcomes).toHaveLength(before + sent))
    }
  }
  await ask('127.0.0.2', STUN_RATE_OF_CLASS.burst + 5)
  const answered = (): number => node.outcomes.filter((outcome) => outcome === 'answered').length
  expect(answered()).toBe(STUN_RATE_OF_CLASS.burst)
  const classes = Math.floor(STUN_RATE.burst / STUN_RATE_OF_CLASS.burst)
  for (let one = 0; one < classes - 1; one++) await ask(`127.0.1.${one + 1}`, STUN_RATE_OF_CLASS.burst)
  expect(answered()).toBe(STUN_RATE_OF_CLASS.burst * classes)
  await ask('127.0.2.1', STUN_RATE_OF_CLASS.burst)
  expect(answered()).toBe(STUN_RATE.burst)
})

test('a port that another program uses is reported, and the directory goes on without it', async () => {
  const taken = await udp('udp4', '127.0.0.1')
  const node = await running({ port: taken.address().port })
  expect(node.problems).toMatchObject([{ code: 'EADDRINUSE' }])
  expect(node.responder.ports).toBeUndefined()
  await node.responder.stop()
})

test('where the usual second port is taken, another is used', async () => {
  const port = await freeUdpPort()
  await udp('udp4', '127.0.0.1', port + STUN_OTHER_PORT_OFFSET)
  const node = await running({ port })
  expect(node.problems).toEqual([])
  expect(node.responder.ports?.port).toBe(port)
  expect(node.responder.ports?.otherPort).not.toBe(port + STUN_OTHER_PORT_OFFSET)
})

test('after a stop both ports are free, and it can start again', async () => {
  const node = await running()
  const { ports } = node.responder
  await node.responder.stop()
  await node.responder.stop()
  expect(node.responder.ports).toBeUndefined()
  const again = await udp('udp4', '127.0.0.1', ports?.otherPort)
  expect(again.address().port).toBe(ports?.otherPort)
  await node.responder.start()
  expect(node.responder.ports?.port).toBe(ports?.port)
})

test('a stop while it starts leaves nothing bound', async () => {
  const port = await freeUdpPort()
  const { responder } = await running({ port })
  await responder.stop()
  const starting = responder.start()
  await responder.stop()
  await starting
  expect(responder.ports).toBeUndefined()
  await udp('udp4', '127.0.0.1', port)
})
