import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import {
  fileCodec,
  fileFrameBytes,
  MAX_DATA_BYTES,
  MAX_FILE_FRAME_BYTES,
  type FileFrame
} from '../../src/files/file-frames.ts'
import { HASH_BYTES, leafCountOf, MAX_FILE_BYTES, MIN_LEAF_BYTES } from '../../src/files/file-tree.ts'
import type { FilesOnOffer, OfferedFile } from '../../src/files/index.ts'
import { LeafSet } from '../../src/files/leaf-set.ts'
import { MAX_REQUESTS_PER_STREAM } from '../../src/files/upload-session.ts'
import { UPLOAD_TURN_BYTES } from '../../src/files/upload-slots.ts'
import { FrameQueue, onClosed, runFrames } from '../../src/wire/index.ts'
import { eventually, until } from '../eventually.ts'
import { fetching, gated, having, lying, nothing, offering, original, rawStreamTo, side, streamTo } from './sides.ts'

/** A requester that sends what the test says, and keeps all answers. */
function asking(stream: Stream) {
  const answers: FileFrame[] = []
  const outgoing = new FrameQueue<FileFrame>({ maxBytes: 1 << 20, sizeOf: fileFrameBytes })
  const ended = runFrames({
    stream,
    codec: fileCodec,
    outgoing,
    maxFrameBytes: MAX_FILE_FRAME_BYTES,
    onFrames: async (batch) => void answers.push(...batch)
  }).then(
    () => 'ended',
    () => 'cut'
  )
  return { answers, ended, ask: (frame: FileFrame) => outgoing.offer(frame), end: () => outgoing.end() }
}

test.each([0, 1, MIN_LEAF_BYTES, 10 * MIN_LEAF_BYTES + 77])('a file of %d bytes arrives whole', async (sizeBytes) => {
  const given = await original(sizeBytes)
  const [anna, bob] = [await side(offering(given)), await side(nothing)]
  const { download, events } = await fetching(given)
  download.add(anna.id, await streamTo(bob, anna))
  expect((await readFile(await download.whole)).equals(given.content)).toBe(true)
  expect(events).toEqual([])
})

test('from two sources, of which one lies: the file is exact, and the liar is named', async () => {
  const given = await original(20 * MIN_LEAF_BYTES)
  const [honest, liar, bob] = [await side(offering(given)), await side(lying(given)), await side(nothing)]
  const { download, events } = await fetching(given)
  download.add(liar.id, await streamTo(bob, liar))
  await eventually(() => expect(events).toEqual([`${liar.id} dropped: wrong`]))
  download.add(honest.id, await streamTo(bob, honest))
  expect((await readFile(await download.whole)).equals(given.content)).toBe(true)
})

test('a peer without a right sees what it would see if the file were not there', async () => {
  const given = await original(10)
  const [anna, carl] = [await side(offering(given, 'only bob')), await side(nothing)]
  const stranger = asking(await rawStreamTo(carl, anna))
  const { file } = given.hashed
  for (const [index, id] of [file, 'cd'.repeat(32)].entries()) {
    stranger.ask({ type: 'have', request: 3 * index, file: id })
    stranger.ask({ type: 'layer', request: 3 * index + 1, file: id })
    stranger.ask({ type: 'get', request: 3 * index + 2, file: id, leaf: 0, count: 1 })
  }
  await until(() => stranger.answers.length === 6, 'six answers')
  expect(stranger.answers).toEqual(
    [0, 1, 2, 3, 4, 5].map((request) => ({ type: 'refuse', request, reason: 'not-here' }))
  )
  const { download, events } = await fetching(given)
  download.add(anna.id, await streamTo(carl, anna))
  await eventually(() => expect(events).toEqual([`${anna.id} dropped: not-here`]))
})

test('what is withdrawn while a stream is open is not here from the next leaf on, for each request', async () => {
  const given = await original(10 * MIN_LEAF_BYTES)
  const { file } = given.hashed
  let isOffered = true
  let closed = 0
  const offered: OfferedFile = {
    sizeBytes: given.content.byteLength,
    layer: async () => given.hashed.layer,
    leaf: async function* (leaf) {
      yield given.content.subarray(leaf, leaf + 1)
      if (leaf === 1) isOffered = false
    },
    isOffered: () => isOffered,
    close: async () => void closed++
  }
  const [anna, bob] = [await side({ open: async () => (isOffered ? offered : undefined) }), await side(nothing)]
  const asker = asking(await rawStreamTo(bob, anna))
  asker.ask({ type: 'get', request: 1, file, leaf: 0, count: 8 })
  await until(() => asker.answers.length === 3, 'two leaves, and no third one')
  expect(asker.answers.map(({ type }) => type)).toEqual(['data', 'data', 'refuse'])
  asker.ask({ type: 'get', request: 2, file, leaf: 0, count: 1 })
  asker.ask({ type: 'layer', request: 3, file })
  asker.ask({ type: 'have', request: 4, file })
  await until(() => asker.answers.length === 6, 'three more refusals')
  expect(asker.answers.slice(2)).toEqual(
    [1, 2, 3, 4].map((request) => ({ type: 'refuse', request, reason: 'not-here' }))
  )
  expect(closed).toBe(1)
  isOffered = true
  asker.ask({ type: 'get', request: 5, file, leaf: 3, count: 1 })
  await until(() => asker.answers.length === 7, 'what is offered again')
  expect(asker.answers[6]?.type).toBe('data')
})

