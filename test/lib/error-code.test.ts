import { expect, test } from 'vitest'
import { errorCode, hasErrorCode } from '../../src/lib/index.ts'

test('the code of an error is read where it is text, and nothing else has one', () => {
  const missing = Object.assign(new Error('no such file'), { code: 'ENOENT' })
  expect(errorCode(missing)).toBe('ENOENT')
  expect(hasErrorCode(missing, 'EACCES', 'ENOENT')).toBe(true)
  expect(hasErrorCode(missing, 'EACCES')).toBe(false)
  for (const other of [new Error('plain'), Object.assign(new Error('number'), { code: 2 }), { code: 'ENOENT' }, null]) {
    expect(errorCode(other)).toBeUndefined()
    expect(hasErrorCode(other, 'ENOENT')).toBe(false)
  }
})
