import { describe, expect, it } from 'vitest'
import {
  STATEMENTS_ASK_AGAIN_MS,
  BEHIND_MS,
  DIRECTORY_ALIVE_MS,
  DIRECTORY_LOST_MS,
  IN_FLIGHT_MS,
  OLD_EPOCH_MS,
  DEAD_KEPT_MS,
  REVIVAL_MS
} from '../../../../src/directory/federation/state/known-directory.ts'
import { HELD_STATEMENT_BYTES, AttachmentDigest } from '../../../../src/directory/federation/state/statement-log.ts'
import { FederationState } from '../../../../src/directory/federation/state/federation-state.ts'
import { MAX_KNOWN_DIRECTORIES } from '../../../../src/directory/federation-frames.ts'
import type { ClaimedStatement } from '../../../../src/directory/statement.ts'
import type { RosterEffect } from '../../../../src/directory/federation/state/known-directory.ts'
import { LAN, Roster } from '../../../../src/presence/index.ts'
import { identity } from '../../../presence/records.ts'
import { beat, record, word } from '../words.ts'
import { defaultLimits } from '../../../../src/directory/federation/state/known-directories.ts'
import type { FederationLimits } from '../../../../src/directory/federation/state/known-directories.ts'
import { applyEffects } from '../../../../src/directory/federation/state/state-expiry.ts'

type OfferedUpdate = Parameters<FederationState['merge']>[0]

const [self, north, south, liar] = await Promise.all([identity(1), identity(2), identity(3), identity(4)])
const [ada, bob, carol] = await Promise.all([identity(11), identity(12), identity(13)])

/** A state with its roster, as a directory has them. */
class Here {
  readonly state: FederationState
  readonly roster = new Roster()

  constructor(limits: Partial<FederationLimits> = {}, isNamed = (): boolean => false) {
    this.state = new FederationState({ self: self.id, epoch: 100n, limits, isNamed })
  }

  merge(update: OfferedUpdate, nowMs: number) {
    const { outcome, effects } = this.state.merge(update, nowMs)
    this.apply(effects, nowMs)
    return outcome
  }

  heard(heartbeat: ReturnType<typeof beat>, nowMs: number, agoMs = 0) {
    const { fresh, effects } = this.state.heard(heartbeat, nowMs, { agoMs })
    this.apply(effects, nowMs)
    return fresh
  }

  expire(nowMs: number) {
    const effects = this.state.expire(nowMs)
    this.apply(effects, nowMs)
    return effects.length
  }

  apply(effects: readonly RosterEffect[], nowMs: number) {
    applyEffects(this.roster, effects, nowMs)
  }

  /** Who is shown, and by whom. */
  get shown(): string[] {
    return this.roster
      .entries()
      .flatMap(({ peer, attachments }) => attachments.map(({ source }) => `${peer} ${source}`))
  }
}

function digestOf(...updates: readonly OfferedUpdate[]) {
  const digest = new AttachmentDigest()
  for (const { statement } of updates) digest.add(statement.statement)
  return { digest: digest.bytes(), count: digest.count }
}

const adaAtNorth = word(north.peer, ada.peer, { counter: 1n })
const bobAtNorth = word(north.peer, bob.peer, { counter: 2n })

