import { expect, test } from 'vitest'
import { gridHead, gridRows } from './grid.ts'

test('each pair stands on both sides of the grid, and those that were not measured are empty', () => {
  expect(gridHead).toEqual(['direct in', 'full-cone', 'adf', 'plain', 'symmetric'])
  const rows = gridRows([
    { name: 'plain/plain', runs: 10, direct: 10 },
    { name: 'symmetric/plain', runs: 10, direct: 9 }
  ])
  expect(rows).toEqual([
    ['full-cone', '', '', '', ''],
    ['adf', '', '', '', ''],
    ['plain', '', '', '10 of 10', '9 of 10'],
    ['symmetric', '', '', '9 of 10', '']
  ])
})
