// What a directory says of itself: in which order, in messages of which size, and
// what becomes of it when its key does not sign.
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { DENIAL_RATE, StatementPublisher } from '../../../../src/directory/federation/sync/statement-publisher.ts'
import { decodeGossip, MAX_GOSSIP_BYTES } from '../../../../src/directory/federation-frames.ts'
import { FederationState } from '../../../../src/directory/federation/state/federation-state.ts'
import { openStatement } from '../../../../src/directory/statement.ts'
import type { VerifiedStatement } from '../../../../src/directory/statement.ts'
import { Envelopes } from '../../../../src/directory/federation/gossip/envelopes.ts'
import { FederationStep } from '../../../../src/directory/federation/sync/federation-step.ts'
import type { OwnChange } from '../../../../src/directory/own-attachment.ts'
import { Roster } from '../../../../src/presence/index.ts'
import type { VerifiedRecord } from '../../../../src/presence/index.ts'
import { identity, sealedBy } from '../../../presence/records.ts'
import { silent } from '../words.ts'

const home = await identity(200)
const people = await Promise.all(Array.from({ length: 40 }, async (_, i) => identity(i + 1)))

/** A key that fails to sign as often as is asked. */
function failing(key: PrivateKey, times: { left: number }): PrivateKey {
  return new Proxy(key, {
    get: (target, property) => {
      // libsodium signs with the bytes of the key, and libp2p by its method.
      if ((property === 'raw' || property === 'sign') && times.left > 0) {
        times.left--
        throw new Error('no entropy')
      }
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

function lab(attached: readonly VerifiedRecord[], privateKey: PrivateKey = home.key) {
  const state = new FederationState({ self: home.id, epoch: 1_000n })
  const published: Uint8Array[] = []
  const denials: (VerifiedStatement | undefined)[] = []
  const words = attached.map((record) => ({ kind: 'attached', record, sinceMs: 0 }) as const)
  const step = new FederationStep()
  step.nowMs = 1_000
  const machine = new StatementPublisher({ step, state, attached: { all: () => words } })
  const roster = new Roster()
  const envelopes = new Envelopes({
    network: 'test',
    privateKey,
    roster: { readRoster: () => roster },
    authors: state,
    log: silent
  })
  /** Does what was decided, and what follows from it. */
  const settled = async (): Promise<void> => {
    for (let effects = step.taken(); effects.length > 0; effects = step.taken()) {
      for (const effect of effects) {
        if (effect.kind === 'turn') machine.turned()
        if (effect.kind === 'seal') machine.sealed(effect.request, await envelopes.seal(effect.request))
        if (effect.kind === 'seal-heartbeat') {
          machine.heartbeatSealed(await envelopes.sealHeartbeat(effect.heartbeat))
        }
        if (effect.kind === 'publish') published.push(effect.bytes)
        if (effect.kind === 'denied') denials.push(effect.denial)
      }
    }
  }
  const own = {
    note: (change: OwnChange) => machine.note(change),
    noteAll: () => machine.noteAll(),
    settled,
    beat: async () => {
      machine.beat()
      await settled()
    },
    deny: async (peer: PeerId) => {
      machine.deny({ peer })
      await settled()
      return denials.at(-1)
    }
  }
  const told = async () => {
    const updates = published.flatMap((bytes) => decodeGossip(bytes).updates)
    return Promise.all(updates.map(async ({ statement }) => (await openStatement(statement)).statement))
  }
  return { state, own, published, words, told }
}

describe('what a directory says of itself', () => {
  it.each([1, 12])('is said anew, and whole, after its key failed to sign %i times', async (times) => {
    const records = await Promise.all(people.map(async (one) => sealedBy(one)))
    const failures = { left: 0 }
    const { state, own, told } = lab(records, failing(home.key, failures))
    own.noteAll()
    await own.settled()
    expect(state.ownDigest()).toMatchObject({ counter: 40n, count: 40 })

    failures.left = times
    const [first] = records
    if (first === undefined) throw new Error('nobody is attached')
    own.note({ kind: 'renewed', record: first, sinceMs: 0 })
    for (let second = 0; second < 20; second++) {
      await own.settled()
      await own.beat()
    }
    expect(failures.left).toBe(0)
    expect(state.ownDigest()).toMatchObject({ count: 40 })
    const last = (await told()).filter(({ epoch }) => epoch === state.epoch)
    expect(new Set(last.map(({ peer }) => peer.toString()))).toEqual(new Set(people.map(({ id }) => id)))
  })

  it('tells of many long farewells in messages that others take', async () => {
    const addresses = Array.from({ length: 16 }, (_, i) => multiaddr(`/dns4/${'x'.repeat(220)}${i}/tcp/1`))
    const { own, published } = lab([])
    const leaving = people.slice(0, 32).map(async (one) => {
      const record = await sealedBy(one)
      const withdrawal = await sealedBy(one, { seq: 1_001n, withdrawn: true, addresses })
      return { kind: 'ended', record, seq: record.record.seq, withdrawal } as const
    })
    for (const change of await Promise.all(leaving)) own.note(change)
    await own.settled()
    expect(Math.max(...published.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(MAX_GOSSIP_BYTES)
    const all = published.map((bytes) => decodeGossip(bytes))
    expect(all.flatMap(({ withdrawals }) => withdrawals)).toHaveLength(32)
    expect(all.flatMap(({ updates }) => updates)).toHaveLength(32)
  })

  it('is denied of somebody who is not there for whoever asks, without a trace in its digest', async () => {
    const [ada, bob] = people
    if (ada === undefined || bob === undefined) throw new Error('nobody is there')
    const { state, own, published } = lab([await sealedBy(ada)])
    own.noteAll()
    await own.settled()
    const before = state.ownDigest()
    const told = published.length
    const denial = await own.deny(bob.peer)
    expect(denial?.statement).toMatchObject({ attached: false, counter: 2n, epoch: 1_000n })
    expect(denial?.statement.peer.equals(bob.peer)).toBe(true)
    expect(state.statementsOf(bob.id)).toEqual([denial])
    expect(state.ownDigest()).toEqual({ ...before, counter: 2n })
    expect(published).toHaveLength(told)
    for (let i = 0; i < DENIAL_RATE.burst; i++) await own.deny(bob.peer)
    expect(await own.deny(bob.peer)).toBeUndefined()
  })
})
