import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '../eventually.ts'
import { eventualMs } from '../patience.ts'
import type { ChatNode, Notice, RosterRow } from '../../src/node/index.ts'
import { Reception } from '../../src/node/messaging/reception.ts'
import { names, Network, placeOf } from './network.ts'

let network: Network

beforeEach(async () => {
  network = await Network.create()
})

afterEach(async () => {
  await network[Symbol.asyncDispose]()
})

async function settledState(node: ChatNode, peer: string, text: string): Promise<string> {
  const message = await node.messaging.send(peer, text)
  return (await node.messaging.settled(message, { signal: AbortSignal.timeout(eventualMs) })).state
}

async function texts(node: ChatNode, peer: string): Promise<string[]> {
  return (await node.messaging.history.recent(peer, 1_000)).map(({ direction, text }) => `${direction} ${text}`)
}

test('two peers that know no directory talk by address, and each is on the other’s roster', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  const target = await anna.peers.resolve([placeOf(bert)])
  expect(target).toMatchObject({ peer: bert.self.peerId, by: 'address' })
  expect(await settledState(anna, bert.self.peerId, 'hello')).toBe('delivered')
  expect(await settledState(bert, anna.self.peerId, 'hi')).toBe('delivered')
  expect(await texts(bert, anna.self.peerId)).toEqual(['in hello', 'out hi'])
  await eventually(() => expect([names(anna), names(bert)]).toEqual([['bert'], ['anna']]))
})

test('a message that is asked for again under its id is sent once, and another text under it is refused', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.peers.resolve([placeOf(bert)])
  const id = '00112233445566778899aabbccddeeff'
  const [first, second] = await Promise.all([
    anna.messaging.send(bert.self.peerId, 'once', { id }),
    anna.messaging.send(bert.self.peerId, 'once', { id })
  ])
  expect([first.id, second.id]).toEqual([id, id])
  expect((await anna.messaging.settled(first, { signal: AbortSignal.timeout(eventualMs) })).state).toBe('delivered')
  expect(await anna.messaging.send(bert.self.peerId, 'once', { id })).toMatchObject({ id, state: 'delivered' })
  await expect(anna.messaging.send(bert.self.peerId, 'twice', { id })).rejects.toThrow(/has the id/)
  expect(await texts(bert, anna.self.peerId)).toEqual(['in once'])
})

test('an id that no message can have is refused before anything is stored, and the next message goes out', async () => {
  const [anna, bert] = [await network.peer('anna'), await network.peer('bert', { accept: 'all' })]
  await anna.peers.resolve([placeOf(bert)])
  for (const id of ['zz', '', 'A'.repeat(32), '0'.repeat(31), `${'0'.repeat(32)} `])
    await expect(anna.messaging.send(bert.self.peerId, 'x', { id })).rejects.toThrow(/32 hexadecimal digits/u)
  expect(await settledState(anna, bert.self.peerId, 'next')).toBe('delivered')
  expect(await texts(anna, bert.self.peerId)).toEqual(['out next'])
})

test('a message from a stranger is held, and delivered once the stranger is accepted', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  await anna.peers.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.self.peerId, 'hello')).toBe('held')
  expect(await bert.messaging.requests()).toMatchObject([{ peer: anna.self.peerId, lastText: 'hello', count: 1 }])
  expect(await texts(bert, anna.self.peerId)).toEqual([])
  await bert.messaging.accept(anna.self.peerId)
  await eventually(async () =>
    expect(await anna.messaging.history.recent(bert.self.peerId, 9)).toMatchObject([{ state: 'delivered' }])
  )
  expect(await texts(bert, anna.self.peerId)).toEqual(['in hello'])
})

