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

/** A parley runs on the usual profile. */
async function runs(contacts: readonly Contact[] = []): Promise<void> {
  const { folders } = await configOf()
  const profile = profileFolder(folders.data, 'default')
  await mkdir(profile, { recursive: true })
  const lock = ProfileLock.take(profile)
  const path = await pathToListenAt(folders, profile)
  const server =
    path === undefined
      ? undefined
      : await ControlServer.start(Object.assign(new FakeNode(), { known: contacts }), async () => path)
  held = {
    stop: async () => {
      await server?.stop()
      lock.release()
    }
  }
}

function terminal(isTTY: boolean, columns?: number) {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const stdout = Object.assign(new PassThrough(), { isTTY, ...(columns === undefined ? {} : { columns }) })
  let written = ''
  stdout.on('data', (chunk: Buffer) => (written += chunk.toString()))
  const io = {
    stdin,
    stdout,
    stderr: new PassThrough(),
    env: {},
    interrupted: new AbortController().signal,
    surviveOutputFailure: () => undefined
  }
  return { io, stdin, written: () => written }
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

test('no question is asked on a pipe, with a named profile, or with an answer in the settings', async () => {
  await runs()
  expect(await windowOf(terminal(false).io, await configOf())).toEqual({ is: 'another' })
  expect(await windowOf(terminal(true).io, await configOf({ profile: 'default' }))).toEqual({ is: 'first' })
  expect(await windowOf(terminal(true).io, await configOf({ secondWindow: 'another' }))).toEqual({ is: 'another' })
  for (const isTTY of [true, false]) {
    expect(await windowOf(terminal(isTTY).io, await configOf({ secondWindow: 'same' }))).toEqual({ is: 'same' })
  }
})
