import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it, onTestFinished, vi } from 'vitest'
import { eventually, until } from '../../eventually.ts'
import { untilStill } from '../../wire/turns.ts'
import { Roster, sealRecord, SlowWatcherError } from '../../../src/presence/index.ts'
import {
  decodeDirectoryFrame,
  encodeClientFrame,
  encodeDirectoryFrame
} from '../../../src/directory/directory-frames.ts'
import type { ClientFrame, DirectoryFrame } from '../../../src/directory/directory-frames.ts'
import { DirectorySession, SessionRates, SharedFrames } from '../../../src/directory/server/directory-session.ts'
import { MAX_FOREIGN_FLUSH_BYTES, RosterPush } from '../../../src/directory/server/roster-push.ts'
import { FrameQueue, runFrames } from '../../../src/wire/index.ts'
import { node } from '../nodes.ts'
import { identity, presence, sealedBy } from '../../presence/records.ts'

const PROTOCOL = '/test/push/1.0.0'
const whole = { query: '', offset: 0, limit: 0 }

/** A server that pushes a roster, and watchers of it that stop reading when told. */
async function scene() {
  const roster = new Roster()
  const source = (await identity(100)).id
  const push = new RosterPush({ roster, own: source, now: Date.now, coalesceMs: 1 })
  const stop = new AbortController()
  const ends: unknown[] = []
  const sessions: DirectorySession[] = []
  const server = await node({}, { privateKey: (await identity(100)).key })
  await server.handle(PROTOCOL, async (stream, connection) => {
    const session = new DirectorySession(stream, connection, new SessionRates(Date.now()))
    sessions.push(session)
    await session
      .run(stop.signal, async (frame) => (frame.type === 'watch' ? push.watch(session, frame, stop.signal) : undefined))
      .catch((error: unknown) => ends.push(error))
      .finally(() => push.unwatch(session))
  })
  const watcher = async (n: number, isStuckAtOnce = false) => {
    const libp2p = await node({}, { privateKey: (await identity(n)).key })
    const stream = await libp2p.dialProtocol(server.getMultiaddrs(), PROTOCOL)
    const outgoing = new FrameQueue<ClientFrame>({ maxBytes: 1_000, sizeOf: () => 10 })
    const frames: DirectoryFrame[] = []
    const reading = Promise.withResolvers<void>()
    let isStuck = isStuckAtOnce
    const ended = runFrames<DirectoryFrame, ClientFrame>({
      stream,
      codec: { decode: decodeDirectoryFrame, encode: encodeClientFrame },
      outgoing,
      maxFrameBytes: 128 * 1024,
      onFrames: async (batch) => {
        frames.push(...batch)
        if (isStuck) await reading.promise
      }
    }).then(
      () => 'closed',
      () => 'reset'
    )
    outgoing.offer({ type: 'watch', ...whole })
    await until(() => frames.length > 0, 'the snapshot begins')
    return { frames, ended, stick: () => (isStuck = true), go: () => reading.resolve() }
  }
  return { roster, push, stop, ends, sessions, source, watcher }
}

const addresses = Array.from({ length: 15 }, () => multiaddr(`/dns4/${'a'.repeat(200)}/tcp/1`))

it('tells a watcher that is still taking its snapshot what has changed since it was taken', async () => {
  const { roster, push, stop, sessions, source, watcher } = await scene()
  const keys = await Promise.all(Array.from({ length: 800 }, () => generateKeyPair('Ed25519')))
  for (const key of keys) {
    roster.announce(await sealRecord({ ...presence, addresses }, key), { source, nowMs: 0 })
  }
  const one = await watcher(101, true)
  await untilStill(() => one.frames.length)
  const [key] = keys
  if (key === undefined) throw new Error('no key')
  const changed = await sealRecord({ ...presence, seq: 2_000n, nickname: 'changed' }, key)
  roster.announce(changed, { source, nowMs: 0 })
  push.changed([changed.record.peer.toString()])
  expect(sessions[0]?.watching.what).toBe('snapshot')
  one.go()
  await until(() => one.frames.some(({ type }) => type === 'changes'), 'the change has come')
  const pages = one.frames.flatMap((frame) => (frame.type === 'snapshot' ? [frame] : []))
  expect(pages.map(({ last }) => last)).toEqual([...pages.slice(1).map(() => false), true])
  expect(pages.flatMap(({ entries }) => entries)).toHaveLength(800)
  const last = one.frames.at(-1)
  expect(
    last?.type === 'changes' && last.entries.map(({ envelope }) => Buffer.compare(envelope, changed.envelope))
  ).toEqual([0])
  push.stop()
  stop.abort()
  await one.ended
})

