// How the statements of directories share one room, whatever they say and in
// whatever order: own peers stay, the bound holds, and the largest holder of an
// address prefix gives way first.
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { STATEMENTS_ASK_AGAIN_MS, BEHIND_MS } from '../../../src/directory/federation/state/known-directory.ts'
import { HELD_STATEMENT_BYTES } from '../../../src/directory/federation/state/statement-log.ts'
import { FederationState } from '../../../src/directory/federation/state/federation-state.ts'
import { Roster } from '../../../src/presence/index.ts'
import { identity } from '../../presence/records.ts'
import { beat, record, word } from './words.ts'
import type { FederationLimits } from '../../../src/directory/federation/state/known-directories.ts'
import { applyEffects } from '../../../src/directory/federation/state/state-expiry.ts'

const self = await identity(1)
/** The envelopes of `word` are some hundred bytes. */
const WORD_BYTES = HELD_STATEMENT_BYTES + 250

const made = async (count: number, first: number): Promise<PeerId[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const seed = new Uint8Array(32)
      new DataView(seed.buffer).setUint32(0, first + n)
      return peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed))
    })
  )
const [directories, peers] = await Promise.all([made(8, 1_000), made(400, 2_000)])

/** A directory's state and its roster, with room for so many attachments of others. */
function lab(attachments: number, over: Partial<FederationLimits> & { readonly named?: readonly PeerId[] } = {}) {
  const { named = [], ...limits } = over
  const names = new Set(named.map(String))
  const state = new FederationState({
    self: self.id,
    epoch: 1n,
    isNamed: (directory) => names.has(directory),
    limits: { roomBytes: attachments * WORD_BYTES, namedRoomBytes: attachments * WORD_BYTES, ...limits }
  })
  const roster = new Roster({ own: self.id, maxPeers: Infinity })
  const counters = new Map<string, bigint>()
  const connect = (directory: PeerId, holder: string): void => {
    applyEffects(roster, state.connected(directory.toString(), 0, holder), 0)
    applyEffects(roster, state.heard(beat(directory, { beat: 1n }), 0).effects, 0)
  }
  const say = (directory: PeerId, peer: PeerId, attached = true): string => {
    const counter = (counters.get(directory.toString()) ?? 0n) + 1n
    counters.set(directory.toString(), counter)
    const { outcome, effects } = state.merge(word(directory, peer, { counter, attached }), 0)
    applyEffects(roster, effects, 0)
    return outcome
  }
  const own = (peer: PeerId) => roster.announce(record(peer, 1n), { source: self.id, nowMs: 0 })
  const shownOf = (directory: PeerId): number =>
    roster.entries().filter(({ attachments: all }) => all.some(({ source }) => source === directory.toString())).length
  return { state, roster, connect, say, own, shownOf }
}

const directory = (n: number): PeerId => directories[n % directories.length] ?? self.peer
const peer = (n: number): PeerId => peers[n % peers.length] ?? self.peer

