import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bundled } from '../../processes/bundled.ts'
import { SqliteStore } from '../../../src/storage/index.ts'

const rounds = 30
const minLines = 40
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-kill-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

type Told =
  | { readonly sent: string; readonly peer: string; readonly seq: number }
  | { readonly delivered: string; readonly peer: string }
  | { readonly received: readonly string[]; readonly peer: string }

/** Lets a process write, kills it at a random moment, and returns what the store confirmed. */
async function writeAndKill(writer: string, file: string, round: number): Promise<Told[]> {
  const child = spawn(process.execPath, [writer, file, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  const begun = Promise.withResolvers<void>()
  let lines = 0
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    lines += chunk.toString().split('\n').length - 1
    // Every other round is killed soon after it has begun; the others have written a good deal, however slow the machine.
    if (lines >= (round % 2 === 0 ? 1 : minLines)) begun.resolve()
  })
  await begun.promise
  const delayMs = Math.random() * 60
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  child.kill('SIGKILL')
  await once(child, 'close')
  const whole = Buffer.concat(chunks).toString().split('\n').slice(0, -1)
  return whole.map((line): Told => JSON.parse(line))
}

test('kill -9 at any moment neither loses nor doubles what was confirmed as stored', async () => {
  const file = join(folder, 'history.db')
  const told: Told[] = []
  using writer = await bundled('test/storage/write-until-killed.ts')
  for (let round = 0; round < rounds; round++) told.push(...(await writeAndKill(writer.file, file, round)))

  const store = await SqliteStore.open(file)
  expect(await store.check()).toBeUndefined()
  const stored = new Map<string, string>()
  const doubled: string[] = []
  const lastSeq = new Map<string, number>()
  const disordered: string[] = []
  for await (const batch of store.export()) {
    for (const { message } of batch) {
      const { peer, direction, id, log, seq } = message
      const key = `${peer} ${direction} ${id}`
      if (stored.has(key)) doubled.push(key)
      stored.set(key, message.state)
      const sender = `${peer} ${direction} ${log}`
      if ((lastSeq.get(sender) ?? -1) >= seq) disordered.push(key)
      lastSeq.set(sender, seq)
    }
  }
  await store.close()

  const lost = told.flatMap((line): readonly unknown[] => {
    if ('sent' in line) return stored.has(`${line.peer} out ${line.sent}`) ? [] : [line]
    if ('delivered' in line) return stored.get(`${line.peer} out ${line.delivered}`) === 'delivered' ? [] : [line]
    return line.received.filter((id) => !stored.has(`${line.peer} in ${id}`))
  })
  expect(told.length).toBeGreaterThan(rounds * 10)
  expect({ lost, doubled, disordered }).toEqual({ lost: [], doubled: [], disordered: [] })
})
