import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LAN, Roster } from '../../src/presence/index.ts'
import type { RosterChange, VerifiedRecord } from '../../src/presence/index.ts'
import { identity, sealedBy } from './records.ts'

const ada = await identity(1)
const bob = await identity(2)
const at = (source: string, nowMs = 0, leaseMs = 60_000) => ({ source, nowMs, leaseMs })

/** The roster as its readers see it. */
function seen(roster: Roster) {
  return roster
    .entries()
    .map(({ peer, record, attachments }) => ({
      peer,
      seq: record.record.seq,
      nickname: record.record.nickname,
      attachments: attachments.map(({ source, sinceMs, seq }) => ({ source, sinceMs, seq }))
    }))
    .toSorted((a, b) => (a.peer < b.peer ? -1 : 1))
}

const kinds = (changes: readonly RosterChange[]) => changes.map((change) => change.kind)
function changesOf(announced: ReturnType<Roster['announce']>): readonly RosterChange[] {
  return announced.outcome === 'full' ? [] : announced.changes
}

describe('the roster', () => {
  it('shows a peer while at least one source attests it', async () => {
    const roster = new Roster()
    const record = await sealedBy(ada)
    expect(kinds(changesOf(roster.announce(record, at('A'))))).toEqual(['joined'])
    expect(kinds(changesOf(roster.announce(record, at(LAN))))).toEqual(['changed'])
    expect(kinds(roster.detach(ada.id, 'A'))).toEqual(['changed'])
    expect(roster.size).toBe(1)
    expect(roster.detach(ada.id, LAN)).toMatchObject([{ kind: 'gone', why: 'detached' }])
    expect([roster.size, roster.entries(), roster.nextDeadline()]).toEqual([0, [], Infinity])
  })

  it('reports no change at a renewal, and holds the peer for another lease', async () => {
    const roster = new Roster()
    const record = await sealedBy(ada)
    roster.announce(record, at('A', 0))
    expect(changesOf(roster.announce(record, at('A', 30_000)))).toEqual([])
    expect(roster.expire(60_000)).toEqual([])
    expect(roster.nextDeadline()).toBe(90_000)
    expect(roster.expire(90_000)).toMatchObject([{ kind: 'gone', why: 'lost' }])
  })

  it('replaces a record only by a newer one, and returns the newest', async () => {
    const roster = new Roster()
    const [old, recent] = [await sealedBy(ada, { seq: 1n, nickname: 'old' }), await sealedBy(ada, { seq: 2n })]
    roster.announce(recent, at('A'))
    expect(roster.announce(old, at('A'))).toMatchObject({ outcome: 'stale', newest: recent, changes: [] })
    expect(roster.get(ada.id)?.record).toBe(recent)
  })

  it('drops a peer that leaves at once, for every source', async () => {
    const roster = new Roster()
    roster.announce(await sealedBy(ada, { seq: 1n }), at('A'))
    roster.announce(await sealedBy(ada, { seq: 1n }), at('B'))
    const farewell = await sealedBy(ada, { seq: 2n, withdrawn: true })
    expect(roster.announce(farewell, at('A'))).toMatchObject({
      outcome: 'accepted',
      changes: [{ kind: 'gone', why: 'left', withdrawal: farewell }]
    })
    expect(roster.size).toBe(0)
  })

  it('ignores older records after a withdrawal, for two leases', async () => {
    const roster = new Roster({ tombstoneMs: 120_000 })
    const [old, farewell] = [await sealedBy(ada, { seq: 1n }), await sealedBy(ada, { seq: 2n, withdrawn: true })]
    roster.announce(old, at('A'))
    roster.withdraw(farewell, 0)
    roster.expire(119_999)
    expect(roster.announce(old, at('B', 119_999))).toMatchObject({ outcome: 'stale', newest: farewell })
    expect(roster.size).toBe(0)
    expect(roster.nextDeadline()).toBe(120_000)
    roster.expire(120_000)
    expect(roster.newest(ada.id)).toBeUndefined()
    expect(kinds(changesOf(roster.announce(await sealedBy(ada, { seq: 3n }), at('A'))))).toEqual(['joined'])
  })

  it('keeps a peer that returns within its grace, and loses it after that', async () => {
    const roster = new Roster()
    const record = await sealedBy(ada)
    roster.announce(record, at('A', 0))
    expect(kinds(roster.lost(ada.id, 'A', 1_000, 5_000))).toEqual(['changed'])
    expect(roster.expire(5_999)).toEqual([])
    expect(kinds(changesOf(roster.announce(record, at('A', 5_999))))).toEqual(['changed'])
    expect(roster.expire(6_000)).toEqual([])
    roster.lost(ada.id, 'A', 10_000, 5_000)
    expect(roster.nextDeadline()).toBe(15_000)
    expect(roster.expire(15_000)).toMatchObject([{ kind: 'gone', why: 'lost' }])
  })

  it('counts the grace from the first loss, even if the loss is reported again', async () => {
    const roster = new Roster()
    roster.announce(await sealedBy(ada), at('A', 0))
    roster.lost(ada.id, 'A', 1_000, 5_000)
    expect(roster.lost(ada.id, 'A', 4_000, 5_000)).toEqual([])
    expect(roster.nextDeadline()).toBe(6_000)
  })

  it('loses with a source only the peers that it alone attested', async () => {
    const roster = new Roster()
    roster.announce(await sealedBy(ada), { source: 'A', nowMs: 0 })
    roster.announce(await sealedBy(bob), { source: 'A', nowMs: 0 })
    roster.announce(await sealedBy(bob), { source: 'B', nowMs: 0 })
    roster.lostSource('A', 0, 3_000)
    roster.expire(3_000)
    expect(seen(roster)).toMatchObject([{ peer: bob.id, attachments: [{ source: 'B' }] }])
  })

  it('detaches peers that a source’s complete list does not name', async () => {
    const roster = new Roster()
    roster.announce(await sealedBy(ada), { source: 'A', nowMs: 0 })
    roster.announce(await sealedBy(bob), { source: 'A', nowMs: 0 })
    expect(roster.retain('A', new Set([bob.id]))).toMatchObject([{ kind: 'gone', was: { peer: ada.id } }])
    expect(roster.size).toBe(1)
  })

  it('holds no more peers and tombstones than it may', async () => {
    const roster = new Roster({ maxPeers: 1, maxTombstones: 1 })
    const carol = await identity(3)
    roster.announce(await sealedBy(ada), at('A'))
    expect(roster.announce(await sealedBy(bob), at('A'))).toEqual({ outcome: 'full', limit: 1 })
    expect(changesOf(roster.announce(await sealedBy(ada, { seq: 2_000n }), at('A')))).toHaveLength(1)
    roster.withdraw(await sealedBy(bob, { seq: 9n, withdrawn: true }), 0)
    roster.withdraw(await sealedBy(carol, { seq: 9n, withdrawn: true }), 0)
    expect(roster.newest(bob.id)).toBeUndefined()
    expect(roster.newest(carol.id)).toBeDefined()
  })

  it('is the same for any order of announcements, doubled or not', async () => {
    interface Event {
      readonly record: VerifiedRecord
      readonly source: string
    }
    const events: Event[] = []
    for (const who of [ada, bob]) {
      for (const source of ['A', 'B', LAN]) {
        for (const seq of [1n, 2n, 3n, 4n]) {
          events.push({
            record: await sealedBy(who, { seq, nickname: `n${seq}${source}`, withdrawn: seq === 2n }),
            source
          })
        }
      }
    }
    const apply = (order: readonly Event[]) => {
      const roster = new Roster()
      for (const { record, source } of order) {
        const before = seen(roster)
        const changes = changesOf(roster.announce(record, at(source)))
        // The reported changes add up to the roster.
        if (changes.length === 0)
          expect(seen(roster).map(({ peer, nickname }) => ({ peer, nickname }))).toEqual(
            before.map(({ peer, nickname }) => ({ peer, nickname }))
          )
      }
      return { seen: seen(roster), size: roster.size, newest: [ada, bob].map(({ id }) => roster.newest(id)) }
    }
    fc.assert(
      fc.property(
        fc
          .subarray(events, { minLength: 1 })
          .chain((some) =>
            fc.tuple(fc.constant(some), fc.shuffledSubarray([...some, ...some], { minLength: some.length * 2 }))
          ),
        ([some, shuffled]) => {
          expect(apply(shuffled)).toEqual(apply(some))
        }
      ),
      { numRuns: 300 }
    )
  })
})

