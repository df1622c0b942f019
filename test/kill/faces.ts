// `npm run test:faces -- --rounds N --seed N`: a daemon, two faces that write at the
// same time and one that looks on, and a peer that writes too. In each round one
// process is killed with -9 somewhere in the middle, and started again. In the end
// each text has arrived once, in the order in which its writer wrote it, and the
// face that looked on has shown each once.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { JsonParley, randomNetwork } from '../fault/json-parley.ts'
import { nodePath } from '../processes/parley-process.ts'
import { runOptions } from '../run-options.ts'
import { SeededRandom } from './seeded-random.ts'

const usage = 'npm run test:faces -- [--rounds N] [--seed N]\n'
const defaultRounds = '20'
/** Each writer, in each round. */
const textsEach = 3
const longestDelayMs = 150

type Victim = 'the daemon' | 'a face' | 'nobody'

/** The processes, and what each has to be started with again. */
class Household {
  readonly folder: string
  readonly network = randomNetwork()
  daemon!: JsonParley
  writers: JsonParley[] = []
  watcher!: JsonParley
  bob!: JsonParley

  constructor(folder: string) {
    this.folder = folder
  }

  async start(): Promise<void> {
    this.bob = await JsonParley.start({ args: ['--name', 'bob', '--accept', 'all'], ...this.#home('bob') })
    await this.startDaemon()
    for (let n = 0; n < 2; n++) this.writers.push(await this.face())
    this.watcher = await this.face()
    const address = await this.bob.address()
    for (const face of [...this.writers, this.watcher]) await face.do({ do: 'open', peer: address })
  }

  async startDaemon(): Promise<void> {
    this.daemon = await JsonParley.spawn({
      args: ['daemon', '--name', 'anna', '--accept', 'all'],
      ...this.#home('anna')
    })
    await this.daemon.until('"running"', () => this.daemon.events.find(({ event }) => event === 'running'))
  }

  async face(): Promise<JsonParley> {
    return JsonParley.start(this.#home('anna'))
  }

  async stop(): Promise<void> {
    const all = [...this.writers, this.watcher, this.bob, this.daemon]
    await Promise.allSettled(all.map(async (one) => one?.kill()))
  }

  #home(name: string): { readonly home: string; readonly network: string } {
    return { home: join(this.folder, name), network: this.network }
  }
}

/** Sends a text until it is stored: the same id again is the same message. */
async function sendOnce(faceNow: () => JsonParley, peer: string, text: string): Promise<void> {
  const id = Buffer.from(text).toString('hex').padEnd(32, '0').slice(0, 32)
  for (;;) {
    const answer = await faceNow()
      .answerTo({ do: 'msg', peer, text, id })
      .catch(() => undefined) // the face was killed: the next one is asked
    if (answer?.event === 'done') return
    await sleep(50)
  }
}

async function main(rounds: number, seed: number): Promise<number> {
  await promisify(execFile)(nodePath, [join(import.meta.dirname, '..', '..', 'scripts', 'build.js'), '--if-stale'])
  const random = new SeededRandom(seed)
  const folder = await mkdtemp(join(tmpdir(), 'parley-faces-'))
  const house = new Household(folder)
  const fromAnna: string[][] = [[], []]
  const fromBob: string[] = []
  try {
    await house.start()
    const anna = String((await house.watcher.ready())['peer'])
    const bob = await house.bob.peerId()
    console.log(`${rounds} rounds of a daemon with three faces, --seed ${seed}`)
    for (let round = 1; round <= rounds; round++) {
      const victim = random.choose<Victim>(['the daemon', 'the daemon', 'a face', 'nobody'])
      const which = Math.floor(random.upTo(2))
      const writing = fromAnna.map(async (texts, n) => {
        for (let k = 0; k < textsEach; k++) {
          const text = `r${round}w${n}t${k}`
          texts.push(text)
          await sendOnce(() => house.writers[n] ?? house.watcher, bob, text)
        }
      })
      const answering = (async () => {
        for (let k = 0; k < textsEach; k++) {
          const text = `r${round}bob${k}`
          fromBob.push(text)
          await house.bob.do({ do: 'msg', peer: anna, text })
        }
      })()
      await sleep(random.upTo(longestDelayMs))
      if (victim === 'the daemon') {
        await house.daemon.kill()
        await house.startDaemon()
      } else if (victim === 'a face') {
        await house.writers[which]?.kill()
        house.writers[which] = await house.face()
      }
      await Promise.all([...writing, answering])
      await house.bob.untilTexts(anna, 2 * textsEach * round)
      await house.watcher.untilTexts(bob, textsEach * round)
      if (round % 10 === 0 || round === rounds) console.log(`round ${round}: all has arrived`)
    }
    return report({ fromAnna, fromBob, atBob: house.bob.textsFrom(anna), watcher: house.watcher, bob })
  } finally {
    await house.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Outcome {
  readonly fromAnna: readonly (readonly string[])[]
  readonly fromBob: readonly string[]
  readonly atBob: readonly string[]
  readonly watcher: JsonParley
  readonly bob: string
}

function report({ fromAnna, fromBob, atBob, watcher, bob }: Outcome): number {
  const sentShown = watcher.events.flatMap((one) => (one.event === 'sent' ? [String(one['text'])] : []))
  const faults = [
    ...fromAnna.flatMap((texts, n) => differences(`what writer ${n} wrote, at bob`, texts, atBob)),
    ...fromAnna.flatMap((texts, n) =>
      differences(`what writer ${n} wrote, at the face that looks on`, texts, sentShown)
    ),
    ...differences('what bob wrote, at the face that looks on', fromBob, watcher.textsFrom(bob))
  ]
  for (const fault of faults) console.log(`FAULT ${fault}`)
  const all = fromAnna.flat().length + fromBob.length
  console.log(`texts ${all} faults ${faults.length}`)
  return faults.length === 0 ? 0 : 1
}

/** Each of these once, and in this order, among the others. */
function differences(what: string, expected: readonly string[], shown: readonly string[]): string[] {
  const wanted = new Set(expected)
  const found = shown.filter((text) => wanted.has(text))
  if (found.join(' ') === expected.join(' ')) return []
  const missing = expected.filter((text) => !found.includes(text))
  const doubled = found.filter((text, index) => found.indexOf(text) !== index)
  return [
    `${what}: missing [${missing.join(' ')}], doubled [${doubled.join(' ')}], ${found.length} of ${expected.length}`
  ]
}

const { values } = runOptions(
  { options: { rounds: { type: 'string', default: defaultRounds }, seed: { type: 'string' } } },
  usage
)
process.exitCode = await main(Number(values.rounds), Number(values.seed ?? Math.floor(Math.random() * 2 ** 32)))