test('a request keeps the name and the mark of its sender over a restart, and gives its name to the contact', async () => {
  let anna = await network.peer('anna')
  const bert = await network.peer('bert')
  await bert.peers.resolve([placeOf(anna)])
  await bert.messaging.send(anna.self.peerId, 'it is bert')
  await eventually(async () => expect(await anna.messaging.requests()).toMatchObject([{ name: 'bert' }]))
  const imposter = await network.peer('anna who is not', { name: 'anna' })
  await imposter.peers.resolve([placeOf(anna)])
  await imposter.messaging.send(anna.self.peerId, 'it is you')
  await eventually(async () => expect((await anna.messaging.requests()).map(({ name }) => name)).toContain('anna'))
  await Promise.all([bert.stop(), imposter.stop(), anna.stop()])

  anna = await network.peer('anna')
  const requests = await anna.messaging.requests()
  expect(requests.find(({ peer }) => peer === bert.self.peerId)).toMatchObject({ name: 'bert', lastText: 'it is bert' })
  expect(requests.find(({ peer }) => peer === imposter.self.peerId)).toMatchObject({
    name: 'anna',
    sameNameAs: { name: 'anna', own: true }
  })
  await anna.messaging.accept(bert.self.peerId)
  expect(anna.peers.contacts()).toMatchObject([{ peer: bert.self.peerId, name: 'bert' }])
})

test('what was held is told as delivered on the next connection, when it was accepted between two', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  await anna.peers.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.self.peerId, 'hello')).toBe('held')
  await bert.trust.block(anna.self.peerId) // ends the connection
  await bert.messaging.accept(anna.self.peerId)
  expect(await settledState(bert, anna.self.peerId, 'welcome')).toBe('delivered')
  await eventually(async () =>
    expect(await anna.messaging.history.recent(bert.self.peerId, 9)).toMatchObject([
      { state: 'delivered' },
      { text: 'welcome' }
    ])
  )
})

test('who wants others to know tells them what is on the screen, and nobody else does', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { seen: true })
  await anna.peers.resolve([placeOf(bert)])
  const seen = async (): Promise<boolean[]> =>
    (await anna.messaging.history.recent(bert.self.peerId, 9)).flatMap((message) =>
      message.direction === 'out' ? [message.seenAtMs !== undefined] : []
    )
  expect(await settledState(anna, bert.self.peerId, 'hello')).toBe('held')
  expect(await seen()).toEqual([false])
  await bert.messaging.open(anna.self.peerId)
  await eventually(async () => expect(await seen()).toEqual([true]))
  expect(await settledState(anna, bert.self.peerId, 'are you there?')).toBe('delivered')
  await eventually(async () => expect(await seen()).toEqual([true, true]))
  await bert.messaging.leave(anna.self.peerId)
  expect(await settledState(anna, bert.self.peerId, 'later')).toBe('delivered')
  await anna.messaging.open(bert.self.peerId)
  const answer = await bert.messaging.send(anna.self.peerId, 'yes')
  expect((await bert.messaging.settled(answer, { signal: AbortSignal.timeout(eventualMs) })).seenAtMs).toBeUndefined()
  expect(await seen()).toEqual([true, true, false])
})

test('leaving a conversation tells the other side and keeps the connection', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  const left = new Promise<string>((resolve) =>
    bert.events.addEventListener('left', ({ detail }) => resolve(`${detail.name} ${detail.reason}`), { once: true })
  )
  await anna.peers.resolve([placeOf(bert)])
  await anna.messaging.open(bert.self.peerId)
  expect(await settledState(anna, bert.self.peerId, 'hello')).toBe('delivered')
  await anna.messaging.leave(bert.self.peerId)
  expect(await left).toBe('anna left')
  expect(await settledState(bert, anna.self.peerId, 'one more thing')).toBe('delivered')
})

