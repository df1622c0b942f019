/**
 * What one remote can cost a node over real sockets: the node is a process of
 * its own and says how much it holds and how much processor time it took. No
 * wall-clock time is judged.
 */

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ConnectionEncrypter } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OFFENCES_UNTIL_SLOWED, TINY_FRAME_RATE } from '../../src/wire/index.ts'
import type { AttackContext } from '../attack/attack.ts'
import { flags, frameTypes, header, RawLink, rawSocket } from '../attack/raw-link.ts'
import { DEAF_PROTOCOL, type HostListening, type HostOrder, type HostReading } from './budget-host.ts'
import { messageOf } from './wire-lab.ts'

/** Sources of Parley hold what Node alone can't strip. */
const typescriptFlags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']

const mb = 1024 * 1024
const endlessLength = new Uint8Array(64 * 1024).fill(0x80)
const attackBytes = 4 * mb
const attackMs = 10_000

/** A node that is not attacked takes less than 200 ms in this time; unguarded, each of these attacks takes seconds. */
const maxCpuMs = 1_500
const maxHeldBytes = 16 * mb
/** A collection and a reading take less. */
const idleCpuMs = 60
const firstWindowBytes = 256 * 1024

let child: ChildProcess
let host: HostListening
let ended: AbortController

beforeEach(async () => {
  child = fork(join(import.meta.dirname, 'budget-host.ts'), { execArgv: [...typescriptFlags, '--expose-gc'] })
  host = await messageOf<HostListening>(child)
  ended = new AbortController()
})

afterEach(() => {
  ended.abort()
  child.kill()
})

async function reading(): Promise<HostReading> {
  order({ do: 'read' })
  return messageOf<HostReading>(child)
}

function order(what: HostOrder): void {
  child.send(what)
}

/** What an attack needs to know, from an address of its own. */
function context(): AttackContext {
  return {
    target: {
      kind: 'chat',
      host: '127.0.0.1',
      port: host.port,
      peer: host.peer,
      network: '',
      httpPort: 0,
      wsPort: 0,
      relayPort: 0,
      contactKey: ''
    },
    signal: ended.signal,
    source: '127.0.0.9',
    sent: () => undefined,
    identity: () => undefined
  }
}

/** Sends until the node has cut the connection, or has taken all that is meant for it. */
async function pour(link: RawLink, bytes: Uint8Array): Promise<number> {
  let sentBytes = 0
  const deadlineMs = performance.now() + attackMs
  while (link.isOpen && sentBytes < attackBytes && performance.now() < deadlineMs) {
    link.send(bytes)
    sentBytes += bytes.byteLength
    await sleep(1)
  }
  return sentBytes
}

