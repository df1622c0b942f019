// Rounds of `npm run test:kill -- --files`: a file is on its way between two processes, one of which is killed with -9 when a
// random part has come, and what the receiver has on its disk is damaged. Each time the file is whole it is compared, and
// begun anew. It counts what had to be fetched again.
import { fork, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { hashFile } from '../../src/files/disk/shared-file.ts'
import { leafSpan, MIN_LEAF_BYTES } from '../../src/files/file-tree.ts'
import { freePorts } from '../processes/ports.ts'
import type { FileSideInit, FileSideNews } from './file-side.ts'
import type { SeededRandom } from './seeded-random.ts'

/** Of each file, so that some come through with a kill or two, and some with ten. */
const mostKillsOfAFile = 10
const asSource = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']

export interface FileKills {
  readonly kills: number
  readonly files: number
  readonly wrongFiles: number
  /** Of each kill, as a part of the file: leaves that had come and came again, those that were damaged left out. */
  readonly again: readonly number[]
}

interface FileKillsInit {
  readonly folder: string
  readonly rounds: number
  readonly random: SeededRandom
  readonly leaves: number
}

/** One process, and the last of what it said. */
class Side {
  readonly child: ChildProcess
  here = 0
  /** What it has found on its disk; undefined before it has looked. */
  found: number | undefined
  whole: string | undefined
  #changed = Promise.withResolvers<void>()

  constructor(init: FileSideInit) {
    this.child = fork(join(import.meta.dirname, 'file-side.ts'), [JSON.stringify(init)], { execArgv: asSource })
    this.child.on('message', (news: FileSideNews) => {
      if (news.is === 'here') this.here = news.leaves
      if (news.is === 'here') this.found ??= news.leaves
      if (news.is === 'whole') this.whole = news.path
      this.#change()
    })
    this.child.on('exit', () => this.#change())
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.hasEnded) throw new Error('a side of the transfer has ended by itself: what it said is above')
      await this.#changed.promise
    }
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }

  #change(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }
}

export async function playFiles({ folder, rounds, random, leaves }: FileKillsInit): Promise<FileKills> {
  const path = join(folder, 'original.bin')
  const content = randomBytes(leaves * MIN_LEAF_BYTES - 77)
  await writeFile(path, content)
  const wanted = digest(content)
  const { layer, ...hashed } = await hashFile(path)
  const layerPath = join(folder, 'layer')
  await writeFile(layerPath, layer)
  const original = { ...hashed, path, layerPath }
  const [sourcePort = 0, receiverPort = 0] = await freePorts(2)
  const keys = [await newKey(), await newKey()] as const
  const source = () => new Side({ key: keys[0], port: sourcePort, original })
  const from = `/ip4/127.0.0.1/tcp/${sourcePort}`
  let into = ''
  const receiver = () => new Side({ key: keys[1], port: receiverPort, original, fetch: { from, into } })
  const again: number[] = []
  let [files, wrongFiles] = [0, 0]
  let serving = source()
  let fetching: Side | undefined
  try {
    while (again.length < rounds) {
      into = join(folder, `into-${files}`)
      await mkdir(into)
      fetching = receiver()
      const kills = Math.min(rounds - again.length, 1 + Math.floor(random.upTo(mostKillsOfAFile)))
      for (let kill = 0; kill < kills && fetching.whole === undefined; kill++) {
        const one: Side = fetching
        const mark = Math.min(leaves - 1, one.here + 1 + Math.floor(random.upTo((2 * leaves) / kills)))
        await one.until(() => one.here >= mark || one.whole !== undefined)
        if (random.isOne(2)) {
          await serving.kill()
          serving = source()
          again.push(0)
          continue
        }
        await one.kill()
        const damaged = one.whole === undefined ? await damage(into, content.byteLength, random) : 0
        const before = one.here
        const next: Side = (fetching = receiver())
        await next.until(() => next.found !== undefined)
        again.push(Math.max(0, before - damaged - (next.found ?? 0)) / leaves)
      }
      const last: Side = fetching
      await last.until(() => last.whole !== undefined)
      await last.kill()
      files++
      const isRight = digest(await readFile(last.whole ?? '')) === wanted
      if (!isRight || (await readdir(into)).length !== 1) wrongFiles++
      await rm(into, { recursive: true })
    }
  } finally {
    await Promise.all([serving.kill(), fetching?.kill()])
  }
  return { kills: again.length, files, wrongFiles, again }
}

/** Bytes are changed, or the end is cut off. @returns of how many leaves at most */
async function damage(into: string, sizeBytes: number, random: SeededRandom): Promise<number> {
  const path = join(into, 'file.bin.part')
  const size = await stat(path).then(
    (found) => found.size,
    () => 0
  )
  if (size === 0) return 0
  const handle = await open(path, 'r+')
  const at = Math.floor(random.upTo(size))
  try {
    if (random.isOne(3)) {
      const cut = Math.max(0, size - Math.floor(random.upTo(4 * MIN_LEAF_BYTES)))
      await handle.truncate(cut)
      return Math.ceil((size - cut) / MIN_LEAF_BYTES) + 1
    }
    const { bytes } = leafSpan(sizeBytes, Math.floor(at / MIN_LEAF_BYTES))
    const byte = Buffer.alloc(1)
    await handle.read(byte, 0, 1, at)
    byte[0] = (byte[0] ?? 0) ^ 1
    await handle.write(byte, 0, 1, at)
    return bytes > 0 ? 1 : 0
  } finally {
    await handle.close()
  }
}

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

async function newKey(): Promise<string> {
  return Buffer.from((await generateKeyPair('Ed25519')).raw).toString('base64')
}
