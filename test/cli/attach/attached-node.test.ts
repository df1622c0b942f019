import { duplexPair, type Duplex } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AttachedNode } from '../../../src/cli/attach/attached-node.ts'
import { ConversationScreens } from '../../../src/cli/chat-api/conversation-screens.ts'
import {
  FACE_PROTOCOL_VERSION,
  MAX_CALLS_AT_ONCE,
  MAX_ANSWER_BYTES,
  MAX_FACE_BACKLOG_BYTES,
  MAX_VIEWS,
  PING_MS,
  SILENCE_MS,
  STUCK_MS,
  type FromFace,
  type NodeHello
} from '../../../src/cli/attach/face-protocol.ts'
import { FaceServer } from '../../../src/cli/attach/face-server.ts'
import type { Contact, ConversationSummary } from '../../../src/cli/chat-api/chat-api.ts'
import { exitCodes, version } from '../../../src/node/settings.ts'
import { eventually } from '../../eventually.ts'
import { FakeNode, incoming, outgoing, row, invitation } from '../fake-node.ts'

const hello: NodeHello = {
  is: 'hello',
  protocol: FACE_PROTOCOL_VERSION,
  version: 'test',
  isDaemon: true,
  pid: process.pid,
  options: [],
  isLocked: false
}

/** The peers of the fake node have readable IDs. */
const isPeer = (text: string): boolean => text.startsWith('12D3KooW')

let node: FakeNode
let screens: ConversationScreens
let servers: FaceServer[]
/** Until each of them has ended. */
let served: Promise<void>[]
let faces: AttachedNode[]
/** The ends of the node of each face that is attached. */
let streams: Duplex[]
/** What each face said last of whether a person attends to it. */
let attended: boolean[]
const over = new AbortController()

beforeEach(() => {
  node = new FakeNode()
  screens = new ConversationScreens(node)
  servers = []
  served = []
  faces = []
  streams = []
  attended = []
})

afterEach(async () => {
  vi.useRealTimers()
  for (const face of faces) face.close()
  for (const server of servers) server.end()
  // A server that hears no end watches for the silence of its face.
  for (const stream of streams) stream.destroy()
  await Promise.all(served)
})

function contact(name: string): Contact {
  return { peer: `12D3KooW${name}`, name, sinceMs: 7, addresses: [] }
}

function newStream(): Duplex {
  const [here, there] = duplexPair()
  const index = streams.push(there) - 1
  const onAttended = (isAttended: boolean): void => {
    attended[index] = isAttended
  }
  const server = new FaceServer({ node, stream: there, screens: screens.another(), isPeer, hello, onAttended })
  servers.push(server)
  served.push(server.run())
  return here
}

async function attach(connect: () => Duplex | undefined = newStream): Promise<AttachedNode> {
  const face = await AttachedNode.attach({ connect: async () => connect(), signal: over.signal, isAttended: true })
  if (face === undefined) throw new Error('there is no node')
  faces.push(face)
  return face
}

test('a face has the same snapshot as the node, and knows of each peer what the node does', async () => {
  node.rows = Array.from({ length: 1_000 }, (_, n) => row(`peer${String(n).padStart(4, '0')}`))
  node.known = [{ peer: '12D3KooWbob', name: 'bob', sinceMs: 7, addresses: [] }]
  const face = await attach()
  expect(face.isDaemon).toBe(true)
  expect(face.snapshot()).toEqual(JSON.parse(JSON.stringify(node.snapshot())))
  expect(face.peers.look('12D3KooWpeer0500')).toEqual(node.peers.look('12D3KooWpeer0500'))
  expect(face.peers.look('12D3KooWbob').name).toBe(node.name('12D3KooWbob'))
})

test('a face makes and ends invitations of the node, and hears who came', async () => {
  const face = await attach()
  const heard: unknown[] = []
  face.events.addEventListener('invitation', ({ detail }) => heard.push(detail.what))
  const made = await face.invitations.make({ places: 3 })
  expect(made).toEqual({ ...invitation, places: 3, isForMany: true })
  expect(await face.invitations.list()).toEqual([made])
  node.tell('invitation', { what: 'came', invitation: made, peer: '12D3KooWbob', name: 'bob' })
  expect(await face.invitations.revoke(7)).toMatchObject({ end: 'revoked' })
  expect(heard).toEqual(['came'])
})