test('a peer that quits is off the roster at once, one that loses its directory is not', async () => {
  const directory = await network.directory()
  const flags = { directory: [placeOf(directory)] }
  const anna = await network.peer('anna', flags)
  const bert = await network.peer('bert', flags)
  await eventually(() => expect(names(anna)).toEqual(['bert']))
  await anna.messaging.open(bert.self.peerId)
  await eventually(() => expect(anna.messaging.state(bert.self.peerId).name).toBe('open'))
  await directory.stop()
  expect(names(anna)).toEqual(['bert'])
  await bert.stop()
  await eventually(() => expect(names(anna)).toEqual([]))
})

test('peers register again with a directory that comes back on its port', async () => {
  const directory = await network.directory()
  const flags = { directory: [placeOf(directory)] }
  const anna = await network.peer('anna', flags)
  await eventually(() => expect(directory.roster()).toHaveLength(1))
  await directory.stop()
  const again = await network.directory(directory.port)
  expect(again.peerId).toBe(directory.peerId)
  await eventually(() => expect(again.roster().map(({ peer }) => peer)).toEqual([anna.self.peerId]))
})

test('a new nickname reaches a peer that sees us through a directory', async () => {
  const directory = await network.directory()
  const flags = { directory: [placeOf(directory)] }
  const anna = await network.peer('anna', flags)
  const bert = await network.peer('bert', flags)
  await eventually(() => expect(names(anna)).toEqual(['bert']))
  await bert.self.rename('berta')
  await eventually(() => expect(names(anna)).toEqual(['berta']))
  await expect(bert.self.rename('x'.repeat(65))).rejects.toThrow(/64/)
  expect(bert.self.nickname).toBe('berta')
})

test('a name that is given once, or chosen in the chat, is the name of the next start', async () => {
  const anna = await network.peer('anna')
  await anna.self.rename('annika')
  await anna.stop()
  const again = await network.peer('anna', { name: undefined })
  expect(again.self.nickname).toBe('annika')
  await again.stop()
  await (await network.peer('anna', { name: 'anne' })).stop()
  expect((await network.peer('anna', { name: undefined })).self.nickname).toBe('anne')
})

test('one who only looks sees the roster and is on none', async () => {
  const directory = await network.directory()
  const flags = { directory: [placeOf(directory)] }
  const anna = await network.peer('anna', flags)
  const observer = await network.peer('observer', flags, { observe: true })
  await eventually(() => expect(names(observer)).toEqual(['anna']))
  expect(names(anna)).toEqual([])
  expect(directory.roster()).toHaveLength(1)
})

test('a blocked peer is cut off, refused when it dials, and heard again when it is unblocked', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.peers.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.self.peerId, 'hello')).toBe('delivered')
  await bert.trust.block(anna.self.peerId)
  const message = await anna.messaging.send(bert.self.peerId, 'are you there?')
  await expect(anna.messaging.settled(message, { signal: AbortSignal.timeout(1_500) })).rejects.toThrow()
  await bert.trust.unblock(anna.self.peerId)
  expect((await anna.messaging.settled(message, { signal: AbortSignal.timeout(eventualMs) })).state).toBe('delivered')
  expect(await texts(bert, anna.self.peerId)).toEqual(['in hello', 'in are you there?'])
})

test('a blocked peer stays blocked when its conversation is opened or written into', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.peers.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.self.peerId, 'hello')).toBe('delivered')
  await bert.trust.block(anna.self.peerId)
  await expect(bert.messaging.open(anna.self.peerId)).rejects.toThrow(/is blocked: \/unblock/u)
  await expect(bert.messaging.send(anna.self.peerId, 'hello')).rejects.toThrow(/is blocked: \/unblock/u)
  expect(bert.trust.blocked()).toMatchObject([{ peer: anna.self.peerId }])
  await bert.trust.unblock(anna.self.peerId)
  await expect(bert.messaging.open(anna.self.peerId)).resolves.toHaveLength(1)
})