test('a source that has a part of the file sends that part, and says so', async () => {
  const given = await original(40 * MIN_LEAF_BYTES)
  const leaves = leafCountOf(given.content.byteLength)
  // Each has a third, and none has all.
  const partial = async (rest: number) => {
    const have = new LeafSet(leaves)
    for (let leaf = rest; leaf < leaves; leaf += 3) have.add(leaf)
    return side(having(given, have))
  }
  const sources = [await partial(0), await partial(1), await partial(2)]
  const bob = await side(nothing)
  const { download } = await fetching(given)
  for (const source of sources) download.add(source.id, await streamTo(bob, source))
  expect((await readFile(await download.whole)).equals(given.content)).toBe(true)
  const [first] = sources
  if (first === undefined) throw new Error('no source')
  const asker = asking(await rawStreamTo(bob, first))
  asker.ask({ type: 'get', request: 1, file: given.hashed.file, leaf: 1, count: 1 })
  await until(() => asker.answers.length > 0, 'an answer')
  expect(asker.answers[0]).toEqual({ type: 'refuse', request: 1, reason: 'no-such-leaf' })
})

test('an interrupted download goes on with what is on the disk', async () => {
  const given = await original(20 * MIN_LEAF_BYTES)
  const [anna, bob] = [await side(offering(given)), await side(nothing)]
  const enough = Promise.withResolvers<void>()
  const first = await fetching(given, {
    onProgress: () => {
      if (first.download.have.count === 5) enough.resolve()
    }
  })
  first.download.add(anna.id, await streamTo(bob, anna))
  await enough.promise
  const stopped = expect(first.download.whole).rejects.toThrow('for now')
  await first.download.stop(new Error('for now'))
  await stopped
  const part = join(first.into, 'received.bin.part')
  const again = await fetching(given, { into: first.into, resumed: part })
  expect(again.download.have.count).toBeGreaterThanOrEqual(5)
  again.download.add(anna.id, await streamTo(bob, anna))
  expect((await readFile(await again.download.whole)).equals(given.content)).toBe(true)
  expect(await readdir(first.into)).toEqual(['received.bin'])
})

test('a source that goes is reported, and another one goes on', async () => {
  const given = await original(20 * MIN_LEAF_BYTES)
  const [anna, berta, bob] = [await side(offering(given)), await side(offering(given)), await side(nothing)]
  const some = Promise.withResolvers<void>()
  const { download, events } = await fetching(given, { onProgress: () => some.resolve() })
  download.add(anna.id, await streamTo(bob, anna))
  await some.promise
  await anna.libp2p.stop()
  await eventually(() => expect(events).toEqual([`${anna.id} lost`]))
  download.add(berta.id, await streamTo(bob, berta))
  expect((await readFile(await download.whole)).equals(given.content)).toBe(true)
})

test('a file that was changed since is named as such, and none of its bytes arrive', async () => {
  const given = await original(10)
  await writeFile(given.hashed.path, 'something else')
  const [anna, bob] = [await side(offering(given)), await side(nothing)]
  const { download, events, into } = await fetching(given)
  download.add(anna.id, await streamTo(bob, anna))
  await eventually(() => expect(events).toEqual([`${anna.id} dropped: changed`]))
  expect(await readdir(into)).toEqual([])
})

test('a peer that waits for a slot knows its place, and is served when one is free', async () => {
  const given = await original(10)
  const gate = Promise.withResolvers<void>()
  const [anna, bob, carl] = [await side(gated(given, gate.promise), 1), await side(nothing), await side(nothing)]
  const get: FileFrame = { type: 'get', request: 1, file: given.hashed.file, leaf: 0, count: 1 }
  const first = asking(await rawStreamTo(bob, anna))
  first.ask({ type: 'have', request: 0, file: given.hashed.file })
  first.ask(get)
  await until(() => first.answers.length === 1, 'the first has its slot')
  const second = asking(await rawStreamTo(carl, anna))
  second.ask(get)
  await until(() => second.answers.length === 1, 'the second is told')
  expect(second.answers).toEqual([{ type: 'queued', place: 1 }])
  gate.resolve()
  await until(() => second.answers.length === 2, 'the second is served')
  expect(second.answers[1]?.type).toBe('data')
})

