/** Folders between real nodes on loopback: offered in a message, fetched whole, gone on with after a restart. */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ChatNode } from '../../../src/node/index.ts'
import { eventually } from '../../eventually.ts'
import { Network, placeOf } from '../network.ts'
import { contacts, offered } from './contacts.ts'

type Tree = Readonly<Record<string, Buffer | 'folder'>>

async function ownFolder(name: string, tree: Tree): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'parley-own-'))
  onTestFinished(() => rm(place, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(tree)) {
    const at = join(place, name, path)
    await mkdir(content === 'folder' ? at : dirname(at), { recursive: true })
    if (content !== 'folder') await writeFile(at, content)
  }
  return join(place, name)
}

/** What is in a folder, as it was given. */
async function treeOf(folder: string): Promise<Tree> {
  const found: Record<string, Buffer | 'folder'> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    found[path.slice(folder.length + 1)] = entry.isDirectory() ? 'folder' : await readFile(path)
  }
  return found
}

async function done(node: ChatNode): Promise<string> {
  return eventually(async () => {
    const last = (await node.files.list()).findLast(({ direction }) => direction === 'in')
    expect(last?.why).toBeUndefined()
    expect(last?.state).toBe('done')
    return last?.path ?? ''
  })
}

const photographs = (count: number): Tree =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`day ${index % 3}/${index}.jpg`, randomBytes(5_000)]))

test('a folder arrives whole, with empty folders and files of any size, under a name that no other has', async () => {
  await using world = await contacts()
  const { anna, bob } = world
  const tree = { 'a/b/c.txt': Buffer.from('c'), 'a/large.bin': randomBytes(1_000_000), 'empty.txt': Buffer.alloc(0) }
  const folder = await ownFolder('trip', { ...tree, nothing: 'folder' })
  const message = await anna.files.offer(bob.self.peerId, [folder])
  expect(message.text).toBe('Folder: trip/ (3 files, 977 KiB)')
  expect(message.files?.[0]?.folder).toEqual({ files: 3, sizeBytes: 1_000_001 })
  const number = await offered(bob)
  expect((await bob.files.list())[0]).toMatchObject({ name: 'trip', files: 3, sizeBytes: 1_000_001 })
  await bob.files.get(number)
  const path = await done(bob)
  expect(await treeOf(path)).toEqual({ ...tree, nothing: 'folder', a: 'folder', 'a/b': 'folder' })
  expect((await stat(join(path, 'a/b/c.txt'))).mode & 0o777).toBe(0o600)
  expect(await readdir(dirname(path))).toEqual(['trip'])
  await eventually(async () => expect((await anna.files.list())[0]).toMatchObject({ state: 'done', files: 3 }))
  await rm(join(path, 'empty.txt'))
  await anna.files.offer(bob.self.peerId, [folder])
  await bob.files.get(await offered(bob))
  expect(await done(bob)).toBe(`${path} (2)`)
  await eventually(async () => expect((await anna.files.list())[1]).toMatchObject({ state: 'done', files: 3 }))
})

test('a folder goes on after both sides were restarted', async () => {
  await using world = await contacts()
  const { network, anna, bob } = world
  const tree = photographs(60)
  await anna.files.offer(bob.self.peerId, [await ownFolder('photos', tree)])
  await bob.files.get(await offered(bob))
  await eventually(async () => expect((await bob.files.list())[0]?.doneFiles ?? 60).toBeGreaterThan(3))
  await bob.stop()
  await anna.stop()
  const bobAgain = await network.peer('bob', { accept: 'all' })
  const annaAgain = await network.peer('anna')
  await bobAgain.peers.resolve([placeOf(annaAgain)])
  const path = await done(bobAgain)
  expect(await treeOf(path)).toEqual({ ...tree, 'day 0': 'folder', 'day 1': 'folder', 'day 2': 'folder' })
  expect(await readdir(dirname(path))).toEqual(['photos'])
  await eventually(async () => expect((await annaAgain.files.list())[0]?.state).toBe('done'))
})

