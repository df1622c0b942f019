/**
 * `npm run fuzz`: fuzzes one target after the other, each in a process of its own, for its part of a time or with its
 * part of a number of inputs. Ends with 1 when it has found something, prints the input, and says how to try it again.
 * It knows the command line and the order of things; what is fuzzed stands in targets/.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runOptions } from '../run-options.ts'
import { bundleTargets } from './bundle.ts'
import { keepInputs, unpackInputs } from './corpus.ts'
import { recentFolder, type Job, type Summary } from './job.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const work = join(root, '.fuzz')
const engine = fileURLToPath(new URL('engine.ts', import.meta.url))
const defaultMinutes = 2
/** Below it a target does little more than start. */
const minSeconds = 5
/** Of what the engine prints before it ends. */
const shownLines = 40
/** Longer inputs are left in their files. */
const shownBytes = 16 * 1024

const usage = `npm run fuzz -- [--minutes N | --inputs N] [--seed N] [--target NAME]... [--keep] [--list] [--replay FILE | --replay-hex HEX]

  --minutes N     for how long, in all (${defaultMinutes} when it is not given)
  --inputs N      in place of a time: so many inputs of each decoder, and fewer of targets that take longer for each
  --seed N        the same inputs each time, beginning with the kept ones alone
  --target NAME   this target alone; repeatable
  --keep          afterwards keep in test/fuzz/corpus the fewest inputs that take every branch that was taken
  --list          the targets, and what each reaches
  --replay FILE   try the input in FILE once, with --target NAME
  --replay-hex HEX  the same with an input as a failed run prints it
`

interface Listed {
  readonly name: string
  readonly group: string
  readonly reaches: string
  readonly isAsync: boolean
  readonly maxInputBytes: number | null
  readonly weight: number
}

interface Row {
  readonly target: string
  readonly summary: Summary | undefined
  readonly edges: number
  readonly corpus: string
  readonly isFound: boolean
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = runOptions(
    {
      args: [...args],
      options: {
        minutes: { type: 'string', default: String(defaultMinutes) },
        inputs: { type: 'string' },
        seed: { type: 'string' },
        target: { type: 'string', multiple: true, default: [] },
        keep: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        replay: { type: 'string' },
        'replay-hex': { type: 'string' },
        help: { type: 'boolean', default: false }
      }
    },
    usage
  )
  const minutes = Number(values.minutes)
  const inputs = values.inputs === undefined ? undefined : Number(values.inputs)
  const seed = values.seed === undefined ? undefined : Number(values.seed)
  const isBad = !(minutes > 0) || [inputs, seed].some((number) => number !== undefined && !(number >= 1))
  if (values.help || isBad) {
    process.stdout.write(usage)
    return values.help ? 0 : 2
  }
  const all = await listTargets()
  const unknown = values.target.find((name) => !all.some((listed) => listed.name === name))
  if (unknown !== undefined) {
    process.stderr.write(`there is no target ${unknown}; there are ${all.map(({ name }) => name).join(', ')}\n`)
    return 2
  }
  const chosen = values.target.length === 0 ? all : all.filter(({ name }) => values.target.includes(name))
  if (values.list) {
    for (const { name, reaches } of chosen) process.stdout.write(`${name.padEnd(24)}${reaches}\n`)
    return 0
  }
  const bundles = new Map<string, string>()
  for (const { group } of chosen) {
    if (!bundles.has(group)) bundles.set(group, await bundleTargets(group, join(work, 'bundles')))
  }
  const jobOf = (listed: Listed, part: Partial<Job>): Job => ({
    mode: 'fuzz',
    target: listed.name,
    isAsync: listed.isAsync,
    maxInputBytes: listed.maxInputBytes ?? undefined,
    bundle: bundles.get(listed.group) ?? '',
    // What earlier runs have found would make other inputs of the same seed.
    corpora: [join(work, seed === undefined ? 'corpus' : 'seeded', listed.name), join(work, 'kept', listed.name)],
    seeds: join(work, 'seeds', listed.name),
    findings: join(work, 'findings', listed.name),
    summary: join(work, 'summaries', `${listed.name}.json`),
    work,
    seconds: Math.max(minSeconds, Math.round((minutes * 60) / chosen.length)),
    inputs: inputs === undefined ? undefined : Math.ceil(inputs / listed.weight),
    seed,
    ...part
  })
  if (values.replay !== undefined || values['replay-hex'] !== undefined) {
    const [only, ...others] = chosen
    if (only === undefined || others.length > 0) {
      process.stderr.write('--replay needs the one --target that the input is for\n')
      return 2
    }
    const file = values.replay ?? join(work, 'given')
    if (values.replay === undefined) writeFileSync(file, Buffer.from(values['replay-hex'] ?? '', 'hex'))
    return replay(jobOf(only, { mode: 'replay', findings: file }))
  }
  const rows: Row[] = []
  for (const listed of chosen) {
    unpackInputs(listed.name, join(work, 'kept', listed.name))
    const row = await fuzz(jobOf(listed, {}))
    rows.push(row)
    process.stdout.write(`${lineOf(row)}\n`)
    if (values.keep) await keep(jobOf(listed, { mode: 'distil', findings: join(work, 'distilled', listed.name) }))
  }
  const executions = rows.reduce((sum, { summary }) => sum + (summary?.executions ?? 0), 0)
  const seconds = rows.reduce((sum, { summary }) => sum + (summary?.seconds ?? 0), 0)
  const found = rows.filter(({ isFound }) => isFound)
  process.stdout.write(
    `${executions} inputs in ${(seconds / 60).toFixed(1)} min over ${rows.length} targets; ` +
      `${found.length === 0 ? 'nothing was found' : `found: ${found.map(({ target }) => target).join(', ')}`}\n`
  )
  return found.length === 0 ? 0 : 1
}