test('a peer that asks for many large leaves at once has its turn, and then waits like any other', async () => {
  const told = Promise.withResolvers<void>()
  const sent: string[] = []
  let atOnce = 0
  const large: OfferedFile = {
    sizeBytes: MAX_FILE_BYTES,
    layer: async () => new Uint8Array(),
    leaf: async function* () {
      sent.push(++atOnce === 1 ? 'alone' : 'beside another')
      for (let bytes = 0; bytes < UPLOAD_TURN_BYTES; bytes += MAX_DATA_BYTES) yield new Uint8Array(MAX_DATA_BYTES)
      if (sent.length === 2) await told.promise
      atOnce--
    },
    close: async () => undefined
  }
  const offers: FilesOnOffer = { open: async () => large }
  const [anna, bob, carl] = [await side(offers, 1), await side(nothing), await side(nothing)]
  const file = 'ab'.repeat(32)
  const many = asking(await rawStreamTo(bob, anna))
  const one = asking(await rawStreamTo(carl, anna))
  many.ask({ type: 'get', request: 1, file, leaf: 0, count: 3 })
  await until(() => many.answers.length > 0, 'the first is served')
  one.ask({ type: 'get', request: 1, file, leaf: 0, count: 1 })
  await until(() => many.answers.some(({ type }) => type === 'queued'), 'the first has had its turn')
  told.resolve()
  await until(() => sent.length === 4, 'all four leaves')
  expect(sent).toEqual(['alone', 'alone', 'alone', 'alone'])
})

test('leaves beyond the end, answers from a requester and too many requests at a time', async () => {
  const given = await original(10)
  const [anna, bob] = [await side(offering(given)), await side(nothing)]
  const { file } = given.hashed
  const one = asking(await rawStreamTo(bob, anna))
  one.ask({ type: 'get', request: 1, file, leaf: 1, count: 1 })
  one.ask({ type: 'get', request: 2, file, leaf: 4_294_967_295, count: 8 })
  await until(() => one.answers.length === 2, 'two answers')
  expect(one.answers).toEqual([1, 2].map((request) => ({ type: 'refuse', request, reason: 'no-such-leaf' })))
  one.ask({ type: 'data', request: 1, bytes: Uint8Array.of(1) })
  expect(await one.ended).toBe('cut')

  const other = asking(await rawStreamTo(bob, anna))
  for (let request = 0; request <= MAX_REQUESTS_PER_STREAM; request++) {
    other.ask({ type: 'have', request, file: 'ef'.repeat(32) })
  }
  expect(await other.ended).toBe('cut')
})

test('a requester that ends its half has its stream ended', async () => {
  const given = await original(10)
  const [anna, bob] = [await side(offering(given)), await side(nothing)]
  const stream = await rawStreamTo(bob, anna)
  const requester = asking(stream)
  requester.ask({ type: 'have', request: 1, file: given.hashed.file })
  await until(() => requester.answers.length === 1, 'an answer')
  requester.end()
  expect(await requester.ended).toBe('ended')
})

test('of a file that is announced with 64 GiB nothing is on the disk, and little in memory, before its layer is proven', async () => {
  const sizeBytes = 64 * 1024 ** 3
  const given = await original(1)
  const announced = { ...given, hashed: { ...given.hashed, file: 'ab'.repeat(32), sizeBytes } }
  const madeUp = new Uint8Array(leafCountOf(sizeBytes) * HASH_BYTES)
  const liar = await side({
    open: async () => ({
      sizeBytes,
      layer: async () => madeUp,
      leaf: async function* () {},
      close: async () => undefined
    })
  })
  const bob = await side(nothing)
  const { download, events, into } = await fetching(announced)
  download.add(liar.id, await streamTo(bob, liar))
  await eventually(() => expect(events).toEqual([`${liar.id} dropped: wrong`]))
  expect(await readdir(into)).toEqual([])
  // All the hashes that a file of any size has.
  expect(madeUp.byteLength).toBeLessThanOrEqual(2 * 1024 ** 2)
})

test('a source that sends more than was asked is cut', async () => {
  const given = await original(10)
  const [hostile, bob] = [await side(nothing), await side(nothing)]
  await hostile.libp2p.unhandle('/chat/file/1.0.0')
  await hostile.libp2p.handle('/chat/file/1.0.0', (stream) => {
    const outgoing = new FrameQueue<FileFrame>({ maxBytes: 1 << 20, sizeOf: fileFrameBytes })
    const onFrames = async (batch: FileFrame[]): Promise<void> => {
      for (const frame of batch) {
        if (frame.type === 'layer') {
          outgoing.offer({ type: 'hashes', request: frame.request, hashes: new Uint8Array(64) })
        }
      }
    }
    runFrames({ stream, codec: fileCodec, outgoing, maxFrameBytes: MAX_FILE_FRAME_BYTES, onFrames }).catch(
      () => undefined
    )
  })
  const { download, events } = await fetching(given)
  const stream = await streamTo(bob, hostile)
  const closed = new Promise<void>((resolve) => onClosed(stream, resolve))
  download.add(hostile.id, stream)
  await closed
  await eventually(() => expect(events).toEqual([`${hostile.id} lost`]))
})