test('an event comes after the part of the snapshot that it changes, and after what is known of its peer', async () => {
  const face = await attach()
  const seen: unknown[] = []
  face.events.addEventListener('roster', () => seen.push(face.snapshot().roster.map(({ peer }) => peer)))
  face.events.addEventListener('conversation', ({ detail }) => seen.push(face.peers.look(detail.peer).state))
  const bob = row('bob')
  node.rows = [bob]
  node.tell('roster', { joined: [bob], left: [], changed: [] })
  node.states.set(bob.peer, { name: 'connecting' })
  node.tell('conversation', { peer: bob.peer, name: 'bob', state: { name: 'connecting' } })
  node.rows = []
  node.tell('roster', { joined: [], left: [bob], changed: [] })
  await eventually(() => expect(seen).toHaveLength(3))
  expect(seen).toEqual([[bob.peer], { name: 'connecting' }, []])
})

test('the own status is the new one as soon as it is set, in every face', async () => {
  const [face, other] = [await attach(), await attach()]
  await face.self.setStatus('at lunch')
  expect(face.snapshot().self.status).toBe('at lunch')
  await eventually(() => expect(other.snapshot().self.status).toBe('at lunch'))
})

test('contacts and blocked peers are what they are on the node as soon as they change', async () => {
  const face = await attach()
  node.known = [{ peer: '12D3KooWbob', name: 'robert', sinceMs: 7, addresses: [] }]
  node.shut = [{ peer: '12D3KooWeve', name: 'eve' }]
  node.tell('snapshot', { part: 'contacts' })
  node.tell('snapshot', { part: 'blocked' })
  await eventually(() => expect(face.snapshot().blocked).toEqual(node.shut))
  expect(face.snapshot().contacts).toEqual(node.known)
})

test('two faces are told each event once, and a sent message by both whichever sends it', async () => {
  const [one, two] = [await attach(), await attach()]
  const told: string[] = []
  one.events.addEventListener('sent', ({ detail }) => told.push(`one ${detail.message.text}`))
  two.events.addEventListener('sent', ({ detail }) => told.push(`two ${detail.message.text}`))
  await one.messaging.send('12D3KooWbob', 'from one')
  await two.messaging.send('12D3KooWbob', 'from two')
  await eventually(() => expect(told).toHaveLength(4))
  expect(told.toSorted()).toEqual(['one from one', 'one from two', 'two from one', 'two from two'])
})

test('every face is told that a conversation was forgotten, whoever forgets it', async () => {
  const attached = [await attach(), await attach()]
  const told: string[] = []
  for (const { events } of attached) events.addEventListener('forgotten', ({ detail }) => told.push(detail.peer))
  node.tell('forgotten', { peer: '12D3KooWbob' })
  await eventually(() => expect(told).toEqual(['12D3KooWbob', '12D3KooWbob']))
})

test('a conversation that two faces show is left when the second one leaves, or is gone', async () => {
  const [one, two] = [await attach(), await attach()]
  await one.messaging.open('12D3KooWbob')
  await two.messaging.open('12D3KooWbob')
  await one.messaging.leave('12D3KooWbob')
  await two.messaging.requests()
  expect(node.calls.filter((call) => call.startsWith('leave'))).toEqual([])
  two.close()
  await eventually(() => expect(node.calls).toContain('leave 12D3KooWbob'))
})

test('an error of the node is thrown in the face with its name, its words and its exit code', async () => {
  const face = await attach()
  await expect(face.peers.resolve(['nobody'])).rejects.toMatchObject({
    name: 'PeerNotFoundError',
    message: 'no peer called nobody',
    exitCode: exitCodes.peerNotFound
  })
})

test('a call that is given up is given up on the node', async () => {
  const ended = Promise.withResolvers<void>()
  node.settled = async (_message, { signal }) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    ended.resolve()
    throw new Error('given up')
  }
  const face = await attach()
  const impatient = new AbortController()
  const waiting = face.messaging.settled(outgoing('text', 'pending'), { signal: impatient.signal })
  impatient.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await ended.promise
})

test('new messages are read from the history, from where the face began', async () => {
  node.tell('message', { message: incoming('before'), name: 'bob', arrival: 'accepted' })
  const face = await attach()
  const reader = face.messaging.history.follow()
  await face.messaging.requests()
  node.tell('message', { message: incoming('after'), name: 'bob', arrival: 'accepted' })
  const { entries } = await reader.next({ limit: 10 })
  expect(entries.map(({ message }) => message.text)).toEqual(['after'])
  reader.close()
})

