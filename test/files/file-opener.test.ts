import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FileOpener, hashFile } from '../../src/files/index.ts'

async function hashed(content: string) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-opener-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'file')
  await writeFile(path, content)
  return hashFile(path)
}

test('peers that ask at the same time get one layer, and so do those that ask later', async () => {
  const opener = new FileOpener()
  const state = await hashed('content')
  const opened = await Promise.all([opener.open(state, state.file), opener.open(state, state.file)])
  onTestFinished(async () => void (await Promise.all(opened.map(async (one) => one.close()))))
  const [one, other] = await Promise.all(opened.map(async ({ layer }) => layer()))
  expect(one).toEqual(state.layer)
  expect(other).toBe(one)
  expect(await opened[0]?.layer()).toBe(one)
})

test('a file with other bytes has no layer, and has one again when they are put back', async () => {
  const opener = new FileOpener()
  const state = await hashed('content')
  const opened = await opener.open(state, state.file)
  onTestFinished(() => opened.close())
  await writeFile(state.path, 'CONTENT')
  await expect(opened.layer()).rejects.toMatchObject({ name: 'FileChangedError' })
  await writeFile(state.path, 'content')
  expect(await opened.layer()).toEqual(state.layer)
})
