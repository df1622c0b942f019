import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChatNode, Notice, RosterRow } from '../../src/node/index.ts'
import { Reception } from '../../src/node/reception.ts'
import { names, Network, placeOf } from './network.ts'

const soon = { timeout: 8_000, interval: 20 }
let network: Network

beforeEach(async () => {
  network = await Network.create()
})

afterEach(async () => {
  await network[Symbol.asyncDispose]()
})

async function settledState(node: ChatNode, peer: string, text: string): Promise<string> {
  const message = await node.send(peer, text)
  return (await node.settled(message, { signal: AbortSignal.timeout(8_000) })).state
}

async function texts(node: ChatNode, peer: string): Promise<string[]> {
  return (await node.history.recent(peer, 1_000)).map(({ direction, text }) => `${direction} ${text}`)
}

test('two peers that know no directory talk by address, and each is on the other’s roster', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  const target = await anna.resolve([placeOf(bert)])
  expect(target).toMatchObject({ peer: bert.peerId, by: 'address' })
  expect(await settledState(anna, bert.peerId, 'hello')).toBe('delivered')
  expect(await settledState(bert, anna.peerId, 'hi')).toBe('delivered')
  expect(await texts(bert, anna.peerId)).toEqual(['in hello', 'out hi'])
  await vi.waitFor(() => expect([names(anna), names(bert)]).toEqual([['bert'], ['anna']]), soon)
})

test('a message that is asked for again under its id is sent once, and another text under it is refused', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.resolve([placeOf(bert)])
  const id = '00112233445566778899aabbccddeeff'
  const [first, second] = await Promise.all([
    anna.send(bert.peerId, 'once', { id }),
    anna.send(bert.peerId, 'once', { id })
  ])
  expect([first.id, second.id]).toEqual([id, id])
  expect((await anna.settled(first, { signal: AbortSignal.timeout(8_000) })).state).toBe('delivered')
  expect(await anna.send(bert.peerId, 'once', { id })).toMatchObject({ id, state: 'delivered' })
  await expect(anna.send(bert.peerId, 'twice', { id })).rejects.toThrow(/has the id/)
  expect(await texts(bert, anna.peerId)).toEqual(['in once'])
})

test('a message from a stranger is held, and delivered once the stranger is accepted', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  await anna.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.peerId, 'hello')).toBe('held')
  expect(await bert.requests()).toMatchObject([{ peer: anna.peerId, lastText: 'hello', count: 1 }])
  expect(await texts(bert, anna.peerId)).toEqual([])
  await bert.accept(anna.peerId)
  await vi.waitFor(
    async () => expect(await anna.history.recent(bert.peerId, 9)).toMatchObject([{ state: 'delivered' }]),
    soon
  )
  expect(await texts(bert, anna.peerId)).toEqual(['in hello'])
})

test('what was held is told as delivered on the next connection, when it was accepted between two', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  await anna.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.peerId, 'hello')).toBe('held')
  await bert.block(anna.peerId) // ends the connection
  await bert.accept(anna.peerId)
  expect(await settledState(bert, anna.peerId, 'welcome')).toBe('delivered')
  await vi.waitFor(
    async () =>
      expect(await anna.history.recent(bert.peerId, 9)).toMatchObject([{ state: 'delivered' }, { text: 'welcome' }]),
    soon
  )
})

test('who wants others to know tells them what is on the screen, and nobody else does', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { seen: true })
  await anna.resolve([placeOf(bert)])
  const seen = async (): Promise<boolean[]> =>
    (await anna.history.recent(bert.peerId, 9)).flatMap((message) =>
      message.direction === 'out' ? [message.seenAtMs !== undefined] : []
    )
  expect(await settledState(anna, bert.peerId, 'hello')).toBe('held')
  expect(await seen()).toEqual([false])
  await bert.open(anna.peerId)
  await vi.waitFor(async () => expect(await seen()).toEqual([true]), soon)
  expect(await settledState(anna, bert.peerId, 'are you there?')).toBe('delivered')
  await vi.waitFor(async () => expect(await seen()).toEqual([true, true]), soon)
  await bert.leave(anna.peerId)
  expect(await settledState(anna, bert.peerId, 'later')).toBe('delivered')
  await anna.open(bert.peerId)
  const answer = await bert.send(anna.peerId, 'yes')
  expect((await bert.settled(answer, { signal: AbortSignal.timeout(8_000) })).seenAtMs).toBeUndefined()
  expect(await seen()).toEqual([true, true, false])
})

