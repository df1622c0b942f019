/**
 * One process that fuzzes one target: `node --expose-gc engine.ts JOB`, where JOB is JSON (see job.ts). It loads the
 * target instrumented, tries inputs until there are enough, the time is over or something is found, and leaves a
 * summary. libFuzzer can be started once in a process, which is why there is one for each target.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { machineSlowness } from '../cpu-time.ts'
import { DEFAULT_INPUT_BYTES, type FuzzTarget } from './fuzz-target.ts'
import { jobOf, recentFolder, type Summary } from './job.ts'
import { counters, loadJazzer, type Jazzer, type JazzerOptions } from './jazzer.ts'
import { MemoryWatch } from './memory-watch.ts'
import type { Trial } from './trial.ts'

interface Bundle {
  readonly targets: readonly FuzzTarget[]
  readonly Trial: new (target: FuzzTarget, slowness: () => number) => Trial
}

/** Inputs of the last moments: what fails later has been caused by one of them. */
const keptRecent = 16
/** libFuzzer's watchdog: an input that does not end. The slowest take a second or two of a busy machine. */
const hangSeconds = 300
/** Native memory counts here too; the collected heap is watched apart. */
const residentLimitMb = 4096

const job = jobOf(process.argv[2] ?? '')
const requireHere = createRequire(import.meta.url)
process.exitCode = job.mode === 'replay' ? await replay() : await runInstrumented()
process.exit()

/** Loads the target without instrumentation, as in the tests. */
async function replay(): Promise<number> {
  const { target, trial } = load()
  try {
    const input = new Uint8Array(readFileSync(job.findings))
    await trial.run(input)
    await trial.runStretched(input)
    await target.stop?.()
    console.error('the input shows no fault')
    return 0
  } catch (error) {
    console.error(error)
    return 1
  }
}

async function runInstrumented(): Promise<number> {
  const jazzer = loadJazzer(join(job.work, 'addon'))
  const options = optionsOf(jazzer)
  jazzer.registerGlobals(options)
  await jazzer.initFuzzing(options)
  const { target, trial } = load()
  writeFiles(job.seeds, [...(await target.seeds())])
  const code = job.mode === 'fuzz' ? await fuzz(target, trial, jazzer, options) : await distil(trial)
  await target.stop?.()
  return code
}

function load(): { readonly target: FuzzTarget; readonly trial: Trial } {
  const { targets, Trial: TrialOf } = requireHere(job.bundle) as Bundle
  const target = targets.find(({ name }) => name === job.target)
  if (target === undefined) throw new Error(`${job.bundle} has no target ${job.target}`)
  return { target, trial: new TrialOf(target, machineSlowness) }
}

async function fuzz({ isAsync }: FuzzTarget, trial: Trial, jazzer: Jazzer, options: JazzerOptions): Promise<number> {
  const recent: Uint8Array[] = []
  const keepRecent = (error: unknown): void => {
    trial.failLater(error)
    writeFiles(join(job.findings, recentFolder), recent)
  }
  process.on('uncaughtException', keepRecent)
  process.on('unhandledRejection', keepRecent)
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('run it with --expose-gc')
  const memory = new MemoryWatch(() => {
    collect()
  }, performance.now())
  const startedMs = performance.now()
  const note = (input: Uint8Array): void => {
    recent.push(Uint8Array.from(input))
    if (recent.length > keptRecent) recent.shift()
  }
  const run = jazzer.asFindingAwareFuzzFn(
    isAsync === true
      ? async (input) => {
          note(input)
          await trial.run(input)
          memory.look(trial.executions, performance.now())
        }
      : (input) => {
          note(input)
          void trial.run(input)
          memory.look(trial.executions, performance.now())
        }
  )
  const { returnCode } = await jazzer.startFuzzingNoInit(run, options)
  const seconds = (performance.now() - startedMs) / 1000
  tell({ executions: trial.executions, seconds, grownBytes: memory.growth()?.bytes })
  return returnCode
}

/** Keeps the fewest inputs, the smallest first, that together take every branch that all of them take. */
async function distil(trial: Trial): Promise<number> {
  const inputs = [...job.corpora, job.seeds].flatMap(readInputs).toSorted((a, b) => a.byteLength - b.byteLength)
  const taken = new Set<number>()
  const kept: Uint8Array[] = []
  for (const input of inputs) {
    const map = counters().coverageMap
    map.fill(0)
    await trial.run(input)
    let isNew = false
    for (let edge = 0; edge < counters().currentNumCounters; edge++) {
      if (map[edge] === 0 || taken.has(edge)) continue
      taken.add(edge)
      isNew = true
    }
    if (isNew) kept.push(input)
  }
  writeFiles(job.findings, kept)
  tell({ executions: inputs.length, seconds: 0, edges: taken.size, kept: kept.length })
  return 0
}

function tell(summary: Summary): void {
  mkdirSync(dirname(job.summary), { recursive: true })
  writeFileSync(job.summary, JSON.stringify(summary))
}

function readInputs(folder: string): Uint8Array[] {
  mkdirSync(folder, { recursive: true })
  return readdirSync(folder).map((file) => new Uint8Array(readFileSync(join(folder, file))))
}

function writeFiles(folder: string, inputs: readonly Uint8Array[]): void {
  mkdirSync(folder, { recursive: true })
  inputs.forEach((input, i) => writeFileSync(join(folder, String(i).padStart(4, '0')), input))
}

function optionsOf({ OptionsManager, OptionSource }: Jazzer): JazzerOptions {
  const { bundle, corpora, seeds, findings } = job
  for (const folder of [...corpora, seeds, findings]) mkdirSync(folder, { recursive: true })
  return new OptionsManager(OptionSource.DefaultCLIOptions).merge(
    {
      fuzzTarget: bundle,
      includes: [dirname(bundle)],
      excludes: ['node_modules'],
      sync: !job.isAsync,
      // Hosts and servers under test are connected to; a target opens files that it has written itself.
      disableBugDetectors: ['ssrf', 'server-side-request-forgery', 'path-traversal'],
      timeout: hangSeconds * 1000,
      fuzzerOptions: [
        ...corpora,
        seeds,
        ...(job.inputs === undefined ? [`-max_total_time=${job.seconds}`] : [`-runs=${job.inputs}`]),
        ...(job.seed === undefined ? [] : [`-seed=${job.seed}`]),
        `-max_len=${job.maxInputBytes ?? DEFAULT_INPUT_BYTES}`,
        `-artifact_prefix=${findings}/`,
        `-rss_limit_mb=${residentLimitMb}`,
        '-print_final_stats=1'
      ]
    },
    OptionSource.CommandLineArguments
  )
}
