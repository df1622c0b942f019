// What faces read of a history, with a node and from a profile that no node runs on.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../../src/node/index.ts'
import { History } from '../../../src/node/messaging/history.ts'
import { openHistory } from '../../../src/node/offline.ts'
import { openProfile } from '../../../src/node/profile/profile.ts'
import { SqliteStore } from '../../../src/storage/index.ts'
import { identity } from '../../presence/records.ts'

const [bob, carol] = [(await identity(2)).id, (await identity(3)).id]
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-history-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const config = async () =>
  loadConfig({ flags: {}, env: { XDG_DATA_HOME: join(folder, 'data'), XDG_CONFIG_HOME: join(folder, 'config') } })

/** A profile with some messages, released. */
async function profile(texts: readonly string[]): Promise<void> {
  const { folders, settings } = await config()
  const held = await openProfile(folders.data, settings.profile, { orNextFree: false })
  const store = await SqliteStore.open(join(held.folder, 'history.db'))
  for (const text of texts) await store.addOutgoing({ peer: bob, text, sentAtMs: 1 })
  await store.close()
  held.release()
}

test('reads the last messages, pages, words and everything of the store', async () => {
  const store = await SqliteStore.open(join(folder, 'history.db'))
  const history = new History(store, { folder })
  for (const text of ['one', 'two', 'three two']) await store.addOutgoing({ peer: bob, text, sentAtMs: 1 })
  const texts = (some: readonly { readonly message: { readonly text: string } }[]) =>
    some.map(({ message }) => message.text)
  expect((await history.recent(bob, 2)).map(({ text }) => text)).toEqual(['two', 'three two'])
  expect(texts(await history.page(bob, { limit: 2 }))).toEqual(['two', 'three two'])
  expect(texts(await history.search('two', { limit: 9 }))).toEqual(['three two', 'two'])
  const exported: string[] = []
  for await (const batch of history.export()) exported.push(...texts(batch))
  expect(exported).toEqual(['one', 'two', 'three two'])
  expect((await history.conversations()).map(({ peer }) => peer)).toEqual([bob])
  await store.close()
})

test('counts what waits up to a limit, and says when there is more', async () => {
  const store = await SqliteStore.open(join(folder, 'history.db'))
  const history = new History(store, { folder })
  expect(await history.waiting(5)).toEqual({ peers: 0, messages: 0, isAll: true })
  for (const peer of [bob, bob, carol]) await store.addOutgoing({ peer, text: 'x', sentAtMs: 1 })
  expect(await history.waiting(5)).toEqual({ peers: 2, messages: 3, isAll: true })
  expect(await history.waiting(2)).toEqual({ peers: 2, messages: 2, isAll: false })
  await store.close()
})

test('what is deleted is gone, and the one that keeps what waits hears of it', async () => {
  const store = await SqliteStore.open(join(folder, 'history.db'))
  const forgotten: string[] = []
  const history = new History(store, { folder, onForgotten: (peer) => void forgotten.push(peer) })
  await store.addOutgoing({ peer: bob, text: 'x', sentAtMs: 1 })
  expect(await history.forget(bob)).toBe(1)
  expect(await history.recent(bob, 9)).toEqual([])
  expect(forgotten).toEqual([bob])
  await store.close()
})

test('what was typed to a peer is deleted with the conversation, and to others is kept', async () => {
  const store = await SqliteStore.open(join(folder, 'history.db'))
  const history = new History(store, { folder })
  const typed = join(folder, 'typed.json')
  const others = { [carol]: [{ text: 'for carol', atMs: 2 }], '': [{ text: '/who', atMs: 3 }] }
  writeFileSync(typed, JSON.stringify({ [bob]: [{ text: 'for bob', atMs: 1 }], ...others }))
  await history.forget(bob)
  expect(JSON.parse(readFileSync(typed, 'utf8'))).toEqual(others)
  expect(statSync(typed).mode & 0o777).toBe(0o600)
  // What is cut off counts as missing for the full screen, and may hold anything.
  writeFileSync(typed, `{"${carol}":["for ca`)
  await history.forget(carol)
  expect(existsSync(typed)).toBe(false)
  await history.forget(carol)
  await store.close()
})

test('the history of a profile is read without its node, by one process at a time', async () => {
  await profile(['one', 'two'])
  const open = await openHistory(await config())
  expect((await open.history.recent(bob, 9)).map(({ text }) => text)).toEqual(['one', 'two'])
  await expect(openHistory(await config())).rejects.toMatchObject({ name: 'ProfileInUseError' })
  await open.close()
  const again = await openHistory(await config())
  await again.close()
})

test('a peer of the conversations is found by its ID, and an address is not dialled', async () => {
  await profile(['one'])
  const open = await openHistory(await config())
  try {
    expect(await open.resolve([bob])).toBe(bob)
    await expect(open.resolve(['127.0.0.1', '4001'])).rejects.toMatchObject({ name: 'PeerNotFoundError' })
  } finally {
    await open.close()
  }
})

test('a profile that is not there is not made', async () => {
  await expect(openHistory(await config())).rejects.toMatchObject({ name: 'UsageError' })
  await expect(openHistory(await config())).rejects.toThrow(/there is no profile/u)
})
