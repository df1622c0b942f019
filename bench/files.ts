/**
 * Goal 18: a file from disk to disk between two processes on loopback, checked leaf by leaf and synced, and what it costs:
 * memory of both sides, and messages beside it. In the same rounds a raw libp2p stream carries as many bytes of memory
 * to memory, `scp` copies the same file through a server of its own, and `sha256sum` hashes it.
 *
 * Run: npm run bench -- files [--rounds 3] [--megabytes 1024] [--large 4096] [--json FILE] [--smoke]
 */

import { execFile } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { BenchProcess, quantile } from './bench-process.ts'
import { builtParley } from './built.ts'
import type { FilesAnswer, FilesOrder, FilesSideInit } from './files-side.ts'
import { startPipes } from './pipes.ts'
import { residentMegabytes } from './process-use.ts'
import { ratio, Report, reportOptions } from './report.ts'
import { scpServer } from './scp-server.ts'

const { values } = parseArgs({
  options: {
    ...reportOptions,
    rounds: { type: 'string' },
    megabytes: { type: 'string' },
    large: { type: 'string' }
  }
})
const rounds = Number(values.rounds ?? (values.smoke ? 1 : 3))
const megabytes = Number(values.megabytes ?? (values.smoke ? 4 : 1_024))
const largeMegabytes = Number(values.large ?? (values.smoke ? 8 : 4_096))
const mebibyte = 1_024 * 1_024
const pieceBytes = 64 * 1_024
/** As somebody who types quickly would not reach. */
const messageEveryMs = 20
const quietMs = values.smoke ? 200 : 5_000
const sampleEveryMs = 50

const run = promisify(execFile)
const report = new Report()
report.note(`${rounds} rounds in turns of ${megabytes} MiB each`)
const folder = await mkdtemp(join(tmpdir(), 'parley-bench-files-'))
const build = await builtParley()
const start = async () =>
  BenchProcess.start<FilesOrder, FilesAnswer>('files-side.ts', { build, folder } satisfies FilesSideInit)
const [receiver, sender] = await Promise.all([start(), start()])
const sides = [sender.process, receiver.process]
const raw = await startPipes('libp2p', report)
const scp = await scpServer(folder)
if (scp === undefined) report.note('scp and sshd are not there')
try {
  // What files-side.ts says first.
  const { address } = receiver.ready as { address: string }
  await sender.process.ask({ do: 'connect', address })
  await receiver.process.ask({ do: 'connect', address: (sender.ready as { address: string }).address })
  // What is done once, is done.
  await talking(async () => new Promise((resolve) => setTimeout(resolve, quietMs / 5)))
  const quiet = await talking(async () => new Promise((resolve) => setTimeout(resolve, quietMs)))
  await rates()
  const beside = await memoryAndMessages()
  const quietSlowest = report.figure('message to receipt, quiet: 99 % of them', 'ms', [quantile(quiet, 0.99)])
  const besideSlowest = report.figure('message to receipt, beside a file: 99 %', 'ms', [quantile(beside, 0.99)])
  report.goal('messageBesideFile', (besideSlowest ?? Number.NaN) - (quietSlowest ?? Number.NaN))
} finally {
  await Promise.all([...sides.map(async (side) => side.stop()), raw?.stop(), scp?.stop()])
  await rm(folder, { recursive: true, force: true })
}
report.finish()

async function rates(): Promise<void> {
  const path = await newFile('original.bin', megabytes)
  const found = {
    file: [] as number[],
    raw: [] as number[],
    scp: [] as number[],
    hash: [] as number[],
    sum: [] as number[]
  }
  const cpu: number[] = []
  for (let round = 0; round < rounds; round++) {
    if (raw !== undefined)
      found.raw.push(
        rate(
          await first(raw.sender.ask({ do: 'send', count: (megabytes * mebibyte) / pieceBytes, sizeBytes: pieceBytes }))
        )
      )
    found.sum.push(rate(await timed(async () => run('sha256sum', [path]))))
    found.hash.push(rate(await first(sender.process.ask({ do: 'offer', path }))))
    const before = await cpuMs()
    found.file.push(rate(await first(receiver.process.ask({ do: 'get' }))))
    cpu.push(((await cpuMs()) - before) / megabytes)
    if (scp !== undefined) found.scp.push(rate(await timed(async () => scp.copy(path))))
  }
  const file = report.figure('a file, disk to disk, checked and synced', 'MiB/s', found.file)
  report.figure('a file: CPU of both sides per MiB', 'ms', cpu)
  const rawRate = report.figure('raw libp2p stream, memory to memory', 'MiB/s', found.raw)
  const scpRate = report.figure('scp, not synced', 'MiB/s', found.scp)
  const hash = report.figure('hashed to be offered', 'MiB/s', found.hash)
  const sum = report.figure('sha256sum', 'MiB/s', found.sum)
  report.goal('fileOverRaw', ratio(file, rawRate))
  report.goal('fileOverScp', ratio(file, scpRate))
  report.goal('hashOverSum', ratio(hash, sum))
}

/** @returns how long messages took meanwhile */
async function memoryAndMessages(): Promise<readonly number[]> {
  const path = await newFile('large.bin', largeMegabytes)
  await sender.process.ask({ do: 'offer', path })
  const pids = sides.map(({ child }) => child.pid ?? 0)
  const rest = pids.map(residentMegabytes)
  const most = [...rest]
  const sampling = setInterval(() => {
    for (const [index, pid] of pids.entries()) most[index] = Math.max(most[index] ?? 0, residentMegabytes(pid))
  }, sampleEveryMs)
  try {
    return await talking(async () => receiver.process.ask({ do: 'get' }))
  } finally {
    clearInterval(sampling)
    const more = most.map((value, index) => value - (rest[index] ?? 0))
    report.figure(`sender of ${largeMegabytes} MiB: memory above rest`, 'MB', [more[0] ?? Number.NaN])
    report.figure(`receiver of ${largeMegabytes} MiB: memory above rest`, 'MB', [more[1] ?? Number.NaN])
    report.goal('fileMemory', Math.max(...more))
  }
}

async function talking(meanwhile: () => Promise<unknown>): Promise<readonly number[]> {
  await sender.process.ask({ do: 'messages', everyMs: messageEveryMs })
  await meanwhile()
  return (await sender.process.ask({ do: 'stop-messages' })).ms
}

/** Of bytes that no file system stores as nothing. */
async function newFile(name: string, sizeMegabytes: number): Promise<string> {
  const path = join(folder, name)
  const piece = randomFillSync(Buffer.alloc(mebibyte))
  const handle = await open(path, 'wx')
  for (let written = 0; written < sizeMegabytes; written++) {
    piece.writeUInt32BE(written)
    await handle.write(piece)
  }
  await handle.close()
  return path
}

function rate(ms: number): number {
  return (megabytes * 1_000) / ms
}

async function first(answer: Promise<{ readonly ms: readonly number[] }>): Promise<number> {
  return (await answer).ms[0] ?? Number.NaN
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now()
  await work()
  return performance.now() - startedAtMs
}

async function cpuMs(): Promise<number> {
  const answers = await Promise.all(sides.map(async (side) => first(side.ask({ do: 'cpu' }))))
  return answers.reduce((total, ms) => total + ms, 0)
}
