// Who tells what: views kept apart, attestedBy, disagreements, and the judge.
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { Disagreements } from '../../../src/directory/audit/disagreements.ts'
import type { DirectoryAnswer } from '../../../src/directory/client/directory-answer.ts'
import type { DirectoryEntries } from '../../../src/directory/client/directory-entries.ts'
import { DIRECTORY_ALIVE_MS } from '../../../src/directory/federation/state/known-directory.ts'
import type { AttachmentStatement } from '../../../src/directory/statement.ts'
import { LOOKUP_RATE } from '../../../src/directory/server/lookups.ts'
import { resolveConflict } from '../../../src/directory/audit/conflict-resolution.ts'
import type { Evidence, Verdict } from '../../../src/directory/audit/conflict-resolution.ts'
import type { VerifiedRecord } from '../../../src/presence/presence-record.ts'
import { DirectoryViews } from '../../../src/directory/audit/directory-views.ts'
import { identity, sealedBy } from '../../presence/records.ts'
import type { Identity } from '../../presence/records.ts'

const bob = await identity(1)
const [A, B, C] = (await Promise.all([11, 12, 13].map(identity))) as [Identity, Identity, Identity]
let older: VerifiedRecord
let newer: VerifiedRecord
let farewell: VerifiedRecord

beforeAll(async () => {
  older = await sealedBy(bob, { seq: 10n })
  newer = await sealedBy(bob, { seq: 20n, nickname: 'bobby' })
  farewell = await sealedBy(bob, { seq: 30n, withdrawn: true })
})

/** A whole roster of `directory`: bob, attached at these. */
function snapshot(directory: Identity, record: VerifiedRecord | undefined, at: readonly Identity[]): DirectoryEntries {
  const attachments = at.map(({ peer }, i) => ({ directory: peer, sinceMs: 1_000 + i }))
  const updates = record === undefined ? [] : [{ record, attachments }]
  const complete = new Set(record === undefined ? [] : [bob.id])
  return { directory: directory.peer, updates, removed: [], total: updates.length, complete, refused: 0 }
}

function changes(directory: Identity, updates: DirectoryEntries['updates'], removed: string[] = []): DirectoryEntries {
  return { directory: directory.peer, updates, removed, total: 1, refused: 0 }
}

function says(who: Identity, counter: number, attached: boolean, over: Partial<AttachmentStatement> = {}) {
  return {
    directory: who.peer,
    network: 'test',
    epoch: 1n,
    counter: BigInt(counter),
    peer: bob.peer,
    seq: 10n,
    attached,
    ...over
  }
}

interface Witness {
  readonly who: Identity
  readonly shows?: VerifiedRecord
  readonly at?: readonly Identity[]
  readonly newest?: VerifiedRecord
  readonly statements?: readonly AttachmentStatement[]
  readonly hearsOf?: readonly Identity[]
  readonly epoch?: bigint
  readonly showing?: boolean
}

function evidenceOf({
  who,
  shows,
  at = [who],
  newest = shows,
  statements = [],
  hearsOf = [],
  epoch,
  showing
}: Witness): Evidence {
  const answer: DirectoryAnswer = {
    directory: who.id,
    peer: bob.id,
    showing: showing ?? shows !== undefined,
    newest,
    statements,
    federationPeers: hearsOf.map(({ id }) => id),
    epoch,
    refused: 0
  }
  const told = shows === undefined ? undefined : { record: shows, attachedAt: new Map(at.map(({ id }) => [id, 0])) }
  return { answer, told, hearsOf: new Set(hearsOf.map(({ id }) => id)) }
}

const agrees: Verdict = { is: 'agrees' }
const withholds = (...by: Identity[]): Verdict => ({ is: 'withholds', provenBy: by.map(({ id }) => id) })
const notJoined = (...others: Identity[]): Verdict => ({ is: 'not joined', with: others.map(({ id }) => id) })
const stale = (why: 'older record' | 'gone'): Verdict => ({ is: 'stale', why })

