// What a second `parley` on the usual profile does while one runs.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import { ControlServer } from '../../../src/cli/control/control-server.ts'
import { pathToListenAt } from '../../../src/cli/control/control-path.ts'
import { windowOf, type Window } from '../../../src/cli/commands/second-window.ts'
import { InterruptedError } from '../../../src/cli/process/io.ts'
import { loadConfig, profileFolder, type SettingName } from '../../../src/node/settings.ts'
import { ProfileLock, type Contact } from '../../../src/storage/index.ts'
import { FakeNode } from '../fake-node.ts'

let folder = ''
let held: { stop(): Promise<void> } | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-second-'))
})
afterEach(async () => {
  await held?.stop()
  held = undefined
  await rm(folder, { recursive: true })
})

async function configOf(flags: Partial<Record<SettingName, string>> = {}) {
  const env = { XDG_DATA_HOME: join(folder, 'data'), XDG_CONFIG_HOME: join(folder, 'config'), XDG_RUNTIME_DIR: folder }
  return loadConfig({ flags, env })
}

/** The usual profile is held by a process without a socket. */
async function isHeld(): Promise<void> {
  const { folders } = await configOf()
  const profile = profileFolder(folders.data, 'default')
  await mkdir(profile, { recursive: true })
  const lock = ProfileLock.take(profile)
  held = { stop: async () => lock.release() }
}

/** The holder has a socket from now on. @param command the one that it ends with */
async function serves(contacts: readonly Contact[], command?: string): Promise<void> {
  const { folders } = await configOf()
  const path = await pathToListenAt(folders, profileFolder(folders.data, 'default'))
  if (path === undefined) return
  const node = Object.assign(new FakeNode(), { known: contacts })
  const server = await ControlServer.start(node, async () => path, undefined, command)
  const release = held
  held = {
    stop: async () => {
      await server.stop()
      await release?.stop()
    }
  }
}

/** A parley runs on the usual profile, perhaps for a command that ends by itself. */
async function runs(contacts: readonly Contact[] = [], command?: string): Promise<void> {
  await isHeld()
  await serves(contacts, command)
}

/** The holder has ended. */
async function ends(): Promise<void> {
  await held?.stop()
  held = undefined
}

function terminal(isTTY: boolean, columns?: number) {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const stdout = Object.assign(new PassThrough(), { isTTY, ...(columns === undefined ? {} : { columns }) })
  const stderr = new PassThrough()
  let written = ''
  let noted = ''
  stdout.on('data', (chunk: Buffer) => (written += chunk.toString()))
  stderr.on('data', (chunk: Buffer) => (noted += chunk.toString()))
  const io = {
    stdin,
    stdout,
    stderr,
    env: {},
    interrupted: new AbortController().signal,
    surviveOutputFailure: () => undefined
  }
  return { io, stdin, written: () => written, noted: () => noted }
}

/** What comes of it when this is typed at the question. */
async function answered(
  typed: string,
  openFirst: readonly string[] = []
): Promise<{ window: Window; text: string; rest: string }> {
  const { io, stdin, written } = terminal(true)
  const window = windowOf(io, await configOf(), openFirst)
  window.catch(() => undefined)
  await eventually(() => expect(written()).toContain('Enter or s:\n'))
  stdin.write(typed)
  return { window: await window, text: written(), rest: String(stdin.read() ?? '') }
}

test('a free profile is opened without a question', async () => {
  expect(await windowOf(terminal(true).io, await configOf())).toEqual({ is: 'first' })
})

test('Enter makes it another person, and what was typed ahead is for that one', async () => {
  await runs()
  const { window, text, rest } = await answered('\nQUIT\n')
  expect(window).toEqual({ is: 'another' })
  expect(text).toContain('Parley already runs on your profile: you are anna (selfID) there.')
  expect(rest).toBe('QUIT\n')
})

test('s makes it another face of the same person, and what is neither is asked again', async () => {
  await runs()
  const { window, text } = await answered('what?\nS\n')
  expect(window).toEqual({ is: 'same' })
  expect(text.match(/Enter or s:\n/gu)).toHaveLength(2)
})

test('in a narrow terminal the question is parted between words', async () => {
  await runs()
  const { io, stdin, written } = terminal(true, 40)
  const window = windowOf(io, await configOf())
  await eventually(() => expect(written()).toContain('Enter or s:\n'))
  stdin.write('\n')
  await window
  expect(written().split('\n')).toSatisfy((lines: string[]) => lines.every(({ length }) => length <= 40))
  expect(written()).toContain('\n         person, with an identity of its')
})