/** Reset or closed: both are an end. */
async function untilGone(socket: Socket): Promise<void> {
  if (!socket.destroyed) await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

/** The node's state when it has dealt with all that it was sent. */
async function settled(breach: string): Promise<HostReading> {
  for (;;) {
    const now = await reading()
    if (now.misbehaviour.some((one) => one.breach === breach) && now.connections === 0) return now
    await sleep(50)
  }
}

/** The node's state when it has dealt with all that it was sent, and does nothing more. */
async function idle(): Promise<HostReading> {
  for (let before = await reading(); ;) {
    await sleep(200)
    const now = await reading()
    if (now.cpuMs - before.cpuMs < idleCpuMs) return now
    before = now
  }
}

/** Until then a connection has only few bytes (`MAX_UPGRADE_BYTES`), however long the victim takes. */
async function upgraded(): Promise<void> {
  await expect.poll(async () => (await reading()).connections).toBe(1)
}

function expectSpared(before: HostReading, after: HostReading): void {
  expect(after.cpuMs - before.cpuMs).toBeLessThan(maxCpuMs)
  expect(after.heldBytes - before.heldBytes).toBeLessThan(maxHeldBytes)
  expect(after.streams).toBe(0)
}

/** Garbage goes by and by; what is held stays. */
async function expectHeldBelow(bytes: number, before: HostReading): Promise<void> {
  await expect.poll(async () => (await reading()).heldBytes - before.heldBytes).toBeLessThan(bytes)
}

function repeated(count: number, frame: (index: number) => Uint8Array): Uint8Array {
  return Buffer.concat(Array.from({ length: count }, (_, index) => frame(index)))
}

describe('a length prefix that never ends', () => {
  test('costs nothing on a bare socket, and its sender is named', async () => {
    const before = await reading()
    const socket = await rawSocket(context())
    if (socket === undefined) throw new Error('the node did not take the connection')
    for (let sent = 0; sent < attackBytes; sent += endlessLength.byteLength) socket.write(endlessLength)
    await untilGone(socket)
    const after = await settled('negotiation')
    expectSpared(before, after)
    expect(after.misbehaviour).toEqual([
      {
        address: `127.0.0.9:${after.misbehaviour[0]?.address.split(':')[1]}`,
        breach: 'negotiation',
        what: 'sent a length prefix of more than 2 bytes',
        action: 'Its connection was cut'
      }
    ])
  })

  test('keeps nobody out who shares the address of its sender', async () => {
    for (let again = 0; again < 3 * OFFENCES_UNTIL_SLOWED; again++) {
      const socket = await rawSocket(context())
      if (socket === undefined) throw new Error('the node did not take the connection')
      socket.write(endlessLength)
      await untilGone(socket)
    }
    const honest = await Promise.all(Array.from({ length: 10 }, async () => RawLink.dial(context())))
    // It has them a moment later than who dialled.
    await expect.poll(async () => (await reading()).connections).toBe(honest.length)
    expect((await reading()).misbehaviour).toHaveLength(3 * OFFENCES_UNTIL_SLOWED)
    await Promise.all(honest.map(async (link) => link.close()))
  })

  test('costs nothing in a stream that is negotiated, and its peer is refused for a while', async () => {
    const before = await reading()
    const link = await RawLink.dial(context())
    const stream = link.newStream()
    link.send(header({ type: frameTypes.windowUpdate, flags: flags.syn, stream }))
    const frame = header({ type: frameTypes.data, stream, length: endlessLength.byteLength })
    expect(await pour(link, Buffer.concat([frame, endlessLength]))).toBeLessThan(attackBytes)
    const after = await settled('negotiation')
    expectSpared(before, after)
    expect(after.misbehaviour[0]?.peer).toMatch(/^12D3KooW/u)
  })

  test('costs nothing from a listener that this node has dialled, behind its handshake', async () => {
    const hostile = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [thenEndlessLength],
      streamMuxers: [yamux()]
    })
    try {
      const before = await reading()
      const port = hostile
        .getMultiaddrs()[0]
        ?.getComponents()
        .find(({ name }) => name === 'tcp')?.value
      order({ do: 'dial', port: Number(port) })
      const after = await settled('negotiation')
      expectSpared(before, after)
      expect(after.misbehaviour).toMatchObject([{ peer: hostile.peerId.toString(), address: `127.0.0.1:${port}` }])
    } finally {
      await hostile.stop()
    }
  })
})

/**
 * Noise that agrees on no muxer within its handshake, as other implementations do, and instead of agreeing on one behind
 * it says how long the agreement will be, for ever.
 */
function thenEndlessLength(components: Parameters<ReturnType<typeof noise>>[0]): ConnectionEncrypter {
  const encrypter = noise()(components)
  const secureInbound = encrypter.secureInbound.bind(encrypter)
  return Object.assign(encrypter, {
    secureInbound: async (connection, options) => {
      const secured = await secureInbound(connection, { ...options, skipStreamMuxerNegotiation: true })
      for (let sent = 0; sent < attackBytes; sent += endlessLength.byteLength) secured.connection.send(endlessLength)
      return secured
    }
  } satisfies Partial<ConnectionEncrypter>)
}

