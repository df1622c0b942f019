// What the commands of `parley` are put together from: how their work is run, and
// the parts of their help that look alike.
import { Option, type Command } from 'commander'
import type { ExitCode } from '../node/settings.ts'

/** Makes a command's work its action. */
export type Run = (work: (command: Command) => Promise<ExitCode>) => (this: Command) => Promise<void>

export const json = (help: string): Option => new Option('--json', help)

export function examples(...list: readonly (readonly [command: string, what: string])[]): string {
  const width = Math.max(...list.map(([command]) => command.length))
  return `\nExamples:\n${list.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`).join('\n')}\n`
}
