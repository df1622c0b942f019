/** An examination of a real node on loopback. */
import { expect, test } from 'vitest'
import { Network, placeOf } from '../network.ts'

test('it looks within what is left of the time, to the fraction of a millisecond that a clock gives', async () => {
  await using network = await Network.create()
  const directory = await network.directory()
  const anna = await network.peer('anna', { directory: [placeOf(directory)] })
  const { findings } = await anna.examine({}, { withinMs: 5_000.25 })
  expect(findings.filter(({ area }) => area === 'directory')).toMatchObject([{ verdict: 'ok' }])
})
