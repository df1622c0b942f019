import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LAN, Roster } from '../../src/directory/index.ts'
import type { RosterChange, VerifiedRecord } from '../../src/directory/index.ts'
import { identity, sealedBy } from './records.ts'

const ada = await identity(1)
const bob = await identity(2)
const at = (source: string, nowMs = 0, leaseMs = 60_000) => ({ source, nowMs, leaseMs })

/** The roster as anybody sees it. */
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
  it('shows a peer while at least one source vouches for it', async () => {
    const roster = new Roster()
    const record = await sealedBy(ada)
    expect(kinds(changesOf(roster.announce(record, at('A'))))).toEqual(['joined'])
    expect(kinds(changesOf(roster.announce(record, at(LAN))))).toEqual(['changed'])
    expect(kinds(roster.detach(ada.id, 'A'))).toEqual(['changed'])
    expect(roster.size).toBe(1)
    expect(roster.detach(ada.id, LAN)).toMatchObject([{ kind: 'gone', why: 'detached' }])
    expect([roster.size, roster.entries(), roster.nextDeadline()]).toEqual([0, [], Infinity])
  })

  it('tells nothing of a renewal, and holds the peer for another lease', async () => {
    const roster = new Roster()
    const record = await sealedBy(ada)
    roster.announce(record, at('A', 0))
    expect(changesOf(roster.announce(record, at('A', 30_000)))).toEqual([])
    expect(roster.expire(60_000)).toEqual([])
    expect(roster.nextDeadline()).toBe(90_000)
    expect(roster.expire(90_000)).toMatchObject([{ kind: 'gone', why: 'lost' }])
  })

  it('replaces a record only by a newer one, and hands the newest back', async () => {
    const roster = new Roster()
    const [old, recent] = [await sealedBy(ada, { seq: 1n, nickname: 'old' }), await sealedBy(ada, { seq: 2n })]
    roster.announce(recent, at('A'))
    expect(roster.announce(old, at('A'))).toMatchObject({ outcome: 'stale', newest: recent, changes: [] })
    expect(roster.get(ada.id)?.record).toBe(recent)
  })

  it('lets a peer that leaves go at once, for every source', async () => {
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

  it('is not fooled by an older record after a withdrawal, for two leases', async () => {
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

  it('takes a peer back that returns within its grace, and loses it after', async () => {
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

  it('counts the grace from the first loss, whatever is told again', async () => {
    const roster = new Roster()
    roster.announce(await sealedBy(ada), at('A', 0))
    roster.lost(ada.id, 'A', 1_000, 5_000)
    expect(roster.lost(ada.id, 'A', 4_000, 5_000)).toEqual([])
    expect(roster.nextDeadline()).toBe(6_000)
  })

  it('forgets only what a lost source alone vouched for', async () => {
    const roster = new Roster()
    roster.announce(await sealedBy(ada), { source: 'A', nowMs: 0 })
    roster.announce(await sealedBy(bob), { source: 'A', nowMs: 0 })
    roster.announce(await sealedBy(bob), { source: 'B', nowMs: 0 })
    roster.lostSource('A', 0, 3_000)
    roster.expire(3_000)
    expect(seen(roster)).toMatchObject([{ peer: bob.id, attachments: [{ source: 'B' }] }])
  })

  it('detaches whoever a complete word of a source does not name', async () => {
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

  it('is the same whatever the order of announcements, doubled or not', async () => {
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
        // What is told is what happened.
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
  it('takes in all peers of that source, whatever others have filled', async () => {
    const roster = new Roster({ own: 'here', maxPeers: 1 })
    const [first, second, third] = await Promise.all([identity(51), identity(52), identity(53)])
    expect(roster.announce(await sealedBy(first), { source: 'there', nowMs: 0 }).outcome).toBe('accepted')
    expect(roster.announce(await sealedBy(second), { source: 'there', nowMs: 0 }).outcome).toBe('full')
    expect(roster.announce(await sealedBy(second), { source: 'here', nowMs: 0 }).outcome).toBe('accepted')
    expect(roster.announce(await sealedBy(third), { source: 'here', nowMs: 0 }).outcome).toBe('accepted')
    expect(roster.size).toBe(3)
  })

  it('gives others room again when a peer of theirs is attached to the own source too', async () => {
    const roster = new Roster({ own: 'here', maxPeers: 1 })
    const [first, second] = await Promise.all([identity(51), identity(52)])
    roster.announce(await sealedBy(first), { source: 'there', nowMs: 0 })
    roster.announce(await sealedBy(first), { source: 'here', nowMs: 0 })
    expect(roster.announce(await sealedBy(second), { source: 'there', nowMs: 0 }).outcome).toBe('accepted')
  })
})
