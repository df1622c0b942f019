// `npm run attack [-- NAME …] [--seconds N] [--against chat|directory] [--list] [--sample] [--cpu-prof FOLDER]`:
// every attack against a chat and a directory, one after the other, and the table
// of how they fared. The threat model holds the last one. `--sample` runs those
// that continuous integration runs, against one victim each, and judges nothing that
// other load disturbs.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nodePath } from '../processes/parley-process.ts'
import { runOptions } from '../run-options.ts'
import type { Attack, Target } from './attack.ts'
import { attacks } from './attacks/index.ts'
import { measure, toMb, type Outcome } from './measure.ts'
import { Scene } from './scene.ts'

const defaultSeconds = 8
/** A victim of so many attacks gives way to a fresh one, so that a table does not hang on one of them. */
const attacksPerScene = 8

interface Chosen {
  readonly attack: Attack
  readonly kind: Target['kind']
}

const usage = `npm run attack -- [NAME]... [--seconds N] [--against chat|directory] [--sample] [--list]

  NAME                         this attack alone; repeatable
  --seconds N                  how long each goes on (${defaultSeconds} when it is not given)
  --against chat|directory     this kind of victim alone
  --sample                     those that continuous integration runs, judged by what other load does not disturb
  --cpu-prof FOLDER            write a CPU profile of each victim there, for Chrome's developer tools
  --list                       the attacks, and what each does
`

const { values, positionals } = runOptions(
  {
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: String(defaultSeconds) },
      against: { type: 'string' },
      'cpu-prof': { type: 'string' },
      list: { type: 'boolean', default: false },
      sample: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  },
  usage
)

process.exitCode = await main()

async function main(): Promise<number> {
  const seconds = Number(values.seconds)
  const isKind = values.against === undefined || values.against === 'chat' || values.against === 'directory'
  if (values.help || !(seconds > 0) || !isKind) {
    process.stdout.write(usage)
    return values.help ? 0 : 2
  }
  const unknown = positionals.find((name) => !attacks.some((attack) => attack.name === name))
  if (unknown !== undefined) {
    console.error(`there is no attack ${unknown}: npm run attack -- --list names them`)
    return 2
  }
  const chosen = attacks
    .filter(({ name }) => positionals.length === 0 || positionals.includes(name))
    .filter(({ inSample }) => !values.sample || inSample === true)
    .flatMap((attack) => attack.against.slice(0, values.sample ? 1 : undefined).map((kind) => ({ attack, kind })))
    .filter(({ kind }) => values.against === undefined || values.against === kind)
  if (values.list) {
    for (const { attack, kind } of chosen) console.log(`${kind.padEnd(10)} ${attack.name.padEnd(36)} ${attack.does}`)
    return 0
  }
  await promisify(execFile)(nodePath, [join(import.meta.dirname, '..', '..', 'scripts', 'build.js'), '--if-stale'])
  const outcomes = await attackAll(chosen, seconds)
  const held = outcomes.filter((outcome) => verdictOf(outcome).length === 0).length
  // One that ended a victim has left the rest of its scene without one.
  const failed = chosen.length - held
  console.log(`attacks: ${held} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

async function attackAll(chosen: readonly Chosen[], seconds: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  console.log(
    `| attack | against | sent MB | p99 quiet → attacked, ms | held, kept MB | CPU ms/MB | named | came in, ms | held? |`
  )
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |')
  for (const [number, attacksOfScene] of scenesOf(chosen).entries()) {
    const scene = await Scene.start({
      profiles: values['cpu-prof'],
      namesRelay: attacksOfScene.some(({ attack }) => attack.isNamedRelay === true)
    })
    try {
      for (const [at, { attack, kind }] of attacksOfScene.entries()) {
        const source = `127.0.${1 + number}.${10 + 2 * at}`
        const outcome = await measure({ scene, attack, kind, seconds, source })
        outcomes.push(outcome)
        console.log(row(outcome))
        // The next one would be measured beside what this one has left, or not at all.
        if (outcome.faults.includes('the victim has ended')) break
      }
    } finally {
      await scene.stop()
    }
  }
  return outcomes
}

/** In their order, by the scene in which each is measured. */
function scenesOf(chosen: readonly Chosen[]): readonly (readonly Chosen[])[] {
  const scenes: Chosen[][] = []
  for (const one of chosen) {
    const scene = scenes.at(-1)
    const isTaken = one.attack.needsFreshVictim === true && scene?.some(({ kind }) => kind === one.kind) === true
    if (scene === undefined || scene.length === attacksPerScene || isTaken) scenes.push([one])
    else scene.push(one)
  }
  return scenes
}

/** What must not be; times are judged on a machine that does nothing else. */
function verdictOf({ faults, slow }: Outcome): readonly string[] {
  return values.sample ? faults : [...faults, ...slow]
}

function row(outcome: Outcome): string {
  const { attack, kind, sentBytes, quietP99Ms, p99Ms, heldBytes, keptBytes, cpuMsPerMb, named } = outcome
  const cameMs = outcome.contactMs ?? outcome.newcomerMs
  const cells = [
    attack,
    kind,
    toMb(sentBytes),
    `${quietP99Ms.toFixed(0)} → ${p99Ms.toFixed(0)}`,
    `${toMb(heldBytes)}, ${toMb(keptBytes)}`,
    cpuMsPerMb?.toFixed(0) ?? '–',
    named ? 'yes' : 'no',
    cameMs?.toFixed(0) ?? '–',
    verdictOf(outcome).length === 0 ? 'yes' : verdictOf(outcome).join('; ')
  ]
  return `| ${cells.join(' | ')} |`
}
