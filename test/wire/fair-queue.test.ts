import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FairQueue } from '../../src/wire/fair-queue.ts'

describe('turns', () => {
  it('let through what fits into one, and the rest in order with the next ones', async () => {
    const turns = new FairQueue(100)
    const went: number[] = []
    for (let i = 0; i < 7; i++) void turns.take(40).then(() => went.push(i))
    await Promise.resolve()
    await Promise.resolve()
    expect(went).toEqual([0, 1, 2])
    await nextTurn()
    expect(went).toEqual([0, 1, 2, 3, 4, 5])
    await nextTurn()
    expect(went).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('let through also what is larger than one', async () => {
    const turns = new FairQueue(10)
    await turns.take(1_000)
    await turns.take(1_000)
  })
})
