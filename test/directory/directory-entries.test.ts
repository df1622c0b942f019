// What a directory says, put into a client's roster.
import { describe, expect, it } from 'vitest'
import { applyEntries, Roster } from '../../src/directory/index.ts'
import type { DirectoryEntries, VerifiedRecord } from '../../src/directory/index.ts'
import { identity, sealedBy, type Identity } from './records.ts'

const directory = await identity(1)
const other = await identity(2)
const peer = await identity(3)

function says(teller: Identity, record: VerifiedRecord, attachedTo: readonly Identity[]): DirectoryEntries {
  const attachments = attachedTo.map((one) => ({ directory: one.peer, sinceMs: 0 }))
  return { directory: teller.peer, updates: [{ record, attachments }], removed: [], total: 1, refused: 0 }
}

describe('what a directory says', () => {
  it('ends its word about a peer that left, came back and was lost, with the farewell of the earlier visit', async () => {
    const farewell = await sealedBy(peer, { seq: 2n, withdrawn: true })
    const again = await sealedBy(peer, { seq: 3n })
    const roster = new Roster()
    applyEntries(roster, says(directory, again, [directory]), 0)
    const changes = applyEntries(roster, says(directory, farewell, []), 1)
    expect(changes.map(({ kind }) => kind)).toEqual(['gone'])
    expect(roster.entries()).toEqual([])
  })

  it('leaves what another directory says of a later visit', async () => {
    const farewell = await sealedBy(peer, { seq: 2n, withdrawn: true })
    const again = await sealedBy(peer, { seq: 3n })
    const roster = new Roster()
    applyEntries(roster, says(directory, again, [directory]), 0)
    applyEntries(roster, says(other, again, [other]), 0)
    applyEntries(roster, says(directory, farewell, []), 1)
    expect(roster.get(peer.id)?.attachments.map(({ source }) => source)).toEqual([other.id])
  })
})
