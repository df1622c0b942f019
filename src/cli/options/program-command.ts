// A command of the program: it takes the options that the table has for it, and its
// help ends with examples.
import { Command, Option } from 'commander'
import { type CommandName, optionsOf } from './option-table.ts'

type Example = readonly [command: string, what: string]

/** The first of its examples is shown too when an argument is missing. */
export class ProgramCommand extends Command {
  #example: string | undefined

  override createCommand(name?: string): ProgramCommand {
    return new ProgramCommand(name)
  }

  /** Adds a command below this one, with its options. @param words all of its name: `contact list` */
  add(words: CommandName, description: string): ProgramCommand {
    const name = words.split(' ').at(-1) ?? words
    return this.command(name).description(description).takeOptions(words)
  }

  /** Adds an option for each that the table has for the command of this name. */
  takeOptions(words: CommandName): this {
    for (const { flags, help, isRepeatable, isUnlisted } of optionsOf(words)) {
      const option = new Option(flags, help).hideHelp(isUnlisted)
      this.addOption(isRepeatable ? option.argParser(collect) : option)
    }
    return this
  }

  examples(...list: readonly Example[]): this {
    this.#example = list[0]?.[0]
    return this.addHelpText('after', examplesText(...list))
  }

  get example(): string | undefined {
    return this.#example
  }
}

/** Reads an option that may be given again. */
function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

export function examplesText(...list: readonly Example[]): string {
  const width = Math.max(...list.map(([command]) => command.length))
  return `\nExamples:\n${list.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`).join('\n')}\n`
}
