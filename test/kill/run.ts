// `npm run test:kill -- --rounds N [--link] [--seed S]`: two real processes talk
// while one of them is killed with -9 again and again, or the link between them
// is cut. At the end both histories are compared whole. It knows the command
// line and the order of things; the parts beside it know the rest.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { randomNetwork } from '../fault/json-parley.ts'
import { nodePath } from '../processes/parley-process.ts'
import { freePorts } from '../processes/test-bed.ts'
import { Chatter } from './chatter.ts'
import { compareHistories } from './compare.ts'
import { badLink, type Place } from './bad-link.ts'
import { messagesEachWay, playRound, type Cable } from './round.ts'
import { SeededRandom } from './seeded-random.ts'

const defaultRounds = 10
/** Every third round begins with nothing left of the one before; the others overlap. */
const calmRoundEvery = 3
/** Nothing takes this long; what is still on its way then counts as lost. */
const settleTimeoutMs = 60_000

interface Options {
  readonly rounds: number
  readonly seed: number
  readonly isLink: boolean
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

async function main({ rounds, seed, isLink }: Options): Promise<number> {
  await promisify(execFile)(nodePath, [join(import.meta.dirname, '..', '..', 'scripts', 'build.js'), '--if-stale'])
  const ground = isLink ? await badLink() : oneMachine
  const home = await mkdtemp(join(tmpdir(), 'parley-kill-'))
  console.log(`${rounds} rounds of ${messagesEachWay} messages each way, ${ground.told}, --seed ${seed}`)
  const [firstPort = 0, secondPort = 0] = await freePorts(2)
  const network = randomNetwork()
  const [first, second] = ground.places
  const chatters = [
    new Chatter({ name: 'anna', home, network, port: firstPort, ...first }),
    new Chatter({ name: 'berta', home, network, port: secondPort, ...second })
  ] as const
  let isKept = true
  try {
    await play(chatters, { rounds, random: new SeededRandom(seed), ...(ground.cable && { cable: ground.cable }) })
    const verdict = await judge(chatters)
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

/** @returns how it stands, in words */
async function settle(chatters: readonly Chatter[]): Promise<string> {
  const settled = await Promise.all(chatters.map(async (chatter) => chatter.settled(settleTimeoutMs)))
  if (settled.every(Boolean)) return '; all has arrived'
  for (const chatter of chatters) console.log(`  ${chatter.name} was told: ${chatter.lastStates()}`)
  return `; messages still wait after ${settleTimeoutMs / 1000} s`
}

async function judge(chatters: readonly [Chatter, Chatter]): Promise<ReturnType<typeof compareHistories>> {
  for (const chatter of chatters) {
    const { asked, answered, starts } = chatter.counts
    console.log(`${chatter.name}: asked to send ${asked}, answered ${answered}, started ${starts} times`)
    for (const refusal of chatter.refusals) console.log(`  refused: ${refusal}`)
  }
  const [first, second] = await Promise.all([chatters[0].side(), chatters[1].side()])
  const sizes = [first, second].map(({ history }) => history.length).join(' and ')
  console.log(`the histories hold ${sizes} messages`)
  return compareHistories(first, second)
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: { rounds: { type: 'string' }, seed: { type: 'string' }, link: { type: 'boolean' } }
  })
  return {
    rounds: readNumber('rounds', values.rounds, defaultRounds),
    seed: readNumber('seed', values.seed, Math.floor(Math.random() * 2 ** 32)),
    isLink: values.link ?? false
  }
}

function readNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (/^\d+$/u.test(text)) return Number(text)
  console.error(`--${name} ${text}: expected a number`)
  process.exit(2)
}

process.exitCode = await main(readOptions())