test('a face that does not read loses events and holds little; when it reads on, it is told to read again', async () => {
  const [here, there] = duplexPair()
  const server = new FaceServer({ node, stream: there, screens: screens.another(), isPeer, hello })
  servers.push(server)
  streams.push(there)
  served.push(server.run())
  const face = await attach(() => here)
  here.pause()
  const resumed = new Promise<void>((resolve) => face.events.addEventListener('resumed', () => resolve()))
  const long = 'x'.repeat(60_000)
  for (let n = 0; n < 400; n++) node.tell('notice', { code: 'fault', text: long })
  expect(there.writableLength).toBeLessThan(2 * MAX_FACE_BACKLOG_BYTES)
  node.known = [{ peer: '12D3KooWbob', name: 'bob', sinceMs: 7, addresses: [] }]
  here.resume()
  await resumed
  expect(face.snapshot().contacts).toEqual(node.known)
})

test('garbage ends the face that wrote it, and no other', async () => {
  const face = await attach()
  for (const bad of ['{', '[]', '{"is":7}', 'x'.repeat(2 * 1024 * 1024)]) {
    const stream = newStream()
    stream.resume()
    stream.write(`${bad}\n`)
    await new Promise<void>((resolve) => streams.at(-1)?.once('end', resolve).once('close', resolve))
  }
  expect(await face.messaging.requests()).toEqual([])
})

test('what is no method, or has arguments of another type, is refused and nothing else happens', async () => {
  const stream = newStream()
  let written = ''
  stream.on('data', (chunk: Buffer) => (written += chunk.toString()))
  const write = (message: FromFace): void => void stream.write(`${JSON.stringify(message)}\n`)
  write({ is: 'hello', protocol: FACE_PROTOCOL_VERSION, version: 'test', isAttended: false })
  write({ is: 'call', id: 1, method: 'constructor', args: [] })
  write({ is: 'call', id: 2, method: 'messaging.send', args: [7, {}] })
  write({ is: 'call', id: 3, method: 'history.page', args: ['12D3KooWbob', { limit: 'all' }] })
  await eventually(() => expect(written.match(/"is":"failure"/gu)).toHaveLength(3))
  expect(written).toContain("can't call")
  expect(written).toContain('messaging.send: expected a peer ID as argument 1')
  expect(node.calls).toEqual([])
})

