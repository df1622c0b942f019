// Two throw-away directories join an honest one and make up more peers than there
// is room for: its own peers stay, newcomers register while it goes on, and a client
// loads little.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { until } from '../eventually.ts'
import { testMs } from '../patience.ts'
import { DirectoryClient, DirectoryViews, applyEntries } from '../../src/directory/index.ts'
import { Roster, openRecord, sealRecord } from '../../src/presence/index.ts'
import type { DirectoryEntries } from '../../src/directory/index.ts'
import type { VerifiedRecord } from '../../src/presence/index.ts'
import { MAX_TOLD_FOREIGN_BYTES } from '../../src/directory/server/roster-push.ts'
import { HELD_STATEMENT_BYTES } from '../../src/directory/federation/state/statement-log.ts'
import { federated, network, type Federated } from '../directory/federation/federated.ts'
import { node } from '../directory/nodes.ts'
import { heapBytes } from '../heap.ts'
import { presence } from '../presence/records.ts'
import { defaultLimits } from '../../src/directory/federation/state/known-directories.ts'

/** PARLEY_LONG=1 asks for as much room as a directory has, which takes minutes to fill; otherwise it is an eighth. */
const isLong = process.env['PARLEY_LONG'] === '1'
const MADE_UP = isLong ? 20_000 : 4_000
const ROOM_BYTES = defaultLimits.roomBytes / (isLong ? 1 : 8)
const OWN = 200
/** A statement with its record counts for some 3,300 bytes. */
const SHOWN = { least: OWN + ROOM_BYTES / 4_000, most: OWN + ROOM_BYTES / HELD_STATEMENT_BYTES }
const MB = 1024 * 1024
const thisTestMs = isLong ? 5 * testMs : testMs

async function people(count: number, name: string): Promise<VerifiedRecord[]> {
  const made: VerifiedRecord[] = []
  for (let i = 0; i < count; i++) {
    made.push(await sealRecord({ ...presence, nickname: `${name} ${i}` }, await generateKeyPair('Ed25519')))
  }
  return made
}

/** A client that registers, and what it was told. */
async function clientOf(directory: Federated, nickname: string) {
  const privateKey = await generateKeyPair('Ed25519')
  const libp2p = await node({}, { privateKey })
  const own = await sealRecord({ ...presence, nickname, seq: BigInt(Date.now()) }, privateKey)
  const client = new DirectoryClient({
    network,
    announce: true,
    connect: async ({ signal }) => libp2p.dial(multiaddr(directory.address), { signal }),
    ownEnvelope: async () => own.envelope,
    onStale: () => undefined
  })
  const [roster, views] = [new Roster(), new DirectoryViews()]
  const told = { bytes: 0, total: 0, isComplete: false }
  client.on('entries', (said: DirectoryEntries) => {
    for (const { record } of said.updates) told.bytes += record.envelope.byteLength
    told.total = said.total
    told.isComplete ||= said.complete !== undefined
    applyEntries(roster, said, Date.now())
    views.apply(said)
  })
  client.start()
  const isRegistered = (): boolean => client.state.state === 'connected' && client.state.registered
  return { client, roster, views, told, isRegistered, id: own.record.peer.toString() }
}

test(
  'made-up peers displace nobody, keep nobody out, and cost a client little',
  async () => {
    const honest = await federated([], { limits: { roomBytes: ROOM_BYTES } })
    const own = await people(OWN, 'own')
    honest.attach(...own)
    const leftOut: string[] = []
    honest.federation.on('left-out', ({ directory }) => leftOut.push(directory))
    const attackers = [
      await federated([honest.address], { from: '127.0.0.66' }),
      await federated([honest.address], { from: '127.0.0.66' })
    ]
    await until(() => honest.federation.federationPeers().length >= 2, 'the attackers')
    for (const attacker of attackers) attacker.attach(...(await people(MADE_UP / attackers.length, 'made up')))

    // While it goes on.
    const attached = (): number => honest.directory.roster().length
    await untilAsItGrows(() => attached() > 600, attached, 'some of them')
    const newcomer = await clientOf(honest, 'newcomer')
    await untilAsItGrows(newcomer.isRegistered, attached, 'the newcomer to be registered')

    const peersShown = (): number => honest.roster().size
    await untilAsItGrows(() => peersShown() > SHOWN.least, peersShown, 'as many to be shown as there is room for')
    await until(() => leftOut.length > 0, 'there to be no room for more')
    const shown = honest.roster()
    expect(own.filter(({ record }) => shown.get(record.peer.toString())?.includes(honest.id) !== true)).toEqual([])
    expect(shown.size).toBeLessThan(SHOWN.most)
    for (const attacker of attackers) {
      const { peers = 0 } = honest.federation.directories().find(({ directory }) => directory === attacker.id) ?? {}
      expect(peers).toBeLessThanOrEqual(MADE_UP / 2)
    }

    const beforeBytes = heapBytes()
    const late = await clientOf(honest, 'late')
    const isLateComplete = (): boolean => late.isRegistered() && late.told.isComplete
    await untilAsItGrows(isLateComplete, () => late.told.bytes, 'the late one')
    const heap = heapBytes() - beforeBytes
    console.log(
      `a client with ${late.roster.size} of ${late.told.total} peers: ${(late.told.bytes / MB).toFixed(2)} MB of records, ` +
        `${(heap / MB).toFixed(1)} MB of memory`
    )
    expect(late.told.total).toBeGreaterThan(SHOWN.least)
    // The snapshot, and what changed in it while the two directories came to have equal shares.
    expect(late.told.bytes).toBeLessThan(2 * MAX_TOLD_FOREIGN_BYTES)
    expect(heap).toBeLessThan(32 * MB)
    const sees = (id: string): boolean => late.roster.get(id) !== undefined
    expect(own.filter(({ record }) => !sees(record.peer.toString()))).toEqual([])
    await until(() => sees(newcomer.id), 'the newcomer to be shown to the late one')
    await newcomer.client.stop()
    await late.client.stop()
    // What proves a peer is still whole.
    const [first] = own
    if (first !== undefined) await openRecord(first.envelope)
  },
  thisTestMs
)

/** Waits for as long as it comes nearer: how long it takes depends on the machine. */
async function untilAsItGrows(isDone: () => boolean, count: () => number, what: string): Promise<void> {
  while (!isDone()) {
    const before = count()
    await until(() => isDone() || count() !== before, what)
  }
}
