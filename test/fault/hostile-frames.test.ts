// Frames that break the rules one by one, from a peer that otherwise keeps to
// them: each costs it the stream at most, and nobody else anything. The same
// peer is then heard again, so that no fault is held against what is right.
import type { Stream } from '@libp2p/interface'
import { expect, onTestFinished, test } from 'vitest'
import {
  Attacker,
  ChatLine,
  chatProtocol,
  directoryProtocol,
  framed,
  openStream,
  recordProtocol,
  untilCut
} from './attacker.ts'
import { Bystanders } from './bystanders.ts'
import type { JsonParley } from './json-parley.ts'

const maxTextBytes = 64 * 1024
const twoGigabytes = 2 ** 31
/** As much of an announced frame as anybody could be made to wait for. */
const sentOfItBytes = 8 * 1024 * 1024
/** Messages that the two who talk exchange after an attack: what the victim would swallow it has swallowed by then. */
const messagesAfterwards = 10

test('broken frames cost a peer its stream and nobody else anything', async () => {
  const all = await Bystanders.start()
  onTestFinished(async () => all.stop())
  const victim = await all.victim.address()
  const attacker = await start({ looksLikeParley: true })
  const connection = await attacker.connect(victim)
  const fates: Record<string, string> = {}

  const figures = await all.during(async () => {
    // Text that is no UTF-8.
    let line = await ChatLine.open(connection)
    line.write(line.message(new Uint8Array([0x68, 0xc3, 0x28])).bytes)
    await untilCut(line.stream)

    // A frame that is no frame.
    line = await ChatLine.open(connection)
    line.write(framed(new Uint8Array([0xff, 0xff, 0xff])))
    await untilCut(line.stream)

    // Half a frame, and the end.
    line = await ChatLine.open(connection)
    const whole = line.message(Buffer.from('the second half never comes')).bytes
    line.write(whole.subarray(0, whole.byteLength / 2))
    await line.stream.close()
    await untilCut(line.stream)

    // Half a frame, and silence: it may wait, and nobody waits for it.
    line = await ChatLine.open(connection)
    line.write(whole.subarray(0, whole.byteLength / 2))

    // The longest text passes, and one byte more is refused; the stream goes on.
    line = await ChatLine.open(connection)
    fates['64 KiB'] = await fate(line, 'x'.repeat(maxTextBytes))
    fates['64 KiB and a byte'] = await fate(line, 'x'.repeat(maxTextBytes + 1))
    fates['afterwards'] = await fate(line, 'hello')

    // A frame of 2 GB, on every protocol, with the first megabytes of it.
    for (const [address, protocol] of [
      [victim, chatProtocol],
      [victim, recordProtocol],
      [await all.directoryAddress(), directoryProtocol]
    ] as const) {
      const one =
        protocol === chatProtocol ? (await ChatLine.open(connection)).stream : await openOther(address, protocol)
      announce(one, twoGigabytes)
      await untilCut(one)
    }

    // After all of it the peer is heard.
    fates['after all'] = await fate(await ChatLine.open(connection), 'hello again')
    await all.exchange(messagesAfterwards)
  })
  process.stdout.write(`  ${JSON.stringify(figures)}\n`)

  expect(fates).toEqual({
    '64 KiB': 'held',
    '64 KiB and a byte': 'refused for reason 3',
    afterwards: 'held',
    'after all': 'held'
  })
  expect(await requests(all.victim)).toEqual([{ peer: attacker.peerId, text: 'hello again', count: 3 }])
})

test('plain text that breaks the rules is mended or cut, and nobody notices', async () => {
  const all = await Bystanders.start()
  onTestFinished(async () => all.stop())
  const victim = await all.victim.address()
  const [mended, endless] = [await start({}), await start({})]

  const figures = await all.during(async () => {
    // Without identify it is taken for framed text, whose bytes are mended where they are no UTF-8.
    const stream = await openStream(await mended.connect(victim), chatProtocol)
    stream.send(framed(new Uint8Array([0x68, 0xc3, 0x28, 0x0a])))
    await all.victim.until('request', () => all.victim.events.find(({ event }) => event === 'request'))

    // A frame of 2 GB, and then all that can be sent.
    const second = await openStream(await endless.connect(victim), chatProtocol)
    announce(second, twoGigabytes)
    await untilCut(second)
    await all.exchange(messagesAfterwards)
  })
  process.stdout.write(`  ${JSON.stringify(figures)}\n`)
  expect(await requests(all.victim)).toEqual([{ peer: mended.peerId, text: 'h\u{fffd}(', count: 1 }])
})

async function start(init: { looksLikeParley?: boolean }): Promise<Attacker> {
  const attacker = await Attacker.start(init)
  onTestFinished(async () => attacker.stop())
  return attacker
}

async function openOther(address: string, protocol: string): Promise<Stream> {
  return openStream(await (await start({})).connect(address), protocol)
}

/** Says that so many bytes follow, and sends the first of them as fast as it can. */
function announce(stream: Stream, bytes: number): void {
  const prefix: number[] = []
  let left = bytes
  for (; left > 127; left = Math.floor(left / 128)) prefix.push((left % 128) | 0x80)
  stream.send(new Uint8Array([...prefix, left]))
  for (let sent = 0; sent < sentOfItBytes && stream.status === 'open'; sent += 65_536) {
    stream.send(new Uint8Array(65_536).fill(0x61))
  }
}

async function fate(line: ChatLine, text: string): Promise<string> {
  const { id, bytes } = line.message(Buffer.from(text))
  line.write(bytes)
  return line.fateOf(id)
}

async function requests(who: JsonParley): Promise<readonly unknown[]> {
  const answer = await who.do({ do: 'requests' })
  if (!Array.isArray(answer['requests'])) return []
  return answer['requests'].map(({ peer, text, count }: Record<string, unknown>) => ({ peer, text, count }))
}
