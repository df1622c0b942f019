import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameQueue, FrameTooLargeError, QueueClosedError } from '../../src/wire/index.ts'
import { collect } from './collect.ts'

/** Items are their own size. */
function queueOf(maxBytes: number): FrameQueue<number> {
  return new FrameQueue<number>({ maxBytes, sizeOf: (size) => size })
}

/** Whether a promise is still pending after everything that was ready has run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const marker = {}
  await new Promise((resolve) => setImmediate(resolve))
  return (await Promise.race([promise, Promise.resolve(marker)])) === marker
}

describe('a frame queue', () => {
  test('yields all that waits as one batch, in order, and then ends', async () => {
    const queue = queueOf(100)
    for (const item of [3, 1, 2]) {
      await queue.push(item)
    }
    expect(queue.queuedBytes).toBe(6)
    queue.end()
    expect(await collect(queue)).toEqual([[3, 1, 2]])
    expect(queue.queuedBytes).toBe(0)
  })

  test('wakes a reader that was there first, and once for all that is queued in one go', async () => {
    const queue = queueOf(100)
    const batches = collect(queue)
    await new Promise((resolve) => setImmediate(resolve))
    queue.offer(1)
    queue.offer(2)
    await new Promise((resolve) => setImmediate(resolve))
    queue.offer(3)
    queue.end()
    expect(await batches).toEqual([[1, 2], [3]])
  })

  test('is idle only while its reader is done with all that was queued', async () => {
    const queue = queueOf(100)
    const seen: boolean[] = [queue.isIdle]
    const written = Promise.withResolvers<void>()
    const reading = (async () => {
      for await (const batch of queue) {
        seen.push(queue.isIdle)
        if (batch.includes(2)) await written.promise
      }
    })()
    seen.push(queue.isIdle)
    queue.offer(1)
    seen.push(queue.isIdle)
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([false, true, false, false])
    expect(queue.isIdle).toBe(true)
    queue.offer(2)
    await new Promise((resolve) => setImmediate(resolve))
    expect(queue.isIdle).toBe(false)
    written.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    expect(queue.isIdle).toBe(true)
    queue.end()
    expect(queue.isIdle).toBe(false)
    await reading
  })

  test('makes writers wait at its bound and lets them in in the order in which they came', async () => {
    const queue = queueOf(10)
    await queue.push(10)
    const large = queue.push(8)
    const small = queue.push(1)
    const late = queue.push(5)
    expect(await isPending(large)).toBe(true)
    expect(queue.queuedBytes).toBe(10)
    expect(queue.offer(0)).toBe(false)

    const reader = queue[Symbol.asyncIterator]()
    expect(await reader.next()).toEqual({ done: false, value: [10] })
    await Promise.all([large, small])
    expect(await isPending(late)).toBe(true)
    expect(queue.queuedBytes).toBe(9)

    expect(await reader.next()).toEqual({ done: false, value: [8, 1] })
    await late
    queue.end()
    expect(await reader.next()).toEqual({ done: false, value: [5] })
    expect(await reader.next()).toEqual({ done: true, value: undefined })
  })

  test('keeps order and bound for any sizes, and loses and doubles nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 10 })), async (sizes) => {
        const queue = queueOf(10)
        const pushed = Promise.all(sizes.map((size) => queue.push(size))).then(() => queue.end())
        const seen: number[] = []
        for await (const batch of queue) {
          expect(batch.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(10)
          expect(queue.queuedBytes).toBeLessThanOrEqual(10)
          seen.push(...batch)
        }
        await pushed
        expect(seen).toEqual(sizes)
      })
    )
  })

  test('refuses an item that could never fit', async () => {
    const queue = queueOf(10)
    await expect(queue.push(11)).rejects.toBeInstanceOf(FrameTooLargeError)
    expect(queue.offer(11)).toBe(false)
    expect(queue.queuedBytes).toBe(0)
  })

  test('a writer that gives up is not queued and does not hold up the next', async () => {
    const queue = queueOf(10)
    await queue.push(10)
    const controller = new AbortController()
    const given = queue.push(9, { signal: controller.signal })
    const next = queue.push(7)
    controller.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    await expect(queue.push(1, { signal: controller.signal })).rejects.toThrow('enough')

    const reader = queue[Symbol.asyncIterator]()
    expect((await reader.next()).value).toEqual([10])
    await next
    expect((await reader.next()).value).toEqual([7])
  })

  test('when ended it refuses new and waiting writers, and what is queued still goes out', async () => {
    const queue = queueOf(10)
    await queue.push(10)
    const waiting = queue.push(1)
    queue.end()
    queue.end()
    await expect(waiting).rejects.toBeInstanceOf(QueueClosedError)
    await expect(queue.push(1)).rejects.toBeInstanceOf(QueueClosedError)
    expect(queue.offer(1)).toBe(false)
    expect(await collect(queue)).toEqual([[10]])
  })

  test('when aborted it drops what is queued, refuses writers with the cause, and throws in its reader', async () => {
    const queue = queueOf(10)
    const cause = new Error('stream gone')
    await queue.push(10)
    const waiting = queue.push(1)
    queue.abort(cause)
    queue.abort(new Error('later'))
    await expect(waiting).rejects.toMatchObject({ name: 'QueueClosedError', stage: 'write', cause })
    await expect(queue.push(1)).rejects.toMatchObject({ name: 'QueueClosedError', cause })
    expect(queue.offer(1)).toBe(false)
    expect(queue.queuedBytes).toBe(0)
    await expect(collect(queue)).rejects.toBe(cause)
  })

  test('aborting wakes a reader that waits', async () => {
    const queue = queueOf(10)
    const batches = collect(queue)
    await new Promise((resolve) => setImmediate(resolve))
    queue.abort(new Error('stop'))
    await expect(batches).rejects.toThrow('stop')
  })

  test('is closed when its reader leaves, and has only one', async () => {
    const queue = queueOf(10)
    await queue.push(1)
    for await (const batch of queue) {
      expect(batch).toEqual([1])
      break
    }
    await expect(queue.push(1)).rejects.toBeInstanceOf(QueueClosedError)
    expect(() => queue[Symbol.asyncIterator]()).toThrow('one reader')
  })
})
