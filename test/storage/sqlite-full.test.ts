// A real full disk and a real read-only folder need mounts, so these tests need
// root on Linux; elsewhere they are skipped by name.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  SqliteStore,
  StorageFullError,
  StorageReadOnlyError,
  StorageUnavailableError
} from '../../src/storage/index.ts'

const peer = 'somebody'
let folder: string
const mounted: string[] = []
/** The system's own programs, not of a package. */
const tool = { mount: 'mount', unmount: 'umount' }

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
  'a full disk is told as such, keeps what was stored, and goes on when there is room (needs mount)',
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

whenMounting('a disk that is full from the beginning is told as such (needs mount)', async () => {
  mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder)
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(60 * 1024))
  await expect(SqliteStore.open(join(folder, 'history.db'))).rejects.toThrow(StorageFullError)
})

whenMounting('a read-only folder is told as such, with or without a history in it (needs mount)', async () => {
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

test('a folder that is not there is told as such', async () => {
  await expect(SqliteStore.open(join(folder, 'missing', 'history.db'))).rejects.toThrow(StorageUnavailableError)
})
