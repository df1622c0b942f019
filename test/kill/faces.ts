// `npm run test:faces -- --rounds N --seed N`: a daemon with three faces, one of each
// kind: a full screen and plain lines, at which somebody types at the same time, and
// JSON lines, which look on; and a peer that writes too. In each round one process is
// killed with -9 somewhere in the middle, and started again. In the end each text has
// arrived once, in the order in which its writer wrote it, each face has shown each
// once, and those that outlived a daemon have said so.
import { setTimeout as sleep } from 'node:timers/promises'
import { JsonParley } from '../fault/json-parley.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import { hasTmux, type Terminal } from '../processes/terminal.ts'
import { TestBed } from '../processes/test-bed.ts'
import { runOptions } from '../run-options.ts'
import { SeededRandom } from './seeded-random.ts'

const usage = 'npm run test:faces -- [--rounds N] [--seed N]\n'
const defaultRounds = '20'
/** Each writer, in each round. */
const textsEach = 3
const longestDelayMs = 150
/** How often somebody looks whether a text was sent, and among how many of the last messages. */
const lookEveryMs = 50
const lookedAt = 50

type Victim = 'the daemon' | 'the screen' | 'the plain face' | 'nobody'

/** The processes, and what each has to be started with again. */
class Household {
  readonly bed: TestBed
  readonly #home: string
  daemon!: JsonParley
  watcher!: JsonParley
  bob!: JsonParley
  screen!: Terminal
  plain!: ParleyProcess
  /** All that ran as the plain face, one after the other. */
  readonly plains: ParleyProcess[] = []
  daemonKills = 0

  constructor(bed: TestBed) {
    this.bed = bed
    this.#home = bed.home()
  }

