// The socket of a running parley with a fake node behind it: faces by the
// connection, hostile lines, too many guests, and the client that asks through it.
import { once } from 'node:events'
import { chmod, lstat, mkdtemp, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../eventually.ts'
import { eventualMs } from '../../patience.ts'
import { MAX_INPUT_LINE_BYTES } from '../../../src/cli/process/input-lines.ts'
import { pathsToCall, pathToListenAt, MAX_SOCKET_PATH_BYTES } from '../../../src/cli/control/control-path.ts'
import { MAX_PAGE_MESSAGES } from '../../../src/cli/chat-commands/chat-command.ts'
import { ControlServer, MAX_CONTROL_CONNECTIONS } from '../../../src/cli/control/control-server.ts'
import {
  NoAnswerError,
  RunningParley,
  RunningCommandError,
  TooManyConnectionsError
} from '../../../src/cli/control/running-parley.ts'
import { RunningNode, sendOnProfile } from '../../../src/cli/control/send-on-profile.ts'
import { exitCodes, loadConfig, profileFolder } from '../../../src/node/settings.ts'
import { FakeNode, incoming, outgoing, row } from '../fake-node.ts'

let folder: string
let path: string
const open: (() => unknown)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-control-'))
  path = join(folder, 'test.sock')
})
afterEach(async () => {
  await Promise.allSettled(open.splice(0).map(async (close) => close()))
  await rm(folder, { recursive: true, force: true })
})

async function serve(node: FakeNode): Promise<ControlServer> {
  const server = await ControlServer.start(node, async () => path)
  open.push(async () => server.stop())
  return server
}

interface Guest {
  readonly socket: Socket
  /** All lines so far. */
  lines(): Record<string, unknown>[]
  /** Resolves with the first line that has this event. */
  event(name: string): Promise<Record<string, unknown>>
}

async function guest(): Promise<Guest> {
  const socket = connect({ path })
  open.push(() => socket.destroy())
  socket.on('error', () => undefined)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const lines = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  const event = async (name: string): Promise<Record<string, unknown>> =>
    eventually(() => {
      const found = lines().find((line) => line['event'] === name)
      if (found === undefined) throw new Error(`no event ${name}: ${text}`)
      return found
    })
  return { socket, lines, event }
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close')
}

async function running(): Promise<RunningParley> {
  const parley = await RunningParley.meet(connect({ path }))
  open.push(() => parley.close())
  return parley
}

const messageId = '00112233445566778899aabbccddeeff'

