import { execFileSync } from 'node:child_process'
import { link, mkdir, mkdtemp, realpath, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NoSuchShareError, scan } from '../../src/share/index.ts'

async function folder(): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'parley-scan-')))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

async function pathsIn(root: string): Promise<readonly string[]> {
  return (await scan(root)).files.map(({ path }) => path).toSorted()
}

test('files and folders are found; links, pipes and hidden names are not', async () => {
  const [root, outside] = [await folder(), await folder()]
  await writeFile(join(outside, 'secret.txt'), 'secret')
  await mkdir(join(root, 'sub'))
  await mkdir(join(root, '.ssh'))
  await writeFile(join(root, '.ssh', 'id'), 'key')
  await writeFile(join(root, 'sub', 'a.txt'), 'abc')
  await writeFile(join(root, '.hidden'), '')
  await symlink(join(outside, 'secret.txt'), join(root, 'link.txt'))
  await symlink(outside, join(root, 'folder-link'))
  await symlink(root, join(root, 'itself'))
  await symlink('gone', join(root, 'dangling'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  expect(await pathsIn(root)).toEqual(['sub/a.txt'])
  expect((await scan(root)).skipped).toBe(5)
})

test('names are in the form NFC, and of two that are the same then, one is shared', async () => {
  const root = await folder()
  await writeFile(join(root, 'u\u0308ber.txt'), 'decomposed')
  await writeFile(join(root, '\u00fcber.txt'), 'composed')
  await writeFile(join(root, 'e\u0301.txt'), '')
  expect(await pathsIn(root)).toEqual(['\u00e9.txt', '\u00fcber.txt'])
})

test('names that are no text are skipped, and long ones in four scripts are shared', async () => {
  const root = await folder()
  await writeFile(Buffer.concat([Buffer.from(root), Buffer.from('/bad-'), Buffer.from([0xff, 0xfe])]), '')
  const names = ['a'.repeat(255), 'я'.repeat(127), '漢'.repeat(85), 'ก'.repeat(85)]
  for (const name of names) await writeFile(join(root, name), '')
  expect(await pathsIn(root)).toEqual(names.toSorted())
})

test('a sparse file has the size that it claims, and a hard link is a file', async () => {
  const root = await folder()
  await writeFile(join(root, 'one'), 'abc')
  await link(join(root, 'one'), join(root, 'two'))
  await writeFile(join(root, 'sparse'), '')
  await truncate(join(root, 'sparse'), 2 ** 33)
  const { files } = await scan(root)
  expect(new Map(files.map(({ path, sizeBytes }) => [path, sizeBytes]))).toEqual(
    new Map([
      ['one', 3],
      ['sparse', 2 ** 33],
      ['two', 3]
    ])
  )
})

test('a folder that becomes a link while it is walked shows nothing of where the link leads', async () => {
  const [root, outside] = [await folder(), await folder()]
  for (let at = 0; at < 50; at++) await writeFile(join(outside, `secret-${at}`), '')
  await mkdir(join(root, 'sub'))
  await writeFile(join(root, 'sub', 'own'), '')
  const over = new AbortController()
  const swapping = (async () => {
    while (!over.signal.aborted) {
      await rename(join(root, 'sub'), join(root, '.aside'))
      await symlink(outside, join(root, 'sub'))
      await rm(join(root, 'sub'))
      await rename(join(root, '.aside'), join(root, 'sub'))
    }
  })()
  for (let round = 0; round < 100; round++) {
    for (const { path } of (await scan(root)).files) expect(path).toBe('sub/own')
  }
  over.abort()
  await swapping
})

test('more files than may be shared are cut, and said to be', async () => {
  const root = await folder()
  for (const name of ['a', 'b', 'c']) await writeFile(join(root, name), '')
  const cut = await scan(root, { maxFiles: 2 })
  expect([cut.files.length, cut.isCut]).toEqual([2, true])
  expect((await scan(root, { maxFiles: 3 })).isCut).toBe(false)
})

test('a folder that is not there, or is a file, is an error of its own', async () => {
  const root = await folder()
  await writeFile(join(root, 'file'), '')
  await expect(scan(join(root, 'gone'))).rejects.toThrow(NoSuchShareError)
  await expect(scan(join(root, 'file'))).rejects.toThrow(NoSuchShareError)
})
