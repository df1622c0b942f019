// The commands of `parley` that read and delete the history of a profile, with
// their options and help. Like the others they are loaded when they are chosen.
import type { Command } from 'commander'
import type { CommandIo } from './io.ts'
import { examples, json, type Run } from './program-parts.ts'
import { addSettings } from './setting-options.ts'
import type { SettingName } from '../node/settings.ts'

/** The history is read without a network. */
const historySettings: readonly SettingName[] = ['profile']

/** What reads and deletes the history of a profile. */
export function addHistoryCommands(program: Command, io: CommandIo, run: Run): void {
  const load = async () => import('./commands/history.ts')
  const peerArgument = 'a contact, a peer ID or its beginning'
  const limit = '--limit <NUMBER>'

  addSettings(program.command('log').description('print the last messages with a peer'), historySettings)
    .argument('<PEER>', peerArgument)
    .option('--since <TIME>', 'only from then on: 2026-11-22, 2026-11-22T10:00, or 2h, 3d ago')
    .option('--until <TIME>', 'only before then; a day is included')
    .option(limit, 'how many of them, the last ones (default: 100)')
    .addOption(json('print one JSON object a message'))
    .addHelpText(
      'after',
      examples(
        ['parley log bob --since 2d', 'of the last two days'],
        ['parley log bob --since 2026-11-01 --until 2026-11-07', 'of a week']
      )
    )
    .action(run(async (command) => (await load()).runLog(io, command)))

  addSettings(program.command('search').description('print messages that have all of these words'), historySettings)
    .argument('<WORDS...>', 'words, in any order; "words in quotes" as they stand')
    .option('--peer <PEER>', 'only in the conversation with PEER')
    .option(limit, 'how many of them, the newest first (default: 100)')
    .addOption(json('print one JSON object a message'))
    .addHelpText(
      'after',
      examples(
        ['parley search red build', 'both words'],
        [`parley search '"red build"' --peer bob`, 'the phrase, with bob']
      )
    )
    .action(run(async (command) => (await load()).runSearch(io, command)))

  addSettings(program.command('export').description('print the whole history, oldest first'), historySettings)
    .addOption(json('one JSON object a message'))
    .option('--text', 'lines for people (the default)')
    .option('--peer <PEER>', 'only the conversation with PEER')
    .option('--after <POSITION>', 'only what came after the message with this position')
    .addHelpText(
      'after',
      examples(
        ['parley export --json > history.jsonl', 'everything'],
        ['parley export --peer bob | less', 'one conversation, to read']
      )
    )
    .action(run(async (command) => (await load()).runExport(io, command)))

  addSettings(program.command('forget').description('delete all messages with a peer on this machine'), historySettings)
    .argument('<PEER>', peerArgument)
    .option('--yes', 'do not ask')
    .addOption(json('print one JSON object that says how many'))
    .addHelpText('after', examples(['parley forget bob', 'asks first'], ['parley forget bob --yes', 'for a script']))
    .action(run(async (command) => (await load()).runForget(io, command)))
}
