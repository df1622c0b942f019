// What @libp2p/mdns sends and receives through a port, over the real sockets of this
// machine, under a service of the test's own.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerInfo, Startable } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { decode, encode, type DecodedPacket } from 'dns-packet'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import {
  MDNS_ANSWER_PAUSE_MS,
  MDNS_RATE_OF_SENDER,
  MdnsPorts,
  overPorts,
  MdnsPort
} from '../../../src/node/discovery/mdns-port.ts'
import { networkInterfaces } from '../../../src/transport/network-interfaces.ts'
import { loggerOptions } from '../../../src/transport/tuning/quiet-logger.ts'

const group = '224.0.0.251'
const id = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
/** Loopback alone: every machine has it, and no other machine hears it. */
const loopback = (): ReturnType<typeof networkInterfaces> =>
  Object.fromEntries(Object.entries(networkInterfaces()).filter(([, infos]) => infos?.some(({ internal }) => internal)))
let tags = 0

interface Heard {
  readonly module: Startable
  readonly tag: string
  readonly port: { current(): MdnsPort | undefined }
  readonly found: { readonly info: PeerInfo; readonly sender: string | undefined }[]
}

function moduleOverPorts(addressesOn: () => readonly string[] = () => []): Heard {
  const tag = `_parley-test-${process.pid}-${++tags}._udp.local`
  const ports = new MdnsPorts({ isOwn: () => false, interfaces: loopback })
  const module = mdns({ serviceTag: tag, interval: 60_000 })({
    ...loggerOptions(undefined),
    // As much of the address manager as the module uses.
    addressManager: { getAddresses: () => [multiaddr('/ip4/127.0.0.1/tcp/1')] }
  } as unknown as Parameters<ReturnType<typeof mdns>>[0])
  const port = overPorts(module, () => ports.open({ serviceTag: tag, addressesOn }))
  const found: Heard['found'] = []
  module.addEventListener('peer', ({ detail }) => found.push({ info: detail, sender: port.current()?.sender }))
  const startable = module as unknown as Startable
  onTestFinished(async () => startable.stop?.())
  return { module: startable, tag, port, found }
}

/** Another program of this machine, which hears what is said on loopback. */
async function listener(tag: string): Promise<{ socket: Socket; packets: DecodedPacket[] }> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.bind(5353)
  await once(socket, 'listening')
  socket.addMembership(group, '127.0.0.1')
  socket.setMulticastInterface('127.0.0.1')
  onTestFinished(() => void socket.close())
  const packets: DecodedPacket[] = []
  socket.on('message', (bytes) => {
    // Packets of this test itself may not decode.
    if (!bytes.includes(tag.split('.')[1] ?? '') || !bytes.includes(tag.split('.')[0] ?? '')) return
    packets.push(decode(bytes))
  })
  return { socket, packets }
}

function question(tag: string): Buffer {
  return encode({ type: 'query', questions: [{ name: tag, type: 'PTR' }] })
}

function answer(tag: string, text: string): Buffer {
  const name = `other.${tag}`
  return encode({
    type: 'response',
    answers: [
      { name: tag, type: 'PTR', data: name },
      { name, type: 'TXT', data: text }
    ]
  })
}

const textsOf = (packet: DecodedPacket | undefined): readonly string[] =>
  (packet?.answers ?? []).flatMap((one) => (one.type === 'TXT' ? [String(one.data)] : []))

test('the module asks, hears and answers through the port, which knows the sender of each packet', async () => {
  const own = `/ip4/203.0.113.7/tcp/4001/p2p/${id.toString()}`
  const { module, tag, port, found } = moduleOverPorts(() => [own])
  const { socket, packets } = await listener(tag)
  await module.start?.()
  await eventually(() => expect(packets.map(({ type }) => type)).toContain('query'))
  // It answers its own question, with a public address too, which the module alone leaves out.
  await eventually(() => expect(packets.flatMap(textsOf)).toContain(`dnsaddr=${own}`))
  const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  socket.send(answer(tag, `dnsaddr=/ip4/127.0.0.1/tcp/4001/p2p/${other}`), 5353, group)
  await eventually(() =>
    expect(found.filter(({ info }) => info.id.toString() === other).map(({ sender }) => sender)).toContain('127.0.0.1')
  )
  expect(port.current()?.sender).toBeUndefined()
})

test('a stopped port sends nothing and has no socket, and works after a new start', async () => {
  const { module, tag, port } = moduleOverPorts()
  const { packets } = await listener(tag)
  await module.start?.()
  await eventually(() => expect(packets).not.toEqual([]))
  await module.stop?.()
  expect(port.current()).toBeUndefined()
  packets.length = 0
  await module.start?.()
  await eventually(() => expect(packets.map(({ type }) => type)).toContain('query'))
})