test('leaving a conversation tells the other side and keeps the connection', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  const left = new Promise<string>((resolve) =>
    bert.addEventListener('left', ({ detail }) => resolve(`${detail.name} ${detail.reason}`), { once: true })
  )
  await anna.resolve([placeOf(bert)])
  await anna.open(bert.peerId)
  expect(await settledState(anna, bert.peerId, 'hello')).toBe('delivered')
  await anna.leave(bert.peerId)
  expect(await left).toBe('anna left')
  expect(await settledState(bert, anna.peerId, 'one more thing')).toBe('delivered')
})

test('a peer that quits is off the roster at once, one that loses its directory is not', async () => {
  const directory = await network.directory()
  const flags = { directory: [placeOf(directory)] }
  const anna = await network.peer('anna', flags)
  const bert = await network.peer('bert', flags)
  await vi.waitFor(() => expect(names(anna)).toEqual(['bert']), soon)
  await anna.open(bert.peerId)
  await vi.waitFor(() => expect(anna.state(bert.peerId).name).toBe('open'), soon)
  await directory.stop()
  expect(names(anna)).toEqual(['bert'])
  const startedMs = Date.now()
  await bert.stop()
  await vi.waitFor(() => expect(names(anna)).toEqual([]), soon)
  expect(Date.now() - startedMs).toBeLessThan(2_000)
})

test('peers register again with a directory that comes back on its port', async () => {
  const directory = await network.directory()
  const flags = { directory: [placeOf(directory)] }
  const anna = await network.peer('anna', flags)
  await vi.waitFor(() => expect(directory.roster()).toHaveLength(1), soon)
  await directory.stop()
  const again = await network.directory(directory.port)
  expect(again.peerId).toBe(directory.peerId)
  await vi.waitFor(() => expect(again.roster().map(({ peer }) => peer)).toEqual([anna.peerId]), soon)
})

test('a new nickname reaches a peer that sees us through a directory', async () => {
  const directory = await network.directory()
  const flags = { directory: [placeOf(directory)] }
  const anna = await network.peer('anna', flags)
  const bert = await network.peer('bert', flags)
  await vi.waitFor(() => expect(names(anna)).toEqual(['bert']), soon)
  await bert.rename('berta')
  await vi.waitFor(() => expect(names(anna)).toEqual(['berta']), soon)
  await expect(bert.rename('x'.repeat(65))).rejects.toThrow(/64/)
  expect(bert.nickname).toBe('berta')
})

test('a name that is given once, or chosen in the chat, is the name of the next start', async () => {
  const anna = await network.peer('anna')
  await anna.rename('annika')
  await anna.stop()
  const again = await network.peer('anna', { name: undefined })
  expect(again.nickname).toBe('annika')
  await again.stop()
  await (await network.peer('anna', { name: 'anne' })).stop()
  expect((await network.peer('anna', { name: undefined })).nickname).toBe('anne')
})

test('one who only looks sees the roster and is on none', async () => {
  const directory = await network.directory()
  const flags = { directory: [placeOf(directory)] }
  const anna = await network.peer('anna', flags)
  const observer = await network.peer('observer', flags, { observe: true })
  await vi.waitFor(() => expect(names(observer)).toEqual(['anna']), soon)
  expect(names(anna)).toEqual([])
  expect(directory.roster()).toHaveLength(1)
})