/** Replies and failures of the node to these calls, in any order. */
async function outcomes(calls: readonly (readonly [method: string, ...args: unknown[]])[]): Promise<string[]> {
  const stream = newStream()
  let written = ''
  stream.on('data', (chunk: Buffer) => (written += chunk.toString()))
  const write = (message: FromFace): void => void stream.write(`${JSON.stringify(message)}\n`)
  write({ is: 'hello', protocol: FACE_PROTOCOL_VERSION, version: 'test', isAttended: false })
  for (const [id, [method, ...args]] of calls.entries()) write({ is: 'call', id, method, args })
  return eventually(() => {
    const lines = written.split('\n').filter((line) => /^\{"is":"(?:reply|failure)"/u.test(line))
    expect(lines).toHaveLength(calls.length)
    return lines
  })
}

test('a peer that is named by anything but its ID is refused by every method, before the node hears of it', async () => {
  const calls = [
    ...['open', 'leave', 'typing', 'retry', 'cancel', 'readRequest', 'accept', 'ignore'].map(
      (name) => [`messaging.${name}`, 'nonsense'] as const
    ),
    ...['safetyNumber', 'verify', 'unverify', 'block', 'unblock'].map((name) => [`trust.${name}`, 'nonsense'] as const),
    ['messaging.send', 'nonsense', 'x'],
    ['messaging.settled', { peer: 'nonsense', id: 'x' }],
    ['history.recent', 'nonsense', 1],
    ['history.page', 'nonsense', { limit: 1 }],
    ['history.log', 'nonsense', { limit: 1 }],
    ['history.search', 'words', { peer: 'nonsense' }],
    ['history.forget', 'nonsense'],
    ['peers.measurePath', 'nonsense'],
    ['peers.renameContact', 'nonsense', 'name'],
    ['peers.removeContact', 'nonsense']
  ] as const
  const lines = await outcomes(calls)
  for (const line of lines) expect(line).toMatch(/"is":"failure".*"UsageError".*expected a peer ID/u)
  expect(node.calls).toEqual([])
})

test('numbers of calls are whole, and held exactly', async () => {
  const bob = '12D3KooWbob'
  const lines = await outcomes([
    ['history.recent', bob, 1.5],
    ['history.page', bob, { limit: 10, before: 1e300 }],
    ['history.log', bob, { limit: 10, sinceMs: 0.1 }],
    ['history.news', 2 ** 53],
    ['history.waiting', 0.5]
  ])
  for (const line of lines) expect(line).toMatch(/"is":"failure".*"UsageError".*expected a whole number/u)
})

test('an event that can not be told to a face ends that face, and neither the node nor the others', async () => {
  const look = node.peers.look
  const face = await attach()
  const other = await attach()
  let isFirst = true
  Object.assign(node.peers, {
    look: (peer: string) => {
      if (!isFirst) return look(peer)
      isFirst = false
      throw new Error('no such peer')
    }
  })
  const told: string[] = []
  for (const { events } of [face, other]) events.addEventListener('typing', ({ detail }) => told.push(detail.name))
  const ended = new Promise<void>((resolve) => streams[0]?.once('close', resolve))
  node.tell('typing', { peer: '12D3KooWbob', name: 'bob' })
  await ended
  await eventually(() => expect(told).toEqual(['bob']))
})

test('a face of another version is refused, and is told so', async () => {
  const stream = newStream()
  let written = ''
  stream.on('data', (chunk: Buffer) => (written += chunk.toString()))
  stream.write(`${JSON.stringify({ is: 'hello', protocol: FACE_PROTOCOL_VERSION + 1, version: '9.9.9' })}\n`)
  await eventually(() => expect(written).toContain('"other-version"'))
  expect(written).not.toContain('"live"')
})

test.each([
  ['9.9.9', /is version 9\.9\.9, and this is .*parley daemon --restart/u],
  [version, /is another build of version .*parley daemon --restart/u]
])(
  'a node of version %s that speaks another protocol is named, with the command that starts it anew',
  async (its, told) => {
    const [here, there] = duplexPair()
    there.write(`${JSON.stringify({ is: 'hello', protocol: FACE_PROTOCOL_VERSION + 1, version: its })}\n`)
    await expect(attach(() => here)).rejects.toThrow(told)
  }
)

test('no more than some calls of a face are carried out at once', async () => {
  let most = 0
  let now = 0
  const go = Promise.withResolvers<void>()
  const face = await attach()
  node.requests = async () => {
    most = Math.max(most, ++now)
    await go.promise
    now--
    return []
  }
  const all = Array.from({ length: 3 * MAX_CALLS_AT_ONCE }, async () => face.messaging.requests())
  await eventually(() => expect(now).toBe(MAX_CALLS_AT_ONCE))
  go.resolve()
  await Promise.all(all)
  expect(most).toBe(MAX_CALLS_AT_ONCE)
})

test('when the node has ended the face says so, finds the next one, and opens again what was open', async () => {
  node.known = [contact('bob')]
  const face = await attach()
  await face.messaging.open('12D3KooWbob')
  const notices: string[] = []
  face.events.addEventListener('notice', ({ detail }) => notices.push(detail.code))
  const resumed = new Promise<void>((resolve) => face.events.addEventListener('resumed', () => resolve()))
  node.calls.length = 0
  node.nickname = 'after the restart'
  expect(face.snapshot().lostAtMs).toBeUndefined()
  const lost = new Promise<number | undefined>((resolve) =>
    face.events.addEventListener('notice', () => resolve(face.snapshot().lostAtMs), { once: true })
  )
  streams[0]?.destroy()
  expect(await lost).toBeLessThanOrEqual(Date.now())
  await resumed
  expect(face.snapshot().lostAtMs).toBeUndefined()
  expect(notices).toEqual(['node-gone', 'node-back'])
  expect(face.snapshot().self.nickname).toBe('after the restart')
  await eventually(() => expect(node.calls).toContain('open 12D3KooWbob'))
})

test('a face that finds the next node makes nobody a contact: who was removed, blocked or never one stays so', async () => {
  node.known = ['bob', 'carl', 'dora'].map(contact)
  const face = await attach()
  for (const { peer } of node.known) await face.messaging.open(peer)
  // One is removed by another face, and is a contact again before the node ends; one while there is no node.
  node.known = ['carl', 'dora'].map(contact)
  node.tell('snapshot', { part: 'contacts' })
  node.known = ['bob', 'carl', 'dora'].map(contact)
  node.tell('snapshot', { part: 'contacts' })
  await face.messaging.requests()
  const resumed = new Promise<void>((resolve) => face.events.addEventListener('resumed', () => resolve()))
  node.calls.length = 0
  node.known = ['bob', 'dora'].map(contact)
  streams[0]?.destroy()
  await resumed
  await face.messaging.requests()
  expect(node.calls.filter((call) => !call.startsWith('leave'))).toEqual(['open 12D3KooWdora'])
})

test('a conversation that could not be opened before the node ended is not opened on the next one', async () => {
  node.known = [contact('bob')]
  const face = await attach()
  node.open = async () => {
    streams[0]?.destroy()
    return new Promise(() => undefined)
  }
  const resumed = new Promise<void>((resolve) => face.events.addEventListener('resumed', () => resolve()))
  await expect(face.messaging.open('12D3KooWbob')).rejects.toMatchObject({ name: 'NodeGoneError' })
  const opened = vi.fn(async () => [])
  node.open = opened
  await resumed
  await face.messaging.requests()
  expect(opened).not.toHaveBeenCalled()
})

test('opening again accepts no stranger, whatever a face asks', async () => {
  const other = screens.another()
  await other.reopen('12D3KooWeve')
  node.known = [contact('bob')]
  await other.reopen('12D3KooWbob')
  expect(node.calls).toEqual(['open 12D3KooWbob'])
})

test.each(['removed', 'blocked', 'ignored'] as const)(
  'a peer that one face has %s is on no screen: who opens it next is the last to leave it',
  async (what) => {
    const [one, two] = [await attach(), await attach()]
    const peer = '12D3KooWbob'
    await one.messaging.open(peer)
    await two.messaging.open(peer)
    if (what === 'removed') await one.peers.removeContact(peer)
    else if (what === 'blocked') await one.trust.block(peer)
    else await one.messaging.ignore(peer)
    node.calls.length = 0
    await one.messaging.open(peer)
    await one.messaging.leave(peer)
    expect(node.calls).toEqual([`open ${peer}`, `leave ${peer}`])
  }
)

test('a call that was under way when the node ended is refused: it may or may not have been carried out', async () => {
  const face = await attach()
  node.requests = async () => new Promise(() => undefined)
  const asked = face.messaging.requests()
  streams[0]?.destroy()
  await expect(asked).rejects.toMatchObject({ name: 'NodeGoneError' })
})

test('a change of contacts reaches each face as an event, so that what is drawn is drawn again', async () => {
  const face = await attach()
  const parts: string[] = []
  face.events.addEventListener('snapshot', ({ detail }) => parts.push(detail.part))
  node.tell('snapshot', { part: 'contacts' })
  await eventually(() => expect(parts).toEqual(['contacts']))
})

test('a face that has gone away with calls under way is over, and its conversations are left', async () => {
  node.settled = async (_message, { signal }) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new Error('given up')), { once: true })
    )
  const face = await attach()
  node.requests = async () => new Promise(() => undefined)
  await face.messaging.open('12D3KooWbob')
  for (let n = 0; n < 2 * MAX_CALLS_AT_ONCE; n++) void face.messaging.requests().catch(() => undefined)
  face.close()
  await eventually(() => expect(node.calls).toContain('leave 12D3KooWbob'))
})