describe('statements that are held as they came', () => {
  const claimOf = (epoch: bigint, counter: bigint, peer = (): string | undefined => ada.id): ClaimedStatement => ({
    directory: north.id,
    epoch,
    counter,
    peer
  })

  it('are found by what their bytes claim', () => {
    const here = new Here()
    const { statement, record: shown } = word(north.peer, ada.peer, { epoch: 5n, counter: 1n })
    here.merge({ statement, ...(shown === undefined ? {} : { record: shown }), sinceMs: 0 }, 0)
    const held = (claim: ClaimedStatement, bytes: Uint8Array): boolean =>
      here.state.holds(claim, bytes, shown?.envelope)
    expect(held(claimOf(5n, 1n), statement.envelope)).toBe(true)
    expect(held(claimOf(5n, 1n), new Uint8Array(9))).toBe(false)
    expect(held(claimOf(4n, 1n), statement.envelope)).toBe(false)
  })

  it('are not looked for by a peer ID where the counter was never seen, or the directory', () => {
    const here = new Here()
    here.merge({ ...word(north.peer, ada.peer, { epoch: 5n, counter: 1n }), sinceMs: 0 }, 0)
    const never = (): string => expect.unreachable('the peer ID was written as text')
    expect(here.state.holds(claimOf(5n, 2n, never), new Uint8Array(9), undefined)).toBe(false)
    const stranger = { ...claimOf(5n, 1n, never), directory: south.id }
    expect(here.state.holds(stranger, new Uint8Array(9), undefined)).toBe(false)
  })
})

describe('what another directory says', () => {
  it('counts only while that directory lives, and is kept until it does', () => {
    const here = new Here()
    expect(here.merge(adaAtNorth, 0)).toBe('new')
    expect(here.merge(adaAtNorth, 0)).toBe('known')
    expect(here.shown).toEqual([])
    expect(here.heard(beat(north.peer, { beat: 1n, counter: 1n, ...digestOf(adaAtNorth) }), 0)).toBe(true)
    expect(here.shown).toEqual([`${ada.id} ${north.id}`])
  })

  it('ends a peer only by its own newer word', () => {
    const here = new Here()
    here.heard(beat(north.peer, { beat: 1n }), 0)
    here.merge(word(north.peer, ada.peer, { counter: 5n }), 0)
    expect(here.merge(word(south.peer, ada.peer, { counter: 9n, epoch: 9n, attached: false }), 0)).toBe('new')
    expect(here.merge(word(north.peer, ada.peer, { counter: 4n, attached: false }), 0)).toBe('stale')
    expect(here.shown).toEqual([`${ada.id} ${north.id}`])
    expect(here.merge(word(north.peer, ada.peer, { counter: 6n, attached: false }), 0)).toBe('new')
    expect(here.shown).toEqual([])
  })

  it('is refused with a record of somebody or something else, or without one', () => {
    const here = new Here()
    const { statement } = adaAtNorth
    expect(here.merge({ statement }, 0)).toBe('unfit')
    expect(here.merge({ statement, record: record(bob.peer, 1n) }, 0)).toBe('unfit')
    expect(here.merge({ statement, record: record(ada.peer, 2n) }, 0)).toBe('unfit')
    expect(here.merge({ statement, record: record(ada.peer, 1n, true) }, 0)).toBe('unfit')
  })

  it('does not bring back who has left, though the detached statement and the tombstone are long gone', () => {
    const here = new Here()
    const gone = word(north.peer, ada.peer, { counter: 2n, attached: false })
    here.heard(beat(north.peer, { beat: 1n }), 0)
    here.merge(adaAtNorth, 0)
    here.merge(gone, 0)
    here.roster.withdraw(record(ada.peer, 2n, true), 0)
    for (let n = 2; n < 300; n++) here.heard(beat(north.peer, { beat: BigInt(n), counter: 2n }), n * 1_000)
    const lateMs = defaultLimits.detachedMs + 150_000
    here.roster.expire(lateMs)
    expect(here.state.statementsOf(ada.id)).toEqual([])
    expect(here.roster.newest(ada.id)).toBeUndefined()
    expect(here.merge(adaAtNorth, lateMs)).toBe('stale')
    expect(here.shown).toEqual([])
  })

  it('gives way to the withdrawal of the peer itself, until the peer comes back', () => {
    const here = new Here()
    here.heard(beat(north.peer, { beat: 1n }), 0)
    here.merge(adaAtNorth, 0)
    here.roster.withdraw(record(ada.peer, 2n, true), 0)
    expect(here.shown).toEqual([])
    here.merge(word(north.peer, ada.peer, { counter: 2n, seq: 3n }), 0)
    expect(here.shown).toEqual([`${ada.id} ${north.id}`])
  })
})

