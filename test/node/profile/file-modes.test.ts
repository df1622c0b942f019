/** Who may read a profile: only its owner, whatever the modes were. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, lchownSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ForeignFolderError, NoRegularFileError, mendModes } from '../../../src/node/profile/file-modes.ts'

let folder: string
const modeOf = (name: string): string => (statSync(join(folder, name)).mode & 0o777).toString(8)
const isKey = (name: string): boolean => name.startsWith('identity.key')
const put = (name: string, mode: number): void => {
  writeFileSync(join(folder, name), 'x')
  chmodSync(join(folder, name), mode)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-modes-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(userInfo().uid < 0)('on a system with modes', () => {
  test('what is private already is left as it is, without a word', async () => {
    put('identity.key', 0o600)
    put('history.db', 0o400)
    expect(await mendModes(folder, isKey)).toEqual({ modes: undefined, exposedKey: undefined })
    expect(modeOf('history.db')).toBe('400')
  })

  test('the folder and every file in it are closed to others, in one notice', async () => {
    put('identity.key', 0o600)
    put('history.db', 0o644)
    put('lock', 0o660)
    chmodSync(folder, 0o755)
    const { modes, exposedKey } = await mendModes(folder, isKey)
    expect([modeOf('.'), modeOf('history.db'), modeOf('lock')]).toEqual(['700', '600', '600'])
    expect(modes).toContain(`${folder} (755)`)
    expect(modes).toContain(`${join(folder, 'history.db')} (644)`)
    expect(modes).toContain(`${join(folder, 'lock')} (660)`)
    expect(exposedKey).toBeUndefined()
    expect(await mendModes(folder, isKey)).toEqual({ modes: undefined, exposedKey: undefined })
  })

  test('a link that another user has put there is refused, wherever it points', async () => {
    if (userInfo().uid !== 0) return // nobody else can give files away
    writeFileSync(join(folder, 'other'), 'x')
    chmodSync(join(folder, 'other'), 0o600)
    symlinkSync(join(folder, 'other'), join(folder, 'identity.key'))
    lchownSync(join(folder, 'identity.key'), 12_345, 12_345)
    await expect(mendModes(folder, isKey)).rejects.toThrow(ForeignFolderError)
  })

  test('a pipe in the place of a file, and a link to a device, are refused and not read for ever', async () => {
    execFileSync('sh', ['-c', 'mkfifo "$0"', join(folder, 'book.json')])
    await expect(mendModes(folder, isKey)).rejects.toThrow('book.json is a pipe or a device and no file')
    rmSync(join(folder, 'book.json'))
    symlinkSync('/dev/zero', join(folder, 'identity.key'))
    await expect(mendModes(folder, isKey)).rejects.toThrow(NoRegularFileError)
  })

  test('a key that others could read is named, with what to do', async () => {
    put('identity.key', 0o644)
    chmodSync(folder, 0o711)
    const { exposedKey } = await mendModes(folder, isKey)
    expect(exposedKey).toMatch(/READ BY OTHER USERS.*identity\.key \(mode 644\).*begin with a new profile/u)
    expect(modeOf('identity.key')).toBe('600')
  })

  test('a key in a folder that nobody else could enter was never readable', async () => {
    put('identity.key', 0o644)
    chmodSync(folder, 0o700)
    const { modes, exposedKey } = await mendModes(folder, isKey)
    expect(exposedKey).toBeUndefined()
    expect(modes).toContain('identity.key')
  })

  test('what a link in it points to is left alone', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'parley-elsewhere-'))
    writeFileSync(join(elsewhere, 'file'), 'x')
    chmodSync(join(elsewhere, 'file'), 0o644)
    symlinkSync(join(elsewhere, 'file'), join(folder, 'link'))
    await mendModes(folder, isKey)
    expect(statSync(join(elsewhere, 'file')).mode & 0o777).toBe(0o644)
    rmSync(elsewhere, { recursive: true })
  })

  test.skipIf(userInfo().uid !== 0)(
    'a folder, or a file in it, of another user is refused with the remedy (needs root)',
    async () => {
      put('identity.key', 0o600)
      chownSync(join(folder, 'identity.key'), 12_345, 12_345)
      await expect(mendModes(folder, isKey)).rejects.toThrow(ForeignFolderError)
      chownSync(folder, 12_345, 12_345)
      await expect(mendModes(folder, isKey)).rejects.toThrow(/belongs to the user 12345.*sudo chown -R/u)
    }
  )
})
