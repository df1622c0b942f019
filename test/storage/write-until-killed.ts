// Writes to a history, its argument, until it is killed, and prints a line of JSON for everything that the store confirms.
import { writeSync } from 'node:fs'
import { SqliteStore } from '../../src/storage/index.ts'

const [, , file = '', round = '0'] = process.argv
const store = await SqliteStore.open(file)
const tell = (what: unknown): void => void writeSync(1, `${JSON.stringify(what)}\n`)
const accepted = { state: 'accepted', lan: false, storedAtMs: 1 } as const

async function sendForEver(lane: number): Promise<void> {
  const peer = `peer${lane}`
  for (let n = 0; ; n++) {
    const { id, seq } = await store.addOutgoing({ peer, text: `${round} ${n}`, sentAtMs: n })
    tell({ sent: id, peer, seq })
    if (n % 3 !== 0) continue
    await store.setDelivery(peer, [id], 'delivered')
    tell({ delivered: id, peer })
  }
}

async function receiveForEver(lane: number): Promise<void> {
  const peer = `peer${lane}`
  for (let n = 0; ; n++) {
    const batch = [0, 1, 2].map((part) => {
      const seq = 3 * n + part
      return { id: `${round}-${seq}`, log: `log${round}`, seq, sentAtMs: seq, text: `from ${round}-${seq}` }
    })
    await store.addIncoming(peer, batch, accepted)
    tell({ received: batch.map(({ id }) => id), peer })
    // A repeated batch must not be stored twice.
    if (n % 2 === 0) await store.addIncoming(peer, batch, accepted)
    if (n % 20 === 0) await store.search('from', { limit: 3 })
  }
}

await Promise.all([0, 1, 2].flatMap((lane) => [sendForEver(lane), receiveForEver(lane)]))
