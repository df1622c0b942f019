import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NoRoomError, PartFile, removePart, type PartInit } from '../../src/files/disk/part-file.ts'
import { hashFile, NotSendableError, SharedFile } from '../../src/files/disk/shared-file.ts'
import { leafCountOf, leafSpan, MIN_LEAF_BYTES } from '../../src/files/file-tree.ts'

interface Given {
  readonly folder: string
  readonly content: Buffer
  readonly layer: Buffer
  readonly init: PartInit
}

async function given(sizeBytes: number, name = 'photo.jpg'): Promise<Given> {
  const root = await mkdtemp(join(tmpdir(), 'parley-part-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const content = randomBytes(sizeBytes)
  await writeFile(join(root, 'original'), content)
  const { file, layer } = await hashFile(join(root, 'original'))
  const folder = join(root, 'received')
  return { folder, content, layer, init: { folder, name, file, sizeBytes, minFreeBytes: 0 } }
}

async function fill(part: PartFile, content: Buffer, leaves: Iterable<number>): Promise<void> {
  for (const leaf of leaves) {
    const { offset, bytes } = leafSpan(content.length, leaf)
    await part.write(leaf, content.subarray(offset, offset + bytes))
  }
}

const twoAndAHalf = 2.5 * MIN_LEAF_BYTES

test.each([0, 1, MIN_LEAF_BYTES, twoAndAHalf])('a file of %d bytes appears when it is whole', async (sizeBytes) => {
  const { folder, content, layer, init } = await given(sizeBytes)
  const part = await PartFile.create(init, layer)
  await fill(part, content, Array(leafCountOf(sizeBytes)).keys())
  expect((await readdir(folder)).toSorted()).toEqual(['photo.jpg.part', 'photo.jpg.part-state'])
  const path = await part.finish()
  expect(path).toBe(join(folder, 'photo.jpg'))
  expect(await readdir(folder)).toEqual(['photo.jpg'])
  expect((await readFile(path)).equals(content)).toBe(true)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('a file that is there is never replaced', async () => {
  const { folder, content, layer, init } = await given(10)
  await mkdir(folder)
  await writeFile(join(folder, 'photo.jpg'), 'mine')
  await symlink('/nowhere', join(folder, 'photo (2).jpg'))
  const part = await PartFile.create(init, layer)
  await fill(part, content, [0])
  expect(await part.finish()).toBe(join(folder, 'photo (3).jpg'))
  expect(await readFile(join(folder, 'photo.jpg'), 'utf8')).toBe('mine')
})

test('two parts of one name are two files, and a link in the way is not followed', async () => {
  const { folder, content, layer, init } = await given(10)
  const outside = join(folder, '..', 'outside')
  await mkdir(folder)
  await symlink(outside, join(folder, 'photo.jpg.part'))
  const parts = [await PartFile.create(init, layer), await PartFile.create(init, layer)]
  for (const part of parts) await fill(part, content, [0])
  const paths = [await parts[0]?.finish(), await parts[1]?.finish()]
  expect(paths).toEqual([join(folder, 'photo.jpg'), join(folder, 'photo (2).jpg')])
  await expect(stat(outside)).rejects.toThrow('ENOENT')
})

test('a part goes on with the leaves that are right', async () => {
  const { content, layer, init } = await given(twoAndAHalf)
  const part = await PartFile.create(init, layer)
  await fill(part, content, [0, 2])
  await part.close()
  const file = await open(part.path, 'r+')
  await file.write(Buffer.of((content[10] ?? 0) ^ 1), 0, 1, 10)
  await file.close()
  const again = await PartFile.resume(part.path, init)
  if (again === undefined) throw new Error('it was not resumed')
  expect([0, 1, 2].map((leaf) => again.have.has(leaf))).toEqual([false, false, true])
  await fill(again, content, [0, 1])
  expect((await readFile(await again.finish())).equals(content)).toBe(true)
})

test('a part that was cut short, of another file, without its state, or behind a link, is not resumed', async () => {
  const { folder, content, layer, init } = await given(twoAndAHalf)
  const part = await PartFile.create(init, layer)
  await fill(part, content, [0, 1, 2])
  await part.close()
  const other = { ...init, file: 'ab'.repeat(32) }
  expect(await PartFile.resume(part.path, other)).toBeUndefined()
  const link = join(folder, 'link.part')
  await symlink(part.path, link)
  await symlink(`${part.path}-state`, `${link}-state`)
  expect(await PartFile.resume(link, init)).toBeUndefined()
  const state = await readFile(`${part.path}-state`)
  await writeFile(`${part.path}-state`, state.subarray(0, -1))
  expect(await PartFile.resume(part.path, init)).toBeUndefined()
  await writeFile(`${part.path}-state`, state)
  await writeFile(part.path, content.subarray(0, MIN_LEAF_BYTES + 5))
  const short = await PartFile.resume(part.path, init)
  expect(short?.have.count).toBe(1)
  await short?.close()
  await removePart(part.path)
  expect(await PartFile.resume(part.path, init)).toBeUndefined()
})

test('any byte of the state changed: it is not believed, or what it says is checked', async () => {
  const { content, layer, init } = await given(MIN_LEAF_BYTES + 1)
  const part = await PartFile.create(init, layer)
  await fill(part, content, [0])
  await part.close()
  const state = await readFile(`${part.path}-state`)
  for (let at = 0; at < state.length; at++) {
    const changed = Buffer.from(state)
    changed[at] = (changed[at] ?? 0) ^ 0x55
    await writeFile(`${part.path}-state`, changed)
    const again = await PartFile.resume(part.path, init)
    // Leaf 1 was never written.
    expect(again?.have.has(1) ?? false, `byte ${at}`).toBe(false)
    await again?.close()
  }
})

test('without room nothing is begun', async () => {
  const { folder, layer, init } = await given(10)
  await expect(PartFile.create({ ...init, minFreeBytes: 2 ** 60 }, layer)).rejects.toThrow(NoRoomError)
  expect(await readdir(folder)).toEqual([])
})

test('what is no file is not hashed, and a file that changes is noticed', async () => {
  const { folder } = await given(1)
  await mkdir(folder)
  await expect(hashFile(folder)).rejects.toThrow(NotSendableError)
  await expect(hashFile('/dev/zero')).rejects.toThrow(NotSendableError)
  const path = join(folder, 'notes')
  await writeFile(path, 'first')
  const hashed = await hashFile(path)
  await rm(path)
  await expect(SharedFile.open(hashed)).rejects.toThrow('was changed or removed')
  await writeFile(path, 'other')
  await expect(SharedFile.open({ ...hashed, changedAtNs: '1' })).rejects.toThrow('was changed or removed')
})

test('a file that is changed while it is read gives no bytes of the new one', async () => {
  const { folder } = await given(1)
  await mkdir(folder)
  const path = join(folder, 'notes')
  await writeFile(path, 'first')
  const shared = await SharedFile.open(await hashFile(path))
  await writeFile(path, 'a longer text')
  await expect(shared.leaf(0, 1024).next()).rejects.toThrow('was changed or removed')
  await shared.close()
})
