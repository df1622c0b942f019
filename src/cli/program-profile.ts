// The commands of `parley` about a profile as a whole: its key, its passphrase,
// its move to another machine. Like the others they are loaded when they are chosen.
import type { Command } from 'commander'
import type { CommandIo } from './io.ts'
import { examples, json, type Run } from './program-parts.ts'
import { addSettings } from './setting-options.ts'
import { newPassphraseOption, passphraseOption } from './unlocking.ts'
import type { SettingName } from '../node/settings.ts'

const profileSettings: readonly SettingName[] = ['profile']

export function addProfileCommands(program: Command, io: CommandIo, run: Run): void {
  addSettings(
    program.command('unlock').description('give the passphrase to a parley that waits for it'),
    profileSettings
  )
    .addOption(passphraseOption())
    .addOption(json('print one JSON object'))
    .addHelpText(
      'after',
      `\nExit codes:\n   0  it is open        13  no parley runs        15  wrong passphrase\n${examples(
        ['parley unlock', 'asks for the passphrase of the usual profile'],
        ['parley unlock --passphrase-fd 3 3<FILE', 'for a script']
      )}`
    )
    .action(
      run(async (command) => {
        const { runUnlock } = await import('./commands/unlock.ts')
        return runUnlock(io, command)
      })
    )

  const profile = program
    .command('profile')
    .description('protect a profile with a passphrase')
    .helpCommand('help [command]', 'print this, or the help of a command')

  addSettings(
    profile.command('protect').description('set, change or remove the passphrase of the identity key'),
    profileSettings
  )
    .option('--remove', 'remove the passphrase')
    .option('--directory-port <PORT>', 'of the directory on this port, not of a profile')
    .addOption(passphraseOption('the present passphrase'))
    .addOption(newPassphraseOption())
    .addOption(json('print one JSON object'))
    .addHelpText(
      'after',
      examples(
        ['parley profile protect', 'asks twice for a passphrase, and for the old one first'],
        ['parley profile protect --remove', 'the key as it was before'],
        ['parley profile protect --directory-port 8000', 'the key of that directory']
      )
    )
    .action(
      run(async (command) => {
        const { runProtect } = await import('./commands/protect.ts')
        return runProtect(io, command)
      })
    )
}