test('calls that wait for a receipt hold up no others', async () => {
  node.settled = async () => new Promise(() => undefined)
  const face = await attach()
  const { signal } = new AbortController()
  for (let n = 0; n < 3 * MAX_CALLS_AT_ONCE; n++)
    void face.messaging.settled(outgoing('text', 'pending'), { signal }).catch(() => undefined)
  expect(await face.messaging.requests()).toEqual([])
})

test('replies that a face does not read take no more than a bound, and one id for two calls ends it', async () => {
  node.past = Array.from({ length: 100 }, () => incoming('x'.repeat(10_000)))
  const stream = newStream()
  const greeting = { is: 'hello', protocol: FACE_PROTOCOL_VERSION, version: 'test', isAttended: false }
  stream.write(`${JSON.stringify(greeting)}\n`)
  for (let id = 1; id <= 200; id++)
    stream.write(`${JSON.stringify({ is: 'call', id, method: 'history.recent', args: ['12D3KooWbob', 100] })}\n`)
  const there = streams.at(-1)
  await eventually(() => expect(there?.writableLength).toBeGreaterThan(MAX_FACE_BACKLOG_BYTES))
  expect(there?.writableLength).toBeLessThan(MAX_FACE_BACKLOG_BYTES + 4 * MAX_CALLS_AT_ONCE * 1_000_000)

  node.requests = async () => new Promise(() => undefined)
  const other = newStream()
  other.resume()
  const ended = new Promise<void>((resolve) => streams.at(-1)?.once('end', resolve).once('close', resolve))
  other.write(`${JSON.stringify(greeting)}\n`)
  for (let n = 0; n < 2; n++)
    other.write(`${JSON.stringify({ is: 'call', id: 1, method: 'messaging.requests', args: [] })}\n`)
  other.end()
  await ended
})