test('words that are no address and no name of a contact are an error before the question', async () => {
  await runs()
  for (const words of [['http://127.0.0.1:8080/'], ['/ip4/1.2.3/tcp/4001'], ['192.168.1.7', '99999']]) {
    const { io, written } = terminal(true)
    await expect(windowOf(io, await configOf(), words)).rejects.toMatchObject({ name: 'BadAddressError', exitCode: 2 })
    expect(written()).toBe('')
  }
  const { window } = await answered('\n', ['bob'])
  expect(window).toEqual({ is: 'another' })
})

test('a contact may have a name that looks like an address and is none', async () => {
  await runs([{ peer: '12D3KooWbob', name: 'bob: home', addresses: [], sinceMs: 1 }])
  const { window } = await answered('\n', ['Bob:', 'home'])
  expect(window).toEqual({ is: 'another' })
})

test('the end of input is no answer', async () => {
  await runs()
  const { io, stdin, written } = terminal(true)
  const window = windowOf(io, await configOf())
  window.catch(() => undefined)
  await eventually(() => expect(written()).toContain('Enter or s:\n'))
  stdin.end()
  await expect(window).rejects.toBeInstanceOf(InterruptedError)
})

test('a command that ends by itself is waited for, by name, and the profile is opened then', async () => {
  await runs([], 'send')
  for (const flags of [{}, { profile: 'default' }]) {
    const { io, written, noted } = terminal(true)
    const window = windowOf(io, await configOf(flags))
    await eventually(() =>
      expect(noted()).toBe(
        `parley send (process ${process.pid}) has your profile, and has not ended yet: waiting … Ctrl-C stops that.\n`
      )
    )
    await ends()
    expect(await window).toEqual({ is: 'first' })
    expect(written()).toBe('')
    await runs([], 'send')
  }
})

test('a holder that turns out to be a window is asked about', async () => {
  await isHeld()
  const { io, stdin, written, noted } = terminal(true)
  const window = windowOf(io, await configOf())
  await eventually(() => expect(noted()).toContain('does not answer: waiting …'))
  await serves([])
  await eventually(() => expect(written()).toContain('you are anna (selfID) there.'))
  stdin.write('s\n')
  expect(await window).toEqual({ is: 'same' })
})

test.each([
  [
    'a command',
    async () => runs([], 'send'),
    /^parley send \(process \d+\) has your profile, and has not ended yet\.$/mu
  ],
  ['a process without a socket', isHeld, /^Another parley \(process \d+\) has your profile, and does not answer\.$/mu]
] as const)('%s that takes long is asked about, and can be waited for on', async (_, begins, told) => {
  await begins()
  const { io, stdin, written } = terminal(true)
  const window = windowOf(io, await configOf(), [], { waitMs: 0 })
  const asked = (times: number) => async () =>
    eventually(() => expect(written().match(/^Enter or w:$/gmu)).toHaveLength(times))
  await asked(1)()
  expect(written()).toMatch(told)
  stdin.write('s\n')
  await asked(2)()
  stdin.write('w\n')
  await asked(3)()
  await ends()
  stdin.write('w\n')
  expect(await window).toEqual({ is: 'first' })
})

test('Ctrl-C ends the wait', async () => {
  await isHeld()
  const { io } = terminal(true)
  const interruption = new AbortController()
  const window = windowOf({ ...io, interrupted: interruption.signal }, await configOf())
  interruption.abort(new InterruptedError())
  await expect(window).rejects.toBeInstanceOf(InterruptedError)
})

test('no question is asked on a pipe, with a named profile, or with an answer in the settings', async () => {
  await runs()
  expect(await windowOf(terminal(false).io, await configOf())).toEqual({ is: 'another' })
  expect(await windowOf(terminal(true).io, await configOf({ profile: 'default' }))).toEqual({ is: 'first' })
  expect(await windowOf(terminal(true).io, await configOf({ secondWindow: 'another' }))).toEqual({ is: 'another' })
  for (const isTTY of [true, false]) {
    expect(await windowOf(terminal(isTTY).io, await configOf({ secondWindow: 'same' }))).toEqual({ is: 'same' })
  }
})