test('a blocked peer is cut off, refused when it dials, and heard again when it is unblocked', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.peerId, 'hello')).toBe('delivered')
  await bert.block(anna.peerId)
  const message = await anna.send(bert.peerId, 'are you there?')
  await expect(anna.settled(message, { signal: AbortSignal.timeout(1_500) })).rejects.toThrow()
  await bert.unblock(anna.peerId)
  expect((await anna.settled(message, { signal: AbortSignal.timeout(15_000) })).state).toBe('delivered')
  expect(await texts(bert, anna.peerId)).toEqual(['in hello', 'in are you there?'])
})

test('a blocked peer stays blocked when its conversation is opened or written into', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.peerId, 'hello')).toBe('delivered')
  await bert.block(anna.peerId)
  await expect(bert.open(anna.peerId)).rejects.toThrow(/is blocked: \/unblock/u)
  await expect(bert.send(anna.peerId, 'hello')).rejects.toThrow(/is blocked: \/unblock/u)
  expect(bert.blocked()).toMatchObject([{ peer: anna.peerId }])
  await bert.unblock(anna.peerId)
  await expect(bert.open(anna.peerId)).resolves.toHaveLength(1)
})

test('a peer that starts again is found at its old port and gets what waited for it', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.peerId, 'one')).toBe('delivered')
  await bert.stop()
  const waiting = await anna.send(bert.peerId, 'two')
  const again = await network.peer('bert', { accept: 'all' })
  expect([again.peerId, again.port]).toEqual([bert.peerId, bert.port])
  expect((await anna.settled(waiting, { signal: AbortSignal.timeout(15_000) })).state).toBe('delivered')
  expect(await texts(again, anna.peerId)).toEqual(['in one', 'in two'])
})

test('a message for somebody who was named by address and never reached arrives after a restart', async () => {
  const absent = await network.peer('bert', { accept: 'all' })
  const address = `/ip4/127.0.0.1/tcp/${absent.port}/p2p/${absent.peerId}`
  await absent.stop()
  const before = await network.peer('anna')
  const { peer } = await before.resolve([address])
  await before.send(peer, 'are you there?')
  await before.stop()
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await vi.waitFor(async () => expect(await texts(bert, anna.peerId)).toEqual(['in are you there?']), soon)
})

test('a contact keeps its name however others call themselves, and a namesake is pointed out', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  const mallory = await network.peer('mallory')
  await anna.resolve([placeOf(bert)])
  await anna.open(bert.peerId)
  await vi.waitFor(() => expect(anna.name(bert.peerId)).toBe('bert'), soon)
  await anna.resolve([placeOf(mallory)])
  await mallory.rename('Bert')
  await vi.waitFor(() => expect(names(anna)).toContain('Bert'), soon)
  expect((await anna.resolve(['bert'])).peer).toBe(bert.peerId)
  expect(anna.roster().find(({ peer }) => peer === mallory.peerId)).toMatchObject({
    sameNameAs: { name: 'bert', own: false }
  })
})

test('whoever takes the name of a contact is told loudly, once, and marked; so is who takes one’s own', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert')
  const notices: Notice[] = []
  anna.addEventListener('notice', ({ detail }) => notices.push(detail))
  await anna.resolve([placeOf(bert)])
  await anna.open(bert.peerId)
  await vi.waitFor(() => expect(anna.name(bert.peerId)).toBe('bert'), soon)
  await anna.verify(bert.peerId)
  const mallory = await network.peer('mallory')
  await anna.resolve([placeOf(mallory)])
  await mallory.rename('Bert')
  await vi.waitFor(() => expect(names(anna)).toContain('Bert'), soon)
  const changed = (): Notice[] => notices.filter(({ code }) => code === 'key-changed')
  const known = { by: 'name', peer: mallory.peerId, was: bert.peerId, verified: true }
  expect(changed()).toEqual([{ code: 'key-changed', ...known, text: expect.stringContaining(mallory.shortId) }])
  const owner = { peer: bert.peerId, name: 'bert', shortId: bert.shortId, verified: true, own: false }
  expect(anna.trust(mallory.peerId)).toEqual({ sameNameAs: owner })
  await mallory.setStatus('trust me')
  await vi.waitFor(() => expect(anna.roster().some(({ status }) => status === 'trust me')).toBe(true), soon)
  await mallory.rename('anna')
  await vi.waitFor(() => expect(names(anna)).toContain('anna'), soon)
  expect(changed()).toHaveLength(1)
  expect(anna.trust(mallory.peerId).sameNameAs).toMatchObject({ peer: anna.peerId, own: true })
})

