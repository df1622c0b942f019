// The federation under faults: the machines of real directories, in a network that
// loses, doubles, delays and reorders, with crashes, partitions, clocks that are
// wrong, processes that stand still, and directories that lie. A failure prints the
// command that replays its seed.
import { expect, it } from 'vitest'
import { identity } from '../../presence/records.ts'
import { seedsToPlay } from '../network.ts'
import { Scenario } from './scenario.ts'

const SEEDS = 1_000

const cast = {
  directories: await Promise.all([1, 2, 3, 4].map(identity)),
  clients: await Promise.all([11, 12, 13, 14, 15].map(identity))
}

it('directories that lose messages, part, die, come back and hear lies all show the truth, and nothing else, within 15 s of the last disturbance', () => {
  for (const seed of seedsToPlay(SEEDS)) Scenario.play(seed, cast)
})

it('a seed replays a run', () => {
  const steps = [1, 1, 2].map((seed) => Scenario.play(seed, cast).simulation.steps)
  expect(steps[0]).toBe(steps[1])
  expect(steps[0]).not.toBe(steps[2])
})
