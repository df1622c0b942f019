// An examination by the parley that runs on the profile, read from its JSON lines.
import { type Json, jsonList } from '../../lib/index.ts'
import { doctorCauses, type DoctorFinding, type DoctorReport } from '../../node/settings.ts'
import { NoAnswerError, type RunningParley } from './running-parley.ts'

/** @throws RunningCommandError as the other process reported it; NoAnswerError */
export async function runningExamination(
  parley: RunningParley,
  words: readonly string[],
  signal: AbortSignal
): Promise<DoctorReport> {
  const done = await parley.ask({ do: 'doctor', ...(words.length === 0 ? {} : { peer: words }) }, { signal })
  const findings = jsonList(done['findings']).map(readFinding)
  if (findings.length === 0) throw new NoAnswerError(undefined)
  return { findings: findings.filter((one) => one !== undefined) }
}

/** @returns undefined for one of another version */
function readFinding(json: Json): DoctorFinding | undefined {
  const { area, verdict, cause, likely, text, evidence, advice, commands } = json
  if (typeof text !== 'string' || typeof advice !== 'string' || !isArea(area) || !isCause(cause)) return undefined
  if (verdict !== 'ok' && verdict !== 'note' && verdict !== 'problem') return undefined
  return {
    area,
    verdict,
    cause,
    isLikely: likely === true,
    text,
    evidence: textsOf(evidence),
    advice,
    commands: textsOf(commands)
  }
}

const areas: ReadonlySet<unknown> = new Set<DoctorFinding['area']>([
  'lan',
  'vpn',
  'port',
  'directory',
  'reachability',
  'peer'
])

function isArea(value: unknown): value is DoctorFinding['area'] {
  return areas.has(value)
}

function isCause(value: unknown): value is DoctorFinding['cause'] {
  return typeof value === 'string' && Object.hasOwn(doctorCauses, value)
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
