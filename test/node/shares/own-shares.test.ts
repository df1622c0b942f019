import { appendFile, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { hashFile } from '../../../src/files/index.ts'
import { OwnShares } from '../../../src/node/shares/own-shares.ts'
import { ShareBook } from '../../../src/node/shares/share-book.ts'
import { shareFrames } from '../../../src/share/share-frames.ts'

async function folder(): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'parley-shares-')))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

interface Circle {
  readonly contacts?: readonly string[]
  readonly lan?: readonly string[]
  readonly blocked?: readonly string[]
}

async function sharing(profile: string, { contacts = [], lan = [], blocked = [] }: Circle = {}): Promise<OwnShares> {
  const shares = new OwnShares({
    book: await ShareBook.open(profile),
    folder: profile,
    ownFolders: [profile],
    isBlocked: (peer) => blocked.includes(peer),
    isContact: (peer) => contacts.includes(peer),
    isLan: (peer) => lan.includes(peer),
    tell: () => undefined
  })
  await shares.start()
  onTestFinished(() => shares.stop())
  return shares
}

async function untilRead(shares: OwnShares): Promise<void> {
  await vi.waitFor(
    async () => {
      for (const { isBusy, readFiles, files } of await shares.list())
        expect([isBusy, readFiles]).toEqual([false, files])
    },
    { timeout: 60_000 }
  )
}

async function slides(): Promise<string> {
  const path = join(await folder(), 'Slides')
  await mkdir(join(path, 'Autumn'), { recursive: true })
  await writeFile(join(path, 'Autumn', 'plan.pdf'), 'plan')
  await writeFile(join(path, 'notes.txt'), 'notes')
  return path
}

function namesSeenBy(shares: OwnShares, peer: string, path = ''): readonly string[] | undefined {
  return shares.sharedWith.list(peer, path, '')?.entries.map(({ name }) => name)
}

test('each audience sees what is for it, and nobody else can tell it from nothing', async () => {
  const shares = await sharing(await folder(), {
    contacts: ['anna', 'lan-contact', 'blocked'],
    lan: ['lan-contact', 'lan-stranger'],
    blocked: ['blocked']
  })
  await shares.add(await slides(), { name: 'For contacts', isSearchable: true })
  await shares.add(await slides(), { name: 'For the LAN', audience: { is: 'lan' }, isSearchable: true })
  await shares.add(await slides(), { name: 'For one', audience: { is: 'peers', peers: ['one', 'blocked'] } })
  await untilRead(shares)
  expect(namesSeenBy(shares, 'anna')).toEqual(['For contacts'])
  expect(namesSeenBy(shares, 'lan-contact')).toEqual(['For contacts', 'For the LAN'])
  expect(namesSeenBy(shares, 'one')).toEqual(['For one'])
  for (const peer of ['blocked', 'lan-stranger', 'stranger']) {
    expect(namesSeenBy(shares, peer)).toEqual([])
    for (const path of ['For contacts', 'For one', 'For the LAN/Autumn', 'There is none']) {
      expect(shares.sharedWith.list(peer, path, '')).toBeUndefined()
    }
    expect(shares.sharedWith.find(peer, ['plan'])).toEqual({ hits: [], hasMore: false })
  }
  expect(namesSeenBy(shares, 'anna', 'For contacts')).toEqual(['Autumn', 'notes.txt'])
  expect(shares.sharedWith.list('anna', 'For one', '')).toBeUndefined()
})

test('words find files of searchable shares alone', async () => {
  const shares = await sharing(await folder(), { contacts: ['anna'] })
  await shares.add(await slides(), { name: 'Quiet' })
  await shares.add(await slides(), { name: 'Loud', isSearchable: true })
  await untilRead(shares)
  expect(shares.sharedWith.find('anna', ['PLAN']).hits.map(({ path }) => path)).toEqual(['Loud/Autumn/plan.pdf'])
})

test('a file is fetched by those who may see it, and for others it is not there', async () => {
  const shares = await sharing(await folder(), { contacts: ['anna'] })
  const path = await slides()
  await shares.add(path)
  await untilRead(shares)
  const { file, layer } = await hashFile(join(path, 'notes.txt'))
  const opened = await shares.onOffer.open('anna', file)
  if (opened === undefined || opened === 'changed') throw new Error('it is not offered')
  expect(Buffer.from(await opened.layer())).toEqual(layer)
  const bytes: Uint8Array[] = []
  for await (const piece of opened.leaf(0, 1024)) bytes.push(piece)
  expect(Buffer.concat(bytes).toString()).toBe('notes')
  await opened.close()
  expect(await shares.onOffer.open('stranger', file)).toBeUndefined()
  expect(await shares.onOffer.open('anna', '00'.repeat(32))).toBeUndefined()
  await shares.remove('Slides')
  expect(await shares.onOffer.open('anna', file)).toBeUndefined()
})