describe('the room for the statements of other directories', () => {
  it('keeps own peers and its bound, whatever others say in whatever order', () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.record({ does: fc.constant('say'), at: fc.nat(7), who: fc.nat(399) }) },
        { weight: 2, arbitrary: fc.record({ does: fc.constant('unsay'), at: fc.nat(7), who: fc.nat(399) }) },
        { weight: 2, arbitrary: fc.record({ does: fc.constant('own'), at: fc.constant(0), who: fc.nat(399) }) },
        { weight: 1, arbitrary: fc.record({ does: fc.constant('restart'), at: fc.nat(7), who: fc.nat(399) }) },
        { weight: 1, arbitrary: fc.record({ does: fc.constant('connect'), at: fc.nat(7), who: fc.nat(2) }) }
      ),
      { maxLength: 300 }
    )
    fc.assert(
      fc.property(steps, (all) => {
        const { state, roster, connect, say, own } = lab(20, { named: [directory(0)] })
        const attached = new Set<string>()
        let epoch = 1n
        for (const { does, at, who } of all) {
          if (does === 'say') say(directory(at), peer(who))
          if (does === 'unsay') say(directory(at), peer(who), false)
          if (does === 'connect') connect(directory(at), `prefix ${who}`)
          if (does === 'restart') {
            const update = word(directory(at), peer(who), { epoch: ++epoch, counter: 1n })
            applyEffects(roster, state.merge(update, 0).effects, 0)
          }
          if (does === 'own') {
            expect(own(peer(who)).outcome).toBe('accepted')
            attached.add(peer(who).toString())
          }
          for (const isNamed of [true, false]) {
            const { bytes, limitBytes } = state.room(isNamed)
            expect(bytes).toBeLessThanOrEqual(limitBytes)
          }
        }
        const kept = roster.entries().filter(({ attachments }) => attachments.some(({ source }) => source === self.id))
        expect(new Set(kept.map((entry) => entry.peer))).toEqual(attached)
      }),
      { numRuns: 60 }
    )
  })

  it('lets newcomers of this directory in while others have filled the roster', () => {
    const { connect, say, own, roster } = lab(20)
    connect(directory(1), '203.0.113.7')
    for (let n = 0; n < 200; n++) say(directory(1), peer(n))
    expect(roster.size).toBeGreaterThanOrEqual(20)
    expect(roster.size).toBeLessThan(25)
    for (let n = 200; n < 300; n++) expect(own(peer(n)).outcome).toBe('accepted')
  })

  it('takes from the largest holder: a small directory loses nobody to two that make up peers', () => {
    const { connect, say, shownOf } = lab(100)
    connect(directory(1), '203.0.113.7')
    connect(directory(2), '198.51.100.1')
    connect(directory(3), '198.51.100.1')
    for (let n = 0; n < 25; n++) say(directory(1), peer(n))
    for (let n = 0; n < 150; n++) {
      say(directory(2), peer(100 + n))
      say(directory(3), peer(250 + n))
    }
    expect(shownOf(directory(1))).toBe(25)
    for (let n = 25; n < 45; n++) expect(say(directory(1), peer(n))).toBe('new')
    expect(shownOf(directory(1))).toBe(45)
  })

  it('counts by address prefix: many directories of one prefix have one share', () => {
    const { connect, say, shownOf } = lab(100)
    connect(directory(1), '203.0.113.7')
    for (const n of [2, 3, 4, 5, 6, 7]) connect(directory(n), '2001:db8:0:1::/64')
    for (let n = 0; n < 60; n++) for (const at of [2, 3, 4, 5, 6, 7]) say(directory(at), peer(100 + n))
    // Each of the six holds fewer than this one, and all of them together more.
    for (let n = 0; n < 45; n++) expect(say(directory(1), peer(n))).toBe('new')
    expect(shownOf(directory(1))).toBe(45)
  })

  it('counts a directory that nobody is connected to for the federation peer that tells of it', () => {
    const { state, roster, connect, say, shownOf } = lab(100)
    connect(directory(1), '203.0.113.7')
    for (let n = 0; n < 45; n++) say(directory(1), peer(n))
    for (let n = 0; n < 40; n++) {
      for (const at of [2, 3, 4, 5]) {
        const update = word(directory(at), peer(100 + n), { counter: BigInt(n + 1) })
        applyEffects(roster, state.heard(beat(directory(at), { beat: 1n }), 0, { via: '198.51.100.1' }).effects, 0)
        applyEffects(roster, state.merge(update, 0, '198.51.100.1').effects, 0)
      }
    }
    expect(shownOf(directory(1))).toBe(45)
    expect(state.room(false).bytes).toBeLessThanOrEqual(state.room(false).limitBytes)
  })

  it('gives named directories a room of their own', () => {
    const { connect, say, shownOf } = lab(50, { named: [directory(0)] })
    connect(directory(0), '203.0.113.7')
    connect(directory(1), '203.0.113.7')
    for (let n = 0; n < 200; n++) say(directory(1), peer(200 + n))
    for (let n = 0; n < 45; n++) say(directory(0), peer(n))
    for (let n = 0; n < 200; n++) say(directory(1), peer(200 + n))
    expect(shownOf(directory(0))).toBe(45)
    expect(shownOf(directory(1))).toBeGreaterThan(40)
  })

  it('does not ask for what it has no room for, and asks once there is some', () => {
    const { state, connect, say } = lab(20)
    const liar = directory(1)
    connect(liar, '198.51.100.1')
    for (let n = 0; n < 60; n++) say(liar, peer(n))
    state.heard(beat(liar, { beat: 2n, counter: 60n, count: 60, digest: new Uint8Array(32).fill(1) }), 0)
    const standing = state.directories(0).find((one) => one.directory === liar.toString())
    expect(standing?.leftOut).toBeGreaterThan(30)
    expect(state.behind(BEHIND_MS)).toEqual([])
    for (let n = 0; n < 15; n++) say(liar, peer(n), false)
    state.expire(state.nextDeadline())
    state.heard(beat(liar, { beat: 3n, counter: 60n, count: 60, digest: new Uint8Array(32).fill(1) }), 0)
    for (let n = 15; n < 20; n++) say(liar, peer(n), false)
    const later = STATEMENTS_ASK_AGAIN_MS.max
    expect(state.behind(later).length + state.behind(2 * later).length).toBeLessThanOrEqual(2)
  })
})
