// Lists and numbers in English are what Intl makes of them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countText, listText } from '../../src/lib/english.ts'

test('a list reads as Intl writes it, however long it is', () => {
  const format = new Intl.ListFormat('en')
  fc.assert(fc.property(fc.array(fc.string()), (words) => listText(words) === format.format(words)))
  expect(listText(['a', 'b', 'c'])).toBe('a, b, and c')
})

test('a number reads as Intl writes it', () => {
  fc.assert(fc.property(fc.nat(), (count) => countText(count) === count.toLocaleString('en')))
  expect(countText(1_234_567)).toBe('1,234,567')
})
