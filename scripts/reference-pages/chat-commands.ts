// The page of the commands inside a chat, from the table that all faces share and
// from that of the full screen.
import type { ChatCommand } from '../../src/cli/chat-commands/chat-command.ts'
import { chatCommands } from '../../src/cli/chat-commands/chat-commands.ts'
import { usageOf } from '../../src/cli/chat-commands/command-arguments.ts'
import { screenCommands } from '../../src/cli/tui/model/screen-commands.ts'
import { cell, codes, table } from './markdown.ts'

/** What is typed as paths a program gives in a field of its own. */
export function programParameters({ parameters }: ChatCommand): ChatCommand['parameters'] {
  return parameters.filter(({ name }) => name !== 'paths')
}

export function chatCommandsPage(): string {
  const rows = chatCommands.map((command) => [
    `\`${usageOf(command)}\``,
    codes(command.aliases.map((alias) => `/${alias}`)),
    command.help,
    codes(
      [...programParameters(command), ...(command.fields ?? []).map((name) => ({ name, required: false }))].map(
        ({ name, required }) => (required ? name : `${name}?`)
      )
    )
  ])
  return `# Commands inside a chat

Written by \`npm run reference\` from the program's table of chat commands. They work at the prompt and in a
conversation, in plain lines and on the full screen; a program gives them as [JSON lines](json.md), with the fields of
the last column (\`?\`: may be left out). What else can be typed: [at the prompt](../guide/prompt.md).

${table(
  ['command', 'also', 'does', 'JSON fields'],
  rows.map((row) => row.map(cell))
)}
## Of the full screen alone

${table(
  ['command', 'does'],
  screenCommands.map(({ usage, help }) => [cell(`\`${usage}\``), cell(help)])
)}`
}
