import { expect, test } from 'vitest'
import { lossesOf, noLosses } from './losses.ts'

test('what was lost, came twice or came late is counted, each message once', () => {
  expect(lossesOf(['a', 'b', 'c'], ['a', 'b', 'c'])).toEqual({ lost: 0, doubled: 0, outOfOrder: 0 })
  expect(lossesOf(['a', 'b', 'c'], ['a', 'c'])).toEqual({ lost: 1, doubled: 0, outOfOrder: 0 })
  expect(lossesOf(['a', 'b', 'c'], ['a', 'b', 'a', 'c', 'c'])).toEqual({ lost: 0, doubled: 2, outOfOrder: 0 })
  expect(lossesOf(['a', 'b', 'c'], ['c', 'a', 'b'])).toEqual({ lost: 0, doubled: 0, outOfOrder: 2 })
  expect(noLosses(lossesOf(['a'], ['b', 'a']))).toBe(true)
  expect(noLosses(lossesOf(['a'], []))).toBe(false)
})
