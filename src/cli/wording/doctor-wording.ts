// What an examination has found, in lines for people: a line each, with its cause, what
// shows it and what to do below. Pure.
import { type DoctorFinding, doctorCauses, type DoctorReport } from '../../node/settings.ts'

const marks = { ok: 'ok', note: 'note', problem: 'PROBLEM' } as const

/** Under the text of a finding, which stands behind its mark. */
const indent = ' '.repeat(9)

export function doctorLines({ findings }: DoctorReport): string[] {
  const problems = findings.filter(({ verdict }) => verdict === 'problem').length
  const sum = problems === 0 ? 'Nothing is broken.' : problems === 1 ? 'One problem.' : `${problems} problems.`
  return [...findings.flatMap(findingLines), sum]
}

function findingLines(finding: DoctorFinding): string[] {
  const { verdict, cause, isLikely, text, evidence, advice, commands } = finding
  const why = cause === 'none' ? [] : [`${isLikely ? 'likely cause' : 'cause'}: ${doctorCauses[cause]}`]
  const end = commands.length > 0 && advice !== '' ? ':' : ''
  const below = [
    ...why,
    ...evidence.map((clause) => `- ${clause}`),
    ...(advice === '' ? [] : [`${advice}${end}`]),
    ...commands.map((command) => `    ${command}`)
  ]
  return [`${marks[verdict].padEnd(indent.length)}${text}`, ...below.map((line) => `${indent}${line}`)]
}
