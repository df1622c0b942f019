// Withdrawals that do not reach every directory, and those that come late: what the
// directories show of each other ends by their own statements.
import { expect, it } from 'vitest'
import type { VerifiedRecord } from '../../../src/presence/index.ts'
import { identity } from '../../presence/records.ts'
import { Simulation } from '../network.ts'
import { FederationNetwork, type SimDirectory } from './federation-network.ts'

const SETTLED_MS = 10_000
const directories = await Promise.all([1, 2, 3].map(identity))
const client = await identity(11)

class Lab {
  readonly #simulation = new Simulation(1)
  readonly network = new FederationNetwork(this.#simulation, directories)

  constructor() {
    this.network.noise.lost = 0
    this.network.noise.doubled = 0
    this.pass(SETTLED_MS)
  }

  pass(forMs: number): void {
    this.#simulation.runTo(this.#simulation.nowMs + forMs)
  }

  record(seq: bigint, withdrawn = false): VerifiedRecord {
    return this.network.seals.record(client.peer, seq, withdrawn)
  }

  announce(seq: bigint, at: SimDirectory): void {
    at.merge((roster, nowMs) => {
      const announced = roster.announce(this.record(seq), { source: at.id, nowMs })
      return announced.outcome === 'full' ? [] : announced.changes
    })
  }

  withdraw(seq: bigint, at: SimDirectory): void {
    at.merge((roster, nowMs) => {
      const withdrawn = roster.withdraw(this.record(seq, true), nowMs)
      return withdrawn.outcome === 'full' ? [] : withdrawn.changes
    })
  }

  detach(at: SimDirectory): void {
    at.merge((roster) => roster.detach(client.id, at.id))
  }

  /** By each directory, the directories at which it shows the client. */
  shown(): readonly (readonly string[])[] {
    return this.network.directories.map(({ roster }) =>
      (roster.get(client.id)?.attachments ?? []).map(({ source }) => this.#nameOf(source)).toSorted()
    )
  }

  #nameOf(source: string): string {
    return 'abc'.charAt(this.network.directories.findIndex(({ id }) => id === source))
  }
}

function lab(): { readonly lab: Lab; readonly a: SimDirectory; readonly b: SimDirectory; readonly c: SimDirectory } {
  const made = new Lab()
  const [a, b, c] = made.network.directories
  if (a === undefined || b === undefined || c === undefined) throw new Error('three directories are needed')
  return { lab: made, a, b, c }
}

it('a peer whose withdrawal gossip has lost goes by the statement of its directory, and old words bring it back nowhere', () => {
  const { lab: at, a, b } = lab()
  at.announce(1n, a)
  at.pass(SETTLED_MS)
  expect(at.shown()).toEqual([['a'], ['a'], ['a']])
  const old = at.network.overheard.filter(({ by, isHeartbeat }) => by === a && !isHeartbeat)
  at.network.noise.lost = 1
  at.withdraw(2n, a)
  at.pass(500)
  expect(at.shown()).toEqual([[], ['a'], ['a']])
  at.network.noise.lost = 0
  at.pass(SETTLED_MS)
  expect(at.shown()).toEqual([[], [], []])
  expect(a.roster.newest(client.id)?.record.withdrawn).toBe(true)
  expect(b.roster.newest(client.id)?.record.withdrawn ?? false).toBe(false)
  expect(old.length).toBeGreaterThan(0)
  for (const { bytes } of old) b.hears(bytes)
  at.pass(SETTLED_MS)
  expect(at.shown()).toEqual([[], [], []])
})

it('a directory that has missed a withdrawal keeps what it has itself attached, and all show that, until it ends', () => {
  const { lab: at, a, b } = lab()
  at.announce(1n, a)
  at.announce(1n, b)
  at.pass(SETTLED_MS)
  at.network.noise.lost = 1
  at.withdraw(2n, a)
  at.pass(500)
  at.network.noise.lost = 0
  at.pass(SETTLED_MS)
  // The one that has the withdrawal shows none of it; the peer has a connection to the other for a moment more.
  expect(at.shown()).toEqual([[], ['b'], ['b']])
  at.detach(b)
  at.pass(SETTLED_MS)
  expect(at.shown()).toEqual([[], [], []])
})

it('a directory states the newest record of a peer that it has under an older one, and a withdrawal between the two ends both', () => {
  const { lab: at, a, b } = lab()
  at.announce(1n, a)
  at.pass(SETTLED_MS)
  at.announce(3n, b)
  at.pass(SETTLED_MS)
  const own = a.roster.get(client.id)?.attachments.find(({ source }) => source === a.id)
  const stated = a.machine.state.statementsOf(client.id).find(({ statement }) => statement.directory.equals(a.who.peer))
  expect(own?.seq).toBe(1n)
  expect(stated?.statement.seq).toBe(3n)
  at.withdraw(2n, a)
  at.pass(SETTLED_MS)
  expect(at.shown()).toEqual([['b'], ['b'], ['b']])
})
