// Characters that a reader can't tell apart, by Unicode's security data: the
// mapping step of the skeleton in UTS #39, Unicode Security Mechanisms, section
// 4, "Confusable Detection". What comes of it is for comparison, never for a
// screen. https://www.unicode.org/reports/tr39/#Confusable_Detection
import { CONFUSABLES } from './confusables-table.ts'

/** What stands for all characters that look like this one: one character or several, itself where nothing else does. */
export function prototypeOf(character: string): string {
  return prototypes().get(character) ?? character
}

let table: ReadonlyMap<string, string> | undefined

/** Read when the first name is compared: 7,000 entries take a millisecond that not every start has to spend. */
function prototypes(): ReadonlyMap<string, string> {
  table ??= new Map(CONFUSABLES.split(';').flatMap(groupEntries))
  return table
}

function groupEntries(group: string): (readonly [string, string])[] {
  const [likeness = '', ...steps] = group.split(' ')
  const prototype = String.fromCodePoint(...likeness.split('.').map(fromBase36))
  let code = 0
  return steps.map((step) => {
    code += fromBase36(step)
    return [String.fromCodePoint(code), prototype] as const
  })
}

function fromBase36(text: string): number {
  return Number.parseInt(text, 36)
}
