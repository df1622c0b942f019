import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { ProfileLock, ProfileLockedError } from '../../src/storage/index.ts'

const holder = new URL('./hold-lock.ts', import.meta.url).pathname
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-lock-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

test('a held profile is refused, and free again after its release', () => {
  const lock = ProfileLock.take(folder)
  expect(() => ProfileLock.take(folder)).toThrow(ProfileLockedError)
  lock.release()
  ProfileLock.take(folder).release()
})

test('the lock is a file for its owner alone', async () => {
  ProfileLock.take(folder).release()
  expect((await stat(join(folder, 'lock'))).mode & 0o777).toBe(0o600)
})

test('the process that holds a profile is known to others', async () => {
  const child = spawn(process.execPath, [holder, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  expect(ProfileLock.holder(folder)).toBe(child.pid)
})

test('the lock dies with a process that is killed', async () => {
  const child = spawn(process.execPath, [holder, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  expect(() => ProfileLock.take(folder)).toThrow(ProfileLockedError)
  child.kill('SIGKILL')
  await once(child, 'exit')
  ProfileLock.take(folder).release()
})
