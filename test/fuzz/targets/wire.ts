/** What stands between the socket and the protocols: Noise's messages and Yamux's frames, over connections in memory. */
import { Buffer } from 'node:buffer'
import { isIP } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { MultiaddrConnection, Stream } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { Messages } from '../../../src/transport/tuning/noise-streams.ts'
import { readProxyHeader } from '../../../src/transport/proxy-header.ts'
import { streamDuplex, WireError } from '../../../src/wire/index.ts'
import { boundedYamux } from '../../../src/transport/index.ts'
import { flags, frameTypes, header } from '../../attack/raw-link.ts'
import { allowAsync, promise, same, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, InputReader } from '../input-reader.ts'

const noiseMessages: FuzzTarget = {
  name: 'noise-messages',
  reaches: 'how sealed messages are cut out of what is read, split anywhere',
  stretchEvery: 1000,
  seeds: () => [asIs(Uint8Array.of(0, 3, 1, 2, 3, 0, 0, 0, 1, 9)), choices(3, 1, 65, 2, 66, 67)],
  run(input) {
    const pieces = new InputReader(input.subarray(-16))
    const bytes = bytesOf(input, (reader) =>
      Buffer.concat(
        reader.list(20, () => reader.some()).map((sealed) => Buffer.from([0, sealed.byteLength, ...sealed]))
      )
    )
    const whole = new Messages().take(bytes).map((sealed) => sealed.subarray())
    const split: Uint8Array[] = []
    const messages = new Messages()
    for (let at = 0; at < bytes.byteLength;) {
      const size = pieces.leftBytes === 0 ? bytes.byteLength : 1 + pieces.byte()
      split.push(...messages.take(bytes.subarray(at, at + size)).map((sealed) => sealed.slice()))
      at += size
    }
    same(textOf(split), textOf(whole), 'how bytes are split does not change the messages')
  }
}

function textOf(messages: readonly Uint8Array[]): string {
  return messages.map((sealed) => Buffer.from(sealed).toString('hex')).join(' ')
}

/** Frames of Yamux, most of them with a meaning. */
export function someYamuxFrames(reader: InputReader): Uint8Array {
  const bits = Object.values(flags)
  const frames = reader.list(24, () => {
    const isSound = reader.byte() < 224
    const type = isSound ? reader.oneOf(Object.values(frameTypes)) : reader.byte()
    const stream = isSound ? 1 + 2 * reader.below(5) : reader.uint32()
    const chosen = isSound ? reader.oneOf(bits) : reader.byte() * 256 + reader.byte()
    if (type !== frameTypes.data) {
      return header({ version: isSound ? 0 : reader.byte(), type, flags: chosen, stream, length: reader.uint32() })
    }
    const body = reader.some()
    const length = reader.byte() < 240 ? body.byteLength : reader.uint32()
    return Buffer.concat([header({ type, flags: chosen, stream, length }), body])
  })
  return Buffer.concat(frames)
}

export const yamuxSeeds = (): Uint8Array[] => [
  asIs(header({ type: frameTypes.windowUpdate, flags: flags.syn, stream: 1 })),
  asIs(
    Buffer.concat([
      header({ type: frameTypes.windowUpdate, flags: flags.syn, stream: 1 }),
      header({ type: frameTypes.data, stream: 1, length: 5 }),
      Buffer.from('hello'),
      header({ type: frameTypes.data, flags: flags.fin, stream: 1 }),
      header({ type: frameTypes.ping, flags: flags.syn, length: 7 }),
      header({ type: frameTypes.windowUpdate, flags: flags.rst, stream: 3 }),
      header({ type: frameTypes.goAway })
    ])
  ),
  asIs(header({ type: frameTypes.data, flags: flags.syn, stream: 1, length: 0xffff_ffff })),
  choices(6, 0, 1, 0, 1, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5)
]

/** The pair would count up a port for each connection, until there are no more. */
const remoteAddr = multiaddr('/ip4/127.0.0.1/tcp/1')

/** Turns until nothing more happens that an input has begun. */
const turns = 4

const yamux: FuzzTarget = {
  name: 'yamux-frames',
  reaches: 'Yamux with its guard: headers, windows, streams and how they end',
  weight: 4,
  isAsync: true,
  stretchEvery: 1000,
  seeds: yamuxSeeds,
  async run(input) {
    const pieces = new InputReader(input.subarray(-16))
    const bytes = bytesOf(input, someYamuxFrames)
    const [local, remote] = multiaddrConnectionPair({ delay: 0, inbound: { remoteAddr }, outbound: { remoteAddr } })
    const muxer = boundedYamux()().createStreamMuxer(local)
    const reading: Promise<unknown>[] = []
    muxer.addEventListener('stream', ({ detail }) => void reading.push(drain(detail)))
    remote.addEventListener('message', () => undefined)
    for (let at = 0; at < bytes.byteLength && remote.status === 'open';) {
      const size = pieces.leftBytes === 0 ? bytes.byteLength : 1 + pieces.byte()
      remote.send(bytes.subarray(at, at + size))
      at += size
      if (pieces.leftBytes > 0) await turn()
    }
    for (let left = turns; left > 0; left--) await turn()
    const end = new Error('the input is over')
    remote.abort(end)
    local.abort(end)
    muxer.abort(end)
    await Promise.all(reading)
    await closed(local)
    promise(muxer.streams.length === 0, 'no stream outlives its connection')
  }
}

/** Reads as every protocol does; the stream may end as streams do. */
async function drain(stream: Stream): Promise<void> {
  await allowAsync([WireError], async () => {
    for await (const chunk of streamDuplex(stream).source) chunk.subarray()
  })
}

async function closed(connection: MultiaddrConnection): Promise<void> {
  for (let left = turns; left > 0 && connection.status === 'open'; left--) await turn()
}

const proxyHeader: FuzzTarget = {
  name: 'proxy-header',
  reaches: 'the header with which a reverse proxy tells whose connection it forwards',
  seeds: () => [
    asIs(Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 5000 4001\r\nrest')),
    asIs(Buffer.from('PROXY UNKNOWN\r\n')),
    asIs(Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c0000208138800000fa1', 'hex')),
    choices(1, 4, 0x21, 0x21, 36)
  ],
  run(input) {
    const bytes = bytesOf(input, (reader) => {
      if (reader.flag()) return Buffer.from(`PROXY ${reader.oneOf(['TCP4', 'TCP6', 'UNKNOWN'])} ${reader.text(90)}\r\n`)
      const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
      const body = reader.bytes(reader.oneOf([12, 36, 216, reader.byte()]))
      const command = reader.oneOf([0x20, 0x21, reader.byte()])
      const head = Buffer.from([command, reader.oneOf([0x11, 0x21, reader.byte()]), 0, body.byteLength])
      return Buffer.concat([signature, head, body])
    })
    const read = readProxyHeader(bytes)
    if (read.is !== 'complete') return
    promise(read.byteLength <= bytes.byteLength, 'a header is no longer than what was read')
    same(readProxyHeader(bytes.subarray(0, read.byteLength)), read, 'what follows does not change a header')
    const early = readProxyHeader(bytes.subarray(0, read.byteLength - 1))
    promise(early.is === 'incomplete', 'a header is complete with its last byte')
    if (read.source !== undefined) promise(isIP(read.source.address) !== 0, 'a source is an IP address')
  }
}

export const targets: readonly FuzzTarget[] = [noiseMessages, yamux, proxyHeader]
