// The file of what was typed: its age, and the form in which earlier versions wrote it.
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { forgetTypedLines, retireTypedLines } from '../../../src/node/profile/typed-lines.ts'

let folder = ''
let file = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-typed-'))
  file = join(folder, 'typed.json')
})

afterEach(async () => rm(folder, { recursive: true }))

const kept = async (): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'))

test('lines that are too old go, and the conversations of which none is left', async () => {
  const [old, young] = [
    { text: 'old', atMs: 99 },
    { text: 'young', atMs: 100 }
  ]
  await writeFile(file, JSON.stringify({ bob: [old, young], carol: [old], '': [young] }))
  await retireTypedLines(folder, 100)
  expect(await kept()).toEqual({ bob: [young], '': [young] })
})

test('a file without such lines is not written again', async () => {
  await writeFile(file, JSON.stringify({ bob: [{ text: 'young', atMs: 100 }] }))
  const before = await stat(file)
  await retireTypedLines(folder, 100)
  expect(await stat(file)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs })
  await rm(file)
  await retireTypedLines(folder, 100)
  await expect(stat(file)).rejects.toThrow('ENOENT')
})

test('lines of an earlier version, which kept no times, are as old as their file', async () => {
  await writeFile(file, JSON.stringify({ bob: ['for bob'], carol: ['for carol', 7, { text: 1 }] }))
  await utimes(file, 50, 50)
  await retireTypedLines(folder, 50_000)
  expect(await kept()).toEqual({ bob: ['for bob'], carol: ['for carol', 7, { text: 1 }] })
  await forgetTypedLines(folder, 'bob')
  expect(await kept()).toEqual({ carol: [{ text: 'for carol', atMs: 50_000 }] })
  await retireTypedLines(folder, 50_001)
  expect(await kept()).toEqual({})
})

test('a message that was typed elsewhere goes with a conversation that is forgotten, whomever it was for', async () => {
  const line = (text: string) => ({ text, atMs: 1 })
  // In earlier versions /send was /msg.
  const written = ['msg', 'send'].map((name) => line(`/${name} bob the secret`))
  const stays = [line('/who'), line('/messages'), line('as I said: /msg bob')]
  const lines = {
    bob: [line('the secret')],
    carol: [line(' /MSG bob the secret'), ...stays],
    '': [...written, ...stays]
  }
  await writeFile(file, JSON.stringify(lines))
  await forgetTypedLines(folder, 'bob')
  expect(await kept()).toEqual({ carol: stays, '': stays })
})
