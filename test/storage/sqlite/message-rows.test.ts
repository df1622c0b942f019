import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newMessageId } from '../../../src/storage/sqlite/message-rows.ts'

test('ids are 32 hexadecimal digits at any time, and no two are the same', () => {
  const clock = fc.oneof(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.constantFrom(0, 1.5, 2 ** 48))
  const ids = new Set<string>()
  let count = 0
  fc.assert(
    fc.property(fc.array(clock), (times) => {
      for (const id of times.map(newMessageId)) {
        expect(id).toMatch(/^[0-9a-f]{32}$/u)
        ids.add(id)
        count++
      }
    })
  )
  for (let n = 0; n < 5_000; n++, count++) ids.add(newMessageId(7))
  expect(ids.size).toBe(count)
})

test('later ids sort after earlier ones', () => {
  const times = [0, 1, 255, 256, 1_700_000_000_000, 1_700_000_000_001, 2 ** 47]
  const ids = times.map(newMessageId)
  expect(ids).toEqual(ids.toSorted())
})
