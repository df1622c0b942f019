import { expect, test, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import { FREE_SPACE_LOOK_MS, MIN_FREE_PART, DiskRoom, type DiskSpace } from '../../../src/node/messaging/disk-room.ts'
import { parseSize, sizeText } from '../../../src/node/config/setting-values.ts'

const mib = 2 ** 20

function roomOn(space: () => DiskSpace | undefined) {
  let nowMs = 0
  const look = vi.fn(async (): Promise<DiskSpace> => {
    const found = space()
    if (found === undefined) throw new Error('no such file system')
    return found
  })
  const room = new DiskRoom({ folder: '/somewhere', quotaBytes: 100, minFreeBytes: 256 * mib, now: () => nowMs, look })
  const later = async (ms: number): Promise<void> => {
    nowMs += ms
    expect(room.limitBytes).toBeGreaterThanOrEqual(0)
    await eventually(() => expect(look.mock.results.at(-1)?.type).toBe('return'))
    await Promise.resolve()
  }
  return { room, look, later }
}

test('nothing more is taken while less is free than must stay free, and then again', async () => {
  let freeBytes = 300 * mib
  const { room, later } = roomOn(() => ({ freeBytes, sizeBytes: 100_000 * mib }))
  await room.refresh()
  expect([room.isLow, room.limitBytes]).toEqual([false, 100])
  freeBytes = 255 * mib
  await later(FREE_SPACE_LOOK_MS)
  await eventually(() => expect([room.isLow, room.limitBytes]).toEqual([true, 0]))
  freeBytes = 257 * mib
  await later(FREE_SPACE_LOOK_MS)
  await eventually(() => expect(room.limitBytes).toBe(100))
})

test('of a small disk a part stays free, as the usual floor could be more than there is', async () => {
  const { room } = roomOn(() => ({ freeBytes: 6 * mib, sizeBytes: 100 * mib }))
  await room.refresh()
  expect(room.view.floorBytes).toBe(100 * mib * MIN_FREE_PART)
  expect(room.isLow).toBe(false)
})

test('the disk is looked at seldom, however many messages come', async () => {
  const { room, look } = roomOn(() => ({ freeBytes: 300 * mib, sizeBytes: 100_000 * mib }))
  await room.refresh()
  for (let message = 0; message < 1000; message++) expect(room.limitBytes).toBe(100)
  expect(look).toHaveBeenCalledTimes(1)
})

test('where the system does not say what is free there is no floor', async () => {
  const { room } = roomOn(() => undefined)
  await room.refresh()
  expect([room.isLow, room.view.freeBytes]).toEqual([false, undefined])
})

test('sizes are read as they are written', () => {
  expect(['64KiB', '500MiB', '2GiB', '1TiB'].map((text) => parseSize(text, 0))).toEqual([
    2 ** 16,
    500 * mib,
    2 ** 31,
    2 ** 40
  ])
  expect(parseSize('none', Infinity)).toBe(Infinity)
  for (const wrong of ['', '5', '5MB', '0KiB', '-1GiB', '1.5GiB', 'NONE']) {
    expect(() => parseSize(wrong, 0)).toThrow('such as 500MiB')
  }
  expect([0, 1023, 1536, 150 * mib, 2 ** 30].map(sizeText)).toEqual([
    '0 bytes',
    '1023 bytes',
    '1.5 KiB',
    '150 MiB',
    '1 GiB'
  ])
})
