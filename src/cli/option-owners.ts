// Whose option somebody meant who gave it to a command that has none of that
// name. It looks at what each command declares; it parses nothing.
import type { Command } from 'commander'

/**
 * What is wrong with an option that the command does not have: whose it is, or else what commander says.
 *
 * @param message commander's, which names the option and perhaps one that is spelled like it
 */
export function unknownOption(program: Command, message: string): string {
  const [, flag] = /unknown option '(--[^'=]+)/u.exec(message) ?? []
  const owners = flag === undefined ? [] : ownersOf(program, flag)
  if (flag === undefined || owners.length === 0) return message
  return `unknown option '${flag}': it is one of ${new Intl.ListFormat('en').format(owners)}`
}

function ownersOf(program: Command, flag: string): readonly string[] {
  return [program, ...program.commands]
    .filter(({ options }) => options.some(({ long }) => long === flag))
    .map((command) => (command === program ? 'parley' : `parley ${command.name()}`))
    .filter((name) => name !== 'parley config') // it has every setting, only to show it
}
