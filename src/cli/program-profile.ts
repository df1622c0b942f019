// The commands of `parley` about a profile as a whole: its key, its passphrase,
// its move to another machine. Like the others they are loaded when they are chosen.
import type { Command } from 'commander'
import type { CommandIo } from './io.ts'
import { examples, json, type Run } from './program-parts.ts'
import { addSettings, collect } from './setting-options.ts'
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
    .description('protect a profile with a passphrase, or move it')
    .helpCommand('help [command]', 'print this, or the help of a command')
    .addHelpText(
      'after',
      examples(
        ['parley profile protect', 'set a passphrase'],
        ['parley profile export anna.age', 'write one encrypted file, for another machine'],
        ['parley profile import anna.age', 'read it there']
      )
    )

  addSettings(
    profile.command('protect').description('set, change or remove the passphrase of the identity key'),
    profileSettings
  )
    .option('--remove', 'remove the passphrase')
    .option('--directory-port <PORT>', 'the key of the directory on this port, not of a profile')
    .addOption(passphraseOption('the present passphrase'))
    .addOption(newPassphraseOption())
    .addOption(json('print one JSON object'))
    .addHelpText(
      'after',
      examples(
        ['parley profile protect', 'asks twice for a passphrase, and for the old one first'],
        ['parley profile protect --remove', 'takes the passphrase off again'],
        ['parley profile protect --directory-port 8000', 'the key of that directory']
      )
    )
    .action(
      run(async (command) => {
        const { runProtect } = await import('./commands/protect.ts')
        return runProtect(io, command)
      })
    )

  addSettings(
    profile
      .command('export')
      .description('write the profile into one encrypted file: key, contacts, history, settings'),
    profileSettings
  )
    .argument('<FILE>', 'the file to write, in the age format')
    .option('--recipient <AGE1>', 'encrypt to this recipient of age, not to a passphrase; repeatable', collect)
    .option('--force', 'replace FILE when it is there')
    .addOption(passphraseOption('the passphrase for the file'))
    .addOption(json('print one JSON object'))
    .addHelpText(
      'after',
      examples(
        ['parley profile export anna.age', 'asks twice for a passphrase; also while the chat runs'],
        ['parley profile export anna.age --recipient age1…', 'for the identity of that recipient']
      )
    )
    .action(
      run(async (command) => {
        const { runProfileExport } = await import('./commands/profile-move.ts')
        return runProfileExport(io, command)
      })
    )

  addSettings(profile.command('import').description('make a profile from an exported file'), profileSettings)
    .argument('<FILE>', 'the file that parley profile export wrote')
    .option('--identity <FILE>', 'the identity file of age that opens it, when it was encrypted to a recipient')
    .option('--force', 'rename the profile that has this name, instead of refusing')
    .addOption(passphraseOption('the passphrase of the file'))
    .addOption(json('print one JSON object'))
    .addHelpText(
      'after',
      examples(
        ['parley profile import anna.age', 'as the usual profile'],
        ['parley profile import anna.age --profile anna', 'under a name']
      )
    )
    .action(
      run(async (command) => {
        const { runProfileImport } = await import('./commands/profile-move.ts')
        return runProfileImport(io, command)
      })
    )
}