test('a peer that starts again is found at its old port and gets what waited for it', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.peers.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.self.peerId, 'one')).toBe('delivered')
  await bert.stop()
  const waiting = await anna.messaging.send(bert.self.peerId, 'two')
  const again = await network.peer('bert', { accept: 'all' })
  expect([again.self.peerId, again.self.port]).toEqual([bert.self.peerId, bert.self.port])
  expect((await anna.messaging.settled(waiting, { signal: AbortSignal.timeout(eventualMs) })).state).toBe('delivered')
  expect(await texts(again, anna.self.peerId)).toEqual(['in one', 'in two'])
})

test('a peer that was talked with, is no contact any more and has left is found by the name that its row has', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.peers.resolve([placeOf(bert)])
  const { peerId } = bert.self
  expect(await settledState(anna, peerId, 'hello')).toBe('delivered')
  await anna.peers.removeContact(peerId)
  await bert.stop()
  await eventually(() => expect(names(anna)).toEqual([]))
  expect(anna.peers.look(peerId).name).toBe('bert')
  expect(await anna.peers.resolve(['bert'], { trustName: true })).toMatchObject({ peer: peerId })
})

test('a message for somebody who was named by address and never reached arrives after a restart', async () => {
  const absent = await network.peer('bert', { accept: 'all' })
  const address = `/ip4/127.0.0.1/tcp/${absent.self.port}/p2p/${absent.self.peerId}`
  await absent.stop()
  const before = await network.peer('anna')
  const { peer } = await before.peers.resolve([address])
  await before.messaging.send(peer, 'are you there?')
  await before.stop()
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await eventually(async () => expect(await texts(bert, anna.self.peerId)).toEqual(['in are you there?']))
})

test('a contact keeps its name however others call themselves, and a namesake is pointed out', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  const mallory = await network.peer('mallory')
  await anna.peers.resolve([placeOf(bert)])
  await anna.messaging.open(bert.self.peerId)
  await eventually(() => expect(anna.peers.name(bert.self.peerId)).toBe('bert'))
  await anna.peers.resolve([placeOf(mallory)])
  await mallory.self.rename('Bert')
  await eventually(() => expect(names(anna)).toContain('Bert'))
  expect((await anna.peers.resolve(['bert'])).peer).toBe(bert.self.peerId)
  expect(anna.peers.roster().find(({ peer }) => peer === mallory.self.peerId)).toMatchObject({
    sameNameAs: { name: 'bert', own: false }
  })
})

test('whoever takes the name of a contact is told loudly, once, and marked; so is who takes one’s own', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  const notices: Notice[] = []
  anna.events.addEventListener('notice', ({ detail }) => notices.push(detail))
  await anna.peers.resolve([placeOf(bert)])
  await anna.messaging.open(bert.self.peerId)
  await eventually(() => expect(anna.peers.name(bert.self.peerId)).toBe('bert'))
  await anna.trust.verify(bert.self.peerId)
  const mallory = await network.peer('mallory')
  await anna.peers.resolve([placeOf(mallory)])
  await mallory.self.rename('Bert')
  await eventually(() => expect(names(anna)).toContain('Bert'))
  const changed = (): Notice[] => notices.filter(({ code }) => code === 'key-changed')
  const known = { by: 'name', peer: mallory.self.peerId, was: bert.self.peerId, verified: true }
  expect(changed()).toEqual([{ code: 'key-changed', ...known, text: expect.stringContaining(mallory.self.shortId) }])
  const owner = { peer: bert.self.peerId, name: 'bert', shortId: bert.self.shortId, verified: true, own: false }
  const { peer, name, shortId } = owner
  expect(anna.trust.of(mallory.self.peerId)).toEqual({ sameNameAs: owner, sharesNameWith: { peer, name, shortId } })
  expect(anna.peers.label(mallory.self.peerId)).toBe(`! Bert (${mallory.self.shortId})`)
  expect(anna.peers.label(bert.self.peerId)).toBe(`bert (${bert.self.shortId})`)
  const parts: string[] = []
  mallory.events.addEventListener('snapshot', ({ detail: { part } }) => parts.push(part))
  await mallory.self.setStatus('trust me')
  expect(mallory.snapshot().self.status).toBe('trust me')
  expect(parts).toContain('self')
  await eventually(() => expect(anna.peers.roster().some(({ status }) => status === 'trust me')).toBe(true))
  await mallory.self.rename('anna')
  await eventually(() => expect(names(anna)).toContain('anna'))
  expect(changed()).toHaveLength(1)
  expect(anna.trust.of(mallory.self.peerId).sameNameAs).toMatchObject({ peer: anna.self.peerId, own: true })
})

