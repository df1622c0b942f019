// One attack against one victim: an attacker's process at the lowest priority,
// honest people beside it, and what both and the victim itself have to tell. It
// judges by the attack's own bounds, and prints nothing.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodePath } from '../processes/parley-process.ts'
import { DEFAULT_BOUNDS, type Attack, type Bounds, type Target } from './attack.ts'
import type { AttackerReport } from './attacker-process.ts'
import type { Scene, Waits } from './scene.ts'

const attackerScript = new URL('attacker-process.ts', import.meta.url).pathname
/** Parley's generated frames are TypeScript that Node has to transform. */
const typescriptFlags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']
const lowestPriority = 19
/** The attacker's libraries are loaded by then, at the lowest priority on a busy machine. */
const startTimeoutMs = 300_000
/** Beside their quiet value; see the threat model. */
export const HONEST_P99_MS = 100
const mb = 1024 * 1024
/** Short of so many bytes a figure for each MB says nothing. */
const tellingBytes = 2 * mb

export interface MeasureInit {
  readonly scene: Scene
  readonly attack: Attack
  readonly kind: Target['kind']
  readonly seconds: number
  /** An address that no attack before has used: what a victim holds against one is not held against the next. */
  readonly source: string
}

export interface Outcome {
  readonly attack: string
  readonly kind: Target['kind']
  readonly sentBytes: number
  readonly quietP99Ms: number
  readonly p99Ms: number
  readonly heldBytes: number
  readonly keptBytes: number
  /** Undefined where the attacker has sent too little to say. */
  readonly cpuMsPerMb: number | undefined
  readonly blockedMs: number
  readonly descriptorsKept: number
  readonly named: boolean
  readonly contactMs: number | undefined
  readonly newcomerMs: number | undefined
  /** What must not be, in words: empty when the victim held. */
  readonly faults: readonly string[]
  /** What depends on how busy this machine is: reported, and judged by `npm run attack` alone. */
  readonly slow: readonly string[]
}

export async function measure({ scene, attack, kind, seconds, source }: MeasureInit): Promise<Outcome> {
  const bounds: Bounds = { ...DEFAULT_BOUNDS, ...attack.bounds }
  const quietMs = (seconds * 1_000) / 2
  const restful = await scene.reading(kind, { collected: false })
  const quiet = await scene.honestWaits(kind, AbortSignal.timeout(quietMs))
  const before = await scene.reading(kind, { collected: true })
  // What honest people cost in that time, and a collection.
  const honestCpuMs = (before.cpuMs - restful.cpuMs) * 2
  const saidBefore = scene.saidBy(kind).length
  const attacker = await startAttacker(attack.name, scene.target(kind), source, seconds)
  const over = AbortSignal.timeout(seconds * 1_000)
  const honest = scene.honestWaits(kind, over)
  const returning = kind === 'chat' ? scene.contactReturns() : scene.newcomerRegisters()
  await untilOver(over)
  const during = await scene.reading(kind, { collected: true }).catch(() => undefined)
  const report = await attacker.report
  const waits = await honest
  const cameMs = await returning
  await sleep(1_000)
  const after = await scene.reading(kind, { collected: true }).catch(() => undefined)
  const said = scene.isUp(kind) ? scene.saidBy(kind, saidBefore) : []
  const names = [...report.identities, source]
  const sent = report.sentBytes
  const outcome = {
    attack: attack.name,
    kind,
    sentBytes: sent,
    quietP99Ms: percentile(quiet, 0.99),
    p99Ms: percentile(waits, 0.99),
    heldBytes: (during?.heldBytes ?? before.heldBytes) - before.heldBytes,
    keptBytes: (after?.heldBytes ?? before.heldBytes) - before.heldBytes,
    cpuMsPerMb:
      during === undefined || sent < tellingBytes
        ? undefined
        : Math.max(0, during.cpuMs - before.cpuMs - honestCpuMs) / (sent / mb),
    blockedMs: during?.blockedMs ?? Infinity,
    descriptorsKept: (after?.descriptors ?? before.descriptors) - before.descriptors,
    named: said.some((line) => names.some((name) => line.includes(name))),
    contactMs: kind === 'chat' ? cameMs : undefined,
    newcomerMs: kind === 'directory' ? cameMs : undefined
  }
  const faults = [
    ...(scene.isUp(kind) && after !== undefined ? [] : ['the victim has ended']),
    ...(report.failure === undefined ? [] : [`the attacker failed: ${report.failure}`]),
    ...beyond(outcome.heldBytes, bounds.heldBytes, 'held during the attack'),
    ...beyond(outcome.keptBytes, bounds.keptBytes, 'kept after it'),
    ...(bounds.cpuMsPerMb !== undefined && outcome.cpuMsPerMb !== undefined && outcome.cpuMsPerMb > bounds.cpuMsPerMb
      ? [`${outcome.cpuMsPerMb.toFixed(0)} ms of processor time for each MB; the bound is ${bounds.cpuMsPerMb} ms`]
      : []),
    ...(attack.named === true && !outcome.named ? ['the attacker was not named'] : []),
    ...(cameMs === undefined ? [kind === 'chat' ? 'a contact did not come through' : 'a newcomer was not let in'] : [])
  ]
  const slowest = Math.max(HONEST_P99_MS, 2 * outcome.quietP99Ms)
  const slow =
    outcome.p99Ms > slowest ? [`honest p99 ${outcome.p99Ms.toFixed(0)} ms; the bound is ${slowest.toFixed(0)} ms`] : []
  return { ...outcome, faults, slow }
}

function beyond(bytes: number, boundBytes: number, what: string): readonly string[] {
  return bytes <= boundBytes ? [] : [`${toMb(bytes)} MB ${what}; the bound is ${toMb(boundBytes)} MB`]
}

export function toMb(bytes: number): string {
  return (bytes / mb).toFixed(1)
}

function percentile(waits: Waits, part: number): number {
  const sorted = waits.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}

/** Resolves when the attacker has loaded what it needs and begins. */
async function startAttacker(
  name: string,
  target: Target,
  source: string,
  seconds: number
): Promise<{ readonly report: Promise<AttackerReport> }> {
  const child = spawn(
    'nice',
    [
      '-n',
      String(lowestPriority),
      nodePath,
      ...typescriptFlags,
      attackerScript,
      name,
      JSON.stringify(target),
      source,
      String(seconds)
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }
  )
  let printed = ''
  let complaints = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-2_000)))
  const report = new Promise<AttackerReport>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => {
      try {
        // Written by attacker-process.ts.
        resolve(JSON.parse(printed) as AttackerReport)
      } catch {
        resolve({ sentBytes: 0, identities: [], failure: complaints === '' ? 'it ended without a report' : complaints })
      }
    })
  })
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${name} did not begin: ${complaints}`)), startTimeoutMs)
    const begun = (): void => {
      clearTimeout(late)
      resolve()
    }
    child.once('message', begun)
    child.once('close', begun)
  })
  return { report }
}

async function untilOver(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
