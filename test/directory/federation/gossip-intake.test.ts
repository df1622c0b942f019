// What becomes of what fellows bring, under floods of old words.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect, it } from 'vitest'
import { AUTHOR_RATE, FAREWELL_RATE, HEARTBEAT_RATE } from '../../../src/directory/federation/constants.ts'
import type { WireUpdate } from '../../../src/directory/federation/federation-frames.ts'
import { FederationState } from '../../../src/directory/federation/federation-state.ts'
import { GossipIntake } from '../../../src/directory/federation/gossip-intake.ts'
import { SignatureBudget } from '../../../src/directory/federation/signature-budget.ts'
import { sealHeartbeat } from '../../../src/directory/federation/heartbeat.ts'
import { sealStatement } from '../../../src/directory/federation/statement.ts'
import { Roster, sealRecord } from '../../../src/directory/index.ts'
import { identity, presence, sealedBy, type Identity } from '../records.ts'

const [home, north, ada, bob] = [await identity(200), await identity(201), await identity(1), await identity(2)]
const { signal } = new AbortController()

function lab(signatures?: SignatureBudget) {
  const roster = new Roster()
  const state = new FederationState({ self: home.id, epoch: 1n })
  const intake = new GossipIntake({
    state,
    network: 'test',
    roster: { merge: (apply) => void apply(roster, 1_000) },
    ...(signatures === undefined ? {} : { signatures }),
    now: () => 1_000,
    onUsurped: () => undefined,
    onChange: () => undefined
  })
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
  await intake.heartbeat(await alive(), 0, signal)
  const old = await said(1n, ada, false)
  await intake.updates([old], signal)
  const repeated = Array.from({ length: 512 }, () => old)
  for (let i = 0; i < AUTHOR_RATE.burst; i += repeated.length) await intake.updates(repeated, signal)
  expect(await intake.updates([await said(2n, bob)], signal)).toMatchObject({ isNews: true, forged: 0 })
  expect(roster.get(bob.id)?.attachments).toMatchObject([{ source: north.id }])
}, 90_000)

it('checks no signature of gossip over the budget, and holds that against nobody', async () => {
  const budget = new SignatureBudget({ now: () => 1_000, isNamed: () => false })
  const { intake, roster } = lab(budget)
  await intake.heartbeat(await alive(), 0, signal, 'prefix')
  while (budget.tryTake(1, 'prefix'));
  const forged = { statement: new Uint8Array(200), record: new Uint8Array(200), forMs: 0 }
  expect(await intake.updates([forged], signal, { via: 'prefix' })).toEqual({ isNews: false, forged: 0, counters: [] })
  expect(await intake.withdrawals([new Uint8Array(200)], signal, { via: 'prefix' })).toMatchObject({ forged: 0 })
  // Another prefix is heard.
  expect(await intake.updates([await said(1n, ada)], signal, { via: 'other' })).toMatchObject({ isNews: true })
  expect(roster.size).toBe(1)
})

it('looks at no signature twice: what is held costs nothing of the budget when it is brought again', async () => {
  const budget = new SignatureBudget({ now: () => 1_000, isNamed: () => false })
  const { intake } = lab(budget)
  await intake.heartbeat(await alive(), 0, signal, 'prefix')
  const update = await said(1n, ada)
  await intake.updates([update], signal, { via: 'prefix' })
  while (budget.tryTake(1, 'prefix'));
  expect(await intake.updates([update], signal, { via: 'prefix', of: north.id, isAwaited: true })).toEqual({
    isNews: false,
    forged: 0,
    counters: [1n]
  })
  // One byte of the signature is another: it is not the same.
  const statement = update.statement.slice()
  statement[statement.length - 1] = (statement.at(-1) ?? 0) ^ 1
  expect(await intake.updates([{ ...update, statement }], signal, { via: 'other' })).toMatchObject({ forged: 1 })
})

it('passes on no more heartbeats of one directory than it may send', async () => {
  const { intake } = lab()
  let passed = 0
  for (let beat = 1n; beat <= 50n; beat++) {
    const of = { network: 'test', epoch: 5n, counter: 0n, beat, digest: new Uint8Array(32), count: 0 }
    const { isNews } = await intake.heartbeat((await sealHeartbeat(of, north.key)).envelope, 0, signal)
    if (isNews) passed++
  }
  expect(passed).toBe(HEARTBEAT_RATE.burst)
})

it('remembers the withdrawals of peers that it knows, and so many of others from one prefix', async () => {
  const { intake, roster } = lab()
  await intake.heartbeat(await alive(), 0, signal)
  await intake.updates([await said(1n, ada)], signal)
  const farewell = async () => sealRecord({ ...presence, withdrawn: true }, await generateKeyPair('Ed25519'))
  const made = await Promise.all(Array.from({ length: FAREWELL_RATE.burst + 100 }, farewell))
  const envelopes = made.map(({ envelope }) => envelope)
  await intake.withdrawals(envelopes, signal, { via: 'prefix' })
  expect([...roster.withdrawals()]).toHaveLength(FAREWELL_RATE.burst)
  const left = await sealedBy(ada, { seq: 2_000n, withdrawn: true })
  expect(await intake.withdrawals([left.envelope], signal, { via: 'prefix' })).toMatchObject({ isNews: true })
  expect(roster.get(ada.id)).toBeUndefined()
})
