// A power cut at any moment takes nothing that the program was told is on the disk; and the test that says so sees it
// where the disk has been asked for less.
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { RecordedDisk } from '../kill/recorded-disk.ts'
import { SeededRandom } from '../kill/seeded-random.ts'
import { nodePath } from '../processes/parley-process.ts'

/** The system's own program, not of a package. */
const tool = { trace: 'strace' }
const whenTracing = test.skipIf(spawnSync(tool.trace, ['-qq', '-o', '/dev/null', 'true']).status !== 0)
const program = join(import.meta.dirname, '..', 'kill', 'power-cut.ts')

async function cutPower(...args: readonly string[]): Promise<string> {
  const run = promisify(execFile)(nodePath, [program, ...args])
  return run.then(
    ({ stdout }) => stdout,
    (error: unknown) => (error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error))
  )
}

whenTracing('after a power cut all that was kept is there, once and in order (needs strace)', async () => {
  expect(await cutPower('--cuts', '15', '--turns', '30')).toMatch(/\ncuts \d+ kept \d{3,} findings 0\n$/u)
})

whenTracing('on a disk whose syncs do nothing the same test finds losses (needs strace)', async () => {
  // A file that was torn is a loss as well as a message that is gone. One cut alone may fall where nothing was under way.
  expect(await cutPower('--cuts', '10', '--turns', '10', '--ignore-syncs')).toMatch(
    / is (?:not there|damaged)[^]*\ncuts \d+ kept \d+ findings [1-9]\d*\n$/u
  )
})

test('what was written after the last sync may be lost, torn and out of order; names go in their order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-cut-'))
  const disk = new RecordedDisk('/profile')
  disk.make('/profile/file')
  disk.change('/profile/file', { is: 'write', offset: 0, bytes: Buffer.alloc(1024, 'a') })
  const endSync = disk.beginSync('/profile/file')
  disk.change('/profile/file', { is: 'write', offset: 0, bytes: Buffer.alloc(1024, 'b') })
  endSync()
  disk.beginSync('/profile')()
  disk.change('/profile/file', { is: 'write', offset: 1024, bytes: Buffer.alloc(512, 'c') })
  disk.make('/profile/new')
  disk.rename('/profile/new', '/profile/renamed')

  const random = new SeededRandom(1)
  const contents = new Set<string>()
  const names = new Set<string>()
  for (let cut = 0; cut < 200; cut++) {
    const left = join(folder, String(cut))
    await disk.cut(left, random)
    const sectors = readFileSync(join(left, 'file'), 'latin1').match(/.{512}/gsu) ?? []
    contents.add(sectors.map((sector) => sector[0]).join(''))
    names.add(readdirSync(left).toSorted().join(' '))
  }
  rmSync(folder, { recursive: true })
  expect(contents).toContain('aa')
  expect(contents).toContain('bbc')
  expect([...contents].some((content) => /^(?:ab|ba)/u.test(content))).toBe(true)
  for (const content of contents) expect(content).toMatch(/^[ab]{2}c?$/u)
  expect(names).toEqual(new Set(['file', 'file new', 'file renamed']))
})
