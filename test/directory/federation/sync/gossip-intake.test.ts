// What becomes of what federation peers bring, under floods of old words.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, it } from 'vitest'
import { setImmediate as turn } from 'node:timers/promises'
import { Envelopes, SIGNATURES_PER_TURN } from '../../../../src/directory/federation/gossip/envelopes.ts'
import {
  AUTHOR_RATE,
  FAREWELL_RATE,
  HEARTBEAT_RATE,
  UPDATES_AT_ONCE,
  GossipIntake
} from '../../../../src/directory/federation/sync/gossip-intake.ts'
import { FederationStep } from '../../../../src/directory/federation/sync/federation-step.ts'
import type { OpenTask } from '../../../../src/directory/federation/sync/federation-step.ts'
import { SignatureBudget } from '../../../../src/directory/federation/sync/signature-budget.ts'
import { HELD_STATEMENT_BYTES } from '../../../../src/directory/federation/state/statement-log.ts'
import type { WireUpdate } from '../../../../src/directory/federation-frames.ts'
import { FederationState } from '../../../../src/directory/federation/state/federation-state.ts'
import { sealHeartbeat, sealStatement } from '../../../../src/directory/statement.ts'
import { Roster, sealRecord } from '../../../../src/presence/index.ts'
import { heapBytes } from '../../../heap.ts'
import { identity, presence, sealedBy, type Identity } from '../../../presence/records.ts'
import { applyEffects } from '../../../../src/directory/federation/state/state-expiry.ts'
import { silent } from '../words.ts'

const [home, north, ada, bob] = [await identity(200), await identity(201), await identity(1), await identity(2)]
const { signal } = new AbortController()

/** The intake, with envelopes that are opened and effects that are done as a directory does it. */
function lab(budget = new SignatureBudget({ now: () => 1_000, isNamed: () => true })) {
  const roster = new Roster()
  const state = new FederationState({ self: home.id, epoch: 1n })
  const step = new FederationStep()
  step.nowMs = 1_000
  const read = { readRoster: () => roster }
  const envelopes = new Envelopes({
    network: 'test',
    privateKey: home.key,
    roster: read,
    authors: state,
    log: silent
  })
  const machine = new GossipIntake({
    step,
    state,
    network: 'test',
    roster: read,
    publisher: { raise: () => undefined },
    peers: { admits: () => true }
  })
  const perform = (): void => {
    for (const effect of step.taken()) {
      if (effect.kind === 'roster') applyEffects(roster, effect.effects, 1_000)
      if (effect.kind === 'withdraw') roster.withdraw(effect.record, 1_000)
    }
  }
  const run = async <T>(task: OpenTask<T>): Promise<T> => {
    for (let next = task.next(); ;) {
      perform()
      if (next.done === true) return next.value
      const { signatures, via } = next.value
      next = task.next(budget.tryTake(signatures, via) ? await envelopes.open(next.value, signal) : undefined)
    }
  }
  const intake = {
    updates: (...given: Parameters<GossipIntake['updates']>) => run(machine.updates(...given)),
    withdrawals: (...given: Parameters<GossipIntake['withdrawals']>) => run(machine.withdrawals(...given)),
    heartbeat: (...given: Parameters<GossipIntake['heartbeat']>) => run(machine.heartbeat(...given))
  }
  return { state, intake, roster }
}

async function said(counter: bigint, who: Identity, attached = true): Promise<WireUpdate> {
  const record = await sealedBy(who)
  const of = { network: 'test', epoch: 5n, counter, peer: who.peer, seq: record.record.seq, attached }
  const { envelope: statement } = await sealStatement(of, north.key)
  return attached ? { statement, record: record.envelope, forMs: 0 } : { statement, forMs: 0 }
}

const alive = async (): Promise<Uint8Array> => {
  const heartbeat = { network: 'test', epoch: 5n, counter: 0n, beat: 1n, digest: new Uint8Array(32), count: 0 }
  return (await sealHeartbeat(heartbeat, north.key)).envelope
}

it('hears a directory whose old words somebody repeats without end', async () => {
  const { intake, roster } = lab()
  await intake.heartbeat(await alive(), 0)
  const old = await said(1n, ada, false)
  await intake.updates([old])
  const repeated = Array.from({ length: 512 }, () => old)
  for (let i = 0; i < AUTHOR_RATE.burst; i += repeated.length) await intake.updates(repeated)
  expect(await intake.updates([await said(2n, bob)])).toMatchObject({ isNews: true, forged: 0 })
  expect(roster.get(bob.id)?.attachments).toMatchObject([{ source: north.id }])
})