describe('the life of a directory', () => {
  it('ends with all its attachments when no fresh heartbeat comes, and a replayed one extends nothing', () => {
    const here = new Here()
    const old = beat(north.peer, { beat: 7n, counter: 1n, ...digestOf(adaAtNorth) })
    here.heard(old, 0)
    here.merge(adaAtNorth, 0)
    expect(here.state.nextDeadline()).toBe(DIRECTORY_ALIVE_MS)
    expect(here.heard(old, 4_000)).toBe(false)
    expect(here.heard(beat(north.peer, { beat: 6n }), 4_000)).toBe(false)
    expect(here.expire(DIRECTORY_ALIVE_MS - 1)).toBe(0)
    here.expire(DIRECTORY_ALIVE_MS)
    expect(here.shown).toEqual([])
    expect(here.heard(old, DIRECTORY_ALIVE_MS + 1)).toBe(false)
    expect(here.state.isAlive(north.id, DIRECTORY_ALIVE_MS + 1)).toBe(false)
  })

  it('is over 3 s after its connection, unless a heartbeat comes that was not under way', () => {
    for (const lives of [false, true]) {
      const here = new Here()
      here.state.connected(north.id, 0)
      here.merge(adaAtNorth, 0)
      here.heard(beat(north.peer, { beat: 1n, counter: 1n, ...digestOf(adaAtNorth) }), 0)
      here.state.connectionLost(north.id, 1_000)
      here.heard(beat(north.peer, { beat: 2n, counter: 1n, ...digestOf(adaAtNorth) }), 1_000 + IN_FLIGHT_MS - 1)
      if (lives) here.heard(beat(north.peer, { beat: 3n, counter: 1n, ...digestOf(adaAtNorth) }), 1_000 + IN_FLIGHT_MS)
      expect(here.state.nextDeadline()).toBe(1_000 + (lives ? IN_FLIGHT_MS + DIRECTORY_ALIVE_MS : DIRECTORY_LOST_MS))
      here.expire(1_000 + DIRECTORY_LOST_MS)
      expect(here.shown).toHaveLength(lives ? 1 : 0)
    }
  })

  it('counts from when others have heard it', () => {
    const here = new Here()
    here.heard(beat(north.peer, { beat: 1n }), 10_000, 4_000)
    expect([here.state.isAlive(north.id, 10_999), here.state.isAlive(north.id, 11_000)]).toEqual([true, false])
    expect(here.heard(beat(south.peer, { beat: 1n }), 10_000, 60_000)).toBe(true)
    expect(here.state.isAlive(south.id, 10_000)).toBe(false)
  })

  it('goes on over a restart without a flicker, and without a leftover', () => {
    const here = new Here()
    here.heard(beat(north.peer, { beat: 50n }), 0)
    here.merge(adaAtNorth, 0)
    here.merge(bobAtNorth, 0)
    here.state.connectionLost(north.id, 1_000)
    here.heard(beat(north.peer, { epoch: 2n, beat: 1n }), 2_500)
    expect(here.shown).toHaveLength(2)
    expect(here.merge(word(north.peer, carol.peer, { counter: 3n }), 2_500)).toBe('stale')
    const again = here.state.merge(word(north.peer, ada.peer, { epoch: 2n, counter: 1n }), 3_000)
    here.apply(again.effects, 3_000)
    expect(again.effects.map(({ kind }) => kind)).toEqual(['attach'])
    expect(here.expire(2_500 + OLD_EPOCH_MS - 1)).toBe(0)
    here.expire(2_500 + OLD_EPOCH_MS)
    expect(here.shown).toEqual([`${ada.id} ${north.id}`])
  })

  it('begins again with what its digest confirms, and waits a little with what may have ended meanwhile', () => {
    const here = new Here({}, () => true)
    here.heard(beat(north.peer, { beat: 1n }), 0)
    here.merge(adaAtNorth, 0)
    here.merge(bobAtNorth, 0)
    here.expire(DIRECTORY_ALIVE_MS)
    here.heard(beat(north.peer, { beat: 90n, counter: 3n, ...digestOf(adaAtNorth) }), 90_000)
    expect(here.shown).toEqual([])
    here.merge(word(north.peer, bob.peer, { counter: 3n, attached: false }), 90_100)
    expect(here.shown).toEqual([`${ada.id} ${north.id}`])

    here.expire(100_000)
    here.heard(beat(north.peer, { beat: 100n, counter: 9n }), 100_000)
    expect(here.shown).toEqual([])
    expect(here.state.nextDeadline()).toBe(100_000 + REVIVAL_MS)
    here.expire(100_000 + REVIVAL_MS)
    expect(here.shown).toHaveLength(1)
  })

  it('leaves nothing but its last heartbeat behind in the end', () => {
    const keptMs = DEAD_KEPT_MS.other
    const here = new Here()
    const last = beat(north.peer, { beat: 5n })
    here.heard(last, 0)
    here.merge(adaAtNorth, 0)
    here.expire(DIRECTORY_ALIVE_MS)
    expect(here.state.nextDeadline()).toBe(DIRECTORY_ALIVE_MS + keptMs)
    here.expire(DIRECTORY_ALIVE_MS + keptMs)
    expect(here.state.statementsOf(ada.id)).toEqual([])
    expect(here.state.nextDeadline()).toBe(Infinity)
    expect(here.heard(last, DIRECTORY_ALIVE_MS + keptMs)).toBe(false)
  })
})

