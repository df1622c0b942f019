import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Fetch } from '../../../src/node/files/fetch.ts'
import { until } from '../../eventually.ts'

test('a sender that was not reached is tried again as soon as it is connected, not when the pause is over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-fetch-'))
  onTestFinished(async () => rm(folder, { recursive: true, force: true }))
  let tries = 0
  const anHourMs = 3_600_000
  const fetch = new Fetch({
    peers: () => ['anna'],
    file: 'ab'.repeat(32),
    name: 'photo.jpg',
    sizeBytes: 10,
    folder,
    minFreeBytes: 0,
    part: undefined,
    network: {
      connection: () => undefined,
      connect: async () => {
        tries++
        throw new Error('nothing listens there')
      }
    },
    service: () => expect.fail('there is no connection'),
    onPart: async () => undefined,
    onProgress: () => undefined,
    backoff: { firstMs: anHourMs, maxMs: anHourMs }
  })
  const stopped = expect(fetch.run()).rejects.toThrow('enough')
  await until(() => fetch.why === 'nothing listens there', 'the first try')
  fetch.wake('anna')
  await until(() => tries === 2, 'the second try')
  await fetch.stop(new Error('enough'))
  await stopped
})
