/** What anybody on the LAN may say by multicast DNS. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { encode, type Answer } from 'dns-packet'
import { hostPortOf } from '../../../src/node/dialing/address.ts'
import { LAN_SIGHTING_TTL_MS, LanSightings } from '../../../src/node/discovery/lan.ts'
import { MdnsPorts } from '../../../src/node/discovery/mdns-port.ts'
import { loggerOptions } from '../../../src/transport/tuning/quiet-logger.ts'
import { network } from '../../node/discovery/own-networks.ts'
import { promise, type FuzzTarget } from '../fuzz-target.ts'
import { asIs } from '../input-reader.ts'

const self = peerIdFromString('12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq')
const peer = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
const own = network({ eth0: ['192.168.1.20/24', 'fe80::20/64'] })
/** A machine on the link by both families, this machine, and one behind a router. */
const senders = ['192.168.1.7', 'fe80::7%eth0', '192.168.1.20', '203.0.113.7'] as const
const tag = '_parley-p-9f86d081884c7d65._udp.local'

interface Lan {
  take(bytes: Buffer, sender: string): void
  readonly sighted: (readonly string[])[]
  stop(): Promise<void>
}

let lan: Promise<Lan> | undefined

/** All that hears mDNS in a node, without sockets. */
async function start(): Promise<Lan> {
  let nowMs = 0
  const now = (): number => nowMs
  const sighted: (readonly string[])[] = []
  const ports = new MdnsPorts({ isOwn: (ip) => own.isOwn(ip), interfaces: () => ({}), now })
  const sightings = new LanSightings({
    ports,
    now,
    ownNetwork: () => own,
    onSighting: (_peer, addresses) => sighted.push(addresses)
  })
  const listening = [multiaddr('/ip4/0.0.0.0/tcp/4001')]
  const module = sightings.discovery(
    'test',
    'peer',
    true
  )({
    ...loggerOptions(undefined),
    peerId: self,
    // As much of them as discovery asks.
    addressManager: { getListenAddrs: () => listening },
    transportManager: { getAddrs: () => listening }
  } as unknown as Parameters<ReturnType<LanSightings['discovery']>>[0])
  await module.start?.()
  return {
    take: (bytes, sender) => {
      // What others have shown before is forgotten, and nobody is too fast.
      nowMs += 2 * LAN_SIGHTING_TTL_MS
      ports.take(bytes, sender)
    },
    sighted,
    stop: async () => module.stop?.()
  }
}

function response(texts: readonly string[]): Uint8Array {
  const name = `other.${tag}`
  const answers: Answer[] = [
    { name: tag, type: 'PTR', data: name },
    ...texts.map((data): Answer => ({ name, type: 'TXT', data }))
  ]
  return asIs(Buffer.concat([Buffer.from([0]), encode({ type: 'response', answers })]))
}

const packets: FuzzTarget = {
  name: 'mdns-packets',
  reaches: 'packets of multicast DNS, and what they claim',
  isAsync: true,
  seeds: () => [
    asIs(Buffer.concat([Buffer.from([0]), encode({ type: 'query', questions: [{ name: tag, type: 'PTR' }] })])),
    response([`dnsaddr=/ip4/192.168.1.7/tcp/4001/p2p/${peer}`, `dnsaddr=/ip4/127.0.0.1/tcp/4001/p2p/${peer}`]),
    response([`dnsaddr=/ip6/fe80::7/tcp/4001/p2p/${peer}`]),
    response(['dnsaddr=', 'nonsense'])
  ],
  async run(input) {
    lan ??= start()
    const { take, sighted } = await lan
    const sender = senders[(input[1] ?? 0) % senders.length] ?? senders[0]
    sighted.length = 0
    take(Buffer.from(input.subarray(2)), sender)
    const isHere = own.isOwn(sender)
    for (const address of sighted.flat()) {
      const host = hostPortOf(multiaddr(address))?.host ?? ''
      promise(isHere ? own.isOwn(host) : host === sender, `${sender} shows the way to itself, and not to ${host}`)
    }
  },
  async stop() {
    await (await lan)?.stop()
    lan = undefined
  }
}

export const targets = [packets]
