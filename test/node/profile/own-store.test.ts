// What is said of an own history that was damaged: no more is promised than the file can show.
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openOwnStore, type OwnStore } from '../../../src/node/profile/own-store.ts'

const peer = '12D3KooWAnnaaaaaH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'
const messages = 300
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-own-store-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = async (): Promise<OwnStore> =>
  openOwnStore({ folder }, { isPeer: () => true, nameOf: () => 'anna', onDamage: () => undefined })

/** @returns what is said at the first opening of a history that was cut to a part of its length */
async function mendedAfterCut(part: number): Promise<string | undefined> {
  const { store } = await open()
  const adding = Array.from({ length: messages }, async (_, n) =>
    store.addOutgoing({ peer, text: `message ${n} ${'x'.repeat(400)}`, sentAtMs: n })
  )
  await Promise.all(adding)
  await store.close()
  const file = join(folder, 'history.db')
  truncateSync(file, Math.floor(statSync(file).size * part))
  const { store: again, mended } = await open()
  await again.close()
  return mended
}

test.each([0.02, 0.1, 0.5, 0.9])(
  'of a history cut to %d of its length it is said that its end is missing',
  async (part) => {
    const mended = await mendedAfterCut(part)
    expect(mended).toMatch(/all that was in the last [\d.]+ [KM]iB of the file, which are missing/u)
    expect(mended).not.toContain('no message was lost')
  }
)

test('of a history that was emptied it is said that all of it is lost', async () => {
  const mended = await mendedAfterCut(0)
  expect(mended).toMatch(
    /0 messages are there, lost: all that was in the file, which was empty or cut short\. The dam/u
  )
})
