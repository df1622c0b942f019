/**
 * What a federation of directories costs one of them: verifying what gossip
 * brings, merging it into the state and the roster, and comparing digests, at
 * 100,000 attachments of ten directories. Rates stand beside bare Ed25519
 * verification of the same bytes in the same run.
 *
 * Run: npm run bench -- federation [--records 100000] [--verified 2000] [--json FILE] [--smoke]
 */

import { createPublicKey, verify } from 'node:crypto'
import { parseArgs } from 'node:util'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface'
import {
  statementKind,
  openStatement,
  sealStatement,
  openUpdate,
  openHeartbeat,
  sealHeartbeat
} from '../src/directory/statement.ts'
import { decodeGossip, encodeGossip } from '../src/directory/federation-frames.ts'
import { FederationState } from '../src/directory/federation/state/federation-state.ts'
import type { VerifiedStatement } from '../src/directory/statement.ts'
import { Roster, sealRecord } from '../src/presence/index.ts'
import { Report, reportOptions } from './report.ts'
import type { VerifiedRecord } from '../src/presence/index.ts'
import { applyEffects } from '../src/directory/federation/state/state-expiry.ts'

const { values: options } = parseArgs({
  options: { ...reportOptions, records: { type: 'string' }, verified: { type: 'string' } }
})
const recordCount = Number(options.records ?? (options.smoke ? 100 : 100_000))
const verifiedCount = Number(options.verified ?? (options.smoke ? 20 : 2_000))
const report = new Report()
const directoryCount = 10
const network = 'bench'

async function keyOf(n: number): Promise<Ed25519PrivateKey> {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, n + 1)
  return generateKeyPairFromSeed('Ed25519', seed)
}

function row(what: string, value: string, ratio = ''): void {
  report.record(what, /[A-Za-z/]+$/u.exec(value)?.[0] ?? '', Number.parseFloat(value.replaceAll(',', '')))
  process.stdout.write(`| ${what.padEnd(66)} | ${value.padStart(16)} | ${ratio.padStart(8)} |\n`)
}

async function msEach(count: number, run: (n: number) => unknown): Promise<number> {
  const startedAtMs = performance.now()
  for (let n = 0; n < count; n++) await run(n)
  return (performance.now() - startedAtMs) / count
}

/** As `msEach`, without a turn of the event loop between two. */
function msEachSync(count: number, run: (n: number) => unknown): number {
  const startedAtMs = performance.now()
  for (let n = 0; n < count; n++) run(n)
  return (performance.now() - startedAtMs) / count
}

function heapMb(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

const perSecond = (ms: number): string => `${Math.round(1000 / ms).toLocaleString('en')}/s`

// --- what gossip brings: statements and records that are really signed

const north = await keyOf(0)
const signed: { statement: VerifiedStatement; record: VerifiedRecord }[] = []
for (let n = 0; n < verifiedCount; n++) {
  const key = await keyOf(1_000_000 + n)
  const peer = peerIdFromPrivateKey(key)
  const addresses = [multiaddr('/ip4/192.0.2.7/tcp/4001'), multiaddr('/ip4/10.0.0.7/tcp/4001')]
  const presence = {
    seq: 1n,
    issuedAtMs: 1,
    nickname: `peer ${n}`,
    status: 'here',
    addresses,
    capabilities: [],
    network
  }
  const record = await sealRecord(presence, key)
  const counter = BigInt(n + 1)
  signed.push({
    statement: await sealStatement({ network, epoch: 1n, counter, peer, seq: 1n, attached: true }, north),
    record
  })
}
const at = (n: number) => {
  const one = signed[n % signed.length]
  if (one === undefined) throw new Error('nothing was signed')
  return one
}

process.stdout.write(`| ${'what'.padEnd(66)} | ${'figure'.padStart(16)} | ${'of bare'.padStart(8)} |\n`)
process.stdout.write(`| ${'-'.repeat(66)} | ${'-'.repeat(16)} | ${'-'.repeat(8)} |\n`)

const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), north.publicKey.raw])
const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
const message = Buffer.alloc(150, 7)
const signature = Buffer.from(await north.sign(message))
for (let n = 0; n < 500; n++) verify(null, message, publicKey, signature)
const bareMs = msEachSync(verifiedCount, () => verify(null, message, publicKey, signature))
const ratio = (ms: number): string => `${(ms / bareMs).toFixed(2)} ×`
row('Ed25519 verification, bare (node:crypto, key at hand)', perSecond(bareMs), '1.00 ×')
const libp2pMs = await msEach(verifiedCount, () => north.publicKey.verify(message, signature))
row('Ed25519 verification by @libp2p/crypto', perSecond(libp2pMs), ratio(libp2pMs))
const parseMs = await msEach(verifiedCount, (n) => RecordEnvelope.createFromProtobuf(at(n).statement.envelope))
row('libp2p envelope: decode, no signature', perSecond(parseMs), ratio(parseMs))
const validateMs = await msEach(verifiedCount, (n) =>
  RecordEnvelope.createFromProtobuf(at(n).statement.envelope).validate(statementKind.domain)
)
row('libp2p envelope: decode and validate', perSecond(validateMs), ratio(validateMs))
const openMs = await msEach(verifiedCount, (n) => openStatement(at(n).statement.envelope))
row('a statement opened', perSecond(openMs), ratio(openMs))
const wire = (n: number) => ({ statement: at(n).statement.envelope, record: at(n).record.envelope, forMs: 1 })
const updateMs = await msEach(verifiedCount, (n) => openUpdate(wire(n), { network }))
row('an update opened: statement and record (gossip validation)', perSecond(updateMs), ratio(updateMs))
const againMs = await msEach(verifiedCount, (n) => openUpdate(wire(n), { network, newest: () => at(n).record }))
row('an update opened whose record is known', perSecond(againMs), ratio(againMs))
const sealMs = await msEach(verifiedCount, (n) => sealStatement({ ...at(n).statement.statement }, north))
row('a statement sealed', perSecond(sealMs), ratio(sealMs))
const heartbeat = { network, epoch: 1n, counter: 1n, beat: 1n, digest: new Uint8Array(32), count: 1 }
const sealedHeartbeat = await sealHeartbeat(heartbeat, north)
const heartbeatMs = await msEach(verifiedCount, () => openHeartbeat(sealedHeartbeat.envelope))
row('a heartbeat opened', perSecond(heartbeatMs), ratio(heartbeatMs))
const gossip = encodeGossip({ updates: Array.from({ length: 100 }, (_, n) => wire(n)), withdrawals: [] })
const decodeMs = msEachSync(200, () => decodeGossip(gossip)) / 100
row('an update decoded from a gossip of 100', perSecond(decodeMs), ratio(decodeMs))

