/** Archives of exported profiles: what is written is read again, and by tar; what others wrote can do no harm. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArchiveError } from '../../../src/node/api/errors.ts'
import { decodeTar, encodeTar, tarSizeOf, type TarRules } from '../../../src/node/profile/tar.ts'

const rules: TarRules = new Map(['a', 'b', 'c'].map((name) => [name, { maxBytes: 10_000 }]))

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const entry = (name: string, content: Uint8Array, size = 100) => ({
  name,
  sizeBytes: content.length,
  content: chunks(content, size)
})

async function encode(files: Readonly<Record<string, Uint8Array>>): Promise<Buffer> {
  const entries = Object.entries(files).map(([name, content]) => entry(name, content))
  const parts: Uint8Array[] = []
  for await (const part of encodeTar(entries, 1_700_000_000_000)) parts.push(part)
  return Buffer.concat(parts)
}

async function decode(bytes: Uint8Array, size = 700): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {}
  for await (const { name, content } of decodeTar(chunks(bytes, size), rules)) {
    const parts: Uint8Array[] = []
    for await (const part of content) parts.push(part)
    files[name] = Buffer.concat(parts)
  }
  return files
}

test('what is written is read, however it is cut into pieces', async () => {
  const content = fc.uint8Array({ maxLength: 2000 })
  const files = fc.dictionary(fc.constantFrom('a', 'b', 'c'), content)
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 1500 }), async (all, size) => {
      const bytes = await encode(all)
      expect(bytes.length).toBe(tarSizeOf(Object.values(all).map(({ length }) => ({ sizeBytes: length }))))
      const read = await decode(bytes, size)
      expect(Object.keys(read).toSorted()).toEqual(Object.keys(all).toSorted())
      for (const [name, bytesOfIt] of Object.entries(all)) expect(read[name]?.equals(bytesOfIt)).toBe(true)
    }),
    { numRuns: 60 }
  )
})

test.skipIf(spawnSync('tar', ['--version']).status !== 0)('tar reads it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-tar-'))
  writeFileSync(join(folder, 'archive'), await encode({ a: Buffer.from('one\n'), b: Buffer.alloc(0) }))
  expect(execFileSync('tar', ['-xvf', 'archive'], { cwd: folder }).toString()).toBe('a\nb\n')
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('one\n')
  rmSync(folder, { recursive: true })
})

describe('an archive that would do harm is refused', () => {
  const refused = async (bytes: Uint8Array, why: RegExp): Promise<void> => {
    const error: unknown = await decode(bytes).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ArchiveError)
    expect(String(error)).toMatch(why)
  }
  /** Changes a header and makes its checksum right again. */
  const changed = (bytes: Buffer, change: (header: Buffer) => void): Buffer => {
    const all = Buffer.from(bytes)
    change(all)
    all.fill(0x20, 148, 156)
    const sum = all.subarray(0, 512).reduce((total, byte) => total + byte, 0)
    all.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return all
  }

  test.each(['../a', '/etc/passwd', 'x/../../a', 'A', '', 'a\\..\\b', './a'])('for the name %j', async (name) => {
    await refused(await encode({ [name]: Buffer.from('x') }), /belongs to no profile/u)
  })

  test('for a link, a device or a folder', async () => {
    const bytes = await encode({ a: Buffer.from('x') })
    for (const type of ['1', '2', '3', '4', '5', '6', 'x', 'L']) {
      await refused(
        changed(bytes, (header) => header.write(type, 156)),
        /no ordinary file/u
      )
    }
  })

  test('for the same name twice', async () => {
    const one = await encode({ a: Buffer.from('x') })
    await refused(Buffer.concat([one.subarray(0, 1024), one]), /twice/u)
  })

  test('for a size that it may not have, or that no disk has', async () => {
    await refused(await encode({ a: Buffer.alloc(10_001) }), /may have 10000/u)
    const bytes = await encode({ a: Buffer.from('x') })
    await refused(
      changed(bytes, (header) => header.fill(0xff, 124, 136)),
      /can’t be read|out of bounds/u
    )
    await refused(
      changed(bytes, (header) => {
        header[124] = 0x80
        header.fill(0xff, 125, 136)
      }),
      /out of bounds/u
    )
    await refused(
      changed(bytes, (header) => header.write('-0000000001\0', 124)),
      /can’t be read/u
    )
  })

  test('when it is cut short anywhere before its last padding, or goes on after it', async () => {
    const bytes = await encode({ a: Buffer.from('x'.repeat(700)) })
    for (let at = 0; at < bytes.length; at += 64) await refused(bytes.subarray(0, at), /cut short/u)
    await refused(Buffer.concat([bytes.subarray(0, -512), await encode({ b: Buffer.from('x') })]), /goes on/u)
  })

  test('when a header is damaged', async () => {
    const bytes = await encode({ a: Buffer.from('x') })
    for (const at of [0, 100, 124, 148, 156, 257, 300]) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ 0x01
      await refused(damaged, /damaged|no tar archive|can’t be read/u)
    }
  })

  test('whatever bytes it has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 3000 }), async (bytes) => {
        const result: unknown = await decode(bytes).catch((error: unknown) => error)
        if (result instanceof Error) expect(result).toBeInstanceOf(ArchiveError)
      })
    )
  })
})

test('a file that changes while it is read is not archived', async () => {
  const entries = [{ ...entry('a', Buffer.from('xyz')), sizeBytes: 2 }]
  const written = (async () => {
    for await (const part of encodeTar(entries, 0)) void part
  })()
  await expect(written).rejects.toThrow(/a moment ago/u)
})
