// What an examination has found, in lines for people: a line each, with its cause, what
// shows it and what to do below. Pure.
import { type DoctorFinding, doctorCauses, type DoctorReport } from '../../node/settings.ts'

const marks = { ok: 'ok', note: 'note', problem: 'PROBLEM' } as const

/** Under the text of a finding, which stands behind its mark. */
const indent = ' '.repeat(9)
/** … in a list, whose lines are narrow and indented where they are broken. */
const listIndent = ' '.repeat(2)

/** Problems stand last, where a terminal ends. */
export function doctorLines(report: DoctorReport): string[] {
  return [
    ...ordered(report, ['ok', 'note', 'problem']).flatMap((finding) => findingLines(finding, indent)),
    `${doctorSum(report)}.`
  ]
}

/** The same for a list that begins at its top: problems stand first. */
export function doctorListLines(report: DoctorReport): string[] {
  return ordered(report, ['problem', 'note', 'ok']).flatMap((finding) => findingLines(finding, listIndent))
}

/** `Nothing is broken here`, `2 problems` */
export function doctorSum({ findings }: DoctorReport): string {
  const problems = findings.filter(({ verdict }) => verdict === 'problem').length
  if (problems === 0) return 'Nothing is broken here'
  return problems === 1 ? 'One problem' : `${problems} problems`
}

function ordered({ findings }: DoctorReport, order: readonly DoctorFinding['verdict'][]): readonly DoctorFinding[] {
  return order.flatMap((which) => findings.filter(({ verdict }) => verdict === which))
}

function findingLines(finding: DoctorFinding, belowIndent: string): string[] {
  const { verdict, cause, isLikely, text, evidence, advice, commands } = finding
  const why = cause === 'none' ? [] : [`${isLikely ? 'likely cause' : 'cause'}: ${doctorCauses[cause]}`]
  const end = commands.length > 0 && advice !== '' ? ':' : ''
  const below = [
    ...why,
    ...evidence.map((clause) => `- ${clause}`),
    ...(advice === '' ? [] : [`${advice}${end}`]),
    ...commands.map((command) => `    ${command}`)
  ]
  return [`${marks[verdict].padEnd(indent.length)}${text}`, ...below.map((line) => `${belowIndent}${line}`)]
}
