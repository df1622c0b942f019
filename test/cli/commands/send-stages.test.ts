import { expect, test } from 'vitest'
import { WORTH_A_WORD_MS } from '../../../src/cli/process/progress-line.ts'
import { SendStages } from '../../../src/cli/commands/send.ts'

test('a stage that lasts is said once, and one that is over soon is not', () => {
  const said: string[] = []
  const stages = new SendStages((line) => said.push(line))
  stages.at('looking', 'bob', 0)
  stages.at('looking', 'bob', WORTH_A_WORD_MS - 1)
  stages.at('connecting', 'bob', WORTH_A_WORD_MS)
  expect(said).toEqual([])
  for (const nowMs of [2, 3, 4]) stages.at('connecting', 'bob', nowMs * WORTH_A_WORD_MS)
  stages.at('receipt', 'bob', 5 * WORTH_A_WORD_MS)
  stages.at('connecting', 'bob', 6 * WORTH_A_WORD_MS)
  stages.at('connecting', 'bob', 7 * WORTH_A_WORD_MS)
  stages.at('receipt', 'bob', 8 * WORTH_A_WORD_MS)
  stages.at('receipt', 'bob', 9 * WORTH_A_WORD_MS)
  expect(said).toEqual(['connecting to bob …', 'waiting for the receipt from bob …'])
})

test('work that is done at once needs no word, and its failure comes through', async () => {
  const said: string[] = []
  const stages = new SendStages((line) => said.push(line))
  expect(await stages.watch('bob', () => 'looking', Promise.resolve(7))).toBe(7)
  await expect(stages.watch('bob', () => 'looking', Promise.reject(new Error('nobody')))).rejects.toThrow('nobody')
  expect(said).toEqual([])
})
