/**
 * What the durable message store costs: writing through its API, and opening,
 * paging and searching a history of a million messages in 500 conversations,
 * beside an empty history in the same run.
 *
 * Run: npm run bench -- storage [--messages 1000000] [--folder FOLDER] [--json FILE] [--smoke]
 * The folder should be on the disk that is to be measured.
 */

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Report, reportOptions } from './report.ts'
import { SqliteStore } from '../src/storage/index.ts'
import type { NewIncoming } from '../src/storage/index.ts'

const { values: options } = parseArgs({
  options: { ...reportOptions, messages: { type: 'string' }, folder: { type: 'string', default: tmpdir() } }
})
const messageCount = Number(options.messages ?? (options.smoke ? 2_000 : 1_000_000))
const report = new Report()
/** Medians of the rows that goals are about. */
const medians = new Map<string, number>()
const conversations = 500
const batchSize = 250
const folder = mkdtempSync(join(options.folder, 'parley-bench-'))
const large = join(folder, 'large.db')
const empty = join(folder, 'empty.db')
const accepted = { state: 'accepted', lan: false, storedAtMs: 1 } as const
const peerOf = (n: number): string => `12D3KooWPeerNumber${n}`.padEnd(52, 'x')
const common = [
  'see',
  'you',
  'at',
  'the',
  'station',
  'tomorrow',
  'when',
  'train',
  'comes',
  'in',
  'and',
  'then',
  'we',
  'go'
]
let seed = 1
/** The same in each run; all bits of it by chance, so that neighbouring words are too (xorshift of 32 bits). */
const random = (below: number): number => {
  for (const shift of [13, -17, 5]) seed ^= shift > 0 ? seed << shift : seed >>> -shift
  return (seed >>> 0) % below
}
const textOf = (n: number): string =>
  `${Array.from({ length: 10 }, () => common[random(common.length)]).join(' ')} word${random(20_000)} ${n}`

function row(what: string, value: string): void {
  process.stdout.write(`| ${what.padEnd(58)} | ${value.padStart(22)} |\n`)
  const number = Number.parseFloat(value)
  medians.set(what, number)
  report.record(what, /[A-Za-z/]+$/u.exec(value)?.[0] ?? '', number)
}

function percentile(sorted: readonly number[], part: number): string {
  return (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(2)
}

async function timesMs(count: number, run: (n: number) => Promise<unknown>): Promise<string> {
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const startedAtMs = performance.now()
    await run(n)
    times.push(performance.now() - startedAtMs)
  }
  const sorted = times.toSorted((a, b) => a - b)
  return `${percentile(sorted, 0.5)} / ${percentile(sorted, 0.99)} ms`
}

async function perSecond(count: number, run: () => Promise<unknown>): Promise<string> {
  const startedAtMs = performance.now()
  await run()
  return `${Math.round((count / (performance.now() - startedAtMs)) * 1000)} /s`
}

const memoryMb = (): number => {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

row('what', 'p50 / p99, or rate')
row('---', '---')

const store = await SqliteStore.open(large)
const peer = peerOf(0)
const sent: string[] = []
const add = async (n: number): Promise<void> => {
  sent.push((await store.addOutgoing({ peer, text: textOf(n), sentAtMs: n })).id)
}
row('own message, each awaited', await timesMs(2_000, add))
row(
  'own messages, 1,000 asked at once',
  await perSecond(20_000, async () => {
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 1_000 }, async (_, n) => add(n)))
  })
)
const receipts = sent.splice(0)
row(
  'receipt, each awaited',
  await timesMs(1_000, async (n) => store.setDelivery(peer, [receipts[n] ?? ''], 'delivered'))
)
row(
  'receipts, 100 at a time',
  await perSecond(receipts.length - 1_000, async () => {
    for (let from = 1_000; from < receipts.length; from += 100) {
      await store.setDelivery(peer, receipts.slice(from, from + 100), 'delivered')
    }
  })
)

