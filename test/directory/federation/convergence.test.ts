import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identity } from '../records.ts'
import { Network } from './network.ts'

const directories = await Promise.all([1, 2, 3, 4].map(identity))
const peers = await Promise.all([11, 12, 13, 14, 15].map(identity))

/** A small generator of our own: one number replays a whole run. */
function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const aDirectory = fc.nat(directories.length - 1)
const aPeer = fc.nat(peers.length - 1).map((n) => peers[n] ?? directories[0])
const deed = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('attach' as const), at: aDirectory, peer: aPeer }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('detach' as const), at: aDirectory, peer: aPeer }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('withdraw' as const), peer: aPeer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), at: aDirectory }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const), at: aDirectory }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('bounce' as const), at: aDirectory }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('part' as const), at: aDirectory, from: aDirectory }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repair' as const), at: aDirectory, from: aDirectory }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 50, max: 4_000 }) }) }
)
type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never

function perform(network: Network, one: Deed): void {
  switch (one.do) {
    case 'attach':
      if (one.peer !== undefined) network.attach(one.at, one.peer.peer)
      return
    case 'detach':
      if (one.peer !== undefined) network.detach(one.at, one.peer.peer)
      return
    case 'withdraw':
      if (one.peer !== undefined) network.withdraw(one.peer.peer)
      return
    case 'kill':
      network.kill(one.at)
      return
    case 'restart':
      network.restart(one.at)
      return
    case 'bounce':
      network.kill(one.at)
      network.run(500)
      network.restart(one.at)
      return
    case 'part':
      network.part(one.at, one.from)
      return
    case 'repair':
      network.repair(one.at, one.from)
      return
    case 'wait':
      network.run(one.ms)
  }
}

describe('directories that lose messages, part, die and come back', () => {
  it('all show the truth, and nothing else, within 15 s of the last disturbance', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 5, maxLength: 40 }), fc.integer(), (deeds, seed) => {
        const network = new Network(directories, chance(seed))
        for (const one of deeds) perform(network, one)
        network.repairAll()
        // Gossip goes on losing messages: only what is replayed has an end.
        network.noise = { lost: 0.1, replayed: 0, maxDelayMs: 300 }
        network.run(15_000)
        const { shown, truth } = network.rosters()
        for (const roster of shown) expect(roster).toEqual(truth)
        const [first, ...others] = network.digests()
        for (const digests of others) expect(digests).toEqual(first)
      }),
      { numRuns: 200, endOnFailure: true }
    )
  })
})