interface Case {
  readonly name: string
  readonly witnesses: () => readonly Witness[]
  readonly earlier?: readonly AttachmentStatement[]
  readonly online: boolean
  readonly verdicts: readonly Verdict[]
}

const cases: readonly Case[] = [
  {
    name: 'one that drops a peer whom its federation peer has attached, by a statement, withholds',
    witnesses: () => [
      { who: A, shows: older, statements: [says(A, 1, true)], hearsOf: [B] },
      { who: B, hearsOf: [A] }
    ],
    online: true,
    verdicts: [agrees, withholds(A)]
  },
  {
    name: 'one that drops a peer whom its federation peer tells to be attached to itself withholds',
    witnesses: () => [
      { who: A, shows: older },
      { who: B, hearsOf: [A] }
    ],
    online: true,
    verdicts: [agrees, withholds(A)]
  },
  {
    name: 'one that hides a peer of its own is convicted by the statement that it gave to others',
    witnesses: () => [
      { who: A, shows: older, at: [B], statements: [says(B, 1, true)], hearsOf: [B] },
      { who: B, epoch: 1n }
    ],
    online: true,
    verdicts: [agrees, withholds(B)]
  },
  {
    name: 'one that says that it shows a peer, and does not, withholds',
    witnesses: () => [
      { who: A, shows: older },
      { who: B, showing: true }
    ],
    online: true,
    verdicts: [agrees, withholds(B)]
  },
  {
    name: 'one that has not heard of the other directory is not to blame',
    witnesses: () => [{ who: A, shows: older }, { who: B }],
    online: true,
    verdicts: [agrees, notJoined(A)]
  },
  {
    name: 'one that shows an older record than its federation peer is stale',
    witnesses: () => [
      { who: A, shows: newer, statements: [says(A, 1, true)] },
      { who: B, shows: older, at: [A], hearsOf: [A] }
    ],
    online: true,
    verdicts: [agrees, stale('older record')]
  },
  {
    name: 'one that shows an older record of a peer attached to itself is stale, joined or not',
    witnesses: () => [
      { who: A, shows: newer },
      { who: B, shows: older, at: [B] }
    ],
    online: true,
    verdicts: [agrees, stale('older record')]
  },
  {
    name: 'one that keeps a peer that its directory has signed away is stale',
    witnesses: () => [
      { who: A, statements: [says(A, 2, false)], epoch: 1n },
      { who: B, shows: older, at: [A], statements: [says(A, 1, true)], hearsOf: [A] }
    ],
    online: false,
    verdicts: [agrees, stale('gone')]
  },
  {
    name: 'what was signed away counts after its directory has forgotten it',
    witnesses: () => [
      { who: A, epoch: 1n },
      { who: B, shows: older, at: [A], statements: [says(A, 1, true)], hearsOf: [A] }
    ],
    earlier: [says(A, 2, false)],
    online: false,
    verdicts: [agrees, stale('gone')]
  },
  {
    name: 'what a directory said before it was restarted is void',
    witnesses: () => [
      { who: A, epoch: 2n },
      { who: B, shows: older, at: [A], statements: [says(A, 9, true)], hearsOf: [A] }
    ],
    online: false,
    verdicts: [agrees, stale('gone')]
  },
  {
    name: 'one that keeps a peer that has left by its own word is stale',
    witnesses: () => [
      { who: A, newest: farewell },
      { who: B, shows: older, at: [B], statements: [says(B, 5, true)], hearsOf: [A] }
    ],
    online: false,
    verdicts: [agrees, stale('gone')]
  },
  {
    name: 'one that can’t have heard that the peer left is not to blame',
    witnesses: () => [
      { who: A, newest: farewell },
      { who: B, shows: older, at: [C], statements: [says(C, 5, true)], hearsOf: [C] }
    ],
    online: false,
    verdicts: [agrees, notJoined(A)]
  },
  {
    name: 'a third directory’s statement proves a peer, and only those that hear of it must show it',
    witnesses: () => [
      { who: A, shows: older, at: [C], statements: [says(C, 1, true)], hearsOf: [C] },
      { who: B, hearsOf: [A, C] }
    ],
    online: true,
    verdicts: [agrees, withholds(C)]
  },
  {
    name: 'nobody can end another directory’s attachment',
    witnesses: () => [
      { who: A, shows: older, statements: [says(A, 3, true)], hearsOf: [B] },
      { who: B, hearsOf: [A], statements: [says(B, 9, false)] }
    ],
    online: true,
    verdicts: [agrees, withholds(A)]
  }
]

