import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeManifest,
  encodeManifest,
  folderSums,
  MAX_FOLDER_ENTRIES,
  ManifestError,
  type FolderEntry
} from '../../src/files/folder/folder-manifest.ts'
import { bytesId } from '../../src/files/bytes-file.ts'
import { safeFileName } from '../../src/files/disk/file-name.ts'
import { localNames } from '../../src/files/folder/local-names.ts'

const id = 'ab'.repeat(32)
const file = (path: string, sizeBytes = 1): FolderEntry => ({ is: 'file', path, sizeBytes, file: id, isProgram: false })
const folder = (path: string): FolderEntry => ({ is: 'folder', path })

/** A list that no honest sender writes: what `change` makes of the bytes of one. */
function changed(entries: readonly FolderEntry[], change: (bytes: Buffer) => Buffer): Buffer {
  return change(encodeManifest(entries))
}

const name = fc.stringMatching(/^[a-zäß. _-]{1,20}$/u).filter((one) => one !== '.' && one !== '..')

test('a list is read as it was written, in the order of its paths', () => {
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 20 }), fc.nat(2 ** 40), (names, sizeBytes) => {
      const entries = names.map((one, index) => (index % 3 === 0 ? folder(one) : file(one, sizeBytes)))
      const read = decodeManifest(encodeManifest(entries))
      const inOrder = entries.toSorted((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)))
      expect(read).toEqual(inOrder)
      expect(folderSums(read)).toEqual(folderSums(entries))
    })
  )
})

test('the example of the specification', async () => {
  const entries: readonly FolderEntry[] = [
    {
      is: 'file',
      path: 'trip/run.sh',
      sizeBytes: 0,
      file: '108d829d10fa6149f8134d692be9521f8f651c53231c1f7b9fa1ef124b3ce09c',
      isProgram: true
    },
    { is: 'folder', path: 'trip' },
    {
      is: 'file',
      path: 'a.txt',
      sizeBytes: 1,
      file: 'a4b747e0dca3aaed6965c8986fe4fd91f8ec90f066b816e738895cda9305ff62',
      isProgram: false
    }
  ]
  const encoded = encodeManifest(entries)
  expect(encoded.toString('hex')).toBe(
    '7061726c65792d666f6c6465722d310a' +
      '010005612e7478740000000000000001a4b747e0dca3aaed6965c8986fe4fd91f8ec90f066b816e738895cda9305ff62' +
      '00000474726970' +
      '02000b747269702f72756e2e73680000000000000000108d829d10fa6149f8134d692be9521f8f651c53231c1f7b9fa1ef124b3ce09c'
  )
  expect((await bytesId(encoded)).file).toBe('4d0491419179b94cb9f8098252f87b32d62f648f0c68953ab133b0ab5f6223df')
})

const badPaths = [
  '..',
  '../a',
  'a/../../b',
  '/etc/passwd',
  'a//b',
  'a/',
  './a',
  'a\0b',
  '',
  'x'.repeat(256),
  `${'x/'.repeat(32)}x`,
  `${'x'.repeat(200)}/`.repeat(6) + 'x'
]

test.each(badPaths.map((_, index) => index))(
  'a path that leads elsewhere, or that no system could open, is in no list: %i',
  (index) => {
    const path = badPaths[index] ?? ''
    expect(() => encodeManifest([file(path)])).toThrow(ManifestError)
    const raw = Buffer.from(path, 'utf8')
    const forged = changed([file('y')], (bytes) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(raw.byteLength)
      return Buffer.concat([bytes.subarray(0, 17), length, raw, bytes.subarray(20)])
    })
    expect(() => decodeManifest(forged)).toThrow(ManifestError)
  }
)

