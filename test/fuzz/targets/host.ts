/** Everything that a stranger reaches by a connection: before it has named itself, and after. */
import { Buffer } from 'node:buffer'
import { multiaddr } from '@multiformats/multiaddr'
import { encodeFrame } from '../../../src/chat-protocol/frames.ts'
import { encodeClientFrame } from '../../../src/directory/directory-frames.ts'
import { FEDERATION_PROTOCOL } from '../../../src/directory/federation/peers/federation-streams.ts'
import { DIRECTORY_PROTOCOL } from '../../../src/directory/index.ts'
import { sealRecord } from '../../../src/presence/index.ts'
import { joinFrames } from '../../../src/wire/index.ts'
import { flags, frameTypes, header } from '../../attack/raw-link.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { HostUnderTest, network } from '../host-under-test.ts'
import { asIs, broken, bytesOf, choices, InputReader } from '../input-reader.ts'
import { chatFrames, someChatFrame } from './chat.ts'
import { peerBytes, someClientFrame, someFederationFrame, someGossip } from './directory.ts'
import { someYamuxFrames, yamuxSeeds } from './wire.ts'

/** A line of multistream-select: its length and its newline. */
function line(text: string): Uint8Array {
  const bytes = Buffer.from(`${text}\n`)
  return joinFrames([bytes], bytes.byteLength)
}

const multistream = line('/multistream/1.0.0')
const proposals = ['/noise', '/tls/1.0.0', '/plaintext/2.0.0', 'ls', 'na', '/noise/../noise', '', '/yamux/1.0.0']
const gossipProtocol = '/meshsub/1.1.0'
const directoryProtocols = [DIRECTORY_PROTOCOL, FEDERATION_PROTOCOL, gossipProtocol, '/ipfs/id/1.0.0']
const record = {
  seq: 1n,
  issuedAtMs: 1,
  nickname: 'anna',
  status: '',
  addresses: [multiaddr('/ip4/192.0.2.7/tcp/4001')],
  capabilities: ['chat/1'],
  network
}

/** Served by the host, on streams. */
const protocols = [
  '/chat/1.0.0',
  '/chat/record/1.0.0',
  '/ipfs/id/1.0.0',
  '/ipfs/id/push/1.0.0',
  '/ipfs/ping/1.0.0',
  'ls'
]

/** An honest beginning, up to some point, and what is said after it. */
function someOpening(reader: InputReader): Uint8Array {
  const parts: Uint8Array[] = []
  if (reader.byte() < 240) parts.push(multistream)
  for (const proposal of reader.list(5, () => reader.byte())) {
    if (proposal < 128) parts.push(line(proposals[proposal % proposals.length] ?? ''))
    else if (proposal < 200) parts.push(line(reader.text()))
    else parts.push(reader.some())
  }
  // The first message of the handshake: a key behind its length, or another length, or another key.
  if (reader.flag()) {
    const key = reader.byte() < 128 ? Buffer.alloc(32, 9) : reader.some()
    parts.push(Buffer.from([0, reader.byte() < 200 ? key.byteLength : reader.byte(), ...key]))
  }
  parts.push(reader.some())
  return Buffer.concat(parts)
}

function* inPieces(bytes: Uint8Array, sizes: InputReader): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength;) {
    const size = sizes.leftBytes === 0 ? bytes.byteLength : 1 + sizes.byte()
    yield bytes.subarray(at, at + size)
    at += size
  }
}

/** What is said on a stream once its protocol is agreed on. */
type Words = (reader: InputReader, protocol: string) => Uint8Array[]

const chatWords: Words = (reader, protocol) => {
  if (protocol !== '/chat/1.0.0') return reader.list(3, () => reader.some())
  const hello = joinFrames([encodeFrame(chatFrames[0] ?? { kind: 'enter' })], 1024)
  return [
    ...(reader.byte() < 224 ? [hello] : []),
    joinFrames(
      reader.list(6, () => someChatFrame(reader)),
      1 << 20
    )
  ]
}

/** A client that registers with a record of its own key, or says anything else; a directory that joins. */
function directoryWords(envelope: Uint8Array): Words {
  const announce = joinFrames([encodeClientFrame({ type: 'announce', envelope })], 1 << 16)
  return (reader, protocol) => {
    switch (protocol) {
      case DIRECTORY_PROTOCOL:
        return [
          ...(reader.flag() ? [announce] : []),
          joinFrames(
            reader.list(6, () => someClientFrame(reader)),
            1 << 16
          )
        ]
      case FEDERATION_PROTOCOL:
        return [
          joinFrames(
            reader.list(6, () => someFederationFrame(reader)),
            1 << 16
          )
        ]
      case gossipProtocol:
        return [
          joinFrames(
            reader.list(3, () => someGossipRpc(reader)),
            1 << 16
          )
        ]
      default:
        return reader.list(3, () => reader.some())
    }
  }
}