describe('what is missing', () => {
  it('is asked for when it may no longer be under way, again with patience, and then as a whole', () => {
    const here = new Here()
    here.merge(adaAtNorth, 0)
    here.heard(beat(north.peer, { beat: 1n, counter: 1n, ...digestOf(adaAtNorth) }), 0)
    expect(here.state.behind(60)).toEqual([])
    const missed = beat(north.peer, { beat: 2n, counter: 2n, ...digestOf(adaAtNorth, bobAtNorth) })
    here.heard(missed, 1_000)
    expect(here.state.behind(1_000 + BEHIND_MS - 1)).toEqual([])
    const dueMs = 1_000 + BEHIND_MS
    expect(here.state.behind(dueMs)).toEqual([{ directory: north.id, epoch: 1n, afterCounter: 1n }])
    expect(here.state.behind(dueMs + STATEMENTS_ASK_AGAIN_MS.first - 1)).toEqual([])
    expect(here.state.behind(dueMs + STATEMENTS_ASK_AGAIN_MS.first)).toEqual([
      { directory: north.id, epoch: 1n, afterCounter: 0n }
    ])
    here.merge(bobAtNorth, 4_000)
    expect(here.state.behind(5_000)).toEqual([])
    expect(here.merge(word(north.peer, carol.peer, { counter: 2n }), 5_000)).toBe('stale')
  })

  it('is nothing when newer statements have overtaken a heartbeat', () => {
    const here = new Here()
    here.heard(beat(north.peer, { beat: 1n }), 0)
    for (const update of [adaAtNorth, bobAtNorth]) here.merge(update, 0)
    here.merge(word(north.peer, ada.peer, { counter: 5n, attached: false }), 0)
    here.heard(beat(north.peer, { beat: 2n, counter: 4n, ...digestOf(adaAtNorth, bobAtNorth) }), 100)
    expect(here.merge(word(north.peer, carol.peer, { counter: 4n }), 100)).toBe('stale')
    here.heard(beat(north.peer, { beat: 3n, counter: 5n, ...digestOf(bobAtNorth) }), 1_000)
    here.heard(beat(north.peer, { beat: 4n, counter: 5n, ...digestOf(bobAtNorth) }), 5_000)
    expect(here.state.behind(5_000)).toEqual([])
    expect(here.merge(word(north.peer, carol.peer, { counter: 5n }), 5_000)).toBe('stale')
  })

  it('shows in a Hello at once', () => {
    const here = new Here()
    here.heard(beat(north.peer, { beat: 1n }), 0)
    const theirs = { directory: north.id, epoch: 1n, counter: 1n, ...digestOf(adaAtNorth) }
    expect(here.state.missing(theirs)).toEqual({ directory: north.id, epoch: 1n, afterCounter: 0n })
    here.merge(adaAtNorth, 0)
    expect(here.state.missing(theirs)).toBeUndefined()
    expect(here.state.missing({ ...theirs, directory: south.id })).toMatchObject({ directory: south.id })
    expect(here.state.missing({ ...theirs, directory: self.id })).toBeUndefined()
    const earlierLife = { ...theirs, directory: self.id, epoch: 101n }
    expect(here.state.missing(earlierLife)).toEqual({ directory: self.id, epoch: 100n, afterCounter: 0n })
  })

  it('drops by a whole answer what a liar has brought, if the author itself bears it out', () => {
    const here = new Here()
    here.heard(beat(north.peer, { beat: 1n, counter: 9n, ...digestOf(bobAtNorth) }), 0)
    here.merge(adaAtNorth, 0)
    here.merge(bobAtNorth, 0)
    here.apply(here.state.settle(north.id, 1n, new Set([1n]), 10), 10)
    expect(here.shown).toHaveLength(2)
    here.apply(here.state.settle(north.id, 1n, new Set([2n]), 10), 10)
    expect(here.shown).toEqual([`${bob.id} ${north.id}`])
    expect(here.merge(adaAtNorth, 20)).toBe('stale')
  })

  it('is answered with what is above a counter, and with all for who knows an older epoch', () => {
    const here = new Here()
    here.merge(adaAtNorth, 0)
    here.merge(bobAtNorth, 1_000)
    const counters = (epoch: bigint | undefined, counter: bigint) =>
      [...here.state.after(north.id, epoch, counter, 3_000)].map(({ statement }) => statement.statement.counter)
    expect(counters(1n, 1n)).toEqual([2n])
    expect(counters(0n, 7n)).toEqual([1n, 2n])
    expect(counters(undefined, 0n)).toEqual([1n, 2n])
    expect(counters(2n, 0n)).toEqual([])
    expect([...here.state.after(north.id, 1n, 1n, 3_000)][0]?.forMs).toBe(2_000)
    expect([...here.state.after(south.id, 1n, 0n, 0)]).toEqual([])
  })
})

