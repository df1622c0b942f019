/** Files between real nodes on loopback: offered in a message, fetched, declined, withdrawn, and gone on with after a restart. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ChatNode, TransferNews } from '../../../src/node/index.ts'
import { eventually } from '../../eventually.ts'
import { Network, placeOf } from '../network.ts'
import { contacts, offered } from './contacts.ts'

async function ownFile(name: string, content: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-own-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

function newsOf(node: ChatNode): TransferNews[] {
  const told: TransferNews[] = []
  node.events.addEventListener('transfer', ({ detail }) => told.push(detail))
  return told
}

const states = async (node: ChatNode) => (await node.files.list()).map(({ name, state }) => `${name} ${state}`)

test('a file that was offered arrives under its name, and the message stands in both histories', async () => {
  await using world = await contacts()
  const { anna, bob } = world
  const told = newsOf(bob)
  const content = randomBytes(700_000)
  const message = await anna.files.offer(bob.self.peerId, [await ownFile('holiday photo.jpg', content)])
  expect(message.text).toBe('File: holiday photo.jpg (684 KiB)')
  const number = await offered(bob)
  await eventually(() => expect(told.map(({ what }) => what)).toEqual(['offered']))
  await bob.files.get(number)
  const done = await eventually(async () => {
    const view = (await bob.files.list())[0]
    expect(view?.state).toBe('done')
    return view
  })
  expect((await readFile(done?.path ?? '')).equals(content)).toBe(true)
  expect(done?.path?.endsWith('holiday photo.jpg')).toBe(true)
  expect(await states(anna)).toEqual(['holiday photo.jpg done'])
  await eventually(() => expect(told.at(-1)?.what).toBe('done'))
  const [received] = await bob.messaging.history.recent(anna.self.peerId, 1)
  expect(received?.files).toEqual(message.files)
})

test('a file that is here is not fetched twice, and one that was deleted since is fetched again', async () => {
  await using world = await contacts()
  const { anna, bob } = world
  await anna.files.offer(bob.self.peerId, [await ownFile('note.txt', Buffer.from('note'))])
  const number = await offered(bob)
  const path = async () => {
    await bob.files.get(number)
    return eventually(async () => {
      const view = (await bob.files.list())[0]
      expect(view?.state).toBe('done')
      return view?.path ?? ''
    })
  }
  const first = await path()
  await expect(bob.files.get(number)).rejects.toThrow('is here already')
  await rm(first)
  expect(await readFile(await path(), 'utf8')).toBe('note')
})

test('nothing is fetched before it was asked for, and what is declined is not', async () => {
  await using world = await contacts()
  const { anna, bob } = world
  await anna.files.offer(bob.self.peerId, [
    await ownFile('a.txt', Buffer.from('a')),
    await ownFile('b.txt', Buffer.from('b'))
  ])
  const number = await offered(bob)
  expect((await bob.files.decline(number)).state).toBe('declined')
  expect((await bob.files.list()).map(({ state, doneBytes }) => [state, doneBytes])).toEqual([
    ['offered', 0],
    ['declined', 0]
  ])
  expect(await states(anna)).toEqual(['a.txt offered', 'b.txt offered'])
})

test('an offer that was taken back, or a file that was changed, is named as such', async () => {
  await using world = await contacts()
  const { anna, bob } = world
  const path = await ownFile('notes.txt', Buffer.from('first'))
  await anna.files.offer(bob.self.peerId, [path])
  const number = await offered(bob)
  await writeFile(path, 'a longer second version')
  await bob.files.get(number)
  await eventually(async () => expect((await bob.files.list())[0]?.why).toContain('changed or removed'))
  const [own] = await anna.files.list()
  await anna.files.decline(own?.number)
  await bob.files.get(number)
  await eventually(async () => expect((await bob.files.list())[0]?.why).toContain('does not offer it any more'))
})

test('a file waits for its sender, and a download goes on by itself after both were restarted', async () => {
  await using world = await contacts()
  const { network, anna, bob } = world
  const content = randomBytes(3_000_000)
  await anna.files.offer(bob.self.peerId, [await ownFile('film.mkv', content)])
  const number = await offered(bob)
  await anna.stop()
  expect((await bob.files.get(number)).state).toBe('waiting')
  await bob.stop()
  const annaAgain = await network.peer('anna')
  const bobAgain = await network.peer('bob', { accept: 'all' })
  await bobAgain.peers.resolve([placeOf(annaAgain)])
  const done = await eventually(async () => {
    const view = (await bobAgain.files.list())[0]
    expect(view?.state).toBe('done')
    return view
  })
  expect((await readFile(done?.path ?? '')).equals(content)).toBe(true)
})

test('a file that two peers have offered comes from the one that is there', async () => {
  await using world = await contacts()
  const { network, anna, bob } = world
  const dora = await network.peer('dora')
  await dora.peers.resolve([placeOf(bob)])
  const content = randomBytes(3_000_000)
  for (const node of [anna, dora]) await node.files.offer(bob.self.peerId, [await ownFile('film.mkv', content)])
  await eventually(async () => expect(await states(bob)).toEqual(['film.mkv offered', 'film.mkv offered']))
  const ofAnna = (await bob.files.list()).find(({ peer }) => peer === anna.self.peerId)
  await anna.stop()
  await bob.files.get(ofAnna?.number)
  const done = await eventually(async () => {
    const view = (await bob.files.list()).find(({ number }) => number === ofAnna?.number)
    expect(view?.state).toBe('done')
    return view
  })
  expect((await readFile(done?.path ?? '')).equals(content)).toBe(true)
})

test('a peer that sends something else is named, and the file comes from another', async () => {
  await using world = await contacts()
  const { network, anna, bob } = world
  const dora = await network.peer('dora')
  await dora.peers.resolve([placeOf(bob)])
  const told = newsOf(bob)
  const content = randomBytes(3_000_000)
  const path = await ownFile('film.mkv', content)
  await utimes(path, 1_000_000, 1_000_000)
  await anna.files.offer(bob.self.peerId, [path])
  const number = await offered(bob)
  // Of another content, which neither its size nor its time shows.
  await writeFile(path, randomBytes(3_000_000))
  await utimes(path, 1_000_000, 1_000_000)
  await bob.files.get(number)
  await dora.files.offer(bob.self.peerId, [await ownFile('film.mkv', content)])
  const again = async (): Promise<string> => {
    const view = (await bob.files.list()).find((one) => one.number === number)
    // Anna alone has failed before Dora has offered it.
    if (view?.state === 'offered') await bob.files.get(number)
    expect(view?.state).toBe('done')
    return view?.path ?? ''
  }
  expect((await readFile(await eventually(again))).equals(content)).toBe(true)
  const wrong = told.find(({ what }) => what === 'wrong-source')
  expect([wrong?.source?.peer, wrong?.transfer.number]).toEqual([anna.self.peerId, number])
})

test('a stranger’s offer is part of its request, and counts when that is accepted', async () => {
  await using network = await Network.create()
  const [anna, bob] = [await network.peer('anna'), await network.peer('bob', { accept: 'ask' })]
  const { peer } = await anna.peers.resolve([placeOf(bob)])
  await anna.messaging.open(peer)
  await anna.files.offer(peer, [await ownFile('hello.txt', Buffer.from('hello'))])
  await eventually(async () => expect(await bob.messaging.requests()).toHaveLength(1))
  expect(await bob.files.list()).toEqual([])
  await bob.messaging.accept(anna.self.peerId)
  await eventually(async () => expect(await states(bob)).toEqual(['hello.txt offered']))
})

test('what can’t be sent, and numbers that no file has, are refused in words', async () => {
  await using network = await Network.create()
  const anna = await network.peer('anna')
  const folder = await mkdtemp(join(tmpdir(), 'parley-own-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await symlink('/nowhere', join(folder, 'link'))
  const { peerId } = anna.self
  await expect(anna.files.offer(peerId, [folder])).rejects.toThrow('there is no file in it')
  await expect(anna.files.offer(peerId, ['/dev/null'])).rejects.toThrow('is not a file: devices and pipes')
  await expect(anna.files.offer(peerId, ['/nowhere'])).rejects.toThrow('there is no such file')
  await expect(anna.files.offer(peerId, [join(folder, 'link')])).rejects.toThrow('there is no such file')
  await expect(anna.files.offer(peerId, ['relative'])).rejects.toThrow('not an absolute path')
  await expect(anna.files.offer(peerId, [])).rejects.toThrow('1 to 32 files')
  await expect(anna.files.get(7)).rejects.toThrow('no file has the number 7')
  await expect(anna.files.get()).rejects.toThrow('no file waits for an answer')
})
