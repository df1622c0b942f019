// `npm run test:kill -- --rounds N [--link | --equal-texts | --files] [--seed S]`: two real
// processes talk while one of them is killed with -9 again and again, or the link
// between them is cut; or other commands send one text through the one that is
// killed. At the end both histories are compared whole. It knows the command line
// and the order of things; the parts beside it know the rest.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { randomNetwork } from '../fault/json-parley.ts'
import { nodePath } from '../processes/parley-process.ts'
import { freePorts } from '../processes/ports.ts'
import { Chatter } from './chatter.ts'
import { compareClaims, compareHistories, type Side, type Verdict } from './compare.ts'
import type { Told } from './clients.ts'
import { playFiles } from './files.ts'
import { clientsOfARound, playEqualTexts } from './equal-texts.ts'
import { badLink, type Place } from './bad-link.ts'
import { messagesEachWay, playRound, type Cable } from './round.ts'
import { SeededRandom } from './seeded-random.ts'

const defaultRounds = 10
/** Every third round begins with nothing left of the one before; the others overlap. */
const calmRoundEvery = 3
/** Nothing takes this long; what is still on its way then counts as lost. */
const settleTimeoutMs = 60_000
/** Of a file that is on its way: 256 MiB. */
const leavesOfAFile = 1_024
/** Of a file, what one kill may cost. */
const mostAgain = 0.01

interface Options {
  readonly rounds: number
  readonly seed: number
  readonly isLink: boolean
  /** Clients send through the first one, which is killed, and nobody else says anything. */
  readonly hasEqualTexts: boolean
  /** A file is on its way instead of messages. */
  readonly hasFiles: boolean
}

interface Ground {
  readonly places: readonly [Partial<Place> & Pick<Place, 'host'>, Partial<Place> & Pick<Place, 'host'>]
  readonly cable?: Cable
  readonly told: string
  remove(): Promise<void>
}

const oneMachine: Ground = {
  places: [{ host: '127.0.0.1' }, { host: '127.0.0.1' }],
  told: 'one of the two killed in each',
  remove: async () => undefined
}

async function main({ rounds, seed, isLink, hasEqualTexts, hasFiles }: Options): Promise<number> {
  if (hasFiles) return judgeFiles(rounds, seed)
  await promisify(execFile)(nodePath, [join(import.meta.dirname, '..', '..', 'scripts', 'build.js'), '--if-stale'])
  const ground = isLink ? await badLink() : oneMachine
  const home = await mkdtemp(join(tmpdir(), 'parley-kill-'))
  const { commands, guests } = clientsOfARound
  const said = hasEqualTexts
    ? `one text from ${commands} commands and ${guests} guests of the socket, the chat killed in each`
    : `${messagesEachWay} messages each way, ${ground.told}`
  console.log(`${rounds} rounds of ${said}, --seed ${seed}`)
  const [firstPort = 0, secondPort = 0] = await freePorts(2)
  const network = randomNetwork()
  const [first, second] = ground.places
  const homes = [join(home, 'anna'), join(home, 'berta')] as const
  for (const one of homes) await mkdir(one)
  const chatters = [
    new Chatter({ name: 'anna', home: homes[0], network, port: firstPort, ...first }),
    new Chatter({ name: 'berta', home: homes[1], network, port: secondPort, ...second })
  ] as const
  let isKept = true
  try {
    const random = new SeededRandom(seed)
    const told = hasEqualTexts ? await playClients(chatters, { rounds, random }) : undefined
    if (told === undefined) await play(chatters, { rounds, random, ...(ground.cable && { cable: ground.cable }) })
    const verdict = await judge(chatters, told)
    const { lost, doubled, disordered } = verdict
    const isWell = lost + doubled + disordered + verdict.unmarked === 0
    isKept = !isWell
    for (const finding of verdict.findings) console.log(`  ${finding}`)
    if (!isWell) console.log(`the profiles are kept in ${home}`)
    console.log(`rounds ${rounds} lost ${lost} doubled ${doubled} disordered ${disordered}`)
    return isWell ? 0 : 1
  } finally {
    await Promise.allSettled(chatters.map(async (chatter) => chatter.kill()))
    if (!isKept) await rm(home, { recursive: true, force: true })
    await ground.remove()
  }
}