describe('the socket of a running parley', () => {
  it('gives each connection a face of its own: answers go to the one that asked, events to all', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    await serve(node)
    const [one, other] = [await guest(), await guest()]
    expect(await one.event('ready')).toMatchObject({ version: 1, roster: [{ nickname: 'bob' }] })
    await other.event('ready')
    one.socket.write('{"do":"who","tag":"mine"}\n')
    expect(await one.event('done')).toMatchObject({ do: 'who', tag: 'mine' })
    node.tell('message', { message: incoming('hello'), name: 'bob', arrival: 'accepted' })
    for (const each of [one, other]) expect(await each.event('message')).toMatchObject({ text: 'hello' })
    expect(other.lines().map((line) => line['event'])).toEqual(['ready', 'message'])
  })

  it('reports what is under way: conversations that are not closed, and the number of waiting messages', async () => {
    const node = new FakeNode()
    node.rows = [row('bob'), row('carol')]
    node.states.set('12D3KooWcarol', { name: 'closed' })
    await serve(node)
    const bob = { peer: '12D3KooWbob', name: 'bob', state: 'open', dialect: 'parley', path: 'lan' }
    expect(await (await guest()).event('ready')).toMatchObject({
      conversations: [bob],
      waiting: { messages: 0, peers: 0, more: false }
    })
  })

  it('answers what it does not understand with an error, and goes on', async () => {
    await serve(new FakeNode())
    const { socket, event, lines } = await guest()
    const hostile = [
      'GET / HTTP/1.1',
      '[]',
      'null',
      '{"do":5}',
      '{"do":"fly"}',
      '{"do":"msg","peer":{},"text":"x"}',
      '{"do":"msg","peer":"bob","text":["x"]}',
      '{"do":"__proto__"}',
      '{"do":"constructor"}',
      '\u0000\u0001',
      '{"do":"msg","peer":"bob","text":"x","wait":1e9}',
      `{"do":"msg","peer":"bob","text":"${'x'.repeat(MAX_INPUT_LINE_BYTES)}"}`
    ]
    socket.write(Buffer.concat([Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from(`${hostile.join('\n')}\n`)]))
    socket.write('{"do":"id","tag":"still here"}\n')
    expect(await event('done')).toMatchObject({ tag: 'still here' })
    const codes = lines().flatMap((line) => (line['event'] === 'error' ? [line['code']] : []))
    const begun = 'bad-json bad-json bad-json bad-json bad-arguments unknown-command bad-arguments bad-arguments'
    expect(codes.join(' ')).toBe(`${begun} unknown-command unknown-command bad-json bad-arguments line-too-long`)
  })

  it('answers what was asked before the other side closed its half, and then ends', async () => {
    const node = new FakeNode()
    node.sendState = 'pending'
    node.rows = [row('bob')]
    await serve(node)
    const { socket, event, lines } = await guest()
    socket.end('{"do":"msg","peer":"bob","text":"hi"}\n{"do":"id"}')
    expect(await event('bye')).toMatchObject({ reason: 'end of input' })
    expect(lines().map((line) => line['event'])).toEqual(['ready', 'sent', 'done', 'done', 'bye'])
    await closed(socket)
  })

  it('ends a connection at quit, and neither the node nor another connection', async () => {
    const node = new FakeNode()
    await serve(node)
    const [one, other] = [await guest(), await guest()]
    one.socket.write('{"do":"quit"}\n')
    expect(await one.event('bye')).toMatchObject({ reason: 'quit' })
    await closed(one.socket)
    other.socket.destroy()
    const third = await guest()
    await third.event('ready')
    third.socket.write('{"do":"id"}\n')
    await third.event('done')
  })

  it('refuses connections beyond the limit, until one has ended', async () => {
    await serve(new FakeNode())
    const guests = await Promise.all(Array.from({ length: MAX_CONTROL_CONNECTIONS }, guest))
    await Promise.all(guests.map(async ({ event }) => event('ready')))
    const late = await guest()
    expect(await late.event('error')).toMatchObject({ code: 'too-many-connections' })
    await closed(late.socket)
    await expect(running()).rejects.toThrow(TooManyConnectionsError)
    guests[0]?.socket.destroy()
    await eventually(async () => expect((await running()).ready['nickname']).toBe('anna'))
  })

  it('does not wait for a guest that reads nothing, which gets all messages when it reads', async () => {
    const node = new FakeNode()
    await serve(node)
    const [deaf, other] = [connect({ path }), await guest()]
    open.push(() => deaf.destroy())
    deaf.on('error', () => undefined).pause()
    await other.event('ready')
    const text = 'x'.repeat(64 * 1024)
    for (let told = 0; told < 400; told++) {
      node.tell('message', { message: incoming(text), name: 'bob', arrival: 'accepted' })
      await new Promise((resolve) => setImmediate(resolve))
    }
    other.socket.write('{"do":"id"}\n')
    await other.event('done')
    const told: string[] = []
    createInterface({ input: deaf }).on('line', (line) => told.push(line))
    await eventually(() => expect(told.filter((line) => line.includes('"event":"message"'))).toHaveLength(400))
    deaf.write('{"do":"id"}\n')
    await eventually(() => expect(told.at(-1)).toContain('"event":"done"'))
  })

  it('is of mode 0600, takes the place of a stale one, and is gone after its end', async () => {
    await writeFile(path, 'something that a crash left behind')
    const server = await ControlServer.start(new FakeNode(), async () => path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const { event, socket } = await guest()
    await event('ready')
    await server.stop()
    expect(await event('bye')).toMatchObject({ reason: 'interrupted' })
    await closed(socket)
    await expect(lstat(path)).rejects.toThrow(/ENOENT/u)
  })
})

