// A directory's entries on their way into a client's roster.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { describe, expect, it } from 'vitest'
import { EntriesReader } from '../../../src/directory/client/directory-entries.ts'
import { decodeDirectoryFrame, encodeDirectoryFrame } from '../../../src/directory/directory-frames.ts'
import type { DirectoryFrame, WireEntry } from '../../../src/directory/directory-frames.ts'
import { Roster, sealRecord } from '../../../src/presence/index.ts'
import { applyEntries } from '../../../src/directory/index.ts'
import type { DirectoryEntries } from '../../../src/directory/index.ts'
import type { VerifiedRecord } from '../../../src/presence/index.ts'
import { identity, presence, sealedBy, type Identity } from '../../presence/records.ts'

const directory = await identity(1)
const other = await identity(2)
const peer = await identity(3)

function says(teller: Identity, record: VerifiedRecord, attachedTo: readonly Identity[]): DirectoryEntries {
  const attachments = attachedTo.map((one) => ({ directory: one.peer, sinceMs: 0 }))
  return { directory: teller.peer, updates: [{ record, attachments }], removed: [], total: 1, refused: 0 }
}

describe('a directory’s word', () => {
  it('ends for a peer that left, came back and was lost, with the farewell of the earlier visit', async () => {
    const farewell = await sealedBy(peer, { seq: 2n, withdrawn: true })
    const again = await sealedBy(peer, { seq: 3n })
    const roster = new Roster()
    applyEntries(roster, says(directory, again, [directory]), 0)
    const changes = applyEntries(roster, says(directory, farewell, []), 1)
    expect(changes.map(({ kind }) => kind)).toEqual(['gone'])
    expect(roster.entries()).toEqual([])
  })

  it('does not end another directory’s word about a later visit', async () => {
    const farewell = await sealedBy(peer, { seq: 2n, withdrawn: true })
    const again = await sealedBy(peer, { seq: 3n })
    const roster = new Roster()
    applyEntries(roster, says(directory, again, [directory]), 0)
    applyEntries(roster, says(other, again, [other]), 0)
    applyEntries(roster, says(directory, farewell, []), 1)
    expect(roster.get(peer.id)?.attachments.map(({ source }) => source)).toEqual([other.id])
  })
})

describe('what a client takes from one directory', () => {
  const entry = async (at: Identity, over: { readonly withdrawn?: boolean } = {}): Promise<WireEntry> => {
    const { envelope } = await sealRecord({ ...presence, ...over }, await generateKeyPair('Ed25519'))
    return { envelope, attachments: over.withdrawn === true ? [] : [{ directory: at.peer, forMs: 0 }] }
  }
  const entries = async (count: number, at: Identity): Promise<WireEntry[]> =>
    Promise.all(Array.from({ length: count }, () => entry(at)))
  const snapshot = (some: readonly WireEntry[], last: boolean) =>
    ({ type: 'snapshot', entries: some, total: 50_000, last }) satisfies DirectoryFrame
  const changes = (some: readonly WireEntry[]) =>
    ({ type: 'changes', entries: some, removed: [], total: 50_000 }) satisfies DirectoryFrame

  it('is bounded in peers, those of the directory itself before others, and the total is known', async () => {
    const reader = new EntriesReader(directory.peer, 'test', () => 0, { maxPeers: 5 })
    const roster = new Roster()
    const take = async (frame: ReturnType<typeof snapshot> | ReturnType<typeof changes>): Promise<DirectoryEntries> => {
      const said = await reader.read(frame)
      applyEntries(roster, said, 0)
      return said
    }
    const first = await take(snapshot(await entries(4, directory), false))
    expect([first.updates.length, first.total]).toEqual([4, 50_000])
    const last = await take(snapshot(await entries(20, other), true))
    expect([last.updates.length, last.complete?.size, last.refused]).toEqual([1, 5, 0])
    expect((await take(changes(await entries(3, other)))).updates).toEqual([])
    // A newcomer of the directory itself takes the place of another's.
    const own = await take(changes(await entries(1, directory)))
    expect([own.updates.length, own.removed.length]).toEqual([1, 1])
    expect(roster.size).toBe(5)
    expect((await take(changes(await entries(1, directory)))).updates).toEqual([])
  })

  it('is held once: an envelope that the client holds already gives the same record, from any directory', async () => {
    const roster = new Roster()
    const [one] = await entries(1, directory)
    if (one === undefined) return expect.fail('an entry was made')
    const copy = (flipped?: number): WireEntry => {
      const envelope = one.envelope.slice()
      if (flipped !== undefined) envelope[flipped] = (envelope[flipped] ?? 0) ^ 1
      return { ...one, envelope }
    }
    const readFrom = async (at: Identity, sent: WireEntry): Promise<DirectoryEntries> => {
      const said = await new EntriesReader(at.peer, 'test', () => 0, { held: roster }).read(snapshot([sent], true))
      applyEntries(roster, said, 0)
      return said
    }
    await readFrom(directory, copy())
    const held = roster.entries()[0]?.record
    const { updates } = await readFrom(other, copy())
    expect(updates.map(({ record }) => record)).toEqual([held])
    expect(updates[0]?.record).toBe(held)
    // Any other envelope is verified.
    expect((await readFrom(other, copy(one.envelope.byteLength - 1))).refused).toBe(1)
  })

  it('names each directory by one object, however many peers are attached there', async () => {
    const page = encodeDirectoryFrame(snapshot(await entries(3, other), true))
    const frame = decodeDirectoryFrame(page)
    if (frame?.type !== 'snapshot') return expect.fail('a snapshot was encoded')
    const { updates } = await new EntriesReader(directory.peer, 'test', () => 0).read(frame)
    expect(updates).toHaveLength(3)
    expect(new Set(updates.flatMap(({ attachments }) => attachments.map((one) => one.directory))).size).toBe(1)
  })

  it('is bounded in bytes', async () => {
    const some = await entries(10, directory)
    const each = some[0]?.envelope.byteLength ?? 0
    const reader = new EntriesReader(directory.peer, 'test', () => 0, { maxBytes: 4.5 * each })
    expect((await reader.read(snapshot(some, true))).updates).toHaveLength(4)
  })

  it('follows the peers that it has, and takes new ones when some have gone', async () => {
    const reader = new EntriesReader(directory.peer, 'test', () => 0, { maxPeers: 2 })
    const key = await generateKeyPair('Ed25519')
    const attachments = [{ directory: directory.peer, forMs: 0 }]
    const sealed = async (seq: bigint, withdrawn = false): Promise<WireEntry> => {
      const { envelope } = await sealRecord({ ...presence, seq, withdrawn }, key)
      return { envelope, attachments: withdrawn ? [] : attachments }
    }
    await reader.read(snapshot([await sealed(1n), ...(await entries(1, directory))], true))
    expect((await reader.read(changes([await sealed(2n)]))).updates).toHaveLength(1)
    expect((await reader.read(changes(await entries(1, directory)))).updates).toHaveLength(0)
    expect((await reader.read(changes([await sealed(3n, true)]))).updates).toHaveLength(1)
    expect((await reader.read(changes(await entries(1, directory)))).updates).toHaveLength(1)
  })
})