describe('the judge', () => {
  it.each(cases)('finds: $name', ({ witnesses, earlier = [], online, verdicts }) => {
    const resolution = resolveConflict(witnesses().map(evidenceOf), { earlier })
    expect(resolution.isOnline).toBe(online)
    expect([...resolution.verdicts.values()]).toEqual(verdicts)
  })

  it('convicts nobody on one directory’s word where that alone attests many, and does on two’s', () => {
    const one = { who: A, shows: older, statements: [says(A, 1, true)] }
    const two = { ...one, statements: [says(A, 1, true), says(C, 1, true)] }
    const accused = { who: B, hearsOf: [A, C] }
    const verdict = (...witnesses: Witness[]) =>
      resolveConflict(witnesses.map(evidenceOf), { isOneWordEnough: false }).verdicts.get(B.id)
    expect(verdict(one, accused)).toEqual(agrees)
    expect(verdict(two, accused)).toEqual(withholds(A, C))
    expect(verdict(one, { ...accused, showing: true })).toEqual(withholds(A, B))
  })

  it('takes the newest record, whoever holds it', () => {
    const resolution = resolveConflict(
      [
        { who: A, shows: older },
        { who: B, newest: newer }
      ].map(evidenceOf)
    )
    expect(resolution.newest).toBe(newer)
  })

  it('merges statements to the same, in any order and however often they come', () => {
    const statement = fc.record({
      who: fc.constantFrom(A, B, C),
      epoch: fc.bigInt({ min: 1n, max: 3n }),
      counter: fc.nat(5)
    })
    fc.assert(
      fc.property(fc.array(statement), fc.array(fc.nat()), (some, order) => {
        const made = some.map(({ who, epoch, counter }) => says(who, counter, counter % 2 === 0, { epoch }))
        const mixed = [...made.toSorted((_a, _b) => (order.pop() ?? 1) % 2 || -1), ...made]
        const merged = (earlier: readonly AttachmentStatement[]) =>
          resolveConflict([], { earlier })
            .statements.map(({ directory, epoch, counter }) => `${directory.toString()} ${epoch} ${counter}`)
            .toSorted()
        expect(merged(mixed)).toEqual(merged(made))
      })
    )
  })
})

describe('attestedBy', () => {
  const attestersOf = (...said: DirectoryEntries[]) => {
    const views = new DirectoryViews()
    for (const one of said) views.apply(one)
    const { via, attestedBy } = views.attestations(bob.id)
    return { via: [...via.keys()].toSorted(), attestedBy: [...attestedBy].toSorted() }
  }

  test('are the directories that say themselves that the peer is attached to them', () => {
    const both = [A.id, B.id].toSorted()
    expect(attestersOf(snapshot(A, older, [A, B]), snapshot(B, older, [A, B]))).toEqual({ via: both, attestedBy: both })
  })

  test('are not made of hearsay: one that tells of another’s attachment attests it itself, if that other does not', () => {
    expect(attestersOf(snapshot(A, older, [B]), snapshot(B, undefined, []))).toEqual({
      via: [B.id],
      attestedBy: [A.id]
    })
    expect(attestersOf(snapshot(A, older, [B]), snapshot(B, older, [B]))).toEqual({ via: [B.id], attestedBy: [B.id] })
  })

  test('may be a directory that is not connected, when all that are say so', () => {
    expect(attestersOf(snapshot(A, older, [C]), snapshot(B, older, [C]))).toEqual({ via: [C.id], attestedBy: [C.id] })
    expect(attestersOf(snapshot(A, older, [C]), snapshot(B, undefined, []))).toEqual({
      via: [C.id],
      attestedBy: [A.id]
    })
  })
})