/** Loading all targets takes a second that only a process of its own gives back. */
async function listTargets(): Promise<Listed[]> {
  const { targetGroups } = await import('./targets/index.ts')
  return Object.entries(targetGroups).flatMap(([group, targets]) =>
    targets.map(({ name, reaches, isAsync, maxInputBytes, weight = 1 }) => ({
      name,
      group,
      reaches,
      isAsync: isAsync === true,
      maxInputBytes: maxInputBytes ?? null,
      weight
    }))
  )
}

async function fuzz(job: Job): Promise<Row> {
  rmSync(job.seeds, { recursive: true, force: true })
  if (job.seed !== undefined) rmSync(job.corpora[0] ?? '', { recursive: true, force: true })
  mkdirSync(job.findings, { recursive: true })
  rmSync(join(job.findings, recentFolder), { recursive: true, force: true })
  const written: string[] = []
  const last: string[] = []
  let edges = 0
  let corpus = ''
  rmSync(job.summary, { force: true })
  const end = await runEngine(job, (line) => {
    // It may have been found before, too: with the same seed it is.
    const [, file] = /Test unit written to (\S+)/u.exec(line) ?? []
    if (file !== undefined) written.push(file)
    const [, cov, inputs] = /\bcov: (\d+) .*\bcorp: (\S+)/u.exec(line) ?? []
    if (cov !== undefined && inputs !== undefined) {
      edges = Number(cov)
      corpus = inputs
    } else {
      last.push(line)
      if (last.length > shownLines) last.shift()
    }
  })
  if (end !== 0) {
    process.stdout.write(`${last.join('\n')}\n${job.target}: the engine ended with ${end}\n`)
    const recent = join(job.findings, recentFolder)
    for (const file of written) showInput(job.target, file, 'the input')
    for (const file of findingsIn(recent)) showInput(job.target, join(recent, file), 'an input shortly before an error')
    if (written.length === 0) process.stdout.write(`${job.target}: no input was kept\n`)
  }
  const summary = existsSync(job.summary) ? (JSON.parse(readFileSync(job.summary, 'utf8')) as Summary) : undefined
  return { target: job.target, summary, edges, corpus, isFound: end !== 0 }
}

/** Of a run on another machine often only what it printed is left. */
function showInput(target: string, path: string, what: string): void {
  const input = readFileSync(path)
  const hex = input.byteLength > shownBytes ? undefined : input.toString('hex')
  const how = hex === undefined ? `--replay ${relative(root, path)}` : `--replay-hex ${hex}`
  process.stdout.write(`${what}, ${input.byteLength} bytes: npm run fuzz -- --target ${target} ${how}\n`)
}

async function keep(job: Job): Promise<void> {
  rmSync(job.findings, { recursive: true, force: true })
  const end = await runEngine(job, () => undefined)
  if (end !== 0) throw new Error(`the inputs of ${job.target} can't be told apart: the engine ended with ${end}`)
  keepInputs(
    job.target,
    findingsIn(job.findings).map((file) => new Uint8Array(readFileSync(join(job.findings, file))))
  )
}

function replay(job: Job): number {
  if (!existsSync(job.findings)) {
    process.stderr.write(`there is no file ${job.findings}\n`)
    return 2
  }
  mkdirSync(work, { recursive: true })
  return spawnSync(process.execPath, ['--expose-gc', engine, JSON.stringify(job)], { stdio: 'inherit' }).status ?? 1
}

/** @returns its exit code, or the signal that ended it */
async function runEngine(job: Job, onLine: (line: string) => void): Promise<number | NodeJS.Signals> {
  const child = spawn(process.execPath, ['--expose-gc', engine, JSON.stringify(job)], {
    cwd: work,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const ended = once(child, 'close')
  for await (const line of createInterface({ input: child.stderr })) onLine(line)
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null]
  return code ?? signal ?? 1
}

function findingsIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .toSorted()
}

function lineOf({ target, summary, edges, corpus, isFound }: Row): string {
  const { executions = 0, seconds = 0, grownBytes } = summary ?? {}
  const pace = seconds > 0 ? Math.round(executions / seconds) : 0
  const memory = grownBytes === undefined ? '' : `, memory ${(grownBytes / 2 ** 20).toFixed(1)} MB`
  return (
    `${target.padEnd(24)}${String(executions).padStart(9)} inputs ${String(pace).padStart(6)}/s ` +
    `${String(edges).padStart(6)} edges, corpus ${corpus}${memory}${isFound ? '  FOUND' : ''}`
  )
}

process.exitCode = await main(process.argv.slice(2))
