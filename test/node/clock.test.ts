import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '../eventually.ts'
import { names, Network, placeOf } from './network.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() }))
afterEach(() => void vi.useRealTimers())

test('a directory whose clock is set back goes on telling who comes', async () => {
  await using network = await Network.create()
  const directory = placeOf(await network.directory())
  const anna = await network.peer('anna', { directory })
  await network.peer('bob', { directory })
  await eventually(() => expect(names(anna)).toEqual(['bob']))
  vi.setSystemTime(Date.now() - 3_600_000)
  await network.peer('cleo', { directory })
  await eventually(() => expect(names(anna)).toEqual(['bob', 'cleo']))
})