test('a file that was changed, or whose place a link has taken, is not sent, and the new one is seen', async () => {
  const [shares, outside] = [await sharing(await folder(), { contacts: ['anna'] }), await folder()]
  const path = await slides()
  const place = join(path, 'notes.txt')
  await shares.add(path)
  await untilRead(shares)
  const { file } = await hashFile(place)
  await writeFile(join(outside, 'secret'), 'notes')
  await rename(place, join(outside, 'was'))
  await symlink(join(outside, 'secret'), place)
  expect(await shares.onOffer.open('anna', file)).toBe('changed')
  await vi.waitFor(() => expect(namesSeenBy(shares, 'anna', 'Slides')).toEqual(['Autumn']))
  await rm(place)
  await writeFile(place, 'new notes')
  await shares.add(path)
  await untilRead(shares)
  expect(await shares.onOffer.open('anna', file)).toBeUndefined()
  const opened = await shares.onOffer.open('anna', (await hashFile(place)).file)
  if (opened === undefined || opened === 'changed') throw new Error('it is not offered')
  await opened.close()
})

test('a folder that has gone is said to be, and is shared again when it is back', async () => {
  const shares = await sharing(await folder(), { contacts: ['anna'] })
  const path = await slides()
  await shares.add(path)
  await untilRead(shares)
  await rename(path, `${path}-away`)
  for (const one of await shares.list()) await shares.look(one.name)
  const [gone] = await shares.list()
  expect(gone).toMatchObject({ files: 0, why: expect.stringContaining('not there') as string })
  expect(namesSeenBy(shares, 'anna', 'Slides')).toEqual([])
  await rename(`${path}-away`, path)
  await shares.look('Slides')
  await untilRead(shares)
  expect(namesSeenBy(shares, 'anna', 'Slides')).toEqual(['Autumn', 'notes.txt'])
})

test('after a restart the same is shared, and only what has changed is read again', async () => {
  const profile = await folder()
  const path = await slides()
  const first = await sharing(profile, { contacts: ['anna'] })
  await first.add(path, { name: 'Autumn slides', isSearchable: true, audience: { is: 'peers', peers: ['one'] } })
  await untilRead(first)
  await first.stop()
  const memory = join(profile, 'share-hashes.jsonl')
  const before = await readFile(memory, 'utf8')
  // A write that was cut off.
  await appendFile(memory, '["/half')
  await writeFile(join(path, 'new.txt'), 'new')
  const second = await sharing(profile, { contacts: ['anna'] })
  await untilRead(second)
  expect(namesSeenBy(second, 'one', 'Autumn slides')).toEqual(['Autumn', 'new.txt', 'notes.txt'])
  expect(namesSeenBy(second, 'anna')).toEqual([])
  expect(second.sharedWith.find('one', ['plan', 'autumn']).hits).toHaveLength(1)
  await second.stop()
  const after = await readFile(memory, 'utf8')
  expect(after.startsWith(before)).toBe(true)
  expect(after.split('\n').filter((line) => line.includes('new.txt'))).toHaveLength(1)
  expect(after.split('\n').filter((line) => line.includes('plan.pdf'))).toHaveLength(1)
})

test('what must not be shared is refused in words that say what to do', async () => {
  const profile = await folder()
  const shares = await sharing(profile)
  const path = await slides()
  await shares.add(path)
  await expect(shares.add(homedir())).rejects.toThrow('share a folder inside of it')
  await expect(shares.add('/')).rejects.toThrow('share a folder inside of it')
  await expect(shares.add(profile)).rejects.toThrow('keys and messages')
  await mkdir(join(profile, 'inner'))
  await expect(shares.add(join(profile, 'inner'))).rejects.toThrow('keys and messages')
  await expect(shares.add('relative')).rejects.toThrow('not an absolute path')
  await expect(shares.add(join(path, 'notes.txt'))).rejects.toThrow('not a folder')
  await expect(shares.add(join(path, 'gone'))).rejects.toThrow('no such')
  await expect(shares.add(join(path, 'Autumn'), { name: 'Slides' })).rejects.toThrow('--as')
  await expect(shares.add(path, { name: 'a/b' })).rejects.toThrow("can't be the name")
  await expect(shares.remove('Other')).rejects.toThrow('nothing is shared as')
  expect((await shares.list()).map(({ name }) => name)).toEqual(['Slides'])
})

