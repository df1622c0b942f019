// Stores texts in a history, its first argument, one after the other, each until the store accepts it, and prints the result
// of each try as a line of JSON. The caller may make system calls fail meanwhile.
import { setTimeout as sleep } from 'node:timers/promises'
import { SqliteStore } from '../../src/storage/index.ts'

const [, , file = '', texts = '1'] = process.argv
const againMs = 100
const store = await SqliteStore.open(file)
for (let n = 0; n < Number(texts); n++) {
  for (let isStored = false; !isStored;) {
    const refusal: unknown = await store
      .addOutgoing({ peer: 'somebody', text: `text ${n}`, sentAtMs: 0 })
      .then(() => undefined)
      .catch((error: unknown) => error)
    const told = refusal instanceof Error ? { refused: refusal.name, text: refusal.message } : { stored: `text ${n}` }
    console.log(JSON.stringify(told))
    isStored = refusal === undefined
    if (!isStored) await sleep(againMs)
  }
}
await store.close()