/** An RPC of gossipsub by hand: subscriptions, messages with or without a sender, control messages. */
function someGossipRpc(reader: InputReader): Uint8Array {
  const field = (tag: number, bytes: Uint8Array): Uint8Array =>
    Buffer.concat([Buffer.from([tag]), joinFrames([bytes], 1 << 16)])
  const topic = Buffer.from(reader.byte() < 200 ? `/chat/presence/1.0.0/${network}` : reader.text(30))
  const parts = reader.list(5, () => {
    switch (reader.below(3)) {
      case 0:
        return field(0x0a, Buffer.concat([Buffer.from([0x08, reader.below(2)]), field(0x12, topic)]))
      case 1:
        return field(
          0x12,
          Buffer.concat([
            field(0x0a, reader.byte() < 128 ? reader.oneOf(peerBytes) : reader.some()),
            field(0x12, someGossip(reader)),
            field(0x1a, reader.some(8)),
            field(0x22, topic),
            field(0x2a, reader.some(64))
          ])
        )
      default:
        return field(0x1a, reader.some())
    }
  })
  return Buffer.concat(parts)
}

/** A stream opened as an honest peer opens one, with anything said on it. */
function someStream(reader: InputReader, stream: number, words: Words, of: readonly string[] = protocols): Uint8Array {
  const protocol = reader.oneOf(of)
  const said = [multistream, line(protocol)]
  if (reader.byte() < 32) said.splice(reader.below(2), 1, reader.some())
  said.push(...words(reader, protocol))
  const body = broken(Buffer.concat(said), new InputReader(reader.byte() < 128 ? new Uint8Array() : reader.some(12)))
  const end = reader.oneOf([flags.none, flags.fin, flags.rst])
  return Buffer.concat([
    header({ type: frameTypes.data, flags: flags.syn, stream, length: body.byteLength }),
    body,
    header({ type: frameTypes.windowUpdate, flags: end, stream })
  ])
}

/** After so many inputs an honest peer must be let in. */
const honestEvery = 50

type Kind = Parameters<typeof HostUnderTest.start>[0]

const hosts = new Map<Kind, Promise<HostUnderTest>>()
let inputs = 0

async function started(kind: Kind): Promise<HostUnderTest> {
  const starting = hosts.get(kind) ?? HostUnderTest.start(kind)
  hosts.set(kind, starting)
  const running = await starting
  if (++inputs % honestEvery === 0) await running.letsIn()
  return running
}

async function stop(): Promise<void> {
  const all = [...hosts.values()]
  hosts.clear()
  await Promise.all(all.map(async (starting) => (await starting).stop()))
}

const handshake: FuzzTarget = {
  name: 'handshake',
  reaches: 'a host before it knows the peer: multistream-select, Noise and the guards before them',
  weight: 25,
  isAsync: true,
  stretchEvery: 50,
  cpuMs: 2000,
  seeds: () => [
    asIs(Buffer.concat([multistream, line('/noise'), Buffer.from([0, 32]), Buffer.alloc(32, 9)])),
    asIs(Buffer.concat([multistream, line('ls')])),
    asIs(Buffer.from('GET / HTTP/1.1\r\n\r\n')),
    asIs(Buffer.alloc(64, 0x80)),
    choices(1, 2, 0, 2, 1, 1, 4, 1, 2, 3, 4)
  ],
  async run(input) {
    const sizes = new InputReader(input.subarray(-8))
    await (await started('chat')).sendRaw(inPieces(bytesOf(input, someOpening), sizes))
  },
  stop
}

const streams: FuzzTarget = {
  name: 'host-streams',
  reaches: 'a host that has admitted the peer: Yamux, and every protocol that it serves',
  weight: 200,
  isAsync: true,
  stretchEvery: 20,
  cpuMs: 2000,
  seeds: () => [
    ...yamuxSeeds(),
    asIs(someStream(new InputReader(Uint8Array.of(0, 255, 0, 5, 2, 1)), 1, chatWords)),
    choices(128, 3, 0, 255, 0, 3, 2, 2, 1, 1),
    choices(255, 2, 1, 255, 2, 255)
  ],
  async run(input) {
    const sizes = new InputReader(input.subarray(-8))
    const bytes = bytesOf(input, (reader) => {
      if (reader.byte() < 64) return someYamuxFrames(reader)
      let stream = -1
      return Buffer.concat(reader.list(6, () => someStream(reader, (stream += 2), chatWords)))
    })
    await (await started('chat')).sendSecured(async () => inPieces(bytes, sizes))
  },
  stop
}

const directoryStreams: FuzzTarget = {
  name: 'directory-streams',
  reaches: 'a directory: clients that register, directories that join, and gossip',
  weight: 200,
  isAsync: true,
  cpuMs: 2000,
  seeds: () => [
    choices(1, 0, 255, 1, 2, 3, 1, 4, 5),
    choices(2, 1, 255, 2, 0, 2, 255, 3, 4),
    choices(2, 2, 255, 1, 1, 2, 3, 4, 5)
  ],
  async run(input) {
    const sizes = new InputReader(input.subarray(-8))
    const directory = await started('directory')
    await directory.sendSecured(async (key) => {
      const { envelope } = await sealRecord(record, key)
      const bytes = bytesOf(input, (reader) => {
        let stream = -1
        const all = reader.list(6, () =>
          someStream(reader, (stream += 2), directoryWords(envelope), directoryProtocols)
        )
        return Buffer.concat(all)
      })
      return inPieces(bytes, sizes)
    })
  },
  stop
}

export const targets: readonly FuzzTarget[] = [handshake, streams, directoryStreams]