describe('views', () => {
  it('follow what is told, and end with the connection', () => {
    const views = new DirectoryViews()
    views.apply(snapshot(A, older, [A, B]))
    expect([views.count(A.id), [...views.hearsOf(A.id)]]).toEqual([1, [A.id, B.id]])
    views.apply(changes(A, [{ record: newer, attachments: [{ directory: A.peer, sinceMs: 0 }] }]))
    expect([views.of(A.id, bob.id)?.record, [...views.hearsOf(A.id)]]).toEqual([newer, [A.id]])
    views.apply(changes(A, [{ record: farewell, attachments: [] }]))
    expect([views.count(A.id), views.hearsOf(A.id).size]).toEqual([0, 0])
    views.apply(snapshot(A, older, [A]))
    expect([...views.apply(snapshot(A, undefined, []))]).toEqual([bob.id])
    expect(views.complete()).toEqual([A.id])
    views.forget(A.id)
    expect(views.directories()).toEqual([])
  })
})

describe('disagreements', () => {
  it('are judged when they have lasted, again while they last, and end when all agree', () => {
    const views = new DirectoryViews()
    const disagreements = new Disagreements(views)
    disagreements.review(views.apply(snapshot(A, older, [A])), 0)
    expect(disagreements.nextDueMs()).toBe(Infinity) // one alone disagrees with nobody
    views.apply(snapshot(B, undefined, []))
    disagreements.reviewAll(100)
    const dueAtMs = disagreements.nextDueMs()
    // What a dead directory said still stands for so long.
    expect(dueAtMs).toBeGreaterThan(100 + DIRECTORY_ALIVE_MS)
    expect(disagreements.take(dueAtMs - 1)).toEqual([])
    expect(disagreements.take(dueAtMs)).toEqual([bob.id])
    const againAtMs = disagreements.nextDueMs()
    expect(againAtMs).toBeGreaterThan(dueAtMs)
    expect(disagreements.take(againAtMs - 1)).toEqual([])
    expect(disagreements.take(againAtMs)).toEqual([bob.id])
    expect(disagreements.review(views.apply(snapshot(B, newer, [B])), 7_000)).toEqual([])
    expect(disagreements.review(views.apply(snapshot(A, newer, [A])), 7_100)).toEqual([bob.id])
    expect(disagreements.nextDueMs()).toBe(Infinity)
  })

  it('end with the connection to one of two directories', () => {
    const views = new DirectoryViews()
    const disagreements = new Disagreements(views)
    views.apply(snapshot(A, older, [A]))
    views.apply(snapshot(B, undefined, []))
    disagreements.reviewAll(0)
    views.forget(B.id)
    expect(disagreements.reviewAll(1)).toEqual([bob.id])
  })

  it('are judged a few at a time, all in turn', async () => {
    const views = new DirectoryViews()
    const disagreements = new Disagreements(views)
    const many = await Promise.all(Array.from({ length: 20 }, async (_, i) => sealedBy(await identity(100 + i))))
    const updates = many.map((record) => ({ record, attachments: [{ directory: A.peer, sinceMs: 0 }] }))
    const peers = many.map(({ record }) => record.peer.toString())
    views.apply({ ...snapshot(A, undefined, []), updates, complete: new Set(peers) })
    views.apply(snapshot(B, undefined, []))
    disagreements.reviewAll(0)
    const dueAtMs = disagreements.nextDueMs()
    const rounds: (readonly string[])[] = []
    while (disagreements.nextDueMs() === dueAtMs && rounds.length < many.length)
      rounds.push(disagreements.take(dueAtMs))
    // No directory is asked more than it answers.
    for (const { length } of rounds) expect(length).toBeLessThanOrEqual(LOOKUP_RATE.burst)
    expect(rounds.length).toBeGreaterThan(1)
    expect(rounds.flat().toSorted()).toEqual(peers.toSorted())
  })
})