describe('a command that asks the running parley', () => {
  it('gets each answer under its own tag, and errors with their exit code', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    await serve(node)
    const parley = await running()
    const [who, id, nobody] = await Promise.allSettled([
      parley.ask({ do: 'who' }),
      parley.ask({ do: 'id' }),
      parley.ask({ do: 'msg', peer: 'carol', text: 'hi' })
    ])
    expect(who).toMatchObject({ value: { do: 'who', roster: [{ nickname: 'bob' }] } })
    expect(id).toMatchObject({ value: { do: 'id', nickname: 'anna' } })
    expect(nobody).toMatchObject({ reason: { name: 'RunningCommandError', exitCode: exitCodes.peerNotFound } })
    await expect(parley.ask({ do: 'fly' })).rejects.toThrow(RunningCommandError)
  })

  it('gives up on one that says nothing, says nonsense, or ends', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume()
      socket.write('nonsense\n[1]\n"ready"\n{"event":"done","tag":"1"}\n')
    })
    server.listen(path)
    await once(server, 'listening')
    open.push(() => server.close())
    await expect(RunningParley.meet(connect({ path }), { timeoutMs: 50 })).rejects.toThrow(NoAnswerError)

    const socket = connect({ path: join(folder, 'nobody.sock') })
    await expect(RunningParley.meet(socket)).rejects.toThrow(NoAnswerError)
  })

  it('fails what it has asked when the running parley ends', async () => {
    const node = new FakeNode()
    node.resolve = async () => new Promise(() => undefined)
    const server = await ControlServer.start(node, async () => path)
    const parley = await running()
    const asked = parley.ask({ do: 'chat', peer: 'bob' })
    const failed = expect(asked).rejects.toThrow(NoAnswerError)
    parley.close()
    await failed
    await expect(parley.ask({ do: 'who' })).rejects.toThrow(NoAnswerError)
    void server.stop()
  })

  it('learns what became of a message, and why it is refused', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    node.sendState = 'pending'
    await serve(node)
    const remote = new RunningNode(await running())
    const signal = AbortSignal.timeout(eventualMs)
    const refused = once(remote.events, 'refused')
    const { target, message } = await remote.send(['bob'], 'hi', { id: messageId, trustName: false, signal })
    expect(target).toMatchObject({ peer: '12D3KooWbob', name: 'bob' })
    expect(message).toMatchObject({ state: 'pending', text: 'hi' })

    node.tell('refused', { peer: target.peer, name: 'bob', reason: 'is full', retryAfterMs: 9 })
    node.tell('conversation', { peer: target.peer, name: 'bob', state: { name: 'waiting', why: 'busy', retryAtMs: 7 } })
    const [event] = await refused
    expect(event.detail).toEqual({ peer: target.peer, name: 'bob', label: 'bob', reason: 'is full', retryAfterMs: 9 })
    await eventually(() => expect(remote.peers.look(target.peer).state).toMatchObject({ name: 'waiting', why: 'busy' }))

    const other = { ...outgoing('another', 'delivered'), peer: target.peer }
    node.tell('delivery', { message: other, state: 'delivered' })
    node.tell('delivery', { message: { ...message, state: 'failed', reason: 'too old' }, state: 'failed' })
    expect(await remote.messaging.settled(message, { signal })).toMatchObject({ state: 'failed', reason: 'too old' })
  })

  it('knows a message that has settled before the answer that names it', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    node.send = async (peer, text) => {
      const message = outgoing(text, 'pending', peer)
      node.tell('delivery', { message: { ...message, state: 'held' }, state: 'held' })
      return message
    }
    await serve(node)
    const remote = new RunningNode(await running())
    const signal = AbortSignal.timeout(eventualMs)
    const { message } = await remote.send(['bob'], 'hi', { id: messageId, trustName: false, signal })
    expect(await remote.messaging.settled(message, { signal })).toMatchObject({ id: message.id, state: 'held' })
  })

  it('goes on with a message that another parley took, settled meanwhile or not yet', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const [early, late] = [outgoing('early', 'pending'), outgoing('late', 'pending')]
    node.past = [{ ...early, state: 'delivered' }, late]
    await serve(node)
    const signal = AbortSignal.timeout(eventualMs)
    const [one, other] = [new RunningNode(await running()), new RunningNode(await running())]
    await one.takeUp(early, { signal })
    expect(await one.messaging.settled(early, { signal })).toMatchObject({ id: early.id, state: 'delivered' })
    await other.takeUp(late, { signal })
    node.tell('delivery', { message: { ...late, state: 'held' }, state: 'held' })
    expect(await other.messaging.settled(late, { signal })).toMatchObject({ id: late.id, state: 'held' })
  })

  it('finds a message that another parley took behind any number that came since', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const early = outgoing('early', 'pending')
    const since = Array.from({ length: 2 * MAX_PAGE_MESSAGES }, (_, n) => outgoing(`since ${n}`, 'delivered'))
    node.past = [{ ...early, state: 'delivered' }, ...since]
    await serve(node)
    const remote = new RunningNode(await running())
    const signal = AbortSignal.timeout(eventualMs)
    await remote.takeUp(early, { signal })
    expect(await remote.messaging.settled(early, { signal })).toMatchObject({ id: early.id, state: 'delivered' })
  })

  it('stops waiting for its message when the signal aborts', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    node.sendState = 'pending'
    await serve(node)
    const remote = new RunningNode(await running())
    const { message } = await remote.send(['bob'], 'hi', {
      id: messageId,
      trustName: false,
      signal: AbortSignal.timeout(eventualMs)
    })
    const over = new AbortController()
    const settled = expect(remote.messaging.settled(message, { signal: over.signal })).rejects.toThrow('enough')
    over.abort(new Error('enough'))
    await settled
  })

  it('hears that its message is left waiting when the running parley ends', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    node.sendState = 'pending'
    const server = await ControlServer.start(node, async () => path)
    const remote = new RunningNode(await running())
    const signal = AbortSignal.timeout(eventualMs)
    const { message } = await remote.send(['bob'], 'hi', { id: messageId, trustName: false, signal })
    const settled = expect(remote.messaging.settled(message, { signal })).rejects.toThrow(/has ended/u)
    await server.stop()
    await settled
  })
})