it('resets a watcher that does not read, while another one misses nothing', async () => {
  const { roster, push, stop, ends, source, watcher } = await scene()
  const [slow, quick] = [await watcher(101), await watcher(102)]
  slow.stick()

  const peers = await Promise.all(Array.from({ length: 60 }, (_, i) => identity(i)))
  let seq = 0n
  // The longer a round takes, the more of them are gathered: how many are needed depends on the machine.
  await eventually(async () => {
    seq++
    for (const peer of peers) roster.announce(await sealedBy(peer, { seq, addresses }), { source, nowMs: 0 })
    push.changed(peers.map(({ id }) => id))
    expect(ends).not.toEqual([])
  })
  // A loss is its own word where the whole stream fails with it.
  const chain = (error: unknown): unknown[] => (error instanceof Error ? [error, ...chain(error.cause)] : [])
  expect(ends.flatMap(chain).some((error) => error instanceof SlowWatcherError)).toBe(true)
  expect(ends).toHaveLength(1)
  slow.go()
  expect(await slow.ended).toBe('reset')

  const last = await sealedBy(peers[0] ?? (await identity(0)), { seq: seq + 1n, nickname: 'last' })
  roster.announce(last, { source, nowMs: 0 })
  push.changed([last.record.peer.toString()])
  // Alone, or gathered with others.
  const isLast = (frame: DirectoryFrame) =>
    frame.type === 'changes' && frame.entries.some(({ envelope }) => Buffer.compare(envelope, last.envelope) === 0)
  await until(() => quick.frames.some(isLast), 'the quick one has the last change')
  push.stop()
  stop.abort()
  expect(await quick.ended).toBe('reset')
})

it('lets a watcher that was dismissed read that, whatever changes meanwhile', async () => {
  const { stop, ends, sessions, watcher } = await scene()
  const one = await watcher(101)
  const [session] = sessions
  session?.dismiss(2_000)
  session?.send({ type: 'changes', entries: [], removed: [], total: 0 })
  expect(await one.ended).toBe('closed')
  expect(one.frames.at(-1)).toMatchObject({ type: 'refuse', reason: 'going-down', retryAfterMs: 2_000 })
  expect(ends).toEqual([])
  stop.abort()
})

it('tells whoever gets a snapshot that was made for another what has changed since', async () => {
  const { roster, push, source, watcher } = await scene()
  const people = await Promise.all(Array.from({ length: 9 }, async (_, n) => identity(n + 1)))
  for (const who of people.slice(0, 8)) roster.announce(await sealedBy(who), { source, nowMs: 0 })
  await watcher(101)
  const [left, , joined] = [people[0], people[1], people[8]]
  if (left === undefined || joined === undefined) throw new Error('nine were made')
  roster.announce(await sealedBy(joined), { source, nowMs: 0 })
  roster.detach(left.id, source)
  push.changed([joined.id, left.id])
  const late = await watcher(102)
  const held = new Set<string>()
  await until(() => {
    held.clear()
    for (const frame of late.frames) {
      if (frame.type !== 'snapshot' && frame.type !== 'changes') continue
      for (const { envelope } of frame.entries) {
        const known = people.find((who) => Buffer.from(envelope).includes(Buffer.from(who.peer.toMultihash().bytes)))
        if (known !== undefined) held.add(known.id)
      }
      if (frame.type === 'changes') for (const peer of frame.removed) held.delete(peer.toString())
    }
    return held.has(joined.id) && !held.has(left.id)
  }, 'the late watcher knows who has joined and who has left')
  expect(held).toEqual(new Set(people.slice(1).map(({ id }) => id)))
  // One snapshot, not a fresh one: it still names the one who has left.
  const snapshot = late.frames.find((frame) => frame.type === 'snapshot')
  expect(snapshot).toMatchObject({ total: 8 })
})

