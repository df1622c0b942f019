// Real full disks and read-only folders need mounts, so these tests need root on Linux; elsewhere they are skipped by name.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants as system, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  SqliteStore,
  StorageFullError,
  StorageReadOnlyError,
  StorageUnavailableError
} from '../../../src/storage/index.ts'
import { storageFailure, syncFailure } from '../../../src/storage/storage-failure.ts'

const peer = 'somebody'
let folder: string
const mounted: string[] = []
/** Programs of the system, not of a package. */
const tool = { mount: 'mount', unmount: 'umount', trace: 'strace' }

function mount(...args: string[]): boolean {
  const target = args.at(-1) ?? ''
  const done = spawnSync(tool.mount, args).status === 0
  if (done) mounted.push(target)
  return done
}

function canMount(): boolean {
  const target = mkdtempSync(join(tmpdir(), 'parley-mount-'))
  const done = spawnSync(tool.mount, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', target]).status === 0
  if (done) spawnSync(tool.unmount, [target])
  rmSync(target, { recursive: true })
  return done
}

const whenMounting = test.skipIf(!canMount())

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-full-'))
})

afterEach(() => {
  for (const target of mounted.splice(0).toReversed()) spawnSync(tool.unmount, [target])
  rmSync(folder, { recursive: true })
})

whenMounting(
  'a full disk is reported as such, keeps what was stored, and goes on when there is room (needs mount)',
  async () => {
    mount('-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder)
    const file = join(folder, 'history.db')
    const ballast = join(folder, 'ballast')
    const store = await SqliteStore.open(file)
    const told: string[] = []
    writeFileSync(ballast, Buffer.alloc(1024 * 1024))
    let failure: unknown
    for (let n = 0; n < 10_000 && failure === undefined; n++) {
      const ten = Array.from({ length: 10 }, async (_, part) => {
        const text = `${n}-${part} ${'x'.repeat(500)}`
        await store.addOutgoing({ peer, text, sentAtMs: 0 })
        return text
      })
      for (const outcome of await Promise.allSettled(ten)) {
        if (outcome.status === 'fulfilled') told.push(outcome.value)
        else failure = outcome.reason
      }
    }
    expect(failure).toBeInstanceOf(StorageFullError)
    expect(failure).toMatchObject({ file, message: expect.stringContaining('make room') })
    const stored = async (): Promise<string[]> =>
      (await store.history(peer, { limit: Infinity })).map(({ text }) => text)
    expect(await stored()).toEqual(told)
    await expect(store.addOutgoing({ peer, text: 'x'.repeat(5_000), sentAtMs: 0 })).rejects.toThrow(StorageFullError)
    expect(await store.search('x', { limit: 1 })).toBeDefined()

    rmSync(ballast)
    const after = await store.addOutgoing({ peer, text: 'after', sentAtMs: 0 })
    expect(after.seq).toBe(told.length + 1)
    await store.close()
    const again = await SqliteStore.open(file)
    expect((await again.history(peer, { limit: Infinity })).map(({ text }) => text)).toEqual([...told, 'after'])
    expect(await again.check()).toBeUndefined()
    await again.close()
  }
)

whenMounting('a disk that is full from the beginning is reported as such (needs mount)', async () => {
  mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder)
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(60 * 1024))
  await expect(SqliteStore.open(join(folder, 'history.db'))).rejects.toThrow(StorageFullError)
})

whenMounting('a read-only folder is reported as such, with or without a history in it (needs mount)', async () => {
  const writable = join(folder, 'writable')
  const readOnly = join(folder, 'read-only')
  mkdirSync(writable)
  mkdirSync(readOnly)
  await (await SqliteStore.open(join(writable, 'history.db'))).close()
  mount('--bind', writable, readOnly)
  spawnSync(tool.mount, ['-o', 'remount,ro,bind', readOnly])
  for (const name of ['history.db', 'new.db']) {
    const error: unknown = await SqliteStore.open(join(readOnly, name)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StorageReadOnlyError)
    expect(error).toMatchObject({ message: expect.stringContaining('write permission') })
  }
})

interface Told {
  readonly stored?: string
  readonly refused?: string
  readonly text?: string
}

/** Stores three texts while system calls fail as `inject` says, in strace's syntax. */
function storeWhileFailing(file: string, inject: string, ...traced: readonly string[]): readonly Told[] {
  const strace = ['-f', '-qq', '-o', '/dev/null', ...traced, '-e', `inject=${inject}`]
  const { stdout, stderr } = spawnSync(tool.trace, [...strace, process.execPath, storing, file, '3'], {
    // strace counts the calls of each thread by itself.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' }
  })
  expect(stderr.toString()).toBe('')
  const lines = stdout.toString().trim().split('\n')
  return lines.map((line): Told => JSON.parse(line))
}

const storing = new URL('../store-and-try-again.ts', import.meta.url).pathname
const whenTracing = test.skipIf(spawnSync(tool.trace, ['-qq', '-o', '/dev/null', 'true']).status !== 0)

whenTracing(
  'a sync that finds no room is reported as such, and storing goes on by itself once there is room (needs strace)',
  async () => {
    const file = join(folder, 'history.db')
    const told = storeWhileFailing(file, 'fdatasync:error=ENOSPC:when=2', '-P', `${file}-wal`)
    const refused = told.filter(({ stored }) => stored === undefined)
    expect(refused.length).toBeGreaterThan(1)
    expect(new Set(refused.map((one) => one.refused))).toEqual(new Set(['StorageUnconfirmedError']))
    expect(refused[0]?.text).toContain(`${file} is full. What was stored last may be missing: make room`)
    expect(told.flatMap(({ stored }) => stored ?? [])).toEqual(['text 0', 'text 1', 'text 2'])
    const store = await SqliteStore.open(file)
    expect(await store.check()).toBeUndefined()
    // It was stored without being confirmed, so the retry is a second text.
    expect((await store.history(peer, { limit: 9 })).map(({ text }) => text)).toEqual([
      'text 0',
      'text 1',
      'text 1',
      'text 2'
    ])
    await store.close()
  }
)

whenTracing('an exhausted quota is reported as such, and storing goes on when it is raised (needs strace)', () => {
  const told = storeWhileFailing(join(folder, 'history.db'), 'pwrite64:error=EDQUOT:when=60..63')
  const refused = told.filter(({ stored }) => stored === undefined)
  expect(refused.length).toBeGreaterThan(0)
  for (const one of refused) {
    expect(one).toEqual({
      refused: 'StorageFullError',
      text: expect.stringMatching(/^Your quota on the disk that holds .*history\.db is used up, .*: make room/u)
    })
  }
  expect(told.flatMap(({ stored }) => stored ?? [])).toEqual(['text 0', 'text 1', 'text 2'])
})

test('an exhausted quota has no name in Node and is recognised by its number', () => {
  // As node:fs reports it: libuv knows no such error.
  const cause = Object.assign(new Error('Unknown system error -122: Unknown system error -122, write'), {
    errno: -system.errno.EDQUOT,
    code: 'Unknown system error -122',
    syscall: 'write'
  })
  const told = expect.stringContaining('Your quota on the disk that holds typed.json is used up')
  expect(storageFailure('typed.json', cause)).toMatchObject({ name: 'StorageFullError', message: told })
  expect(syncFailure('typed.json', cause)).toMatchObject({ name: 'StorageUnconfirmedError', message: told })
})

test('a missing folder is reported as such', async () => {
  await expect(SqliteStore.open(join(folder, 'missing', 'history.db'))).rejects.toThrow(StorageUnavailableError)
})