describe('what this directory says', () => {
  const own = (here: Here, peer: typeof ada, attached = true) => {
    const next = here.state.nextOwn(peer.peer, 1n, attached)
    return word(self.peer, peer.peer, { epoch: next.epoch, counter: next.counter, seq: next.seq, attached })
  }

  it('is covered by its digest in the order of its counters, in whatever order it was signed', () => {
    const here = new Here()
    const [first, second] = [own(here, ada), own(here, bob)]
    here.state.ownSealed(second.statement, second.record, 0)
    expect(here.state.ownDigest()).toMatchObject({ counter: 0n, count: 0 })
    here.state.ownSealed(first.statement, first.record, 0)
    expect(here.state.ownDigest()).toEqual({ counter: 2n, ...digestOf(first, second) })
    const [one, two] = [here.state.nextHeartbeat(), here.state.nextHeartbeat()]
    expect([one.beat, two.beat, two.counter]).toEqual([1n, 2n, 2n])
  })

  it('goes above what its key has said in an earlier life', () => {
    const here = new Here()
    const before = own(here, ada)
    expect(here.merge(word(self.peer, bob.peer, { epoch: 99n, counter: 9n }), 0)).toBe('stale')
    expect(here.merge(word(self.peer, bob.peer, { epoch: 100n, counter: 9n }), 0)).toBe('usurped')
    expect(here.state.heard(beat(self.peer, { epoch: 500n, beat: 1n }), 0).usurped).toBe(true)
    expect(here.state.raiseEpoch(500n)).toBe(501n)
    expect(here.state.ownSealed(before.statement, before.record, 0)).toBe(false)
    const anew = own(here, ada)
    expect(anew.statement.statement).toMatchObject({ epoch: 501n, counter: 1n })
    expect(here.state.ownSealed(anew.statement, anew.record, 0)).toBe(true)
    expect(here.merge(anew, 0)).toBe('known')
    expect(here.shown).toEqual([])
    expect(here.state.statementsOf(ada.id)).toEqual([anew.statement])
  })
})

