// `parley completion SHELL`, and `parley complete -- …`, which the script that it
// prints asks at each Tab. What both need goes through every option of every
// command, so other command lines have only their place in the help.
import type { Command } from 'commander'
import { examples } from './program-parts.ts'

const name = 'completion'

/** Adds the command, with what it does only where one of `args` asks for that. */
export async function addCompletion(program: Command, args: readonly string[]): Promise<void> {
  if (args.includes(name) || args.includes('complete')) {
    const { default: tab } = await import('@bomb.sh/tab/commander')
    tab(program, { completionCommandName: name })
  } else {
    program.command(name).argument('<shell>')
  }
  program.commands
    .find((command) => command.name() === name)
    ?.description('print a script that completes parley for a shell')
    .addHelpText(
      'after',
      examples(
        ['source <(parley completion bash)', 'in ~/.bashrc'],
        ['parley completion fish | source', 'in config.fish']
      )
    )
}
