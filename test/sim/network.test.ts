import { expect, test } from 'vitest'
import { Pipe, Simulation } from './network.ts'

function arrivals(seed: number): readonly string[] {
  const simulation = new Simulation(seed)
  const arrived: string[] = []
  const pipes = ['a', 'b'].map((name) => {
    const onItem = (item: number): void => void arrived.push(`${name}${item} at ${simulation.nowMs}`)
    return new Pipe<number>(simulation, { name, delayMs: [1, 50], onItem })
  })
  for (let item = 0; item < 20; item++) for (const pipe of pipes) pipe.send(item)
  simulation.runTo(1_000)
  return arrived
}

test('a seed replays a run, and another seed is another run', () => {
  expect(arrivals(7)).toEqual(arrivals(7))
  expect(arrivals(7)).not.toEqual(arrivals(8))
})

test('what is sent arrives in its order, and what is under way when a link is cut does not', () => {
  const simulation = new Simulation(1)
  const arrived: number[] = []
  const pipe = new Pipe<number>(simulation, { name: 'pipe', delayMs: [1, 50], onItem: (item) => arrived.push(item) })
  for (let item = 0; item < 20; item++) pipe.send(item, `has ${item}`)
  simulation.runUntil(() => arrived.length === 10, 100)
  pipe.cut()
  pipe.send(20)
  simulation.runTo(10_000)
  expect(arrived).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(simulation.steps).toBe(10)
  expect(simulation.nowMs).toBe(10_000)
})

test('events of one time happen in the order in which they were planned', () => {
  const simulation = new Simulation(1)
  const happened: number[] = []
  for (let event = 0; event < 50; event++) simulation.after(event % 3, '', () => happened.push(event))
  simulation.runTo(3)
  expect(happened).toEqual(happened.toSorted((a, b) => (a % 3) - (b % 3) || a - b))
})

test('a run that is never done ends with its seed, its last events and the command that replays it', () => {
  const simulation = new Simulation(4711)
  const again = (): void => void simulation.after(1, 'again', again)
  again()
  expect(() => simulation.runUntil(() => false, 5)).toThrow(
    /seed 4711, at 5 ms: not done after 5 events\n {2}1 ms: again\n(?:.*\n)*.*SIM_SEED=4711 npx vitest run test\/sim$/u
  )
  expect(() => new Simulation(12).runUntil(() => false, 5)).toThrow('nothing more will happen')
})