test('a question that is heard on two links is answered once, and a later one after the pause', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let sent = 0
  const port = new MdnsPort(
    { serviceTag: '_parley-p-0._udp.local', addressesOn: () => [] },
    { send: () => sent++, close: async () => undefined }
  )
  port.respond([])
  port.respond([])
  vi.advanceTimersByTime(MDNS_ANSWER_PAUSE_MS)
  expect(sent).toBe(1)
  port.respond([])
  vi.advanceTimersByTime(1)
  port.respond([])
  vi.advanceTimersByTime(10 * MDNS_ANSWER_PAUSE_MS)
  expect(sent).toBe(3)
})

describe('packets of any machine on the LAN', () => {
  test('have no effect if they do not decode or come from another port', async () => {
    const { module, tag, found } = moduleOverPorts()
    const { socket } = await listener(tag)
    await module.start?.()
    const label = Buffer.from(tag.split('.')[0] ?? '')
    const elsewhere = createSocket('udp4')
    onTestFinished(() => void elsewhere.close())
    elsewhere.bind(0, '127.0.0.1')
    await once(elsewhere, 'listening')
    elsewhere.setMulticastInterface('127.0.0.1')
    const peer = id.toString()
    elsewhere.send(answer(tag, `dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/${peer}`), 5353, group)
    for (const bytes of [label, Buffer.alloc(9_000, label), Buffer.concat([label, Buffer.alloc(20, 0xff)])]) {
      socket.send(bytes, 5353, group)
    }
    socket.send(answer(tag, 'dnsaddr=/nonsense'), 5353, group)
    socket.send(answer(tag, `dnsaddr=/ip4/127.0.0.1/tcp/2/p2p/${peer}`), 5353, group)
    await eventually(() => expect(found).not.toEqual([]))
    expect(found.flatMap(({ info }) => info.multiaddrs.map(String))).not.toContain('/ip4/127.0.0.1/tcp/1')
  })

  test('are not decoded if they announce too many records: each would take time', () => {
    const ports = new MdnsPorts({ isOwn: () => false, interfaces: () => ({}) })
    const tag = '_parley-p-9f86d081884c7d65._udp.local'
    const port = ports.open({ serviceTag: tag, addressesOn: () => [] })
    onTestFinished(async () => new Promise<void>((done) => port.destroy(done)))
    const taken: DecodedPacket[] = []
    port.on('response', (packet) => taken.push(packet))
    // Found by fuzzing: 200 bytes, of which the decoder makes 88,948 records.
    const promising = Buffer.from(
      'AACAAAAAAAL2AGVyGl9wYXJsZXktcC05Zjg2ZDA4MTg4NGM3ZDY1BF91ZHAFbG9jYWwAABAAAQAAAAB6enp6enp6enp6enp6enp6' +
        'enp6enr/////////////////////b2NhbAAAEAABX19wcm90b19fAAAAAEYzVv//////////////EAABX19wcm90b19fAAAAAEYz' +
        'Vv////////////////////////9fX3Byb3RvX/////////////////8zZnlLU1VLUEg1',
      'base64'
    )
    for (const bytes of [promising, answer(tag, 'text')]) ports.take(bytes, '192.168.1.7')
    expect(taken.map(({ authorities }) => authorities?.length)).toEqual([0])
  })

  test('get few answers to a flood of questions, and are read only at a rate', async () => {
    const { module, tag, port } = moduleOverPorts(() => [`/ip4/127.0.0.1/tcp/1/p2p/${id.toString()}`])
    const { socket, packets } = await listener(tag)
    await module.start?.()
    await eventually(() => expect(packets.flatMap(textsOf)).not.toEqual([]))
    let read = 0
    port.current()?.on('query', () => read++)
    packets.length = 0
    for (let sent = 0; sent < 10 * MDNS_RATE_OF_SENDER.burst; sent++) socket.send(question(tag), 5353, group)
    const beganAtMs = performance.now()
    await eventually(() => expect(packets.filter(({ type }) => type === 'query').length).toBeGreaterThan(200))
    await eventually(() => expect(packets.flatMap(textsOf)).not.toEqual([]))
    const tookMs = performance.now() - beganAtMs
    expect(packets.flatMap(textsOf).length).toBeLessThanOrEqual(1 + Math.ceil(tookMs / MDNS_ANSWER_PAUSE_MS))
    expect(read).toBeLessThan(2 * MDNS_RATE_OF_SENDER.burst)
  })
})