test('all that came while there was no node is told afterwards: in its order, once, and before what comes next', async () => {
  const face = await attach()
  const told: string[] = []
  face.events.addEventListener('message', ({ detail }) => told.push(detail.message.text))
  node.tell('message', { message: incoming('0'), name: 'bob', arrival: 'accepted' })
  await eventually(() => expect(told).toEqual(['0']))
  const resumed = new Promise<void>((resolve) => face.events.addEventListener('resumed', () => resolve()))
  streams[0]?.destroy()
  for (let n = 1; n <= 1_500; n++) node.stored.push(incoming(String(n)))
  // One that is stored, and told of, while the face is reading what it missed.
  const news = node.history.news.bind(node.history)
  let isFirst = true
  Object.assign(node.history, {
    news: async (options: Parameters<typeof news>[0]) => {
      if (isFirst) node.tell('message', { message: incoming('1501'), name: 'bob', arrival: 'accepted' })
      isFirst = false
      return news(options)
    }
  })
  await resumed
  expect(told).toEqual(Array.from({ length: 1_502 }, (_, n) => String(n)))
})

test('what the history counts and never tells, such as a request, is not said to be left there', async () => {
  const face = await attach()
  const notices: string[] = []
  face.events.addEventListener('notice', ({ detail }) => notices.push(detail.text))
  const resumed = new Promise<void>((resolve) => face.events.addEventListener('resumed', () => resolve()))
  node.stored.push(incoming('a request'))
  Object.assign(node.history, { news: async ({ after }: { after: number }) => ({ entries: [], next: after }) })
  streams[0]?.destroy()
  await resumed
  expect(notices).toEqual(['Connection to Parley lost. Reconnecting … /quit leaves.', 'Parley is connected again.'])
})

test('a face that has read nothing yet reads on when the node is another process', async () => {
  const face = await attach()
  const reader = face.messaging.history.follow()
  await face.messaging.requests()
  const resumed = new Promise<void>((resolve) => face.events.addEventListener('resumed', () => resolve()))
  streams[0]?.destroy()
  node.stored.push(incoming('meanwhile'))
  await resumed
  const { entries } = await reader.next({ limit: 10 })
  expect(entries.map(({ message }) => message.text)).toEqual(['meanwhile'])
})

test('a send that the end of a node cut off is asked of the next one, as the same message', async () => {
  const ids: (string | undefined)[] = []
  const send = node.messaging.send
  Object.assign(node.messaging, {
    send: async (peer: string, text: string, options: { id?: string } = {}) => {
      ids.push(options.id)
      if (ids.length > 1) return send(peer, text)
      streams[0]?.destroy()
      return new Promise(() => undefined)
    }
  })
  const face = await attach()
  expect(await face.messaging.send('12D3KooWbob', 'once')).toMatchObject({ text: 'once' })
  expect(ids).toHaveLength(2)
  expect(ids[0]).toMatch(/^[0-9a-f]{32}$/u)
  expect(ids[1]).toBe(ids[0])
})

test('what became of a message while there was no node is told afterwards', async () => {
  const face = await attach()
  const states: string[] = []
  face.events.addEventListener('delivery', ({ detail }) => states.push(`${detail.message.text} ${detail.state}`))
  const message = outgoing('on its way', 'pending')
  node.tell('sent', { message, name: 'bob' })
  await face.messaging.requests()
  node.past = [{ ...message, state: 'delivered' }]
  streams[0]?.destroy()
  await eventually(() => expect(states).toEqual(['on its way delivered']))
})