test('two who compare see the same number; who is verified is a contact and marked, over a restart too', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  expect(anna.trust.safetyNumber(bert.self.peerId)).toEqual(bert.trust.safetyNumber(anna.self.peerId))
  await anna.peers.resolve([placeOf(bert)])
  await eventually(() => expect(names(anna)).toContain('bert'))
  const told: RosterRow[] = []
  anna.events.addEventListener('roster', ({ detail }) => told.push(...detail.changed))
  await anna.trust.verify(bert.self.peerId)
  expect(told.at(-1)).toMatchObject({ peer: bert.self.peerId, contact: true, verified: true })
  await anna.stop()
  const again = await network.peer('anna')
  expect(again.peers.contacts()).toMatchObject([
    { peer: bert.self.peerId, name: 'bert', verified: { sinceMs: expect.any(Number) } }
  ])
  expect(again.trust.of(bert.self.peerId).verifiedSinceMs).toBeTypeOf('number')
  await again.trust.unverify(bert.self.peerId)
  expect(again.trust.of(bert.self.peerId)).toEqual({})
  expect(again.peers.contacts()).toHaveLength(1)
})

test('a blocked peer that a directory still tells of is on the roster with a mark, and no longer verified', async () => {
  const directory = await network.directory()
  const flags = { directory: [String(directory.port)] }
  const anna = await network.peer('anna', flags)
  const bert = await network.peer('bert', flags)
  const rowOf = (): RosterRow | undefined => anna.peers.roster().find(({ peer }) => peer === bert.self.peerId)
  await eventually(() => expect(rowOf()).toBeDefined())
  await anna.trust.verify(bert.self.peerId)
  await anna.trust.block(bert.self.peerId)
  expect(rowOf()).toMatchObject({ blocked: true, contact: false, verified: false })
  await anna.trust.unblock(bert.self.peerId)
  expect(rowOf()).toMatchObject({ blocked: false, contact: false, verified: false })
})

test('a message over the limit is refused before it is stored, one at the limit is delivered whole', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.peers.resolve([placeOf(bert)])
  const largest = 'ü'.repeat(32 * 1024)
  await expect(anna.messaging.send(bert.self.peerId, `${largest}.`)).rejects.toThrow(/65537 bytes .* at most 65536/)
  expect(await settledState(anna, bert.self.peerId, largest)).toBe('delivered')
  expect(await texts(bert, anna.self.peerId)).toEqual([`in ${largest}`])
})

test('starting twice and stopping twice is the same as once', async () => {
  const anna = await network.peer('anna')
  await anna.start()
  await anna.stop()
  await anna.stop()
})

test('the port of the first start is kept, and another is taken when it is not free', async () => {
  const first = await network.peer('anna')
  await first.stop()
  const other = await network.directory(first.self.port)
  const again = await network.peer('anna')
  expect(again.self.port).not.toBe(other.port)
  await again.stop()
  await other.stop()
  expect((await network.peer('anna')).self.port).toBe(first.self.port)
})

