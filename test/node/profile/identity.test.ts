/** The key file on the disk: replaced whole, the old bytes overwritten, nothing left beside it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { linkSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UsageError } from '../../../src/node/api/errors.ts'
import { bundled } from '../../processes/bundled.ts'
import { loadIdentity, readIdentity, removeHalfWritten, rewriteIdentity } from '../../../src/node/profile/identity.ts'

const passphrase = 'correct horse battery'
let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-key-'))
  file = join(folder, 'identity.key')
})
afterEach(() => rmSync(folder, { recursive: true }))

async function openKey() {
  const stored = await loadIdentity(file)
  if (stored.state === 'locked') throw new Error('expected a key without a passphrase')
  return stored
}

test('a passphrase is set and removed, and the peer is the same', async () => {
  const { key, peer } = await openKey()
  await rewriteIdentity(file, key, passphrase)
  const locked = await readIdentity(file)
  expect(locked).toMatchObject({ state: 'locked', peer })
  if (locked?.state !== 'locked') throw new Error('expected a locked key')
  await rewriteIdentity(file, await locked.unlock(passphrase), undefined)
  expect(await readIdentity(file)).toMatchObject({ state: 'open', peer })
})

test('the old bytes are overwritten where they lay on the disk', async () => {
  const { key } = await openKey()
  const plain = readFileSync(file)
  // Who has the old file open sees what became of its bytes.
  const old = openSync(file, 'r')
  expect(await rewriteIdentity(file, key, passphrase)).toEqual({ isOldOverwritten: true })
  const left = Buffer.alloc(plain.length)
  expect(readSync(old, left, 0, left.length, 0)).toBe(plain.length)
  expect(left.equals(plain)).toBe(false)
  expect(left.includes(Buffer.from(key.raw.subarray(0, 32)))).toBe(false)
})

test('a hard link to the key belongs to the user, and is left as it is', async () => {
  const { key } = await openKey()
  const plain = readFileSync(file)
  linkSync(file, join(folder, 'backup'))
  expect(await rewriteIdentity(file, key, passphrase)).toEqual({ isOldOverwritten: false })
  expect(readFileSync(join(folder, 'backup')).equals(plain)).toBe(true)
})

test('what a killed process left half-written is removed, and nothing else', async () => {
  const { peer } = await openKey()
  for (const name of ['identity.key.0123456789ab', 'identity.key.backup', 'book.json.0123456789ab']) {
    writeFileSync(join(folder, name), 'x')
  }
  await removeHalfWritten(file, true)
  expect(readdirSync(folder).toSorted()).toEqual(['book.json.0123456789ab', 'identity.key', 'identity.key.backup'])
  expect(await readIdentity(file)).toMatchObject({ peer })
})

test('a file that holds no key is refused and left as it is', async () => {
  writeFileSync(file, 'parley-key\nnot really')
  await expect(loadIdentity(file)).rejects.toThrow(UsageError)
  expect(readFileSync(file, 'utf8')).toBe('parley-key\nnot really')
})

test('kill -9 at any moment leaves the key, with the passphrase or without', async () => {
  const states = new Set<string>()
  using writer = await bundled('test/node/profile/rewrite-until-killed.ts')
  for (let round = 0; round < 20; round++) {
    const child = spawn(process.execPath, [writer.file, file, passphrase], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(child.stdout, 'data')) as [Buffer] // a stream without an encoding gives buffers
    await sleep(Math.random() * 100)
    child.kill('SIGKILL')
    await once(child, 'close')
    await removeHalfWritten(file, true)
    const stored = await readIdentity(file)
    expect(stored?.peer).toBe(line.toString().trim())
    if (stored?.state === 'locked') await stored.unlock(passphrase)
    states.add(String(stored?.state))
    expect(readdirSync(folder)).toEqual(['identity.key'])
  }
  expect(states.size).toBe(2)
})