test('a conversation that was forgotten while there was no node is told of afterwards, one that is there is not', async () => {
  const summary = (name: string): ConversationSummary => {
    const message = { ...incoming('hello'), peer: `12D3KooW${name}` }
    return { peer: message.peer, unread: 0, last: { position: 1, message } }
  }
  node.summaries = ['bob', 'carl', 'dora'].map(summary)
  const face = await attach()
  const told: string[] = []
  face.events.addEventListener('forgotten', ({ detail }) => told.push(detail.peer))
  node.tell('forgotten', { peer: '12D3KooWdora' })
  await eventually(() => expect(told).toEqual(['12D3KooWdora']))
  const resumed = new Promise<void>((resolve) => face.events.addEventListener('resumed', () => resolve()))
  node.summaries = [summary('carl')]
  streams[0]?.destroy()
  await resumed
  expect(told).toEqual(['12D3KooWdora', '12D3KooWbob'])
})

test('who came and went while there was no node is an event, as if it had just happened', async () => {
  node.rows = [row('bob'), row('carl')]
  const face = await attach()
  const changes: string[] = []
  face.events.addEventListener('roster', ({ detail: { joined, left } }) => {
    changes.push(...joined.map(({ name }) => `+${name}`), ...left.map(({ name }) => `-${name}`))
  })
  node.rows = [row('carl'), row('dora')]
  streams[0]?.destroy()
  await eventually(() => expect(changes).toEqual(['+dora', '-bob']))
})

test('a node is told whether a person attends to a face, and again when it is another node', async () => {
  const face = await attach()
  expect(attended).toEqual([true])
  face.attended(false)
  await eventually(() => expect(attended).toEqual([false]))
  const resumed = new Promise<void>((resolve) => face.events.addEventListener('resumed', () => resolve()))
  streams[0]?.destroy()
  await resumed
  expect(attended).toEqual([false, false])
})

test('a face that says nothing is over, and its conversation is left; one that is there is not', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  const face = await attach()
  await face.messaging.open('12D3KooWbob')
  const ended = vi.fn()
  streams[0]?.once('close', ended)
  await vi.advanceTimersByTimeAsync(10 * SILENCE_MS)
  expect(ended).not.toHaveBeenCalled()
  // The line is cut: what the face writes gets nowhere.
  const cut = newStream()
  cut.write(`${JSON.stringify({ is: 'hello', protocol: FACE_PROTOCOL_VERSION, version: 'test', isAttended: true })}\n`)
  cut.write(`${JSON.stringify({ is: 'call', id: 1, method: 'messaging.open', args: ['12D3KooWcarl'] })}\n`)
  await vi.advanceTimersByTimeAsync(SILENCE_MS - 1)
  expect(node.calls).not.toContain('leave 12D3KooWcarl')
  await vi.advanceTimersByTimeAsync(PING_MS)
  expect(node.calls).toContain('leave 12D3KooWcarl')
  expect(node.calls).not.toContain('leave 12D3KooWbob')
})

test('a node that says nothing is looked for again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  const silent = (): Duplex => {
    const [here, there] = duplexPair()
    there.write(`${JSON.stringify(hello)}\n`)
    for (const part of ['self', 'programs', 'contacts', 'blocked', 'directories', 'lan'] as const)
      there.write(`${JSON.stringify({ is: 'part', part, value: node.snapshot()[part] })}\n`)
    there.write(`${JSON.stringify({ is: 'live' })}\n`)
    // To requests, conversations and the newest position, which it asks for to begin with.
    for (const [index, value] of [[], [], 0].entries())
      there.write(`${JSON.stringify({ is: 'reply', id: index + 1, value })}\n`)
    there.resume()
    return here
  }
  const face = await AttachedNode.attach({ connect: async () => silent(), signal: over.signal, isAttended: false })
  if (face === undefined) throw new Error('there is no node')
  faces.push(face)
  const notices: string[] = []
  face.events.addEventListener('notice', ({ detail }) => notices.push(detail.code))
  await vi.advanceTimersByTimeAsync(SILENCE_MS)
  expect(notices).toEqual([])
  await vi.advanceTimersByTimeAsync(2 * PING_MS)
  expect(notices[0]).toBe('node-gone')
})