// --- the pure state, at many records: the signatures were checked, so that none are made here

const directories: PeerId[] = []
for (let n = 0; n < directoryCount; n++) directories.push(peerIdFromPrivateKey(await keyOf(n)))
const before = heapMb()
const offered: { statement: VerifiedStatement; record: VerifiedRecord }[] = []
for (let n = 0; n < recordCount; n++) {
  const peer = peerIdFromPublicKey((await keyOf(2_000_000 + n)).publicKey)
  const { statement, record } = at(n)
  const directory = directories[n % directoryCount] ?? statement.statement.directory
  const counter = BigInt(Math.floor(n / directoryCount) + 1)
  offered.push({
    statement: {
      statement: { ...statement.statement, directory, peer, counter },
      envelope: statement.envelope.slice()
    },
    record: { record: { ...record.record, peer }, envelope: record.envelope.slice(), payload: record.payload.slice() }
  })
}
const held = heapMb()
const limits = { maxAttachments: recordCount, roomBytes: Infinity }
const state = new FederationState({ self: 'self', epoch: 1n, limits })
const roster = new Roster({ maxPeers: recordCount })
const beat = (directory: PeerId, n: bigint, over = {}) => {
  const said = { directory, network, epoch: 1n, counter: 0n, beat: n, digest: new Uint8Array(32), count: 0, ...over }
  return { heartbeat: said, envelope: new Uint8Array() }
}
for (const directory of directories) state.heard(beat(directory, 1n), 0)

const mergeMs = msEachSync(recordCount, (n) => {
  const update = offered[n]
  if (update !== undefined) applyEffects(roster, state.merge(update, 1).effects, 1)
})
const label = recordCount.toLocaleString('en')
row(`a statement merged into state and roster, up to ${label}`, perSecond(mergeMs), ratio(mergeMs))
row(`memory of ${label} statements and records as verified`, `${(held - before).toFixed(0)} MB`)
row('memory that state and roster add', `${(heapMb() - held).toFixed(0)} MB`)
const knownMs = msEachSync(recordCount, (n) => {
  const update = offered[n]
  if (update !== undefined) state.merge(update, 1)
})
row('a statement that is known already', perSecond(knownMs), ratio(knownMs))
const digests = new Map(state.digests(1).map(({ directory, ...digest }) => [directory, digest]))
const heardMs = msEachSync(10_000, (n) => {
  const directory = directories[n % directoryCount]
  if (directory === undefined) return
  const { counter, digest, count } = digests.get(directory.toString()) ?? {}
  state.heard(beat(directory, BigInt(n + 2), { counter, digest, count }), 1)
})
row('a heartbeat taken, its digest compared', perSecond(heardMs), ratio(heardMs))
const deadlineMs = msEachSync(10_000, () => Math.min(state.nextDeadline(), roster.nextDeadline()))
row('the next deadline of state and roster', perSecond(deadlineMs), ratio(deadlineMs))
const startedAtMs = performance.now()
const gone = applyEffects(roster, state.expire(6_000), 6_000)
row(`the death of all ${directoryCount} directories at once`, `${(performance.now() - startedAtMs).toFixed(0)} ms`)
if (gone.length !== recordCount || roster.size !== 0) throw new Error(`${gone.length} of ${recordCount} peers are gone`)
process.stdout.write('\n')
report.finish()
