// Whether numbers of own messages are ever used twice, when histories are copied
// and restored. Two stores stand for two histories of one identity.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { heed, helloFor } from '../../../src/node/messaging/peer-sessions.ts'
import { SqliteStore, type LogPosition, type MessageStore } from '../../../src/storage/index.ts'

const peer = 'friend'
let folder: string
let open: MessageStore[]
/** What the friend holds: texts by the number under which they came. */
let numbers: Map<string, string>
let held: LogPosition | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-own-log-'))
  open = []
  numbers = new Map()
  held = undefined
})

afterEach(async () => {
  await Promise.all(open.map(async (store) => store.close()))
  rmSync(folder, { recursive: true })
})

async function opened(name: string): Promise<MessageStore> {
  const store = await SqliteStore.open(join(folder, name))
  open.push(store)
  return store
}

/** A session: Hello, then these texts, each received under its number. */
async function say(store: MessageStore, ...texts: readonly string[]): Promise<void> {
  await heed(store, peer, held)
  for (const text of texts) await store.addOutgoing({ peer, text, sentAtMs: 0 })
  const waiting = await store.unreceipted(peer, { limit: 100 })
  await store.noteSent(
    peer,
    waiting.map(({ message }) => message)
  )
  for (const { message } of waiting) {
    const number = `${message.log} ${message.seq}`
    const other = numbers.get(number)
    expect(other === undefined || other === message.text, `${number} stands for ${other} and ${message.text}`).toBe(
      true
    )
    numbers.set(number, message.text)
    held = { log: message.log, seq: message.seq }
  }
  await store.setDelivery(
    peer,
    waiting.map(({ message }) => message.id),
    'delivered'
  )
}

test('a backup that is restored twice uses no number for two messages', async () => {
  const first = await opened('first.db')
  await say(first, 'one', 'two')
  await first.close()
  open = []
  for (const copy of ['once.db', 'twice.db', 'thrice.db']) cpSync(join(folder, 'first.db'), join(folder, copy))

  await say(await opened('first.db'), 'three', 'four')
  await say(await opened('once.db'), 'five', 'six', 'seven')
  await say(await opened('twice.db'), 'eight', 'nine', 'ten', 'eleven')
  await say(await opened('thrice.db'), 'twelve')
  expect(numbers.size).toBe(12)
})

test('a log goes on as long as the other side holds it, or still the one before it', async () => {
  const store = await opened('history.db')
  await say(store, 'one')
  await store.startNewLog(peer, held?.log)
  const { log } = await helloFor(store, peer)
  await heed(store, peer, held)
  expect((await helloFor(store, peer)).log).toBe(log)
  await say(store, 'two')
  await say(store, 'three')
  expect((await helloFor(store, peer)).log).toBe(log)
})

test('two programs with one identity and one past use no number for two messages', async () => {
  const first = await opened('first.db')
  await say(first, 'one')
  await first.close()
  open = []
  cpSync(join(folder, 'first.db'), join(folder, 'second.db'))
  const [one, other] = [await opened('first.db'), await opened('second.db')]
  for (let turn = 0; turn < 4; turn++) {
    await say(one, `one, ${turn}`)
    await say(other, `other, ${turn}`)
  }
  expect(numbers.size).toBe(9)
})
