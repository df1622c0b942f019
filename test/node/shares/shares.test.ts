/** Shares between real nodes on loopback: looked at, fetched with their folders, found at several contacts, and kept from others. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ChatNode, SearchNews } from '../../../src/node/index.ts'
import { RemoteShares } from '../../../src/node/shares/remote-shares.ts'
import { eventually } from '../../eventually.ts'
import { Network, placeOf } from '../network.ts'

async function slides(more: Readonly<Record<string, string>> = {}): Promise<string> {
  const outer = await mkdtemp(join(tmpdir(), 'parley-own-'))
  onTestFinished(() => rm(outer, { recursive: true, force: true }))
  const folder = join(outer, 'Slides')
  await mkdir(join(folder, 'Autumn'), { recursive: true })
  const files = { 'Autumn/plan.pdf': 'the plan', 'Autumn/CON': 'a name of Windows', 'notes.txt': 'notes', ...more }
  for (const [path, content] of Object.entries(files)) await writeFile(join(folder, path), content)
  return folder
}

async function untilRead(node: ChatNode): Promise<void> {
  await eventually(async () => {
    for (const { isBusy, readFiles, files } of await node.shares.list())
      expect([isBusy, readFiles]).toEqual([false, files])
  })
}

async function areContacts(one: ChatNode, other: ChatNode): Promise<void> {
  const { peer } = await one.peers.resolve([placeOf(other)])
  await one.messaging.open(peer)
  await other.messaging.open(one.self.peerId)
}

const namesIn = async (node: ChatNode, of: ChatNode, path = '') =>
  (await node.shares.browse(of.self.peerId, path)).entries.map(({ name }) => name)

test('a contact looks at a share and fetches a folder of it, with the folders below', async () => {
  await using network = await Network.create()
  const [anna, bob] = [await network.peer('anna'), await network.peer('bob', { accept: 'all' })]
  await areContacts(anna, bob)
  expect(await namesIn(bob, anna)).toEqual([])
  await anna.shares.add(await slides())
  await untilRead(anna)
  expect(await namesIn(bob, anna)).toEqual(['Slides'])
  expect(await namesIn(bob, anna, 'Slides')).toEqual(['Autumn', 'notes.txt'])
  expect(await namesIn(bob, anna, '/Slides/Autumn/')).toEqual(['CON', 'plan.pdf'])
  await expect(bob.shares.browse(anna.self.peerId, 'Other')).rejects.toThrow('shares no folder')
  await bob.shares.get(anna.self.peerId, ['Slides'])
  const paths = await eventually(async () => {
    const list = await bob.files.list()
    expect(list.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
    return list.map(({ path = '' }) => path)
  })
  const contents = await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')] as const))
  const [first = ''] = paths
  const downloads = first.slice(0, first.indexOf('/Slides/'))
  expect(new Map(contents)).toEqual(
    new Map([
      [`${downloads}/Slides/Autumn/_CON`, 'a name of Windows'],
      [`${downloads}/Slides/Autumn/plan.pdf`, 'the plan'],
      [`${downloads}/Slides/notes.txt`, 'notes']
    ])
  )
  // Once more: what is here is not fetched again.
  const again = await bob.shares.get(anna.self.peerId, ['Slides/Autumn/plan.pdf', 'Slides'])
  expect(again.length).toBeGreaterThanOrEqual(3)
  expect(await bob.files.list()).toHaveLength(4)
})

test('one that is no contact sees nothing, and fetches nothing whose file ID it knows', async () => {
  await using network = await Network.create()
  const [anna, bob] = [await network.peer('anna'), await network.peer('bob', { accept: 'all' })]
  await anna.shares.add(await slides(), { isSearchable: true })
  await untilRead(anna)
  await bob.peers.resolve([placeOf(anna)])
  expect(await namesIn(bob, anna)).toEqual([])
  const texts = []
  for (const path of ['Slides', 'There is none']) {
    texts.push(
      String(await bob.shares.browse(anna.self.peerId, path).catch((error: unknown) => error)).replace(path, '')
    )
  }
  expect(new Set(texts).size).toBe(1)
})

test('a path is taken as people type it, and one that can be none is refused here', async () => {
  await using network = await Network.create()
  const [anna, bob] = [await network.peer('anna'), await network.peer('bob', { accept: 'all' })]
  await areContacts(anna, bob)
  await anna.shares.add(await slides({ '\u00fcber.txt': 'about' }))
  await untilRead(anna)
  const { peerId } = anna.self
  for (const path of ['Slides//Autumn', 'Slides/../Slides', './Slides', 'Slides/a\0b', 'a/'.repeat(40) + 'a']) {
    await expect(bob.shares.browse(peerId, path)).rejects.toMatchObject({ name: 'UsageError' })
    await expect(bob.shares.get(peerId, [path])).rejects.toMatchObject({ name: 'UsageError' })
  }
  await expect(bob.shares.browse(peerId, 'Slides', { after: 'a/b' })).rejects.toMatchObject({ name: 'UsageError' })
  // As macOS writes it.
  expect(await bob.shares.get(peerId, ['Slides/u\u0308ber.txt'])).toHaveLength(1)
})

test('after a stop and a start others are asked again', async () => {
  const shares = new RemoteShares({
    network: {
      connection: () => undefined,
      connect: async (_peer, { signal }) => {
        signal.throwIfAborted()
        throw new Error('it was asked')
      }
    },
    reachable: () => [],
    label: (peer) => peer,
    take: async () => []
  })
  shares.start()
  shares.stop()
  await expect(shares.browse('anna', '')).rejects.toThrow('quitting')
  shares.start()
  await expect(shares.browse('anna', '')).rejects.toThrow('it was asked')
})

test('words find one file at two contacts, and a search that goes on tells what turns up', async () => {
  await using network = await Network.create()
  const [anna, bob, carol] = [
    await network.peer('anna', { accept: 'all' }),
    await network.peer('bob', { accept: 'all' }),
    await network.peer('carol', { accept: 'all' })
  ]
  await areContacts(carol, anna)
  await areContacts(carol, bob)
  await anna.shares.add(await slides(), { isSearchable: true })
  await bob.shares.add(await slides({ 'plan of bob.pdf': 'another' }), { isSearchable: true, name: "Bob's" })
  await bob.shares.add(await slides({ 'plan that is not found': 'x' }), { name: 'Quiet' })
  await Promise.all([untilRead(anna), untilRead(bob)])
  const report = await carol.shares.find(['PLAN'])
  expect(report).toMatchObject({ asked: 2, silent: 0, hasMore: false })
  expect(report.files.map(({ sources }) => sources.map(({ path }) => path).toSorted())).toEqual([
    ["Bob's/Autumn/plan.pdf", 'Slides/Autumn/plan.pdf'],
    ["Bob's/plan of bob.pdf"]
  ])
  const told: SearchNews[] = []
  carol.events.addEventListener('found', ({ detail }) => told.push(detail))
  await carol.shares.keepFinding(['notes'])
  await eventually(() => expect(told.flatMap(({ files }) => files)).not.toHaveLength(0))
  expect(told[0]?.files[0]?.sources[0]?.path).toMatch(/notes\.txt$/u)
  expect(await carol.shares.endFinding()).toEqual([])
})

test('a file that was found at two contacts comes from the other one where the first has changed it', async () => {
  await using network = await Network.create()
  const [anna, bob, carol] = [
    await network.peer('anna', { accept: 'all' }),
    await network.peer('bob', { accept: 'all' }),
    await network.peer('carol', { accept: 'all' })
  ]
  await areContacts(carol, anna)
  await areContacts(carol, bob)
  const annas = await slides()
  await anna.shares.add(annas, { isSearchable: true })
  await bob.shares.add(await slides(), { isSearchable: true })
  await Promise.all([untilRead(anna), untilRead(bob)])
  expect((await carol.shares.find(['plan.pdf'])).files[0]?.sources).toHaveLength(2)
  await writeFile(join(annas, 'Autumn', 'plan.pdf'), 'another plan')
  await carol.shares.get(anna.self.peerId, ['Slides/Autumn/plan.pdf'])
  const path = await eventually(async () => {
    const [only] = await carol.files.list()
    expect(only?.state).toBe('done')
    return only?.path ?? ''
  })
  expect(await readFile(path, 'utf8')).toBe('the plan')
})
