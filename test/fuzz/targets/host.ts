/** Everything that a stranger reaches by a connection: before it has named itself, and after. */
import { Buffer } from 'node:buffer'
import { encodeFrame } from '../../../src/chat-protocol/frames.ts'
import { joinFrames } from '../../../src/wire/index.ts'
import { flags, frameTypes, header } from '../../attack/raw-link.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { HostUnderTest } from '../host-under-test.ts'
import { asIs, broken, bytesOf, choices, InputReader } from '../input-reader.ts'
import { chatFrames, someChatFrame } from './chat.ts'
import { someYamuxFrames, yamuxSeeds } from './wire.ts'

/** A line of multistream-select: its length and its newline. */
function line(text: string): Uint8Array {
  const bytes = Buffer.from(`${text}\n`)
  return joinFrames([bytes], bytes.byteLength)
}

const multistream = line('/multistream/1.0.0')
const proposals = ['/noise', '/tls/1.0.0', '/plaintext/2.0.0', 'ls', 'na', '/noise/../noise', '', '/yamux/1.0.0']
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

/** A stream opened as an honest peer opens one, with anything said on it. */
function someStream(reader: InputReader, stream: number): Uint8Array {
  const protocol = reader.oneOf(protocols)
  const said = [multistream, line(protocol)]
  if (reader.byte() < 32) said.splice(reader.below(2), 1, reader.some())
  if (protocol === '/chat/1.0.0') {
    if (reader.byte() < 224) said.push(joinFrames([encodeFrame(chatFrames[0] ?? { kind: 'enter' })], 1024))
    said.push(
      joinFrames(
        reader.list(6, () => someChatFrame(reader)),
        1 << 20
      )
    )
  } else said.push(...reader.list(3, () => reader.some()))
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

let host: Promise<HostUnderTest> | undefined
let inputs = 0

async function started(): Promise<HostUnderTest> {
  host ??= HostUnderTest.start()
  const running = await host
  if (++inputs % honestEvery === 0) await running.letsIn()
  return running
}

async function stop(): Promise<void> {
  const running = await host
  host = undefined
  await running?.stop()
}

const handshake: FuzzTarget = {
  name: 'handshake',
  reaches: 'a host before it knows the peer: multistream-select, Noise and the guards before them',
  isAsync: true,
  isStretched: true,
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
    await (await started()).sendRaw(inPieces(bytesOf(input, someOpening), sizes))
  },
  stop
}

const streams: FuzzTarget = {
  name: 'host-streams',
  reaches: 'a host that has admitted the peer: Yamux, and every protocol that it serves',
  isAsync: true,
  isStretched: true,
  cpuMs: 2000,
  seeds: () => [
    ...yamuxSeeds(),
    asIs(someStream(new InputReader(Uint8Array.of(0, 255, 0, 5, 2, 1)), 1)),
    choices(128, 3, 0, 255, 0, 3, 2, 2, 1, 1),
    choices(255, 2, 1, 255, 2, 255)
  ],
  async run(input) {
    const sizes = new InputReader(input.subarray(-8))
    const bytes = bytesOf(input, (reader) => {
      if (reader.byte() < 64) return someYamuxFrames(reader)
      let stream = -1
      return Buffer.concat(reader.list(6, () => someStream(reader, (stream += 2))))
    })
    await (await started()).sendSecured(inPieces(bytes, sizes))
  },
  stop
}

export const targets: readonly FuzzTarget[] = [handshake, streams]