/** @returns the exit code */
async function judgeFiles(rounds: number, seed: number): Promise<number> {
  console.log(`${rounds} kills while files are on their way, --seed ${seed}`)
  const folder = await mkdtemp(join(tmpdir(), 'parley-kill-'))
  try {
    const random = new SeededRandom(seed)
    const { kills, files, wrongFiles, again } = await playFiles({ folder, rounds, random, leaves: leavesOfAFile })
    const most = Math.max(...again)
    console.log(`kills ${kills} files ${files} wrong ${wrongFiles}, at most ${(100 * most).toFixed(2)} % came again`)
    return wrongFiles === 0 && most <= mostAgain ? 0 : 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function play(
  chatters: readonly [Chatter, Chatter],
  { rounds, random, cable }: { readonly rounds: number; readonly random: SeededRandom; readonly cable?: Cable }
): Promise<void> {
  const startedAtMs = performance.now()
  await Promise.all(chatters.map(async (chatter) => chatter.start()))
  await chatters[0].meet(chatters[1])
  for (let number = 1; number <= rounds; number++) {
    const happened = await playRound({ number, chatters, random, ...(cable && { cable }) })
    const isCalm = number % calmRoundEvery === 0
    const end = isCalm ? await settle(chatters) : ''
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1)
    console.log(`round ${number} of ${rounds}, ${seconds} s: ${happened}${end}`)
  }
  console.log(`at the end${await settle(chatters)}`)
  await Promise.all(chatters.map(async (chatter) => chatter.quit()))
}

/** @returns what all the clients were told */
async function playClients(
  chatters: readonly [Chatter, Chatter],
  { rounds, random }: { readonly rounds: number; readonly random: SeededRandom }
): Promise<readonly Told[]> {
  const [sender, receiver] = chatters
  await Promise.all(chatters.map(async (chatter) => chatter.start()))
  await sender.meet(receiver)
  const all: Told[] = []
  for (let number = 1; number <= rounds; number++) {
    const { told, happened } = await playEqualTexts({ sender, receiver, random })
    const promised = told.filter(({ id }) => id !== undefined).length
    console.log(`round ${number} of ${rounds}: ${happened}; ${promised} of ${told.length} clients were promised theirs`)
    all.push(...told)
  }
  console.log(`at the end${await settle(chatters)}`)
  await Promise.all(chatters.map(async (chatter) => chatter.quit()))
  return all
}

/** @returns how it stands, in words */
async function settle(chatters: readonly Chatter[]): Promise<string> {
  const settled = await Promise.all(chatters.map(async (chatter) => chatter.settled(settleTimeoutMs)))
  if (settled.every(Boolean)) return '; all has arrived'
  for (const chatter of chatters) console.log(`  ${chatter.name} was told: ${chatter.lastStates()}`)
  return `; messages still wait after ${settleTimeoutMs / 1000} s`
}

async function judge(chatters: readonly [Chatter, Chatter], told?: readonly Told[]): Promise<Verdict> {
  for (const chatter of chatters) {
    const { asked, answered, starts } = chatter.counts
    console.log(`${chatter.name}: asked to send ${asked}, answered ${answered}, started ${starts} times`)
    for (const refusal of chatter.refusals) console.log(`  refused: ${refusal}`)
  }
  const [first, second] = await Promise.all([chatters[0].side(), chatters[1].side()])
  const sizes = [first, second].map(({ history }) => history.length).join(' and ')
  console.log(`the histories hold ${sizes} messages`)
  return told === undefined ? compareHistories(first, second) : judgeClients(first, second, told)
}

function judgeClients(sender: Side, receiver: Side, told: readonly Told[]): Verdict {
  const claimed = told.flatMap(({ id }) => (id === undefined ? [] : [id]))
  for (const one of told) if (one.id === undefined) console.log(`  not sent: ${one.why}`)
  console.log(`${told.length} clients asked, ${claimed.length} were promised theirs`)
  const answered = new Set(claimed)
  const verdict = compareHistories({ ...sender, answered }, receiver, { areTextsUnique: false })
  const wrong = compareClaims({ claimed, asked: told.length }, sender)
  const lost = verdict.lost + told.length - claimed.length
  return { ...verdict, lost, doubled: verdict.doubled + wrong.length, findings: [...verdict.findings, ...wrong] }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      seed: { type: 'string' },
      link: { type: 'boolean' },
      'equal-texts': { type: 'boolean' },
      files: { type: 'boolean' }
    }
  })
  return {
    rounds: readNumber('rounds', values.rounds, defaultRounds),
    seed: readNumber('seed', values.seed, Math.floor(Math.random() * 2 ** 32)),
    isLink: values.link ?? false,
    hasEqualTexts: values['equal-texts'] ?? false,
    hasFiles: values.files ?? false
  }
}

function readNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (/^\d+$/u.test(text)) return Number(text)
  console.error(`--${name} ${text}: expected a number`)
  process.exit(2)
}

process.exitCode = await main(readOptions())