describe('a flood', () => {
  it('is held within bounds, of one directory and of all', async () => {
    const here = new Here({ maxAttachments: 3, maxDetached: 2, roomBytes: 5 * (HELD_STATEMENT_BYTES + 252) })
    const many = await Promise.all(Array.from({ length: 8 }, (_, n) => identity(100 + n)))
    here.heard(beat(liar.peer, { beat: 1n }), 0)
    const outcomes = many.map(({ peer }, n) => here.merge(word(liar.peer, peer, { counter: BigInt(n + 1) }), 0))
    expect(outcomes).toEqual(['new', 'new', 'new', 'full', 'full', 'full', 'full', 'full'])
    for (const [n, { peer }] of many.entries()) {
      here.merge(word(liar.peer, peer, { counter: BigInt(n + 20), attached: false }), 0)
    }
    expect(here.shown).toEqual([])
    expect([...here.state.after(liar.id, 1n, 0n, 0)]).toHaveLength(2)
    const others = many.map(({ peer }, n) => here.merge(word(north.peer, peer, { counter: BigInt(n + 1) }), 0))
    expect(others.filter((outcome) => outcome === 'new')).toHaveLength(3)
    expect(here.merge(word(south.peer, ada.peer, { counter: 1n }), 0)).toBe('new')
    expect([...here.state.after(north.id, 1n, 0n, 0)]).toHaveLength(0)
  })

  it('of made-up directories does not crowd out the one at which a peer really is', async () => {
    const here = new Here()
    const liars = await Promise.all(Array.from({ length: MAX_KNOWN_DIRECTORIES }, (_, n) => identity(100 + n)))
    for (const { peer } of liars) {
      here.heard(beat(peer, { beat: 1n }), 0)
      here.merge(word(peer, ada.peer, { counter: 1n }), 0)
    }
    for (const source of [self.id, LAN]) here.roster.announce(record(ada.peer, 1n), { source, nowMs: 0 })
    here.expire(DIRECTORY_ALIVE_MS)
    expect(here.shown).toEqual([`${ada.id} ${self.id}`, `${ada.id} ${LAN}`])
  })

  it('of made-up directories pushes out dead ones, never living or connected ones', () => {
    const here = new Here({ maxDirectories: 2 })
    here.heard(beat(north.peer, { beat: 1n }), 0)
    here.heard(beat(liar.peer, { beat: 1n }), 0)
    expect(here.heard(beat(south.peer, { beat: 1n }), 1_000)).toBe(false)
    expect(here.merge(word(south.peer, ada.peer, { counter: 1n }), 1_000)).toBe('full')
    here.heard(beat(north.peer, { beat: 2n }), 3_000)
    here.merge(word(liar.peer, ada.peer, { counter: 1n }), 3_000)
    expect(here.shown).toHaveLength(1)
    here.apply(here.state.connected(south.id, 3_000), 3_000)
    expect(here.shown).toEqual([])
    expect(here.state.directories(3_000).map(({ directory, alive }) => [directory, alive])).toEqual([
      [self.id, true],
      [north.id, true],
      [south.id, false]
    ])
    here.expire(20_000)
    expect(here.heard(beat(liar.peer, { beat: 2n }), 20_000)).toBe(true)
    expect(here.state.directories(20_000).map(({ directory }) => directory)).toEqual([self.id, south.id, liar.id])
  })
})
