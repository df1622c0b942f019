// The file of settings, changed by one of them: everything else in it stays.
import fc from 'fast-check'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { changeConfigFile, readConfigFile, withMember } from '../../../src/node/config/config-file.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-config-'))
  file = join(folder, 'parley', 'config.json')
})

afterEach(async () => rm(folder, { recursive: true }))

describe('one setting', () => {
  test.each([
    [
      'in a file of several lines',
      '{\n  "name": "anna",\n  "port": 4001\n}\n',
      '{\n  "name": "anna",\n  "port": 4001,\n  "keep": "90d"\n}\n'
    ],
    ['in an object on one line', '{"name": "anna"}', '{"name": "anna", "keep": "90d"}'],
    ['in an empty object', '{}', '{"keep": "90d"}'],
    ['in an empty object of two lines', '{\n}\n', '{\n  "keep": "90d"\n}\n'],
    ['where it was another', '{ "keep" : "1d" , "name": "anna" }', '{ "keep" : "90d" , "name": "anna" }'],
    ['where it stands twice', '{"keep": "1d", "keep": "2d"}', '{"keep": "1d", "keep": "90d"}'],
    ['with the indentation of the others', '{\n\t"name": "anna"\n}', '{\n\t"name": "anna",\n\t"keep": "90d"\n}'],
    [
      'with the line breaks of the others',
      '{\r\n  "name": "anna"\r\n}\r\n',
      '{\r\n  "name": "anna",\r\n  "keep": "90d"\r\n}\r\n'
    ],
    [
      'after a comment',
      '{\n  "name": "anna" // me, "really"\n}',
      '{\n  "name": "anna", // me, "really"\n  "keep": "90d"\n}'
    ],
    [
      'after a list',
      '{\n  "directory": ["8000", "[::1]:8001"]\n}',
      '{\n  "directory": ["8000", "[::1]:8001"],\n  "keep": "90d"\n}'
    ],
    [
      'beside a text like it',
      '{"status": "\\"keep\\": 1 // {", "name": "x"}',
      '{"status": "\\"keep\\": 1 // {", "name": "x", "keep": "90d"}'
    ]
  ])('is written %s', (_, before, after) => {
    expect(withMember(before, 'keep', '90d')).toBe(after)
  })

  test.each([
    [
      'with its line',
      '{\n  "name": "anna",\n  "keep": "1d",\n  "port": 1\n}\n',
      '{\n  "name": "anna",\n  "port": 1\n}\n'
    ],
    ['and the comma before it', '{\n  "name": "anna",\n  "keep": "1d"\n}\n', '{\n  "name": "anna"\n}\n'],
    [
      'and no comment',
      '{\n  "name": "anna", // me\n  /* long */\n  "keep": "1d"\n}',
      '{\n  "name": "anna" // me\n  /* long */\n}'
    ],
    ['among others on its line', '{"keep": "1d", "name": "anna"}', '{"name": "anna"}'],
    ['as the last on its line', '{"name": "anna", "keep": "1d"}', '{"name": "anna"}'],
    ['after a line comment', '{"name": "anna", // me\n"keep": "1d"}', '{"name": "anna" // me\n}'],
    ['as the only one', '{"keep": "1d"}', '{}'],
    ['where it stands twice', '{"keep": "1d", "name": "anna", "keep": "2d"}', '{"name": "anna"}'],
    ['where it is not there', '{"name": "anna"}', '{"name": "anna"}']
  ])('is taken out %s', (_, before, after) => {
    expect(withMember(before, 'keep', undefined)).toBe(after)
  })

  test('is what was written, and no other is touched, however the file is written', async () => {
    const key = fc.constantFrom('name', 'keep', 'port', 'status', 'join')
    const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 3 }))
    const space = fc.constantFrom('', ' ', '\n', '\r\n  ', ' // one, "two": {3}\n', ' /* [ "4" ] */ ')
    const members = fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 5 })
    await mkdir(join(folder, 'parley'))
    await fc.assert(
      fc.asyncProperty(
        members,
        fc.array(space, { minLength: 4, maxLength: 4 }),
        key,
        fc.option(value),
        async (all, spaces, name, next) => {
          const [a = '', b = '', c = '', d = ''] = spaces
          const text = `${a}{${b}${all.map(([one, held]) => `${JSON.stringify(one)}${c}:${d}${JSON.stringify(held)}${a}`).join(`,${b}`)}${c}}${d}`
          await writeFile(file, text)
          const { [name]: _, ...others } = Object.fromEntries(all)
          await changeConfigFile(file, name, next ?? undefined)
          expect(await readConfigFile(file)).toEqual(next === null ? others : { ...others, [name]: next })
          for (const comment of ['one, "two": {3}', '[ "4" ]']) {
            const count = (where: string): number => where.split(comment).length
            // What is taken out takes the comments along that stand inside of it.
            if (next !== null) expect(count(await readFile(file, 'utf8'))).toBe(count(text))
          }
        }
      )
    )
  })
})

