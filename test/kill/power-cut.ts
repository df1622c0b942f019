// `npm run test:power -- --cuts N [--turns N] [--seed S] [--ignore-syncs]`: a program keeps messages and contacts, and what it asks
// of the disk is recorded. The power is then cut at moments that nobody chose, on a disk that keeps for sure only what
// was synced: whatever the program was told is kept must be there, once and in order, and nothing may be damaged.
// (kill -9 shows none of that: the system still writes what the program had given it.) Needs strace.
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PeerBook, SqliteStore } from '../../src/storage/index.ts'
import { RecordedDisk } from './recorded-disk.ts'
import { play, record } from './recording.ts'
import { SeededRandom } from './seeded-random.ts'

/** What the program was told is on the disk. */
export type Kept =
  | { readonly is: 'sent' | 'delivered'; readonly peer: string; readonly id: string }
  | { readonly is: 'received'; readonly peer: string; readonly ids: readonly string[] }
  | { readonly is: 'contact' | 'forgotten'; readonly peer: string }

const keeper = join(import.meta.dirname, 'keeper.ts')
const defaultCuts = 200
/** Enough for some checkpoints of the history's log. */
const defaultTurns = 100
const shownFindings = 10

interface Options {
  readonly cuts: number
  /** How much the program does. */
  readonly turns: number
  readonly seed: number
  readonly ignoresSyncs: boolean
}

async function main({ cuts, turns, seed, ignoresSyncs }: Options): Promise<number> {
  // The recording has the paths as the system knows them.
  const home = await realpath(await mkdtemp(join(tmpdir(), 'parley-power-')))
  const [folder, recording] = [join(home, 'profile'), join(home, 'recording')]
  try {
    await mkdir(folder)
    await record(recording, [process.execPath, keeper, folder, String(turns)])
    const steps = await play(recording, {
      disk: new RecordedDisk(folder),
      onPrinted: () => undefined,
      onStep: async () => true
    })
    const random = new SeededRandom(seed)
    const moments = new Set(Array.from({ length: cuts }, () => 1 + Math.floor(random.upTo(steps))))
    console.log(`${cuts} power cuts within ${steps} calls of a program that keeps messages, --seed ${seed}`)
    const findings: string[] = []
    const told: Kept[] = []
    const disk = new RecordedDisk(folder, { ignoresSyncs })
    await play(recording, {
      disk,
      onPrinted: (text) => {
        for (const line of text.split('\n').slice(0, -1)) told.push(JSON.parse(line))
      },
      onStep: async (step) => {
        if (!moments.has(step)) return true
        const left = join(home, `after-${step}`)
        await disk.cut(left, random)
        findings.push(...(await missing(left, told)).map((finding) => `cut after call ${step}: ${finding}`))
        await rm(left, { recursive: true })
        return true
      }
    })
    for (const finding of findings.slice(0, shownFindings)) console.log(`  ${finding}`)
    console.log(`cuts ${moments.size} kept ${told.length} findings ${findings.length}`)
    return findings.length === 0 ? 0 : 1
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** What is wrong with the files that the cut has left. */
async function missing(folder: string, told: readonly Kept[]): Promise<readonly string[]> {
  try {
    const store = await SqliteStore.open(join(folder, 'history.db'))
    const book = await PeerBook.open(join(folder, 'book.json'))
    const damage = await store.check()
    const found = await readAll(store)
    // Life goes on: a number is given out once.
    const { log, seq } = await store.addOutgoing({ peer: 'peer 0', text: 'after the cut', sentAtMs: 0 })
    const isReused = (found.lastSeq.get(`peer 0 ${log}`) ?? 0) >= seq
    await store.close()
    return [
      ...(damage === undefined ? [] : [damage.message]),
      ...found.wrong,
      ...(isReused ? [`the number ${seq} was given out twice`] : []),
      ...told.flatMap((kept) => (isThere(kept, found.states, book) ? [] : [`${JSON.stringify(kept)} is not there`]))
    ]
  } catch (error) {
    return [String(error)]
  }
}

interface Found {
  readonly states: ReadonlyMap<string, string>
  /** By peer and log, of own messages. */
  readonly lastSeq: ReadonlyMap<string, number>
  readonly wrong: readonly string[]
}

async function readAll(store: SqliteStore): Promise<Found> {
  const states = new Map<string, string>()
  const lastSeq = new Map<string, number>()
  const wrong: string[] = []
  for await (const batch of store.export()) {
    for (const { message } of batch) {
      const key = `${message.peer} ${message.direction} ${message.id}`
      if (states.has(key)) wrong.push(`${key} is there twice`)
      states.set(key, message.state)
      if (message.direction === 'in') continue
      const sender = `${message.peer} ${message.log}`
      if ((lastSeq.get(sender) ?? 0) >= message.seq) wrong.push(`${key} stands after a later one`)
      lastSeq.set(sender, message.seq)
    }
  }
  return { states, lastSeq, wrong }
}

function isThere(kept: Kept, states: ReadonlyMap<string, string>, book: PeerBook): boolean {
  switch (kept.is) {
    case 'sent':
      return states.has(`${kept.peer} out ${kept.id}`)
    case 'delivered':
      return states.get(`${kept.peer} out ${kept.id}`) === 'delivered'
    case 'received':
      return kept.ids.every((id) => states.has(`${kept.peer} in ${id}`))
    case 'contact':
      return book.contact(kept.peer) !== undefined
    case 'forgotten':
      return ![...states.keys()].some((key) => key.startsWith(`${kept.peer} out`))
  }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      cuts: { type: 'string' },
      turns: { type: 'string' },
      seed: { type: 'string' },
      'ignore-syncs': { type: 'boolean' }
    }
  })
  return {
    cuts: Number(values.cuts ?? defaultCuts),
    turns: Number(values.turns ?? defaultTurns),
    seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 32)),
    ignoresSyncs: values['ignore-syncs'] ?? false
  }
}

process.exitCode = await main(readOptions())
