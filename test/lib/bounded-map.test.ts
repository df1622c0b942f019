import { expect, test } from 'vitest'
import { LruMap, LruSet } from '../../src/lib/index.ts'

test('a full map drops the entry that was set longest ago', () => {
  const map = new LruMap<string, number>(2)
  map.set('a', 1).set('b', 2).set('a', 3)
  expect(map.get('b')).toBe(2)
  map.set('c', 4)
  expect([...map]).toEqual([
    ['a', 3],
    ['c', 4]
  ])
})

test('a full set drops the member that was added longest ago', () => {
  const set = new LruSet<string>(2)
  set.add('a').add('b').add('a').add('c')
  expect([...set]).toEqual(['a', 'c'])
})
