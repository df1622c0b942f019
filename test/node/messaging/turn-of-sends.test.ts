import { expect, test } from 'vitest'
import { SENDS_AT_ONCE, TurnOfSends } from '../../../src/node/messaging/deliveries.ts'

/** A store that gives back the texts, and remembers what came together. */
function recorder(fail?: Error): { readonly sends: TurnOfSends<string, string>; readonly batches: string[][] } {
  const batches: string[][] = []
  const sends = new TurnOfSends<string, string>(async (peer, texts) => {
    batches.push([peer, ...texts])
    if (fail !== undefined) throw fail
    return texts.map((text) => `stored ${text}`)
  })
  return { sends, batches }
}

test('what is sent to a peer in one turn goes on as one, in its order, and each is answered with its own', async () => {
  const { sends, batches } = recorder()
  const answers = await Promise.all([sends.add('anna', '1'), sends.add('bert', '2'), sends.add('anna', '3')])
  expect(answers).toEqual(['stored 1', 'stored 2', 'stored 3'])
  await sends.add('anna', '4')
  expect(batches).toEqual([
    ['anna', '1', '3'],
    ['bert', '2'],
    ['anna', '4']
  ])
})

test('a turn with more than belongs into one transaction goes on in several, in order', async () => {
  const { sends, batches } = recorder()
  const texts = Array.from({ length: 2 * SENDS_AT_ONCE + 1 }, (_, n) => `${n}`)
  await Promise.all(texts.map(async (text) => sends.add('anna', text)))
  expect(batches.map((batch) => batch.length - 1)).toEqual([SENDS_AT_ONCE, SENDS_AT_ONCE, 1])
  expect(batches.flatMap(([, ...sent]) => sent)).toEqual(texts)
})

test('when a turn can not be stored each of its senders hears why', async () => {
  const full = new Error('no space left on device')
  const { sends } = recorder(full)
  const answers = await Promise.allSettled([sends.add('anna', '1'), sends.add('anna', '2')])
  expect(answers).toEqual([
    { status: 'rejected', reason: full },
    { status: 'rejected', reason: full }
  ])
})