test('a face that is closed while a found node has not said hello yet leaves no stream behind', async () => {
  const found: Duplex[] = []
  const connect = async (): Promise<Duplex> => {
    if (found.length === 0) {
      found.push(newStream())
      return found[0] ?? newStream()
    }
    const [here] = duplexPair()
    found.push(here)
    return here
  }
  const face = await AttachedNode.attach({ connect, signal: over.signal, isAttended: false })
  found[0]?.destroy()
  await eventually(() => expect(found).toHaveLength(2))
  face?.close()
  await eventually(() => expect(found[1]?.destroyed).toBe(true))
})

test('a face with too many calls under way is given longer: nothing of it is read meanwhile', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  node.requests = async () => new Promise(() => undefined)
  const stream = newStream()
  stream.write(`${JSON.stringify({ is: 'hello', protocol: FACE_PROTOCOL_VERSION, version: 'x', isAttended: false })}\n`)
  for (let id = 1; id <= MAX_CALLS_AT_ONCE; id++)
    stream.write(`${JSON.stringify({ is: 'call', id, method: 'messaging.requests', args: [] })}\n`)
  const ended = vi.fn()
  streams.at(-1)?.once('close', ended)
  await vi.advanceTimersByTimeAsync(STUCK_MS - PING_MS)
  expect(ended).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(SILENCE_MS)
  expect(ended).toHaveBeenCalled()
})

test('what is known of peers is bounded, and known again when a line names them', async () => {
  const face = await attach()
  const names = async (from: number): Promise<void> => {
    node.rows = Array.from({ length: 1_000 }, (_, n) => row(`a peer called ${from + n}`))
    node.tell('roster', { joined: node.rows, left: [], changed: [] })
    // Its reply comes after all of that.
    await face.messaging.requests()
  }
  const { peer, name } = row('a peer called 0')
  await names(0)
  expect(face.peers.look(peer).name).toBe(name)
  for (let from = 1_000; from <= MAX_VIEWS; from += 1_000) await names(from)
  expect(face.peers.look(peer).name).not.toBe(name)
  await names(0)
  expect(face.peers.look(peer).name).toBe(name)
})

test('a page is whole, whatever fits into one answer', async () => {
  const text = 'x'.repeat(60_000)
  node.past = Array.from({ length: 700 }, (_, n) => incoming(`${n} ${text}`))
  const page = node.history.page
  let asked = 0
  Object.assign(node.history, {
    page: async (peer: string, options: Parameters<typeof page>[1]) => {
      asked++
      const fitting = Math.floor((options.maxBytes ?? Infinity) / text.length)
      return page(peer, { ...options, limit: Math.min(options.limit, fitting) })
    }
  })
  const face = await attach()
  const entries = await face.messaging.history.page('12D3KooWbob', { limit: 650 })
  expect(entries.map(({ position }) => position)).toEqual(Array.from({ length: 650 }, (_, n) => n + 50))
  const forward = await face.messaging.history.page('12D3KooWbob', { after: 99, limit: 1_000 })
  expect(forward.map(({ position }) => position)).toEqual(Array.from({ length: 600 }, (_, n) => n + 100))
  expect(asked).toBeGreaterThan((650 * text.length) / MAX_ANSWER_BYTES)
  asked = 0
  node.past = [incoming('all there is')]
  expect(await face.messaging.history.page('12D3KooWbob', { limit: 100 })).toHaveLength(1)
  expect(asked).toBe(1)
})

test('strangers that wrote while there was no node are told of afterwards, those that were known are not', async () => {
  const known = { peer: '12D3KooWcarl', shortId: 'carlID', name: 'carl', lastText: 'hello', count: 1, lan: false }
  node.waiting = [known]
  const face = await attach()
  const told: string[] = []
  face.events.addEventListener('request', ({ detail }) => told.push(`${detail.name} ${detail.lastText}`))
  streams[0]?.destroy()
  node.waiting = [{ ...known, name: 'eve', peer: '12D3KooWeve', lastText: 'psst' }, known]
  await eventually(() => expect(told).toEqual(['eve psst']))
  streams[1]?.destroy()
  node.waiting = [{ ...known, lastText: 'hello again', count: 2 }]
  await eventually(() => expect(told).toEqual(['eve psst', 'carl hello again']))
})

test('the settings are those of the node', async () => {
  const face = await attach()
  expect(await face.settings()).toEqual(await node.settings())
})

test('a node that waits for its passphrase says so, and how it is given', async () => {
  const [here, there] = duplexPair()
  there.write(`${JSON.stringify({ ...hello, isLocked: true })}\n`)
  await expect(attach(() => here)).rejects.toMatchObject({ name: 'KeyLockedError' })
})
