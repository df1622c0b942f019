import type { Libp2p } from '@libp2p/interface'
import { expect, onTestFinished, test, vi } from 'vitest'
import { FrameStream, GARBAGE_STREAM_RATE } from '../../src/wire/index.ts'
import { shareFrames } from '../../src/share/share-frames.ts'
import { ShareLink, shares, type Page, type SharedWith, type ShareService } from '../../src/share/index.ts'
import { node } from '../directory/nodes.ts'

const page: Page = { snapshot: 7, entries: [{ is: 'folder', name: 'Slides', sizeBytes: 3 }], hasMore: false }
const nothing: SharedWith = { list: () => undefined, find: () => ({ hits: [], hasMore: false }) }

type Side = Libp2p<{ shares: ShareService }>

/** The time stands still, so that no rate limit refills. */
async function side(sharedWith: SharedWith): Promise<Side> {
  return node({ shares: shares(sharedWith, () => 1) })
}

async function linkTo(sharer: Side): Promise<{ readonly link: ShareLink; readonly looker: Side }> {
  const looker = await side(nothing)
  const connection = await looker.dial(sharer.getMultiaddrs())
  const link = await ShareLink.open(connection, new AbortController().signal)
  onTestFinished(() => link.close())
  return { link, looker }
}

test('a peer sees what is shared with it, and asks again on the same stream', async () => {
  const asked: string[] = []
  const sharer = await side({
    list: (peer, path, after) => {
      asked.push(`${peer} ${path} ${after}`)
      return path === '' ? page : undefined
    },
    find: (_peer, words) => ({
      hits: [{ path: `Slides/${words.join('-')}`, sizeBytes: 1, modifiedAtMs: 2, file: 'ef'.repeat(32) }],
      hasMore: true
    })
  })
  const { link, looker } = await linkTo(sharer)
  expect(await link.list('')).toEqual({ type: 'listing', ...page })
  await expect(link.list('Slides', 'a')).rejects.toMatchObject({ name: 'ShareRefusedError', reason: 'not-here' })
  expect(await link.find(['two', 'words'])).toMatchObject({ hits: [{ path: 'Slides/two-words' }], hasMore: true })
  expect(asked).toEqual([`${looker.peerId.toString()}  `, `${looker.peerId.toString()} Slides a`])
})

test('one that searches too often is refused, and so is one that lists too often, and others are served', async () => {
  const sharer = await side({ list: () => page, find: nothing.find })
  const { link } = await linkTo(sharer)
  await link.find(['word'])
  await expect(link.find(['word'])).rejects.toMatchObject({ reason: 'too-fast' })
  const lists = await Promise.allSettled(Array.from({ length: 260 }, async () => link.list('')))
  expect(lists.filter(({ status }) => status === 'rejected')).toHaveLength(10)
  const other = await linkTo(sharer)
  expect(await other.link.list('')).toMatchObject(page)
  await other.link.find(['word'])
})

test('a stream on which nothing but refusals is asked for is cut', async () => {
  const sharer = await side(nothing)
  const { link } = await linkTo(sharer)
  for (let at = 0; at < 20; at++) await expect(link.list('gone')).rejects.toMatchObject({ reason: 'not-here' })
  await expect(link.list('gone')).rejects.not.toMatchObject({ name: 'ShareRefusedError' })
})

test('an answer in place of a question ends the stream', async () => {
  const sharer = await side({ list: () => page, find: nothing.find })
  const looker = await side(nothing)
  const connection = await looker.dial(sharer.getMultiaddrs())
  const frames = await FrameStream.open(connection, shareFrames, { signal: new AbortController().signal })
  await frames.write({ type: 'listing', ...page })
  await expect(frames.read()).rejects.toThrow()
})

test('a peer that breaks the rules on one stream after the other loses its connection', async () => {
  const sharer = await side(nothing)
  const looker = await side(nothing)
  const connection = await looker.dial(sharer.getMultiaddrs())
  const { signal } = new AbortController()
  // Twice as many, as the rate of garbage goes by the clock.
  for (let stream = 0; stream < 2 * GARBAGE_STREAM_RATE.burst && connection.status === 'open'; stream++) {
    await expect(
      FrameStream.open(connection, shareFrames, { signal }).then(async (frames) => {
        await frames.write({ type: 'listing', ...page })
        await frames.read()
      })
    ).rejects.toThrow()
  }
  await vi.waitFor(() => expect(connection.status).not.toBe('open'), { timeout: 60_000 })
})

test('a page that leads in circles is refused', async () => {
  const circling: Page = { ...page, hasMore: true }
  const { link } = await linkTo(await side({ list: () => circling, find: nothing.find }))
  await expect(link.list('', 'Slides')).rejects.toThrow('not behind')
  const { link: empty } = await linkTo(
    await side({ list: () => ({ snapshot: 1, entries: [], hasMore: true }), find: nothing.find })
  )
  await expect(empty.list('')).rejects.toThrow('not behind')
})
