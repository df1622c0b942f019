// A folder that is offered: what is in it, and nothing else.
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readFolder } from '../../src/files/folder/read-folder.ts'

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-folder-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('links, pipes and a folder in itself are left out and named; empty folders and sparse files are not', async () => {
  const [outside, root] = [await emptyFolder(), await emptyFolder()]
  await writeFile(join(outside, 'secret'), 'secret')
  await mkdir(join(root, 'in/deep'), { recursive: true })
  await mkdir(join(root, 'empty'))
  await writeFile(join(root, 'in/deep/a.txt'), 'a')
  await writeFile(join(root, 'run'), '')
  await chmod(join(root, 'run'), 0o755)
  await writeFile(join(root, 'sparse'), '')
  await truncate(join(root, 'sparse'), 1_000_000)
  await symlink(join(outside, 'secret'), join(root, 'link'))
  await symlink(outside, join(root, 'folder-link'))
  await symlink(root, join(root, 'in/itself'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  const { entries, files, leftOut } = await readFolder(root)
  const found = entries.map((entry) => [entry.path, entry.is === 'file' ? entry.sizeBytes : 'folder'])
  expect(Object.fromEntries(found)).toEqual({
    in: 'folder',
    'in/deep': 'folder',
    'in/deep/a.txt': 1,
    empty: 'folder',
    run: 0,
    sparse: 1_000_000
  })
  expect(entries.filter((entry) => entry.is === 'file' && entry.isProgram).map(({ path }) => path)).toEqual(['run'])
  expect(files.map(({ inside }) => inside).toSorted()).toEqual(['in/deep/a.txt', 'run', 'sparse'])
  expect([...leftOut].toSorted()).toEqual(['folder-link', 'in/itself', 'link', 'pipe'])
})

test('a folder that is swapped for a link while it is read gives nothing from behind the link', async () => {
  const [outside, root] = [await emptyFolder(), await emptyFolder()]
  await mkdir(join(root, 'in'))
  await writeFile(join(root, 'in/a'), 'mine')
  await writeFile(join(outside, 'a'), 'theirs')
  let isSwapped = false
  const reading = readFolder(root, {
    onProgress: () => {
      if (isSwapped) return
      isSwapped = true
      // Between the reading of a file, and the look at where it lies.
      execFileSync('mv', [join(root, 'in'), join(root, 'was')])
      execFileSync('ln', ['-s', outside, join(root, 'in')])
    }
  })
  await expect(reading).rejects.toThrow('was replaced while it was read')
})

test('a folder that is nested too deep is refused in words', async () => {
  const root = await emptyFolder()
  await mkdir(join(root, 'x/'.repeat(40)), { recursive: true })
  await expect(readFolder(root)).rejects.toThrow('folders more than 32 deep')
})
