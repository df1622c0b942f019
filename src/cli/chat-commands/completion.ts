// What the Tab key offers: commands after a slash, names wherever a PEER is
// meant, and files of this machine where a path is.
import { folded } from '../../lib/index.ts'
import { isMarked } from '../../node/settings.ts'
import type { RosterRow } from '../chat-api/chat-api.ts'
import { completePath } from '../process/typed-paths.ts'
import type { ChatCommand } from './chat-command.ts'
import { findCommand } from './chat-commands.ts'

type Completion = readonly [hits: readonly string[], typed: string]

/**
 * The possible ends of what is typed.
 *
 * @param peerExpected true at the prompt for a peer, where a line may begin with a name
 */
export function completeLine(
  line: string,
  options: { commands: readonly ChatCommand[]; names: readonly string[]; peerExpected: boolean }
): Completion {
  const { commands, names, peerExpected } = options
  const command = /^\/(\S*)$/u.exec(line)
  if (command !== null)
    return [
      startingWith(
        commands.map(({ name }) => `/${name} `),
        line
      ),
      line
    ]
  const argument = /^\/(\S+)\s+(.*)$/u.exec(line)
  if (argument !== null) {
    const takes = findCommand(argument[1] ?? '')?.parameters[0]?.name
    if (takes === 'paths') return completePath(argument[2] ?? '')
    return takes === 'peer' ? completeName(argument[2] ?? '', names) : [[], line]
  }
  return peerExpected ? completeName(line, names) : [[], line]
}

/** The unambiguous name of a peer on the roster: the short ID where it uses or imitates a known name. */
export function safeName(row: RosterRow): string {
  return isMarked({ ...row, isContact: row.contact }) && !row.contact ? row.shortId : row.name
}

function completeName(typed: string, names: readonly string[]): Completion {
  const unquoted = typed.startsWith('"') ? typed.slice(1) : typed
  const hits = names.filter((name) => folded(name).startsWith(folded(unquoted)))
  return [[...new Set(hits.map((name) => (/\s/u.test(name) ? `"${name}"` : name)))], typed]
}

function startingWith(candidates: readonly string[], typed: string): readonly string[] {
  return candidates.filter((candidate) => candidate.startsWith(typed))
}
