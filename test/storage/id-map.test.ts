import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdMap } from '../../src/storage/id-map.ts'
import { newMessageId } from '../../src/storage/message-id.ts'

test('holds what a map would hold, in whatever order ids come and go', () => {
  const id = fc.oneof(
    fc.nat(20_000).map((ms) => `${String(ms).padStart(6, '0')}a`),
    fc.string({ maxLength: 4 })
  )
  const step = fc.record({ id, remove: fc.boolean(), burst: fc.nat(3_000) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.array(id), (steps, asked) => {
      const map = new IdMap<number>()
      const plain = new Map<string, number>()
      let value = 0
      for (const { id: first, remove, burst } of steps) {
        for (let n = 0; n < burst; n++) {
          const one = n === 0 ? first : `${String(n * 7 + value).padStart(6, '0')}b`
          map.set(one, ++value)
          plain.set(one, value)
        }
        if (remove) {
          map.delete(first)
          plain.delete(first)
        }
      }
      for (const one of [...plain.keys(), ...asked]) expect(map.get(one)).toBe(plain.get(one))
    }),
    { numRuns: 30 }
  )
})

test('finds ids of every age among many, also when the clock is set back', () => {
  const map = new IdMap<number>()
  const ids: string[] = []
  for (let n = 0; n < 30_000; n++) ids.push(newMessageId(n < 20_000 ? 1_700_000_000_000 + n : 1_600_000_000_000 + n))
  for (const [index, id] of ids.entries()) map.set(id, index)
  expect(ids.map((id) => map.get(id))).toEqual(ids.map((_, index) => index))
  expect(map.get(newMessageId(1_700_000_010_000))).toBeUndefined()
})
