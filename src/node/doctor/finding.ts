// Makes findings. Pure.
import type { DoctorArea, DoctorCause, DoctorFinding } from '../api/doctor-report.ts'

type Rest = Partial<Pick<DoctorFinding, 'isLikely' | 'evidence' | 'advice' | 'commands'>>

/** What to do where two can't reach each other: a directory on a machine that both reach is no client of that access point. */
export const commonDirectory =
  'run parley directory on a machine that both reach, at a cable of the same network or on the Internet, and start both ' +
  'with --directory HOST:PORT: it relays between them'

const plain = { isLikely: false, evidence: [], advice: '', commands: [] } as const

export function fine(area: DoctorArea, text: string, rest: Rest = {}): DoctorFinding {
  return { ...plain, area, verdict: 'ok', cause: 'none', text, ...rest }
}

export function note(area: DoctorArea, text: string, rest: Rest = {}): DoctorFinding {
  return { ...plain, area, verdict: 'note', cause: 'none', text, ...rest }
}

export function problem(area: DoctorArea, cause: DoctorCause, text: string, rest: Rest = {}): DoctorFinding {
  return { ...plain, area, verdict: 'problem', cause, text, ...rest }
}