describe('a roster with an own source', () => {
  it('accepts all peers of that source, however full the rest is', async () => {
    const roster = new Roster({ own: 'here', maxPeers: 1 })
    const [first, second, third] = await Promise.all([identity(51), identity(52), identity(53)])
    expect(roster.announce(await sealedBy(first), { source: 'there', nowMs: 0 }).outcome).toBe('accepted')
    expect(roster.announce(await sealedBy(second), { source: 'there', nowMs: 0 }).outcome).toBe('full')
    expect(roster.announce(await sealedBy(second), { source: 'here', nowMs: 0 }).outcome).toBe('accepted')
    expect(roster.announce(await sealedBy(third), { source: 'here', nowMs: 0 }).outcome).toBe('accepted')
    expect(roster.size).toBe(3)
  })

  it('has room again when a peer of another source is attached to the own source too', async () => {
    const roster = new Roster({ own: 'here', maxPeers: 1 })
    const [first, second] = await Promise.all([identity(51), identity(52)])
    roster.announce(await sealedBy(first), { source: 'there', nowMs: 0 })
    roster.announce(await sealedBy(first), { source: 'here', nowMs: 0 })
    expect(roster.announce(await sealedBy(second), { source: 'there', nowMs: 0 }).outcome).toBe('accepted')
  })
})
