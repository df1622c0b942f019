// Faces that misbehave, attached to a real daemon beside an honest one: too many,
// one that never reads, one that stands still, one that writes garbage. The node
// and the honest face do not notice.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { peerIdFromString } from '@libp2p/peer-id'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FACE_PROTOCOL_VERSION } from '../../src/cli/attach/face-protocol.ts'
import { pathsToCall, type SocketKind } from '../../src/cli/control/control-path.ts'
import { loadConfig, profileFolder } from '../../src/node/settings.ts'
import { eventually } from '../eventually.ts'
import { nodePath } from '../processes/parley-process.ts'
import { TestBed } from '../processes/test-bed.ts'
import { JsonParley } from './json-parley.ts'

const mib = 1024 * 1024
const messages = 250
const textLength = 20_000
/** Twice what may wait for one face, and what the node itself takes for the messages. */
const grownBytes = 64 * mib

let bed: TestBed
let home: string
let daemon: JsonParley
let bob: JsonParley
let face: JsonParley
const sockets: Socket[] = []

beforeEach(async () => {
  bed = await TestBed.make()
  home = bed.home()
  const there = { home, network: bed.network }
  daemon = await JsonParley.spawn({ args: ['daemon', '--name', 'anna', '--accept', 'all'], ...there })
  await daemon.until('"running"', () => daemon.events.find(({ event }) => event === 'running'))
  face = await JsonParley.start(there)
  bob = await JsonParley.start({ args: ['--name', 'bob', '--accept', 'all'], network: bed.network })
  await bob.do({ do: 'open', peer: await face.address() })
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all([face.kill(), daemon.kill(), bob.stop()])
  await bed[Symbol.asyncDispose]()
})

async function socketPath(kind: SocketKind): Promise<string> {
  const config = await loadConfig({ flags: {}, env: bed.env(home) })
  const folder = profileFolder(config.folders.data, 'default')
  const [path = ''] = await pathsToCall(config.folders, folder, kind)
  return path
}

