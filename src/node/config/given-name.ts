// Names that the user gives: the own nickname and those of contacts, from the
// command line, the environment, the settings file or the prompt. A name that the
// prompt would take for something else is refused, with the reason.
import { isVisible, withoutIgnorable } from '../../lib/index.ts'
import { UsageError } from '../api/errors.ts'

/** Words that the prompt for a peer takes for commands, in any case. */
const promptWords: ReadonlySet<string> = new Set(['exit', 'quit'])

/**
 * @returns the name in NFC, without white space or quotes around it
 * @throws UsageError saying what a name can't be
 */
export function readGivenName(text: string): string {
  const typed = text.normalize('NFC').trim()
  const name = (/^"(?<inside>.*)"$/su.exec(typed)?.groups?.['inside'] ?? typed).trim()
  if (!isVisible(name)) throw new UsageError('a name needs at least one character that can be seen')
  const seen = asSeen(name)
  if (seen.includes('"')) throw new UsageError('a name can have quotes around it and none inside: leave them out')
  if (promptWords.has(seen.toLowerCase())) {
    throw new UsageError(`${seen.toUpperCase()} is a command at the prompt, so it can't be a name: choose another`)
  }
  if (/^\d+$/u.test(seen)) {
    throw new UsageError("a number at the prompt means a line of the list, so it can't be a name: add a letter")
  }
  if (seen.startsWith('/')) {
    throw new UsageError("what begins with / is a command at the prompt, so it can't be a name: leave the / out")
  }
  return name
}

/**
 * Fullwidth and other compatibility forms as the plain characters that a reader takes them for, without unseen ones.
 */
function asSeen(name: string): string {
  return withoutIgnorable(name.normalize('NFKC')).trim()
}