describe('frames of Yamux', () => {
  test.each([
    ['pings whose answers are not read', 'ping-rate', () => repeated(500, (index) => ping(index))],
    ['openings of streams', 'stream-rate', (link: RawLink) => repeated(500, () => syn(link.newStream()))],
    [
      'openings and resets of streams',
      'stream-rate',
      (link: RawLink) =>
        repeated(250, () => {
          const stream = link.newStream()
          return Buffer.concat([syn(stream), header({ type: frameTypes.windowUpdate, flags: flags.rst, stream })])
        })
    ],
    ['headers of garbage', 'frames', () => repeated(500, () => header({ version: 9, type: 9, flags: 0xffff }))],
    [
      'data for no stream',
      'frame-rate',
      (link: RawLink) => repeated(500, () => header({ type: frameTypes.data, stream: link.newStream() }))
    ]
  ])('that are %s end the connection before they cost much', async (_what, breach, frames) => {
    const before = await reading()
    const link = await RawLink.dial(context())
    link.stopReading()
    expect(await pour(link, frames(link))).toBeLessThan(attackBytes)
    const after = await settled(breach)
    expectSpared(before, after)
    expect(after.misbehaviour).toHaveLength(1)
  })

  test('that come as encrypted messages of one byte each end the connection', async () => {
    const before = await reading()
    const link = await RawLink.dial(context())
    const byte = Buffer.of(0)
    link.send(header({ type: frameTypes.data, stream: link.newStream(), length: 1024 * 1024 }))
    let sent = 0
    while (link.isOpen && sent < 2 * TINY_FRAME_RATE.burst + 10 * TINY_FRAME_RATE.perSecond) {
      for (let one = 0; one < 500; one++) link.send(byte)
      sent += 500
      await sleep(1)
    }
    const after = await settled('frame-rate')
    expectSpared(before, after)
    expect(after.misbehaviour[0]?.what).toMatch(/encrypted messages of less than 12 bytes/u)
  })

  test('that are not whole are kept in one piece, in however many they come', async () => {
    const before = await reading()
    const link = await RawLink.dial(context())
    await upgraded()
    const bytes = 1024 * 1024
    link.send(header({ type: frameTypes.data, stream: link.newStream(), length: bytes }))
    const piece = new Uint8Array(16)
    for (let sent = 0; sent < 0.9 * bytes; sent += 500 * piece.byteLength) {
      for (let one = 0; one < 500; one++) link.send(piece)
      await sleep(1)
    }
    const after = await idle()
    expect(after).toMatchObject({ connections: 1, misbehaviour: [] })
    // In pieces they take ten times as much.
    await expectHeldBelow(5 * bytes, before)
    await link.close()
  })

  test('of a few bytes each fill no memory, though their streams are never read', async () => {
    const before = await reading()
    const link = await RawLink.dial(context())
    await upgraded()
    const agreement = Buffer.from(
      `\u0013/multistream/1.0.0\n${String.fromCharCode(DEAF_PROTOCOL.length + 1)}${DEAF_PROTOCOL}\n`
    )
    const streams = Array.from({ length: 20 }, () => link.newStream())
    for (const stream of streams) {
      link.send(
        Buffer.concat([syn(stream), header({ type: frameTypes.data, stream, length: agreement.byteLength }), agreement])
      )
    }
    // Just large enough to take from no budget, until the windows are full.
    const body = new Uint8Array(16)
    const frames = firstWindowBytes / body.byteLength - 10
    const batch = 1_000
    for (let sent = 0; sent < frames; sent += batch) {
      for (const stream of streams) {
        const frame = Buffer.concat([header({ type: frameTypes.data, stream, length: body.byteLength }), body])
        link.send(repeated(Math.min(batch, frames - sent), () => frame))
        await sleep(1)
      }
    }
    const after = await idle()
    expect(after).toMatchObject({ misbehaviour: [], streams: streams.length })
    // The windows are 5 MB; as Yamux keeps them, they take ten times as much.
    await expectHeldBelow(3 * streams.length * firstWindowBytes, before)
    await link.close()
  })
})

function ping(id: number): Uint8Array {
  return header({ type: frameTypes.ping, flags: flags.syn, length: id })
}

function syn(stream: number): Uint8Array {
  return header({ type: frameTypes.windowUpdate, flags: flags.syn, stream })
}