async function newSocket(): Promise<Socket> {
  const path = await socketPath('faces')
  const socket = connect({ path })
  socket.on('error', () => undefined)
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

const hello = `${JSON.stringify({ is: 'hello', protocol: FACE_PROTOCOL_VERSION, version: 'test' })}\n`

async function flood(): Promise<void> {
  const anna = await face.peerId()
  const text = 'x'.repeat(textLength)
  for (let n = 0; n < messages; n++) bob.tell([{ do: 'msg', peer: anna, text }])
  await face.untilTexts(await bob.peerId(), messages)
}

test('a face that never reads costs the node a bound, and the others nothing', async () => {
  const unread = await newSocket()
  unread.write(hello)
  const before = await daemon.residentBytes()
  await flood()
  expect((await daemon.residentBytes()) - before).toBeLessThan(grownBytes)
})

test('a face that is stopped goes on where it was, and is told all that it missed', async () => {
  const stopped = await JsonParley.start({ home, network: bed.network })
  process.kill(stopped.pid, 'SIGSTOP')
  await flood()
  process.kill(stopped.pid, 'SIGCONT')
  const texts = await stopped.untilTexts(await bob.peerId(), messages)
  expect(texts).toHaveLength(messages)
  await stopped.kill()
})

test('a daemon stops in time while a face stands still', async () => {
  const stopped = await JsonParley.start({ home, network: bed.network })
  process.kill(stopped.pid, 'SIGSTOP')
  const stop = await bed.run(['daemon', '--stop'], { home })
  expect(stop.code).toBe(0)
  await stopped.kill()
})

test('two hundred at once: those beyond the bound are refused, and a face that was there works', async () => {
  const answers: string[] = []
  for (let n = 0; n < 200; n++) {
    const socket = await newSocket()
    socket.once('data', (chunk: Buffer) => answers.push(chunk.toString()))
  }
  await eventually(() => expect(answers).toHaveLength(200))
  expect(answers.filter((answer) => answer.includes('"too-many-faces"')).length).toBeGreaterThan(150)
  expect(await face.do({ do: 'who' })).toMatchObject({ event: 'done' })
})

const nobody = '65534'
const setpriv = '/usr/bin/setpriv'
/** What a process of another user is answered when it connects, writes, and removes the file. */
const stranger = `
const { connect } = require('node:net'), { rmSync } = require('node:fs')
const [path] = process.argv.slice(1)
const told = (event) => { try { rmSync(path) } catch (error) { event += ', ' + error.code } console.log(event) }
const socket = connect(path)
socket.on('connect', () => { socket.write('{"is":"hello"}\\n'); told('connected'); socket.destroy() })
socket.on('error', (error) => told(error.code))`

async function asNobody(path: string): Promise<string> {
  const as = ['--reuid', nobody, '--regid', nobody, '--clear-groups', nodePath, '-e', stranger, path]
  const { stdout } = await promisify(execFile)(setpriv, as)
  return stdout.trim()
}

describe.skipIf(process.getuid?.() !== 0 || !existsSync(setpriv))('a process of another user', () => {
  test('reaches neither socket, also where somebody has opened the folders, and nobody notices', async () => {
    for (const kind of ['faces', 'commands'] as const) {
      const path = await socketPath(kind)
      expect(await asNobody(path)).toBe('EACCES, EACCES')
      const folders: string[] = []
      for (let folder = dirname(path); folder.startsWith(bed.folder); folder = dirname(folder)) folders.push(folder)
      const modes = await Promise.all(folders.map(async (folder) => (await stat(folder)).mode))
      for (const folder of folders) await chmod(folder, 0o755)
      // The file of the socket has its own mode.
      expect(await asNobody(path)).toBe('EACCES, EACCES')
      for (const [index, folder] of folders.entries()) await chmod(folder, modes[index] ?? 0o700)
    }
    expect(daemon.events.filter(({ event }) => event === 'faces').map(({ count }) => count)).toEqual([1])
    await bob.do({ do: 'msg', peer: await face.peerId(), text: 'as before' })
    expect(await face.untilTexts(await bob.peerId(), 1)).toEqual(['as before'])
  })
})

test('garbage, and calls without end, end or wait by themselves', async () => {
  const garbage = await newSocket()
  garbage.resume()
  const closed = new Promise<void>((resolve) => garbage.once('close', () => resolve()))
  garbage.write(Buffer.alloc(4 * mib, 0x80))
  await closed
  const greedy = await newSocket()
  greedy.write(hello)
  for (let id = 1; id <= 20_000; id++) {
    greedy.write(`${JSON.stringify({ is: 'call', id, method: 'history.conversations', args: [] })}\n`)
  }
  expect(await face.do({ do: 'who' })).toMatchObject({ event: 'done' })
  await bob.do({ do: 'msg', peer: await face.peerId(), text: 'beside all that' })
  await face.untilTexts(await bob.peerId(), 1)
})

test('calls that name no peer, or give a message an id of another kind, fail by themselves: daemon and profile go on', async () => {
  const socket = await newSocket()
  let written = ''
  socket.on('data', (chunk: Buffer) => (written += chunk.toString()))
  socket.write(hello)
  const peer = await bob.peerId()
  const calls = [
    ['messaging.open', 'nonsense'],
    ['messaging.send', 'nonsense', 'x'],
    ['messaging.accept', 'bad'],
    ['messaging.ignore', 'bad'],
    ['trust.block', 'bad'],
    ['trust.verify', 'bad'],
    // It looks like an ID, and is cut off.
    ['messaging.open', peer.slice(0, -1)],
    // The same peer under another name.
    ['trust.block', peerIdFromString(peer).toCID().toString()],
    ['messaging.send', peer, 'x', { id: 'zz' }],
    ['history.page', peer, { limit: 0.5 }]
  ]
  for (const [id, [method, ...args]] of calls.entries())
    socket.write(`${JSON.stringify({ is: 'call', id, method, args })}\n`)
  await eventually(() => expect(written.match(/"is":"failure"[^\n]*"UsageError"/gu)).toHaveLength(calls.length))
  expect(written).not.toContain('"is":"reply"')

  await face.do({ do: 'msg', peer, text: 'goes out' })
  await bob.untilTexts(await face.peerId(), 1)
  expect((await bed.run(['daemon', '--stop'], { home })).code).toBe(0)
  daemon = await JsonParley.spawn({ args: ['daemon'], home, network: bed.network })
  await daemon.until('"running"', () => daemon.events.find(({ event }) => event === 'running'))
})
