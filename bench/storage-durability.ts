/**
 * Ways to make a commit durable, side by side: SQLite's own sync on this thread,
 * the log synced in the thread pool as the store does, SQLite's own sync in a
 * worker, and no sync at all. For each: what one commit takes, and for how long
 * the event loop stands still meanwhile.
 *
 * Run: npm run bench -- storage-durability [FOLDER] [--json FILE] [--smoke]
 */

import { fdatasync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs, promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { median } from './bench-process.ts'
import { Report, reportOptions } from './report.ts'

const { values, positionals } = parseArgs({ options: reportOptions, allowPositionals: true })
const folder = mkdtempSync(join(positionals[0] ?? tmpdir(), 'parley-durability-'))
const commits = values.smoke ? 20 : 2_000
const report = new Report()
const text = 'a message of the length that people write to one another'
const syncFile = promisify(fdatasync)

function open(name: string, synchronous: 'FULL' | 'NORMAL'): DatabaseSync {
  const database = new DatabaseSync(join(folder, name))
  database.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    CREATE TABLE message (position INTEGER PRIMARY KEY, text TEXT)`)
  return database
}

async function measure(what: string, commit: () => Promise<unknown>): Promise<void> {
  const times: number[] = []
  let blockedMs = 0
  for (let n = 0; n < commits; n++) {
    const startedAtMs = performance.now()
    const done = commit()
    blockedMs += performance.now() - startedAtMs
    await done
    times.push(performance.now() - startedAtMs)
  }
  report.record(`one commit, ${what}`, 'µs', median(times) * 1_000)
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number): string => ((sorted[Math.floor(part * (commits - 1))] ?? 0) * 1000).toFixed(0).padStart(6)
  const blocked = ((blockedMs / commits) * 1000).toFixed(0).padStart(6)
  process.stdout.write(`| ${what.padEnd(34)} | ${at(0.5)} | ${at(0.99)} | ${blocked} |\n`)
}

process.stdout.write(`| ${'one commit, µs'.padEnd(34)} |    p50 |    p99 | blocked |\n| --- | --- | --- | --- |\n`)

const full = open('full.db', 'FULL')
const insertFull = full.prepare('INSERT INTO message (text) VALUES (?)')
await measure('SQLite’s sync, on this thread', async () => insertFull.run(text))

const normal = open('normal.db', 'NORMAL')
const insertNormal = normal.prepare('INSERT INTO message (text) VALUES (?)')
const log = openSync(join(folder, 'normal.db-wal'), 'r+')
await measure('log synced in the thread pool', async () => {
  insertNormal.run(text)
  await syncFile(log)
})
await measure('no sync', async () => insertNormal.run(text))

// A worker thread is no window: its messages have no origin.
// oxlint-disable unicorn/require-post-message-target-origin
const workerFile = join(folder, 'worker.mjs')
writeFileSync(
  workerFile,
  `import { DatabaseSync } from 'node:sqlite'
  import { parentPort, workerData } from 'node:worker_threads'
  const database = new DatabaseSync(workerData)
  database.exec(\`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE message (position INTEGER PRIMARY KEY, text TEXT)\`)
  const insert = database.prepare('INSERT INTO message (text) VALUES (?)')
  parentPort.on('message', (message) => parentPort.postMessage(insert.run(message.text)))`
)
const worker = new Worker(workerFile, { workerData: join(folder, 'worker.db') })
let answered: () => void = () => undefined
worker.on('message', () => answered())
await measure('SQLite’s sync, in a worker', async () => {
  const answer = new Promise<void>((resolve) => {
    answered = resolve
  })
  worker.postMessage({ text })
  await answer
})
await worker.terminate()
full.close()
normal.close()
rmSync(folder, { recursive: true })
process.stdout.write('\n')
report.finish()
