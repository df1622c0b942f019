// A profile: an identity and what it remembers, held by one process at a time.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../../src/node/index.ts'
import { nicknameOf, openProfile, passingProfile, profileFiles, readOthers } from '../../../src/node/profile/profile.ts'
import { PeerBook } from '../../../src/storage/index.ts'

let data: string
let held: { release(): void }[]

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'parley-profile-'))
  held = []
})
afterEach(() => {
  for (const one of held) one.release()
  rmSync(data, { recursive: true })
})

async function open(name: string, orNextFree = false): Promise<Awaited<ReturnType<typeof openProfile>>> {
  const profile = await openProfile(data, name, { orNextFree })
  held.push(profile)
  return profile
}

test('is made at the first opening, for its owner alone, and has the same identity at the next', async () => {
  const first = await open('default')
  expect(statSync(first.folder).mode & 0o777).toBe(0o700)
  first.release()
  const again = await open('default')
  expect(again.id).toBe(first.id)
})

test('is held by one: a second opening is refused, and works after the release', async () => {
  const first = await open('default')
  await expect(open('default')).rejects.toMatchObject({ name: 'ProfileInUseError' })
  first.release()
  await open('default')
})

test('where the default one is held the next free one is taken, if that is asked for, and says in whose place', async () => {
  await open('default')
  const [second, third] = [await open('default', true), await open('default', true)]
  expect([second, third].map(({ name, insteadOf }) => [name, insteadOf])).toEqual([
    ['default-2', 'default'],
    ['default-3', 'default']
  ])
})

test('is free again when it can not be read', async () => {
  const first = await open('default')
  first.release()
  writeFileSync(profileFiles(data, 'default').key, 'no key')
  await expect(open('default')).rejects.toThrow()
  rmSync(profileFiles(data, 'default').key)
  await open('default')
})

test('one that is only looked at is not made, and knows nothing', async () => {
  const config = await loadConfig({ flags: {}, env: { XDG_DATA_HOME: data, XDG_CONFIG_HOME: data } })
  const book = await readOthers(config)
  expect(book.contacts()).toEqual([])
  expect(existsSync(profileFiles(config.folders.data, 'default').folder)).toBe(false)
})

test('an identity for one look has a key of its own each time, and no folder', async () => {
  const [one, other] = [await passingProfile(PeerBook.inMemory()), await passingProfile(PeerBook.inMemory())]
  expect(one.id).not.toBe(other.id)
  expect(one.folder).toBe('')
})

test('the nickname is the one that is set, else the one that was chosen last', async () => {
  const env = { XDG_DATA_HOME: data, XDG_CONFIG_HOME: data }
  const profile = await open('default')
  await profile.book.setNickname('ada')
  expect(nicknameOf(await loadConfig({ flags: {}, env }), profile)).toBe('ada')
  expect(nicknameOf(await loadConfig({ flags: { name: 'bea' }, env }), profile)).toBe('bea')
})