test('a file of a folder that was changed is named on both sides, and all others arrive', async () => {
  await using world = await contacts()
  const { anna, bob } = world
  const folder = await ownFolder('papers', { 'a.txt': Buffer.from('a'), 'b.txt': Buffer.from('b') })
  await anna.files.offer(bob.self.peerId, [folder])
  const number = await offered(bob)
  await writeFile(join(folder, 'a.txt'), 'another text')
  await bob.files.get(number)
  const why = await eventually(async () => {
    const view = (await bob.files.list())[0]
    expect(view?.state).toBe('offered')
    return view?.why ?? ''
  })
  expect(why).toContain('one file could not be fetched: a.txt: its sender has changed or removed it since')
  const where = why.slice(why.indexOf('What has come is in ') + 'What has come is in '.length)
  expect(await treeOf(where)).toEqual({ 'b.txt': Buffer.from('b') })
  expect((await anna.files.list())[0]?.why).toContain('a.txt was changed or removed since: offer it again')
})

test('what contacts offer is fetched by itself up to the size of the setting, and no stranger’s', async () => {
  await using network = await Network.create()
  const anna = await network.peer('anna')
  const bob = await network.peer('bob', { accept: 'all', files: '1MiB' })
  const { peer } = await anna.peers.resolve([placeOf(bob)])
  await anna.messaging.open(peer)
  await bob.messaging.open(anna.self.peerId)
  const folder = await ownFolder('few', { 'small.txt': Buffer.from('small'), 'large.bin': randomBytes(1_100_000) })
  await anna.files.offer(peer, [join(folder, 'small.txt'), join(folder, 'large.bin'), folder])
  await eventually(async () => {
    const states = (await bob.files.list()).map(({ name, state }) => `${name} ${state}`)
    expect(states).toEqual(['small.txt done', 'large.bin offered', 'few offered'])
  })
})

test('a transfer that is paused stays so over a restart, and goes on when it is told to', async () => {
  await using world = await contacts()
  const { network, anna, bob } = world
  await anna.files.offer(bob.self.peerId, [await ownFolder('trip', { 'c.txt': Buffer.from('c') })])
  const number = await offered(bob)
  await anna.stop()
  await bob.files.get(number)
  expect((await bob.files.pause(number)).state).toBe('paused')
  await expect(bob.files.pause(number)).rejects.toThrow('is not on its way')
  await bob.stop()
  const bobAgain = await network.peer('bob', { accept: 'all' })
  expect((await bobAgain.files.list())[0]?.state).toBe('paused')
  const annaAgain = await network.peer('anna')
  await bobAgain.peers.resolve([placeOf(annaAgain)])
  await bobAgain.files.resume(number)
  expect(await treeOf(await done(bobAgain))).toEqual({ 'c.txt': Buffer.from('c') })
})

test('a file goes to the folder that was named; one that is not there is refused', async () => {
  await using world = await contacts()
  const { anna, bob } = world
  const [folder, to] = [await ownFolder('trip', { 'c.txt': Buffer.from('c') }), await ownFolder('to', { x: 'folder' })]
  await anna.files.offer(bob.self.peerId, [join(folder, 'c.txt')])
  const number = await offered(bob)
  await expect(bob.files.get(number, { to: join(to, 'nowhere') })).rejects.toThrow('there is no such file')
  await expect(bob.files.get(number, { to: join(folder, 'c.txt') })).rejects.toThrow('is not a folder')
  await bob.files.get(number, { to: join(to, 'x') })
  expect(await done(bob)).toBe(join(to, 'x', 'c.txt'))
})

test('a block ends what is on its way, in both directions', async () => {
  await using world = await contacts()
  const { anna, bob } = world
  const folder = await ownFolder('trip', { 'c.txt': Buffer.from('c') })
  await anna.files.offer(bob.self.peerId, [folder])
  await offered(bob)
  await bob.files.offer(anna.self.peerId, [folder])
  await bob.trust.block(anna.self.peerId)
  await eventually(async () => {
    expect((await bob.files.list()).map(({ direction, state }) => `${direction} ${state}`)).toEqual(['in declined'])
  })
})
