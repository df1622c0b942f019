/** What fuzzing has found worth keeping, tried again: every branch that it reached, and every fault that it showed. */
import { afterAll, describe, expect, test } from 'vitest'
import { keptInputs } from './corpus.ts'
import { targetGroups } from './targets/index.ts'
import { Trial } from './trial.ts'

describe.each(Object.values(targetGroups).flat())('$name', (target) => {
  afterAll(async () => target.stop?.())

  test('the inputs to begin with show no fault', async () => {
    const trial = new Trial(target)
    for (const input of await target.seeds()) {
      await trial.run(input)
      await trial.runStretched(input)
    }
    expect(trial.executions).toBeGreaterThan(0)
  })

  test('the kept inputs show no fault', async () => {
    const trial = new Trial(target)
    for (const { input } of keptInputs(target.name)) await trial.run(input)
  })

  const faults = keptInputs(target.name).filter(({ showed }) => showed !== undefined)
  test.for(faults)('$showed: no more', async ({ input }) => {
    await expect(Promise.resolve(new Trial(target).run(input))).resolves.toBeUndefined()
  })
})