describe('a message that is sent through the running parley', () => {
  it('is asked for by the same id of each parley that has the profile next, whenever the one before ended', async () => {
    const env = { XDG_DATA_HOME: join(folder, 'data'), XDG_CONFIG_HOME: folder, XDG_RUNTIME_DIR: folder }
    const config = await loadConfig({ flags: {}, env })
    const { folders, settings } = config
    const at = await pathToListenAt(folders, profileFolder(folders.data, settings.profile))
    const taken = { ...outgoing('hello', 'pending'), id: messageId }
    // What each does with the question that it is asked; undefined: it ends without an answer.
    const lives = [
      undefined,
      { name: 'bob', message: taken },
      undefined,
      { messages: [{ ...taken, state: 'delivered' }] }
    ] as const
    const asked: unknown[] = []
    const server = createServer((socket) => {
      const answer = lives[asked.length]
      socket.on('error', () => undefined).write(`{"event":"ready","network":"${settings.network}"}\n`)
      createInterface({ input: socket }).on('line', (line) => {
        const { do: what, id, tag }: Record<string, unknown> = JSON.parse(line)
        asked.push({ what, id })
        if (answer !== undefined) socket.write(`${JSON.stringify({ event: 'done', tag, ...answer })}\n`)
        socket.end()
      })
    })
    server.listen(at)
    await once(server, 'listening')
    open.push(() => server.close())

    const { state } = await sendOnProfile({
      config,
      signal: new AbortController().signal,
      words: ['bob'],
      text: 'hello',
      trustName: false,
      id: messageId,
      own: async () => Promise.reject(new Error('a parley runs on the profile')),
      looking: async (work) => work,
      finish: async (node, { message }) => node.messaging.settled(message, { signal: AbortSignal.timeout(eventualMs) }),
      say: () => undefined
    })
    expect(state).toBe('delivered')
    expect(asked).toEqual([
      { what: 'msg', id: messageId },
      { what: 'msg', id: messageId },
      { what: 'history', id: undefined },
      { what: 'history', id: undefined }
    ])
  })
})

describe('where the socket lies', () => {
  const profile = (data: string): string => join(data, 'profiles', 'default')

  it('is the runtime folder, else a folder beside the profiles, else one in the folder for temporary files', async () => {
    const [runtime, data] = [join(folder, 'runtime'), join(folder, 'data')]
    await mkdir(data)
    const folders = { data, config: folder, runtime }
    const first = await pathToListenAt(folders, profile(data))
    expect(dirname(String(first))).toBe(runtime)
    expect((await stat(runtime)).mode & 0o777).toBe(0o700)

    await chmod(runtime, 0o750)
    expect(dirname(String(await pathToListenAt(folders, profile(data))))).toBe(join(data, 'run'))
    expect((await stat(runtime)).mode & 0o777).toBe(0o750)
    await rm(runtime, { recursive: true })
    await symlink(join(data, 'run'), runtime)
    expect(dirname(String(await pathToListenAt(folders, profile(data))))).toBe(join(data, 'run'))

    const deep = join(folder, 'x'.repeat(100))
    await mkdir(deep)
    const last = String(
      await pathToListenAt({ data: deep, config: folder, runtime: join(deep, 'runtime') }, profile(deep))
    )
    expect(dirname(last)).toBe(join(tmpdir(), `parley-${process.getuid?.()}`))
    expect(Buffer.byteLength(last)).toBeLessThan(MAX_SOCKET_PATH_BYTES)
  })

  it('is looked for only in folders that are private, and is another for each profile', async () => {
    const data = join(folder, 'data')
    await mkdir(join(data, 'run'), { recursive: true })
    await chmod(join(data, 'run'), 0o777)
    const folders = { data, config: folder }
    const inRun = async (name: string): Promise<string | undefined> =>
      (await pathsToCall(folders, join(data, 'profiles', name))).find((one) => one.startsWith(data))
    expect(await inRun('default')).toBeUndefined()
    await chmod(join(data, 'run'), 0o700)
    const [one, other] = [await inRun('default'), await inRun('work')]
    expect(one).toMatch(/\/run\/[0-9a-f]{16}\.sock$/u)
    expect(other).not.toBe(one)
  })
})
