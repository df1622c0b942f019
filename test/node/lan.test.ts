// What mDNS responses claim, and what of it is believed.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LAN_SIGHTING_TTL_MS, SIGHTING_RATE_OF_SENDER } from '../../src/node/constants.ts'
import { LanSightings } from '../../src/node/lan.ts'
import { mdnsSender } from '../../src/node/mdns-sender.ts'
import { loggerOptions } from '../../src/node/quiet-logger.ts'
import { network } from './own-networks.ts'

const own = network({ eth0: ['192.168.1.20/24', '2001:db8:7::20/64'] })
const peers = await Promise.all(
  Array.from({ length: 200 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
)
const [anna] = peers
if (anna === undefined) throw new TypeError('there are two hundred')

function seen(): { sightings: LanSightings; told: [string, readonly string[]][]; clock: { ms: number } } {
  const told: [string, readonly string[]][] = []
  const clock = { ms: 0 }
  const sightings = new LanSightings({
    onSighting: (peer, addresses) => told.push([peer, addresses]),
    now: () => clock.ms,
    ownNetwork: () => own
  })
  return { sightings, told, clock }
}

function claim(id: PeerId, hosts: readonly string[], port = 4001) {
  return { id, multiaddrs: hosts.map((host) => multiaddr(`/ip${host.includes(':') ? 6 : 4}/${host}/tcp/${port}`)) }
}

function hostsOf(addresses: readonly string[]): readonly string[] {
  return addresses.map((address) => address.split('/')[2] ?? '')
}

describe('a response', () => {
  const everywhere = ['127.0.0.1', '192.168.1.7', '192.168.1.8', '192.168.1.20', '10.0.0.1', '203.0.113.7', '8.8.8.8']

  test.each([
    ['of a machine on the link', '192.168.1.7', ['192.168.1.7']],
    ['of another that names it', '192.168.1.9', []],
    ['of this machine', '192.168.1.20', ['127.0.0.1', '192.168.1.20']],
    ['of this machine without a network', '127.0.0.1', ['127.0.0.1', '192.168.1.20']],
    ['of a machine behind a router', '203.0.113.7', []],
    ['of a private network that is not ours', '10.0.0.1', []],
    ['of nobody that is known', undefined, ['192.168.1.7']]
  ])('%s (%s) shows the way to its sender at most', (_whose, sender, shown) => {
    const { sightings, told } = seen()
    sightings.noted(claim(anna, everywhere), sender)
    expect(told.map(([, addresses]) => hostsOf(addresses))).toEqual(shown.length === 0 ? [] : [shown])
    expect(hostsOf(sightings.addressesOf(anna.toString()))).toEqual(shown)
  })

  test('of 24 ports is no scan of its sender', () => {
    const { sightings } = seen()
    const ports = Array.from({ length: 24 }, (_, i) => multiaddr(`/ip4/192.168.1.7/tcp/${i + 1}`))
    sightings.noted({ id: anna, multiaddrs: ports }, '192.168.1.7')
    expect(sightings.addressesOf(anna.toString())).toHaveLength(4)
  })

  test('that is forged hides no true one', () => {
    const { sightings } = seen()
    sightings.noted(claim(anna, ['192.168.1.7']), '192.168.1.7')
    for (const last of [50, 51, 52, 53]) sightings.noted(claim(anna, [`192.168.1.${last}`]), `192.168.1.${last}`)
    sightings.noted(claim(anna, ['192.168.1.7']), '192.168.1.7')
    expect(hostsOf(sightings.addressesOf(anna.toString()))).toContain('192.168.1.7')
  })

  test('counts for as long as a sighting does', () => {
    const { sightings, clock } = seen()
    sightings.noted(claim(anna, ['192.168.1.7']), '192.168.1.7')
    clock.ms = LAN_SIGHTING_TTL_MS + 1
    expect(sightings.addressesOf(anna.toString())).toEqual([])
  })
})

test('one sender shows so many new peers at once, then one a second, and those that are known as often as it likes', () => {
  const { sightings, told, clock } = seen()
  const show = (): number => {
    const before = new Set(told.map(([peer]) => peer)).size
    for (const peer of peers) sightings.noted(claim(peer, ['192.168.1.7']), '192.168.1.7')
    return new Set(told.map(([peer]) => peer)).size - before
  }
  expect(show()).toBe(SIGHTING_RATE_OF_SENDER.burst)
  clock.ms = 10_000
  expect(show()).toBe(10 * SIGHTING_RATE_OF_SENDER.perSecond)
  sightings.noted(claim(anna, ['192.168.1.8']), '192.168.1.8')
  expect(hostsOf(sightings.addressesOf(anna.toString()))).toContain('192.168.1.8')
})

test('the module still tells who has sent a response', { timeout: 10_000 }, async () => {
  const port = await freeUdpPort()
  const module = mdns({ port, ip: '224.0.0.251', serviceTag: '_test._udp.local' })({
    ...loggerOptions(undefined),
    // As much of the address manager as the module asks: it answers nobody.
    addressManager: { getAddresses: () => [] }
  } as unknown as Parameters<ReturnType<typeof mdns>>[0])
  const sender = mdnsSender(module)
  const responses: (string | undefined)[] = []
  module.addEventListener('peer', () => responses.push(sender.current()))
  const { start, stop } = module as unknown as { start(): Promise<void>; stop(): Promise<void> }
  await start.call(module)
  onTestFinished(async () => stop.call(module))
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.2')
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  const answer = response('_test._udp.local', `dnsaddr=/ip4/192.168.1.7/tcp/4001/p2p/${anna.toString()}`)
  for (let i = 0; i < 50 && responses.length === 0; i++) {
    socket.send(answer, port, '127.0.0.1')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(responses[0]).toBe('127.0.0.2')
  expect(sender.current()).toBeUndefined()
})

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0)
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}

/** An mDNS response with a PTR and a TXT record. */
function response(tag: string, text: string): Buffer {
  const name = (labels: string): Buffer =>
    Buffer.concat([
      ...labels.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
      Buffer.from([0])
    ])
  const record = (of: string, type: number, body: Buffer): Buffer => {
    const head = Buffer.alloc(10)
    head.writeUInt16BE(type, 0)
    head.writeUInt16BE(1, 2)
    head.writeUInt32BE(120, 4)
    head.writeUInt16BE(body.byteLength, 8)
    return Buffer.concat([name(of), head, body])
  }
  const header = Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0])
  const txt = Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
  return Buffer.concat([header, record(tag, 12, name(`other.${tag}`)), record(`other.${tag}`, 16, txt)])
}
