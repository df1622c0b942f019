import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_FILE_NAME_BYTES, numberedName, safeFileName } from '../../src/files/disk/file-name.ts'

test.each([
  ['photo.jpg', 'photo.jpg'],
  ['../../etc/passwd', '_.._etc_passwd'],
  ['/etc/passwd', '_etc_passwd'],
  ['C:\\Windows\\system.ini', 'C__Windows_system.ini'],
  ['a\0b', 'ab'],
  ['line\nbreak\u001b[31m', 'linebreak[31m'],
  ['exe.\u202egpj.txt', 'exe.gpj.txt'],
  ['.bashrc', 'bashrc'],
  ['...', 'file'],
  ['', 'file'],
  ['name. . ', 'name'],
  ['CON', '_CON'],
  ['nul.txt', '_nul.txt'],
  ['console.txt', 'console.txt'],
  ['LPT1.tar.gz', '_LPT1.tar.gz'],
  ['photo.jpg.part', 'photo.jpg.part_'],
  ['cafe\u0301.txt', 'caf\u00e9.txt']
])('%j is written as %j', (proposed, written) => {
  expect(safeFileName(proposed)).toBe(written)
})

test('a long name keeps its extension, and whole letters', () => {
  for (const letter of ['a', 'é', 'ф', '語', '👩‍🚀']) {
    const name = safeFileName(`${letter.repeat(300)}.jpeg`)
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(MAX_FILE_NAME_BYTES)
    expect(name.endsWith('.jpeg')).toBe(true)
    expect(name.isWellFormed()).toBe(true)
  }
})

test('whatever is proposed, the name is a plain one in the folder, and stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (proposed) => {
      const name = safeFileName(proposed)
      expect(Buffer.byteLength(name)).toBeGreaterThan(0)
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(MAX_FILE_NAME_BYTES)
      expect(name).not.toMatch(/[/\\:*?"<>|\p{Cc}\p{Cf}]|^\.|[. ]$/u)
      expect(name.normalize('NFC')).toBe(name)
      expect(safeFileName(name)).toBe(name)
    })
  )
})

test('a number stands before the extension', () => {
  expect([1, 2, 3].map((number) => numberedName('photo.jpg', number))).toEqual([
    'photo.jpg',
    'photo (2).jpg',
    'photo (3).jpg'
  ])
  expect(numberedName('README', 2)).toBe('README (2)')
})