test('a list of shares that is damaged is kept aside, and nothing is shared', async () => {
  const profile = await folder()
  await writeFile(join(profile, 'shares.json'), '[{"name":')
  const shares = await sharing(profile, { contacts: ['anna'] })
  expect(await shares.list()).toEqual([])
  await shares.add(await slides())
  expect(await readFile(join(profile, 'shares.json.damaged'), 'utf8')).toBe('[{"name":')
  expect((await shares.list()).map(({ name }) => name)).toEqual(['Slides'])
})

test('whatever is seen or found of the deepest folders and the longest names, its frame is one that a looker takes', async () => {
  const shares = await sharing(await folder(), { contacts: ['anna'] })
  const [root, deep, long] = [
    await folder(),
    Array<string>(32).fill('d').join('/'),
    Array<string>(15).fill('n'.repeat(240))
  ]
  await mkdir(join(root, deep), { recursive: true })
  await writeFile(join(root, deep, 'deep.txt'), '')
  await mkdir(join(root, ...long), { recursive: true })
  for (let depth = 1; depth <= long.length; depth++)
    await writeFile(join(root, ...long.slice(0, depth), 'long.txt'), '')
  const name = 's'.repeat(765)
  await shares.add(root, { name, isSearchable: true })
  await untilRead(shares)
  const found = ['deep.txt', 'long.txt'].map((word) => shares.sharedWith.find('anna', [word]))
  for (const hits of found) {
    expect(hits.hits).not.toHaveLength(0)
    expect(shareFrames.decode(shareFrames.encode({ type: 'hits', ...hits }))).toEqual({ type: 'hits', ...hits })
  }
  const below = async (path: string): Promise<void> => {
    const list = { type: 'list', path, after: '' } as const
    expect(shareFrames.decode(shareFrames.encode(list))).toEqual(list)
    for (const entry of shares.sharedWith.list('anna', path, '')?.entries ?? []) {
      if (entry.is === 'folder') await below(`${path}/${entry.name}`)
    }
  }
  await below(name)
})

test('after a stop and a start it tells changes again', async () => {
  const profile = await folder()
  let told = 0
  const shares = new OwnShares({
    book: await ShareBook.open(profile),
    folder: profile,
    ownFolders: [profile],
    isBlocked: () => false,
    isContact: () => true,
    isLan: () => false,
    tell: () => told++
  })
  onTestFinished(() => shares.stop())
  await shares.start()
  await shares.add(await slides())
  // Before the change was told.
  await shares.stop()
  await shares.start()
  await vi.waitFor(() => expect(told).toBeGreaterThan(0), { timeout: 60_000 })
})

test('a file that a peer has open is offered as long as its share is for the peer, also while that is read again', async () => {
  const [contacts, lan, blocked] = [['bob'], ['bob'], new Array<string>()]
  const shares = await sharing(await folder(), { contacts, lan, blocked })
  const path = await slides()
  await shares.add(path)
  await untilRead(shares)
  const { file } = await hashFile(join(path, 'notes.txt'))
  const opened = await shares.onOffer.open('bob', file)
  if (typeof opened !== 'object') throw new Error('it was not opened')
  onTestFinished(() => opened.close())
  const isOffered = () => opened.isOffered?.()
  expect(isOffered()).toBe(true)
  await shares.add(path, { audience: { is: 'lan' } })
  expect(isOffered()).toBe(true)
  lan.pop()
  expect(isOffered()).toBe(false)
  await shares.add(path, { audience: { is: 'peers', peers: ['carol', 'bob'] } })
  expect(isOffered()).toBe(true)
  blocked.push('bob')
  expect(isOffered()).toBe(false)
  blocked.pop()
  await shares.add(path, { audience: { is: 'peers', peers: ['carol'] } })
  expect(isOffered()).toBe(false)
  await shares.add(path)
  expect(isOffered()).toBe(true)
  await shares.remove((await shares.list())[0]?.name ?? '')
  expect(isOffered()).toBe(false)
})