test('a list with anything wrong in it is refused', () => {
  const two = encodeManifest([file('a'), file('b')])
  const [head, one, other] = [two.subarray(0, 16), two.subarray(16, 16 + 44), two.subarray(16 + 44)]
  expect(decodeManifest(Buffer.concat([head, one, other]))).toHaveLength(2)
  expect(() => decodeManifest(Buffer.concat([head, other, one]))).toThrow('not in order')
  expect(() => decodeManifest(Buffer.concat([head, one, one]))).toThrow('not in order')
  expect(() => decodeManifest(two.subarray(0, -1))).toThrow('cut off')
  expect(() => decodeManifest(Buffer.concat([two, Buffer.of(0)]))).toThrow('cut off')
  expect(() => decodeManifest(Buffer.concat([head, Buffer.of(7), one.subarray(1)]))).toThrow('kind 7')
  expect(() => decodeManifest(Buffer.from('hello, this is no list'))).toThrow('does not begin')
  expect(() => decodeManifest(encodeManifest([file('a'), file('a/b')]))).toThrow('a file and a folder')
  const badText = changed([file('a')], (bytes) => bytes.fill(0xff, 19, 20))
  expect(() => decodeManifest(badText)).toThrow('not UTF-8')
  const tooLarge = changed([file('a')], (bytes) => bytes.fill(0xff, 20, 28))
  expect(() => decodeManifest(tooLarge)).toThrow('a file of')
})

test('a list has a bound of entries, checked on both sides', () => {
  const most = Array.from({ length: MAX_FOLDER_ENTRIES }, (_, index) => folder(`${index}`))
  const encoded = encodeManifest(most)
  expect(decodeManifest(encoded)).toHaveLength(MAX_FOLDER_ENTRIES)
  expect(() => encodeManifest([...most, folder('x')])).toThrow('send it in parts')
  expect(() => decodeManifest(Buffer.concat([encoded, Buffer.of(0, 0, 1, 0x78)]))).toThrow('send it in parts')
})

test('no bytes break the reader', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeManifest(Buffer.concat([Buffer.from('parley-folder-1\n'), bytes]))
      } catch (error) {
        expect(error).toBeInstanceOf(ManifestError)
      }
    })
  )
})

test('names that a file system may take for one are told apart, in each folder, and always in the same way', () => {
  const entries = decodeManifest(
    encodeManifest([
      file('A.txt'),
      file('a.txt'),
      file('e\u0301'),
      file('é'),
      file('con'),
      file('X/1'),
      file('x/1'),
      folder('..x')
    ])
  )
  const names = Object.fromEntries(entries.map(({ path }, index) => [path, localNames(entries)[index]?.join('/')]))
  expect(names).toEqual({
    'A.txt': 'A.txt',
    'a.txt': 'a (2).txt',
    'e\u0301': 'é',
    é: 'é (2)',
    con: '_con',
    'X/1': 'X (2)/1',
    'x/1': 'x (3)/1',
    '..x': 'x'
  })
})

test('whatever the names are, they stay in the folder, and no two are the same', () => {
  const wild = fc
    .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
    .filter((one) => !/[/\0]/u.test(one) && one !== '.' && one !== '..')
  fc.assert(
    fc.property(fc.uniqueArray(fc.array(wild, { minLength: 1, maxLength: 3 }), { maxLength: 15 }), (paths) => {
      const entries = [...new Set(paths.map((one) => one.join('/')))].map((path) => folder(path))
      const local = localNames(entries)
      for (const names of local) {
        for (const one of names) expect(one).toMatch(/^[^/\\\0]+$/u)
        expect(names).not.toContain('..')
      }
      const shapes = local.map((names) => names.join('/').normalize('NFC').toLowerCase())
      expect(new Set(shapes).size).toBe(shapes.length)
    })
  )
})

test('as many names as a list may have that all are one here are told apart', () => {
  const signs = [...'\\:*?"<>|']
  const names = Array.from({ length: MAX_FOLDER_ENTRIES }, (_, index) =>
    Array.from({ length: 6 }, (__, at) => signs[Math.floor(index / 8 ** at) % 8]).join('')
  )
  const local = localNames(names.map((one) => file(one)))
  expect(new Set(local.map((path) => path.join('/'))).size).toBe(MAX_FOLDER_ENTRIES)
})

test('a name that was made for a file of a folder is a safe one as it is', () => {
  const long = ['a'.repeat(255), 'a'.repeat(254), `${'a'.repeat(250)}.jpg`, `${'a'.repeat(251)}.jpg`, '語'.repeat(85)]
  const cutToPart = `${'a'.repeat(195)}.part${'b'.repeat(30)}`
  const entries = [...long, cutToPart, 'con', 'CON', `${'語'.repeat(84)}x`].map((one) => file(one))
  for (const [local = ''] of localNames(entries)) expect(safeFileName(local)).toBe(local)
})
