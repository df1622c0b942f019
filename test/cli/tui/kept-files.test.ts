// What the full screen keeps of what was typed, where several write to it.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KeptFiles } from '../../../src/cli/tui/kept-files.ts'
import { forgetTypedLines, retireTypedLines } from '../../../src/node/profile/typed-lines.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-kept-'))
})
afterEach(async () => rm(folder, { recursive: true }))

const typed = async (): Promise<unknown> => {
  const histories = await new KeptFiles(folder).inputHistory()
  return Object.fromEntries([...histories].map(([place, lines]) => [place, lines.map(({ text }) => text)]))
}

test('two screens keep what was typed on both, a line once, where it was typed last', async () => {
  const screens = [new KeptFiles(folder), new KeptFiles(folder)] as const
  for (const [n, text] of ['one', 'two', 'one'].entries()) {
    const screen = screens[n % 2] ?? screens[0]
    screen.keepTypedLine('bob', text, n)
    await screen.flush()
  }
  expect(await typed()).toEqual({ bob: ['two', 'one'] })
})

test('two screens that write at the same moment leave a whole file, and nothing beside it', async () => {
  const screens = [new KeptFiles(folder), new KeptFiles(folder)] as const
  for (let n = 0; n < 30; n++) {
    for (const [which, screen] of screens.entries()) {
      screen.keepTypedLine('bob', `${'long '.repeat(1_000 * (which + 1))}${n}`, n)
    }
    const text = await readFile(join(folder, 'typed.json'), 'utf8').catch(() => '{}')
    expect(() => JSON.parse(text)).not.toThrow()
  }
  await Promise.all(screens.map(async (screen) => screen.flush()))
  expect(await readdir(folder)).toEqual(['typed.json'])
  expect(await typed()).toMatchObject({ bob: expect.arrayContaining([expect.stringMatching(/long 29$/u)]) })
})

test('what the node has taken out stays out, whatever a screen keeps afterwards', async () => {
  const screen = new KeptFiles(folder)
  screen.keepTypedLine('bob', 'old', 1)
  screen.keepTypedLine('carol', 'for carol', 2)
  await screen.flush()
  await retireTypedLines(folder, 2)
  await forgetTypedLines(folder, 'carol')
  screen.keepTypedLine('bob', 'new', 3)
  await screen.flush()
  expect(await typed()).toEqual({ bob: ['new'] })
  screen.forgetTypedLines('bob')
  await screen.flush()
  expect(await typed()).toEqual({})
})

test('a file that can not be read counts as missing', async () => {
  await writeFile(join(folder, 'typed.json'), '{"bob":["cut o')
  const screen = new KeptFiles(folder)
  expect(await screen.inputHistory()).toEqual(new Map())
  screen.keepTypedLine('', '/who', 5)
  await screen.flush()
  expect(JSON.parse(await readFile(join(folder, 'typed.json'), 'utf8'))).toEqual({ '': [{ text: '/who', atMs: 5 }] })
})

test('without a folder nothing is kept', async () => {
  const screen = new KeptFiles(undefined)
  screen.keepTypedLine('bob', 'one', 1)
  await screen.flush()
  expect(await screen.inputHistory()).toEqual(new Map())
})