test('two who compare see the same number; who is verified is a contact and marked, over a restart too', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  expect(anna.safetyNumber(bert.peerId)).toEqual(bert.safetyNumber(anna.peerId))
  await anna.resolve([placeOf(bert)])
  await vi.waitFor(() => expect(names(anna)).toContain('bert'), soon)
  const told: RosterRow[] = []
  anna.addEventListener('roster', ({ detail }) => told.push(...detail.changed))
  await anna.verify(bert.peerId)
  expect(told.at(-1)).toMatchObject({ peer: bert.peerId, contact: true, verified: true })
  await anna.stop()
  const again = await network.peer('anna')
  expect(again.contacts()).toMatchObject([
    { peer: bert.peerId, name: 'bert', verified: { sinceMs: expect.any(Number) } }
  ])
  expect(again.trust(bert.peerId).verifiedSinceMs).toBeTypeOf('number')
  await again.unverify(bert.peerId)
  expect(again.trust(bert.peerId)).toEqual({})
  expect(again.contacts()).toHaveLength(1)
})

test('a blocked peer that a directory still tells of is on the roster with a mark, and no longer verified', async () => {
  const directory = await network.directory()
  const flags = { directory: [String(directory.port)] }
  const anna = await network.peer('anna', flags)
  const bert = await network.peer('bert', flags)
  const rowOf = (): RosterRow | undefined => anna.roster().find(({ peer }) => peer === bert.peerId)
  await vi.waitFor(() => expect(rowOf()).toBeDefined(), soon)
  await anna.verify(bert.peerId)
  await anna.block(bert.peerId)
  expect(rowOf()).toMatchObject({ blocked: true, contact: false, verified: false })
  await anna.unblock(bert.peerId)
  expect(rowOf()).toMatchObject({ blocked: false, contact: false, verified: false })
})

test('a message over the limit is refused before it is stored, one at the limit is delivered whole', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.resolve([placeOf(bert)])
  const largest = 'ü'.repeat(32 * 1024)
  await expect(anna.send(bert.peerId, `${largest}.`)).rejects.toThrow(/65537 bytes .* at most 65536/)
  expect(await settledState(anna, bert.peerId, largest)).toBe('delivered')
  expect(await texts(bert, anna.peerId)).toEqual([`in ${largest}`])
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
  const other = await network.directory(first.port)
  const again = await network.peer('anna')
  expect(again.port).not.toBe(other.port)
  await again.stop()
  await other.stop()
  expect((await network.peer('anna')).port).toBe(first.port)
})

test('what waits behind a slow peer and is forgotten meanwhile is not sent', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.resolve([placeOf(bert)])
  expect(await settledState(anna, bert.peerId, 'hello')).toBe('delivered')
  const { receive } = Reception.prototype
  const disk = Promise.withResolvers<void>()
  const slow = vi.spyOn(Reception.prototype, 'receive').mockImplementation(async function (this: Reception, ...args) {
    await disk.promise
    return receive.apply(this, args)
  })
  try {
    // More than may be without a receipt: what comes after it waits.
    await Promise.all(Array.from({ length: 20 }, async () => anna.send(bert.peerId, 'x'.repeat(60 * 1024))))
    await anna.send(bert.peerId, 'a secret')
    await anna.history.forget(bert.peerId)
    disk.resolve()
    expect(await settledState(anna, bert.peerId, 'nothing')).toBe('delivered')
  } finally {
    disk.resolve()
    slow.mockRestore()
  }
  expect((await texts(bert, anna.peerId)).filter((text) => !text.includes('xx'))).toEqual(['in hello', 'in nothing'])
})