  async start(): Promise<void> {
    const { network } = this.bed
    this.bob = await JsonParley.start({ args: ['--name', 'bob', '--accept', 'all'], network })
    await this.startDaemon()
    this.watcher = await JsonParley.start({ home: this.#home, network })
    await this.watcher.do({ do: 'open', peer: await this.bob.address() })
    await Promise.all([this.startScreen(), this.startPlain()])
  }

  async startDaemon(): Promise<void> {
    const args = ['daemon', '--name', 'anna', '--accept', 'all']
    this.daemon = await JsonParley.spawn({ args, home: this.#home, network: this.bed.network })
    await this.daemon.until('"running"', () => this.daemon.events.find(({ event }) => event === 'running'))
  }

  async startScreen(): Promise<void> {
    const screen = await this.bed.terminal(['chat', 'bob'], { home: this.#home, name: 'the screen' })
    await screen.shows(/bob .*● online/u)
    this.screen = screen
  }

  async startPlain(): Promise<void> {
    const plain = await this.bed.start(['chat', 'bob', '--plain'], { home: this.#home, name: 'the plain face' })
    await plain.shows(/^Conversation with bob /u)
    this.plain = plain
    this.plains.push(plain)
  }

  async kill(victim: Victim): Promise<void> {
    switch (victim) {
      case 'the daemon':
        this.daemonKills++
        await this.daemon.kill()
        return this.startDaemon()
      case 'the screen':
        await this.screen.kill()
        return this.startScreen()
      case 'the plain face':
        await this.plain.kill()
        return this.startPlain()
      case 'nobody':
    }
  }

  async stop(): Promise<void> {
    await Promise.allSettled([this.watcher, this.bob, this.daemon].map(async (one) => one?.kill()))
    await this.bed[Symbol.asyncDispose]()
  }

  /** Whether it is in the history of the daemon; undefined while there is none to ask. */
  async isStored(text: string): Promise<boolean | undefined> {
    const answer = await this.watcher.answerTo({ do: 'history', peer: await this.bob.peerId(), limit: lookedAt })
    const { messages } = answer
    return Array.isArray(messages) ? messages.some((one: { text: unknown }) => one.text === text) : undefined
  }
}

/** Somebody at a face: types a text, and again where another face has taken its place before it was stored. */
async function typed<Face>(
  house: Household,
  text: string,
  face: {
    readonly now: () => Face
    readonly type: (face: Face) => Promise<void>
    /** Types it again when the face says that it was not sent. */
    readonly retype: (face: Face) => Promise<void>
  }
): Promise<void> {
  let typedIn: Face | undefined
  for (;;) {
    const now = face.now()
    const isStored = await house.isStored(text)
    if (isStored === true) return
    try {
      if (typedIn === now) await face.retype(now)
      else if (isStored === false) {
        await face.type(now)
        typedIn = now
      }
    } catch {
      // It was killed meanwhile: the next one is looked at.
    }
    await sleep(lookEveryMs)
  }
}

async function typeOnScreen(house: Household, text: string): Promise<void> {
  await typed(house, text, {
    now: () => house.screen,
    type: async (screen) => screen.type(text),
    retype: async (screen) => {
      const rows = await screen.rows()
      if (rows.some((row) => row.trimEnd() === `You: ${text}`)) await screen.key('Enter')
    }
  })
}

async function typePlain(house: Household, text: string): Promise<void> {
  const refusals = (plain: ParleyProcess): number => plain.matching(/Parley is reconnecting: try again/u).length
  let refused = 0
  await typed(house, text, {
    now: () => house.plain,
    type: async (plain) => {
      refused = refusals(plain)
      plain.type(text)
    },
    retype: async (plain) => {
      if (refusals(plain) === refused) return
      refused = refusals(plain)
      plain.type(text)
    }
  })
}

async function main(rounds: number, seed: number): Promise<number> {
  if (!hasTmux) throw new Error('a full screen needs tmux, which is not here')
  const random = new SeededRandom(seed)
  const house = new Household(await TestBed.make())
  const written: Written = { screen: [], plain: [], bob: [] }
  try {
    await house.start()
    const [anna, bob] = [await house.watcher.peerId(), await house.bob.peerId()]
    console.log(`${rounds} rounds of a daemon with three kinds of faces, --seed ${seed}`)
    for (let round = 1; round <= rounds; round++) {
      const victim = random.choose<Victim>(['the daemon', 'the daemon', 'the screen', 'the plain face', 'nobody'])
      const write = async (who: keyof Written, send: (text: string) => Promise<unknown>): Promise<void> => {
        for (let k = 0; k < textsEach; k++) {
          const text = `r${round}${who}${k}`
          written[who].push(text)
          await send(text)
        }
      }
      const writing = Promise.all([
        write('screen', async (text) => typeOnScreen(house, text)),
        write('plain', async (text) => typePlain(house, text)),
        write('bob', async (text) => house.bob.do({ do: 'msg', peer: anna, text }))
      ])
      // When the kill fails, its error is the one to report.
      writing.catch(() => undefined)
      await sleep(random.upTo(longestDelayMs))
      await house.kill(victim)
      await writing
      await house.bob.untilTexts(anna, 2 * textsEach * round)
      await house.watcher.untilTexts(bob, textsEach * round)
      await onScreen(house, written)
      if (round % 10 === 0 || round === rounds) console.log(`round ${round}: all has arrived`)
    }
    return report(house, written, { anna, bob })
  } finally {
    await house.stop()
  }
}

type Written = Readonly<Record<'screen' | 'plain' | 'bob', string[]>>

/** Waits until the screen shows the texts of a round, each once and each writer's in order. */
async function onScreen({ screen }: Household, written: Written): Promise<void> {
  const wanted = Object.values(written).map((texts) => texts.slice(-textsEach))
  let faults: readonly string[] = []
  for (let looks = 0; looks < mostLooks; looks++) {
    const rows = await screen.rows()
    const shown = rows.flatMap((row) => /[…✓]? +(?:You|bob) +(r\d+[a-z]+\d)\b/u.exec(row)?.[1] ?? [])
    faults = wanted.flatMap((texts) => differences('on the screen', texts, shown))
    if (faults.length === 0) return
    await sleep(lookEveryMs)
  }
  throw new Error(`${faults.join('\n')}\n--- the screen:\n${await screen.screen()}`)
}

/** A screen that is drawn late is looked at again. */
const mostLooks = 400

function report(
  house: Household,
  written: Written,
  { anna, bob }: { readonly anna: string; readonly bob: string }
): number {
  const { watcher, plains } = house
  const atBob = house.bob.textsFrom(anna)
  const sent = watcher.events.flatMap((one) => (one.event === 'sent' ? [String(one['text'])] : []))
  const notices = watcher.events.flatMap((one) => (one.event === 'notice' ? [String(one['code'])] : []))
  const faults = [
    ...(['screen', 'plain'] as const).flatMap((who) => [
      ...differences(`${who}, at bob`, written[who], atBob),
      ...differences(`${who}, as JSON`, written[who], sent)
    ]),
    ...differences('bob, as JSON', written.bob, watcher.textsFrom(bob)),
    ...plains.flatMap((plain, index) => {
      const shown = plain.output.lines('stdout').flatMap((line) => /(r\d+[a-z]+\d)$/u.exec(line)?.[1] ?? [])
      return (['screen', 'bob'] as const).flatMap((who) => {
        const texts = written[who].filter((text) => shown.includes(text))
        return differences(`${who}, in plain lines ${index + 1}`, texts, shown)
      })
    }),
    ...differences(
      'bob, in all plain lines',
      written.bob,
      written.bob.filter((text) => plains.some(({ stdout }) => stdout.includes(text)))
    ),
    ...(['node-gone', 'node-back'] as const).flatMap((code) => {
      const told = notices.filter((one) => one === code).length
      return told === house.daemonKills ? [] : [`JSON lines told ${code} ${told} times in ${house.daemonKills}`]
    })
  ]
  for (const fault of faults) console.log(`FAULT ${fault}`)
  const all = Object.values(written).flat()
  console.log(`texts ${all.length}, daemons killed ${house.daemonKills}, faults ${faults.length}`)
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
