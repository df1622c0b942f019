// What becomes of what fellows bring, under floods of old words.
import { expect, it } from 'vitest'
import { AUTHOR_RATE } from '../../../src/directory/federation/constants.ts'
import type { WireUpdate } from '../../../src/directory/federation/federation-frames.ts'
import { FederationState } from '../../../src/directory/federation/federation-state.ts'
import { GossipIntake } from '../../../src/directory/federation/gossip-intake.ts'
import { sealHeartbeat } from '../../../src/directory/federation/heartbeat.ts'
import { sealStatement } from '../../../src/directory/federation/statement.ts'
import { Roster } from '../../../src/directory/index.ts'
import { identity, sealedBy, type Identity } from '../records.ts'

const [home, north, ada, bob] = [await identity(200), await identity(201), await identity(1), await identity(2)]
const { signal } = new AbortController()

function lab() {
  const roster = new Roster()
  const state = new FederationState({ self: home.id, epoch: 1n })
  const intake = new GossipIntake({
    state,
    network: 'test',
    roster: { merge: (apply) => void apply(roster, 1_000) },
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
}, 30_000)
