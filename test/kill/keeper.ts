// The program that power-cut.ts records: it keeps messages and contacts in the folder that is its argument as a chat
// does, for so many turns, and prints a line of JSON for each thing that it was told is on the disk.
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { PeerBook, SqliteStore } from '../../src/storage/index.ts'
import type { Kept } from './power-cut.ts'

const [, , folder = '', turns = ''] = process.argv
const lanes = 3
/** Overflows a page of the file. */
const longText = 'a long text '.repeat(800)
const contactEvery = 25
const accepted = { state: 'accepted', lan: false, storedAtMs: 1 } as const
const tell = (kept: Kept): void => void writeSync(1, `${JSON.stringify(kept)}\n`)

for (const life of ['first', 'second']) {
  const store = await SqliteStore.open(join(folder, 'history.db'))
  const book = await PeerBook.open(join(folder, 'book.json'))
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const peer = `peer ${lane}`
      for (let turn = 0; turn < Number(turns); turn++) {
        const text = turn % 20 === 0 ? longText : `${life} ${turn}`
        const { id } = await store.addOutgoing({ peer, text, sentAtMs: turn })
        tell({ is: 'sent', peer, id })
        const seqs = [0, 1, 2].map((part) => 3 * turn + part + 1)
        const batch = seqs.map((seq) => ({ id: `${life} ${seq}`, log: life, seq, sentAtMs: seq, text: `from ${seq}` }))
        await store.addIncoming(peer, batch, accepted)
        tell({ is: 'received', peer, ids: batch.map((message) => message.id) })
        if (turn % 3 === 0) {
          await store.setDelivery(peer, [id], 'delivered')
          tell({ is: 'delivered', peer, id })
        }
        if (turn % contactEvery === 0) {
          const contact = `${life} ${lane} ${turn}`
          await book.accept(contact, contact, turn)
          tell({ is: 'contact', peer: contact })
        }
      }
      const forgotten = `${life} ${lane}`
      await store.addOutgoing({ peer: forgotten, text: 'of no account', sentAtMs: 0 })
      await store.forget(forgotten)
      tell({ is: 'forgotten', peer: forgotten })
    })
  )
  await book.flush()
  await store.close()
}
