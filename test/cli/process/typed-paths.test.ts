import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { completePath, firstWordOf, pathsOf, quotedPath } from '../../../src/cli/process/typed-paths.ts'

test.each([
  ['/a/b.jpg', ['/a/b.jpg']],
  ["'/a b/c.jpg' ", ['/a b/c.jpg']],
  ['"/it\'s/c.jpg" /d', ["/it's/c.jpg", '/d']],
  ['"/a\\"b" /c', ['/a"b', '/c']],
  ['/a\\ b/c\\\\d', ['/a b/c\\d']],
  ["/a' 'b", ['/a b']],
  ["'/it'\\''s'", ["/it's"]],
  ['file:///a/b%20c.jpg', ['/a/b c.jpg']],
  ['file://%', [resolve('file://%')]],
  ['~/c.jpg ~', [join(homedir(), 'c.jpg'), homedir()]],
  ['c.jpg', [resolve('c.jpg')]],
  ['', []]
])('the paths in %j', (typed, paths) => {
  expect(pathsOf(typed)).toEqual(paths)
})

test('what is completed is read back as the same path', () => {
  for (const name of ['a', 'a b', "it's", '"', '\\', '(1)', '$x', '&;|', 'ä', '#1', '🙂', 'a\tb']) {
    expect(pathsOf(quotedPath(`/${name}`))).toEqual([`/${name}`])
  }
})

async function folderOf(names: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-paths-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const name of names) {
    if (name.endsWith('/')) await mkdir(join(folder, name))
    else await writeFile(join(folder, name), '')
  }
  return folder
}

test('Tab offers what is in a folder, hidden files only where a dot was typed', async () => {
  const folder = await folderOf(['my photos/', 'my notes.txt', '.hidden', 'other'])
  expect(completePath(`/x ${folder}/my`)).toEqual([
    [`${folder}/my\\ notes.txt`, `${folder}/my\\ photos/`],
    `${folder}/my`
  ])
  expect(completePath(`'${folder}/my n`)).toEqual([[`${folder}/my\\ notes.txt`], `'${folder}/my n`])
  expect(completePath(`${folder}/my\\ n`)).toEqual([[`${folder}/my\\ notes.txt`], `${folder}/my\\ n`])
  expect(completePath(`${folder}/`)[0]).not.toContain(`${folder}/.hidden`)
  expect(completePath(`${folder}/.h`)[0]).toEqual([`${folder}/.hidden`])
  expect(completePath(`${folder}/nowhere/`)).toEqual([[], `${folder}/nowhere/`])
})

test('the first word, as it was meant', () => {
  expect(firstWordOf('"bob b" hi')).toBe('bob b')
  expect(firstWordOf('')).toBe('')
})