it('checks no signature of gossip over the budget, and holds that against nobody', async () => {
  const budget = new SignatureBudget({ now: () => 1_000, isNamed: () => false })
  const { intake, roster } = lab(budget)
  await intake.heartbeat(await alive(), 0, 'prefix')
  while (budget.tryTake(1, 'prefix'));
  const forged = { statement: new Uint8Array(200), record: new Uint8Array(200), forMs: 0 }
  expect(await intake.updates([forged], { via: 'prefix' })).toEqual({ isNews: false, forged: 0, counters: [] })
  expect(await intake.withdrawals([new Uint8Array(200)], { via: 'prefix' })).toMatchObject({ forged: 0 })
  // Another prefix is heard.
  expect(await intake.updates([await said(1n, ada)], { via: 'other' })).toMatchObject({ isNews: true })
  expect(roster.size).toBe(1)
})

it('checks few signatures in one turn, however many federation peers bring some at once', async () => {
  const { intake, roster } = lab()
  await intake.heartbeat(await alive(), 0)
  const [federationPeers, pages] = [6, 4]
  const updates = Array.from({ length: federationPeers * pages * UPDATES_AT_ONCE }, async (_, n) =>
    said(BigInt(n + 1), await identity(n))
  )
  const all = await Promise.all(updates)
  const share = all.length / federationPeers
  const bringing = Array.from({ length: federationPeers }, async (_, n) =>
    intake.updates(all.slice(n * share, (n + 1) * share))
  )
  const isDone = Promise.all(bringing).then(() => true)
  const perTurn: number[] = []
  for (let before = 0; !(await Promise.race([isDone, turn(false)])); before = roster.size) {
    perTurn.push(roster.size - before)
  }
  expect(roster.size).toBe(all.length)
  // Envelopes are opened asynchronously: what two turns have begun may end in one.
  expect(2 * Math.max(...perTurn)).toBeLessThanOrEqual(2 * (SIGNATURES_PER_TURN + 2 * UPDATES_AT_ONCE))
})

it('counts for each statement at least what it takes in memory', async () => {
  const count = 1_000
  const updates: WireUpdate[] = []
  for (let counter = 1n; counter <= count; counter++) {
    const key = await generateKeyPair('Ed25519')
    updates.push(await said(counter, { key, peer: peerIdFromPrivateKey(key), id: '' }))
  }
  const envelopes = updates.reduce((sum, one) => sum + one.statement.byteLength + (one.record?.byteLength ?? 0), 0)
  const { intake, roster } = lab()
  await intake.heartbeat(await alive(), 0)
  const before = heapBytes()
  await intake.updates(updates)
  const takenBytes = heapBytes() - before
  expect(roster.size).toBe(count)
  expect(takenBytes).toBeGreaterThan(envelopes)
  expect(takenBytes).toBeLessThan(1.1 * (count * HELD_STATEMENT_BYTES + envelopes))
})

it('looks at no signature twice: what is held costs nothing of the budget when it is brought again', async () => {
  const budget = new SignatureBudget({ now: () => 1_000, isNamed: () => false })
  const { intake } = lab(budget)
  await intake.heartbeat(await alive(), 0, 'prefix')
  const update = await said(1n, ada)
  await intake.updates([update], { via: 'prefix' })
  while (budget.tryTake(1, 'prefix'));
  expect(await intake.updates([update], { via: 'prefix', of: north.id, isAwaited: true })).toEqual({
    isNews: false,
    forged: 0,
    counters: [1n]
  })
  // One byte of the signature is another: it is not the same.
  const statement = update.statement.slice()
  statement[statement.length - 1] = (statement.at(-1) ?? 0) ^ 1
  expect(await intake.updates([{ ...update, statement }], { via: 'other' })).toMatchObject({ forged: 1 })
})

it('passes on no more heartbeats of one directory than it may send', async () => {
  const { intake } = lab()
  let passed = 0
  for (let beat = 1n; beat <= 50n; beat++) {
    const of = { network: 'test', epoch: 5n, counter: 0n, beat, digest: new Uint8Array(32), count: 0 }
    const { isNews } = await intake.heartbeat((await sealHeartbeat(of, north.key)).envelope, 0)
    if (isNews) passed++
  }
  expect(passed).toBe(HEARTBEAT_RATE.burst)
})

it('remembers the withdrawals of peers that it knows, and so many of others from one prefix', async () => {
  const { intake, roster } = lab()
  await intake.heartbeat(await alive(), 0)
  await intake.updates([await said(1n, ada)])
  const farewell = async () => sealRecord({ ...presence, withdrawn: true }, await generateKeyPair('Ed25519'))
  const made = await Promise.all(Array.from({ length: FAREWELL_RATE.burst + 100 }, farewell))
  const envelopes = made.map(({ envelope }) => envelope)
  await intake.withdrawals(envelopes, { via: 'prefix' })
  expect([...roster.withdrawals()]).toHaveLength(FAREWELL_RATE.burst)
  const left = await sealedBy(ada, { seq: 2_000n, withdrawn: true })
  expect(await intake.withdrawals([left.envelope], { via: 'prefix' })).toMatchObject({ isNews: true })
  expect(roster.get(ada.id)).toBeUndefined()
})
