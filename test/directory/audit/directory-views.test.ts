// What directories tell a client of peers, kept apart by who tells it.
import { expect, it } from 'vitest'
import { DirectoryViews } from '../../../src/directory/audit/directory-views.ts'
import type { DirectoryEntries } from '../../../src/directory/index.ts'
import { identity, sealedBy, type Identity } from '../../presence/records.ts'

const home = await identity(200)
const [ada, bob, carl] = [await identity(1), await identity(2), await identity(3)]

async function says(here: readonly Identity[], gone: readonly Identity[] = []): Promise<DirectoryEntries> {
  const attachments = [{ directory: home.peer, sinceMs: 0 }]
  const updates = here.map(async (one) => ({ record: await sealedBy(one), attachments }))
  const removed = gone.map(({ id }) => id)
  return { directory: home.peer, updates: await Promise.all(updates), removed, total: 0, refused: 0 }
}

it('of a directory that tells of ever more peers are bounded, and go on for those that it told of', async () => {
  const views = new DirectoryViews(2)
  views.apply(await says([ada, bob, carl]))
  expect([...views.peers()]).toEqual([ada.id, bob.id])
  expect([...views.apply(await says([bob]))]).toEqual([bob.id])
  views.apply(await says([], [ada]))
  views.apply(await says([carl]))
  expect([...views.peers()]).toEqual([bob.id, carl.id])
})