let made = 0
const incoming = (): NewIncoming => {
  made++
  return { id: made.toString(16).padStart(32, '0'), log: 'a'.repeat(16), seq: made, sentAtMs: made, text: textOf(made) }
}
row(
  'incoming message, each awaited',
  await timesMs(1_000, async (n) => store.addIncoming(peerOf(n % 500), [incoming()], accepted))
)
row(
  `incoming messages, ${batchSize} at a time`,
  await perSecond(messageCount, async () => {
    for (let written = 0; written < messageCount; written += batchSize) {
      const batch = Array.from({ length: batchSize }, incoming)
      await store.addIncoming(peerOf((written / batchSize) % conversations), batch, accepted)
    }
  })
)
const afterWriting = performance.now()
await store.search('nothing', { limit: 1 })
row('until the last of these are in the search index', `${((performance.now() - afterWriting) / 1000).toFixed(1)} s`)
await store.close()
row('size of the file', `${(statSync(large).size / 2 ** 20).toFixed(0)} MB`)

await (await SqliteStore.open(empty)).close()
const openOne = async (file: string, look: boolean): Promise<void> => {
  const opened = await SqliteStore.open(file)
  if (look) await opened.history(peerOf(7), { limit: 50 })
  await opened.close()
}
row('open and close, empty', await timesMs(30, async () => openOne(empty, false)))
row('open and close, large', await timesMs(30, async () => openOne(large, false)))
row('open, last 50 of a conversation, close, large', await timesMs(30, async () => openOne(large, true)))

const memoryBefore = memoryMb()
const read = await SqliteStore.open(large)
row('the last 50 of a conversation', await timesMs(500, async (n) => read.history(peerOf(n), { limit: 50 })))
let before = Number.MAX_SAFE_INTEGER
row(
  'the page of 50 before that, and so on back',
  await timesMs(30, async () => {
    const page = await read.page(peerOf(3), { limit: 50, before })
    before = page[0]?.position ?? Number.MAX_SAFE_INTEGER
  })
)
row('all conversations with their last message', await timesMs(20, async () => read.conversations()))
row('search, newest 50: a word of most messages', await timesMs(50, async () => read.search('tomorrow', { limit: 50 })))
row('search, newest 50: a rare word', await timesMs(200, async (n) => read.search(`word${n * 97}`, { limit: 50 })))
row(
  'search, newest 50: two common words and a rare one',
  await timesMs(50, async (n) => read.search(`see train word${n}`, { limit: 50 }))
)
const phrase = '"see you tomorrow"'
row('search, newest 50: a phrase', await timesMs(50, async () => read.search(phrase, { limit: 50 })))
const half = Math.floor(messageCount / 2)
row(
  'search, newest 50: a phrase, from half way back on',
  await timesMs(50, async (n) => read.search(phrase, { limit: 50, before: half + n }))
)
row(
  'search, newest 50: a common word with one peer',
  await timesMs(50, async (n) => read.search('tomorrow', { peer: peerOf(n * 9), limit: 50 }))
)
// There are no 50 hits: every message that has all of the words is looked at. It is no part of the goal.
row(
  'a search in vain: a phrase of nine words of most messages',
  await timesMs(10, async () => read.search('"see you tomorrow we go in the at train"', { limit: 50 }))
)
row(
  'export, messages',
  await perSecond(messageCount, async () => {
    for await (const batch of read.export()) if (batch.length === 0) break
  })
)
row('memory in use after all of this reading, more than before', `${(memoryMb() - memoryBefore).toFixed(0)} MB`)
const checkedAt = performance.now()
await read.check()
row('check of the whole file', `${((performance.now() - checkedAt) / 1000).toFixed(1)} s`)
await read.close()
rmSync(folder, { recursive: true })

process.stdout.write('\n')
const searches = [...medians].filter(([what]) => what.startsWith('search, newest 50')).map(([, ms]) => ms)
const openLargeMs = medians.get('open and close, large')
const openEmptyMs = medians.get('open and close, empty')
report.note(`${messageCount} messages in ${conversations} conversations; of the searches the slowest counts`)
report.goal(
  'openLarge',
  openLargeMs === undefined || openEmptyMs === undefined ? undefined : Math.max(0, openLargeMs - openEmptyMs)
)
report.goal('searchLarge', Math.max(...searches))
report.finish()