test('what waits behind a slow peer and is forgotten meanwhile is not sent', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.peers.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.self.peerId, 'hello')).toBe('delivered')
  const { receive } = Reception.prototype
  const disk = Promise.withResolvers<void>()
  const slow = vi.spyOn(Reception.prototype, 'receive').mockImplementation(async function (this: Reception, ...args) {
    await disk.promise
    return receive.apply(this, args)
  })
  try {
    // More than may be without a receipt: what comes after it waits.
    await Promise.all(
      Array.from({ length: 20 }, async () => anna.messaging.send(bert.self.peerId, 'x'.repeat(60 * 1024)))
    )
    await anna.messaging.send(bert.self.peerId, 'a secret')
    await anna.messaging.history.forget(bert.self.peerId)
    disk.resolve()
    expect(await settledState(anna, bert.self.peerId, 'nothing')).toBe('delivered')
  } finally {
    disk.resolve()
    slow.mockRestore()
  }
  expect((await texts(bert, anna.self.peerId)).filter((text) => !text.includes('xx'))).toEqual([
    'in hello',
    'in nothing'
  ])
})

test('who has switched typing notices off tells nobody of it, also after a restart', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  const told: string[] = []
  bert.events.addEventListener('typing', ({ detail }) => told.push(detail.peer))
  await anna.peers.resolve([placeOf(bert)])
  await bert.peers.resolve([placeOf(anna)])
  await Promise.all([anna.messaging.open(bert.self.peerId), bert.messaging.open(anna.self.peerId)])
  await eventually(() => expect(anna.messaging.state(bert.self.peerId).name).toBe('open'))
  await anna.messaging.setTellsTyping(false)
  anna.messaging.typing(bert.self.peerId)
  // What is sent after it arrives after it.
  await anna.messaging.send(bert.self.peerId, 'written in silence')
  await eventually(async () => expect(await bert.messaging.history.recent(anna.self.peerId, 1)).toHaveLength(1))
  expect(told).toEqual([])
  await anna.stop()
  const again = await network.peer('anna')
  expect(again.messaging.tellsTyping).toBe(false)
  await again.messaging.setTellsTyping(true)
  await again.messaging.open(bert.self.peerId)
  await eventually(() => expect(again.messaging.state(bert.self.peerId).name).toBe('open'))
  again.messaging.typing(bert.self.peerId)
  await eventually(() => expect(told).toEqual([anna.self.peerId]))
})

test('a request is read without being accepted', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  await bert.peers.resolve([placeOf(anna)])
  for (const text of ['may I?', 'please']) await bert.messaging.send(anna.self.peerId, text)
  await eventually(async () => expect(await anna.messaging.readRequest(bert.self.peerId)).toHaveLength(2))
  expect((await anna.messaging.readRequest(bert.self.peerId)).map(({ text }) => text)).toEqual(['may I?', 'please'])
  expect(anna.peers.contacts()).toEqual([])
  expect(await anna.messaging.requests()).toHaveLength(1)
})

test('a contact is renamed, found by its new name, and removed with what waits for it', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  await anna.peers.resolve([placeOf(bert)])
  await anna.messaging.open(bert.self.peerId)
  await eventually(() => expect(anna.peers.name(bert.self.peerId)).toBe('bert'))
  expect(await anna.peers.renameContact(bert.self.peerId, '"Bert of the mill"')).toBe('Bert of the mill')
  expect((await anna.peers.resolve(['bert of the mill'])).peer).toBe(bert.self.peerId)
  expect(anna.peers.roster()).toMatchObject([{ name: 'Bert of the mill', nickname: 'bert' }])
  await expect(anna.peers.renameContact(anna.self.peerId, 'me')).rejects.toThrow(/is not a contact/u)
  expect(await anna.peers.renameContact(bert.self.peerId, '')).toBe('bert')
  await bert.stop()
  await anna.messaging.send(bert.self.peerId, 'for later')
  await anna.peers.removeContact(bert.self.peerId)
  expect(anna.peers.contacts()).toEqual([])
  expect(await anna.messaging.history.waiting(10)).toMatchObject({ messages: 0 })
  expect(await anna.messaging.history.recent(bert.self.peerId, 1)).toMatchObject([
    { text: 'for later', state: 'failed' }
  ])
})
