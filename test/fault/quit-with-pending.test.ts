// A user who leaves while tens of thousands of messages wait for absent peers: the process ends soon, whichever face it
// has, says that they wait, and keeps every one of them.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { machineSlowness } from '../cpu-time.ts'
import { withHistory } from '../processes/homes.ts'
import { TestBed } from '../processes/test-bed.ts'

const messages = 44_000
const peers = 22
const each = messages / peers
/** Work for each message at the end is what made it slow: this is 20 µs of CPU for each, on a machine at rest. */
const quitCpuMs = 900
const readBatch = 1_000

test.each([
  { face: 'plain lines', args: ['--plain'], ready: /^You are /u, quit: '/quit' },
  { face: 'JSON lines', args: ['--json'], ready: /"event":"ready"/u, quit: '{"do":"quit"}' }
])('with $face it ends soon while 44,000 messages wait, and keeps them all', async ({ args, ready, quit }) => {
  await using bed = await TestBed.make()
  const home = bed.home()
  const absent = await Promise.all(
    Array.from({ length: peers }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
  )
  await withHistory(home, async (store) => {
    for (const peer of absent) {
      const texts = Array.from({ length: each }, (_, n) => ({ text: `waits ${n}`, sentAtMs: Date.now() }))
      await store.addAllOutgoing(peer.toString(), texts)
    }
  })
  const books = join(bed.folder, 'cpu.json')
  const parley = await bed.start(args, { home, env: { NODE_OPTIONS: `--import=${reporterOfCpu(bed.folder, books)}` } })
  await parley.shows(ready)
  const before = cpuMsSoFar(parley.pid)
  parley.type(quit)
  const { code } = await parley.ended()
  const quitMs = Number(readFileSync(books, 'utf8')) - before

  expect(code).toBe(0)
  expect(quitMs).toBeLessThan(quitCpuMs * machineSlowness())
  await withHistory(home, async (store) => {
    for (const peer of absent) {
      const texts: string[] = []
      for (let after = 0; ;) {
        const batch = await store.unreceipted(peer.toString(), { after, limit: readBatch })
        texts.push(...batch.map(({ message }) => message.text))
        if (batch.length < readBatch) break
        after = batch.at(-1)?.position ?? after
      }
      expect(texts).toEqual(Array.from({ length: each }, (_, n) => `waits ${n}`))
    }
  })
})

/** @returns a module that writes at the end of its process how much CPU time the process has used, in milliseconds */
function reporterOfCpu(folder: string, into: string): string {
  const file = join(folder, 'report-cpu.mjs')
  writeFileSync(
    file,
    `import { writeFileSync } from 'node:fs'
process.once('exit', () => {
  const { user, system } = process.cpuUsage()
  writeFileSync(${JSON.stringify(into)}, String((user + system) / 1000))
})\n`
  )
  return file
}

/** From the system's books, which count in ticks of 10 ms. */
function cpuMsSoFar(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const [userTicks, systemTicks] = [fields[11], fields[12]]
  return (Number(userTicks) + Number(systemTicks)) * 10
}
