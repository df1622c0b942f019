// Makes findings. Pure.
import type { DoctorArea, DoctorCause, DoctorFinding } from '../api/doctor-report.ts'

type Rest = Partial<Pick<DoctorFinding, 'isLikely' | 'evidence' | 'advice' | 'commands'>>

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