it('what is shared among watchers overtakes nothing that waits for one of them, and is there when nothing does', async () => {
  const { sessions, watcher } = await scene()
  const { frames } = await watcher(101)
  const [session] = sessions
  if (session === undefined) throw new Error('no session')
  const changes = (total: number) => [encodeDirectoryFrame({ type: 'changes', entries: [], removed: [], total })]
  const share = (total: number) => session.sendShared(new SharedFrames(changes(total)))
  share(1)
  share(2)
  session.sendEncoded(changes(3))
  share(4)
  await Promise.resolve()
  share(5)
  session.sendEncoded([...changes(6), ...changes(7)])
  share(8)
  const totals = () => frames.flatMap((frame) => (frame.type === 'changes' ? [frame.total] : []))
  await until(() => totals().length >= 8, 'all of it')
  expect(totals()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  session.end()
})

it('tells of other directories’ peers in small parts, and of all its own beside the first of them', async () => {
  const keys = await Promise.all(Array.from({ length: 500 }, async () => generateKeyPair('Ed25519')))
  const peers = keys.map((key) => peerIdFromPrivateKey(key))
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const roster = new Roster()
  const [{ id: own }, { id: foreign }, ada] = [await identity(100), await identity(101), await identity(1)]
  const push = new RosterPush({ roster, own, now: () => performance.now(), coalesceMs: 50 })
  const flushes: { readonly bytes: number; readonly told: readonly string[] }[] = []
  const watcher = {
    watching: { what: 'nothing' },
    sendPages: async () => undefined,
    sendShared: ({ frames }: SharedFrames) => {
      const told = frames.flatMap((frame) => {
        const changes = decodeDirectoryFrame(frame)
        if (changes?.type !== 'changes') return []
        return changes.entries.map(({ attachments }) => String(attachments[0]?.directory))
      })
      flushes.push({ bytes: frames.reduce((sum, { byteLength }) => sum + byteLength, 0), told })
    }
  } as unknown as DirectorySession
  await push.watch(watcher, whole, new AbortController().signal)
  const record = await sealedBy(ada)
  // What a roster holds is checked elsewhere: here one record stands for many peers.
  const others = peers.map((peer) => ({ ...record, record: { ...record.record, peer } }))
  for (const one of others) roster.announce(one, { source: foreign, nowMs: 0 })
  push.changed(others.map((one) => one.record.peer.toString()))
  roster.announce(record, { source: own, nowMs: 0 })
  push.changed([ada.id])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(flushes.length).toBeGreaterThan(2)
  for (const { bytes } of flushes) expect(bytes).toBeLessThan(MAX_FOREIGN_FLUSH_BYTES + 4_096)
  expect(flushes[1]?.told[0]).toBe(own)
  expect(flushes.flatMap(({ told }) => told)).toHaveLength(others.length + 1)
  push.stop()
})

it('gathers changes for longer where telling all watchers takes long', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let nowMs = 0
  const roster = new Roster()
  const { id: own } = await identity(100)
  const push = new RosterPush({ roster, own, now: () => nowMs, coalesceMs: 100 })
  const flushedAtMs: number[] = []
  const slow = {
    watching: { what: 'nothing' },
    sendPages: async () => undefined,
    sendShared: () => {
      flushedAtMs.push(nowMs)
      nowMs += 200
    }
  } as unknown as DirectorySession
  await push.watch(slow, whole, new AbortController().signal)
  const ada = await identity(1)
  const { id } = ada
  roster.announce(await sealedBy(ada), { source: own, nowMs })
  push.changed([id])
  await vi.advanceTimersByTimeAsync(1)
  push.changed([id])
  const tick = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 50) {
      nowMs += 50
      await vi.advanceTimersByTimeAsync(50)
    }
  }
  await tick(500)
  expect(flushedAtMs).toEqual([0])
  await tick(400)
  // Its 200 ms are a quarter of 800.
  expect(flushedAtMs).toHaveLength(2)
  push.stop()
})
