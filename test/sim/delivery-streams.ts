// The simulated streams between two processes, or between one and another program:
// how they open, break, and go silent.
import type { OutgoingFrame } from '../../src/chat-protocol/frames.ts'
import type { Life } from './delivery-process.ts'
import type { Pipe, Simulation } from './network.ts'

/** One end of a stream. */
export interface End {
  readonly id: number
  readonly openedBy: 'us' | 'them'
  readonly out: Pipe<OutgoingFrame | 'over'>
  readonly inbox: OutgoingFrame[]
  isHandling: boolean
  /** Nothing is read from it or written to it any more. */
  isOver: boolean
  /** The other end, for as long as it lives. */
  other: { readonly life: Life; readonly end: End } | undefined
}

/** Opens a stream between two processes. */
export function connect(simulation: Simulation, opener: Life, other: Life): void {
  const here = opener.newEnd('us', (item) => other.arrived(there, item))
  const there: End = other.newEnd('them', (item) => opener.arrived(here, item))
  here.other = { life: other, end: there }
  there.other = { life: opener, end: here }
  opener.join(here)
  other.join(there)
}

/** Opens a stream between a process and another program, which reads and says nothing. */
export function connectProgram(simulation: Simulation, life: Life): void {
  const end = life.newEnd(simulation.random.isOne(2) ? 'us' : 'them', () => undefined)
  life.join(end)
}

/** The stream breaks: what is under way may still arrive, and the other end hears of it, sooner or later. */
export function cut(simulation: Simulation, end: End, noticedMs: readonly [number, number] = [0, 300]): void {
  if (end.isOver) return
  end.isOver = true
  const { other } = end
  if (other === undefined) return end.out.cut()
  if (simulation.random.isOne(2)) {
    end.out.cut()
    const [least, most] = noticedMs
    simulation.after(simulation.between(least, most), '', () => other.life.arrived(other.end, 'over'))
  } else end.out.send('over')
}

/** Nothing arrives any more on a stream, and both ends find that out for themselves. */
export function freeze(simulation: Simulation, end: End): void {
  for (const one of [end, end.other?.end]) one?.out.cut()
  const { other } = end
  if (other === undefined) return
  for (const [life, here] of [
    [other.end.other?.life, end],
    [other.life, other.end]
  ] as const) {
    if (life !== undefined) simulation.after(simulation.between(1_000, 100_000), '', () => life.arrived(here, 'over'))
  }
}