test('a file that is not there is made, for its owner alone', async () => {
  await changeConfigFile(file, 'name', 'anna')
  expect(await readFile(file, 'utf8')).toBe('{\n  "name": "anna"\n}\n')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(folder, 'parley'))).toEqual(['config.json'])
})

test.each([
  ['nothing', '', ''],
  ['a line break', '\n', ''],
  ['spaces', '  \r\n\t', ''],
  ['a comment', '// of anna', '// of anna\n'],
  ['comments', '/* a\n */\n// b\n\n', '/* a\n */\n// b\n']
])('a file that holds %s has no settings, and takes the first one', async (_, text, kept) => {
  await mkdir(join(folder, 'parley'))
  await writeFile(file, text)
  expect(await readConfigFile(file)).toEqual({})
  await changeConfigFile(file, 'name', undefined)
  expect(await readConfigFile(file)).toEqual({})
  await writeFile(file, text)
  await changeConfigFile(file, 'name', 'anna')
  expect(await readFile(file, 'utf8')).toBe(`${kept}{\n  "name": "anna"\n}\n`)
  expect(await readConfigFile(file)).toEqual({ name: 'anna' })
})

test('a file that is there keeps its mode, and a link stays a link', async () => {
  await mkdir(join(folder, 'parley'))
  const target = join(folder, 'dotfile.json')
  await writeFile(target, '{"name": "anna"}', { mode: 0o644 })
  await symlink(target, file)
  await changeConfigFile(file, 'name', 'bea')
  expect(await readFile(target, 'utf8')).toBe('{"name": "bea"}')
  expect((await stat(target)).mode & 0o777).toBe(0o644)
})

test('a read-only file stays as it is, also behind a link and for root, and the reason says what to do', async () => {
  await mkdir(join(folder, 'parley'))
  const target = join(folder, 'dotfile.json')
  await writeFile(target, '{"name": "anna"}', { mode: 0o444 })
  await symlink(target, file)
  const refusal = new RegExp(`^${target} is read-only and was not changed: chmod u\\+w ${target} `, 'u')
  await expect(changeConfigFile(file, 'name', 'bea')).rejects.toThrow(refusal)
  await expect(changeConfigFile(file, 'name', undefined)).rejects.toThrow(refusal)
  expect(await readFile(target, 'utf8')).toBe('{"name": "anna"}')
  expect(await readdir(folder)).toEqual(['dotfile.json', 'parley'])
  await chmod(target, 0o600)
  await changeConfigFile(file, 'name', 'bea')
  expect(await readConfigFile(file)).toEqual({ name: 'bea' })
})

test('a link to a file that is not there yet stays a link, and the file is made', async () => {
  await mkdir(join(folder, 'parley'))
  await symlink('../elsewhere.json', file)
  await changeConfigFile(file, 'name', 'bea')
  expect(JSON.parse(await readFile(join(folder, 'elsewhere.json'), 'utf8'))).toEqual({ name: 'bea' })
  expect(await readConfigFile(file)).toEqual({ name: 'bea' })
})

test.each([
  ['a byte order mark', Buffer.from('\ufeff{"name": "grüße"}')],
  ['UTF-16 and its mark', Buffer.from('\ufeff{"name": "grüße"}', 'utf16le')],
  ['UTF-16 of the other order', Buffer.from('\ufeff{"name": "grüße"}', 'utf16le').swap16()],
  ['comments', Buffer.from('// mine\n{"name": /* me */ "grüße"} // end')]
])('a file with %s is read', async (_, bytes) => {
  await mkdir(join(folder, 'parley'))
  await writeFile(file, bytes)
  expect(await readConfigFile(file)).toEqual({ name: 'grüße' })
})

test('a named pipe is refused, and nothing waits for its writer', async () => {
  await mkdir(dirname(file), { recursive: true })
  execFileSync('mkfifo', [file])
  await expect(readConfigFile(file)).rejects.toThrow(/is a named pipe/u)
  await expect(changeConfigFile(file, 'name', 'anna')).rejects.toThrow(/is a named pipe/u)
})

test('a file that is no object of settings is refused, and stays', async () => {
  await mkdir(join(folder, 'parley'))
  for (const text of ['[]', '{"name": ', 'name=anna']) {
    await writeFile(file, text)
    await expect(changeConfigFile(file, 'name', 'bea')).rejects.toThrow(/config\.json (?:is not JSON|must hold)/u)
    expect(await readFile(file, 'utf8')).toBe(text)
  }
})
