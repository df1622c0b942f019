// The commands of `parley` about a profile: its key and passphrase, its move to
// another machine, its contacts, its history, and the file of settings. Each is
// loaded when it is chosen.
import { newPassphraseOption, passphraseOption } from '../process/unlocking.ts'
import {
  addSettings,
  allSettings,
  chatSettings,
  collect,
  hasSwitch,
  json,
  keptPeer,
  onlyProfile,
  type ProgramCommand,
  type Run
} from '../commands/command-options.ts'

export function addDaemonCommand(program: ProgramCommand, run: Run): void {
  const daemon = program
    .command('daemon')
    .description('run the node of a profile without a face; parley attaches to it')
  addSettings(daemon, chatSettings)
    .option('--install', 'run it as a service, from each login on')
    .option('--uninstall', 'remove that service')
    .option('--stop', 'end the daemon that runs on the profile')
    .option('--restart', 'end it and start it anew, as after an update')
    .addOption(passphraseOption())
    .addOption(json('print its log as one JSON object a line'))
    .examples(
      ['parley daemon --install', 'Parley is there when you log in'],
      ['parley', 'attaches to it; QUIT leaves it running'],
      ['parley daemon', 'in this terminal, or under a supervisor of your own'],
      ['parley status', 'what it does']
    )
    .action(run(async () => (await import('../commands/daemon.ts')).runDaemon))
}

export function addAttachCommand(program: ProgramCommand, run: Run): void {
  addSettings(
    program.command('attach').description('the chat of another machine in this terminal, through ssh'),
    onlyProfile
  )
    .argument('[WHERE]', 'ssh:HOST, ssh:USER@HOST or ssh:USER@HOST:PORT')
    .option('--remote-command <COMMAND>', 'how parley is called there (default: parley)')
    .option('--pipe', 'the far end: pass bytes between this command and the node that runs here')
    .option('--plain', 'plain lines, also on a terminal: for screen readers')
    .addOption(json('one JSON object a line, in and out'))
    .examples(
      ['parley attach ssh:home.example', 'the daemon that runs there'],
      ['parley attach ssh:anna@home.example --remote-command bin/parley', 'where it is not in the PATH']
    )
    .action(run(async () => (await import('../commands/attach.ts')).runAttach))
}

export function addProfileCommands(program: ProgramCommand, run: Run): void {
  addSettings(
    program.command('unlock').description('give the passphrase to a parley that is waiting for it'),
    onlyProfile
  )
    .addOption(passphraseOption())
    .addOption(json('print one JSON object'))
    .addHelpText('after', '\nExit codes:\n   0  it is open        13  no parley runs        15  wrong passphrase')
    .examples(
      ['parley unlock', 'asks for the passphrase of the usual profile'],
      ['parley unlock --passphrase-fd 3 3<FILE', 'for a script']
    )
    .action(run(async () => (await import('../commands/key-passphrase.ts')).runUnlock))

  const profile = program
    .command('profile')
    .description('protect a profile with a passphrase, or move it')
    .helpCommand('help [command]', 'print this, or the help of a command')
    .examples(
      ['parley profile protect', 'set a passphrase'],
      ['parley profile export anna.age', 'write one encrypted file, for another machine'],
      ['parley profile import anna.age', 'read it there']
    )

  addSettings(
    profile.command('protect').description('set, change or remove the passphrase of the identity key'),
    onlyProfile
  )
    .option('--remove', 'remove the passphrase')
    .option('--directory-port <PORT>', 'the key of the directory on this port, not of a profile')
    .addOption(passphraseOption('the present passphrase'))
    .addOption(newPassphraseOption())
    .addOption(json('print one JSON object'))
    .examples(
      ['parley profile protect', 'asks twice for a passphrase, and for the old one first'],
      ['parley profile protect --remove', 'takes the passphrase off again'],
      ['parley profile protect --directory-port 8000', 'the key of that directory']
    )
    .action(run(async () => (await import('../commands/key-passphrase.ts')).runProtect))

  addSettings(
    profile
      .command('export')
      .description('write the profile into one encrypted file: key, contacts, history, settings'),
    onlyProfile
  )
    .argument('<FILE>', 'the file to write, in the age format')
    .option('--recipient <AGE1>', 'encrypt to this recipient of age, not to a passphrase; repeatable', collect)
    .option('--force', 'replace FILE if it exists')
    .addOption(passphraseOption('the passphrase for the file'))
    .addOption(json('print one JSON object'))
    .examples(
      ['parley profile export anna.age', 'asks twice for a passphrase; also while the chat runs'],
      ['parley profile export anna.age --recipient age1…', 'for the identity of that recipient']
    )
    .action(run(async () => (await import('../commands/profile-move.ts')).runProfileExport))

  addSettings(profile.command('import').description('make a profile from an exported file'), onlyProfile)
    .argument('<FILE>', 'the file that parley profile export wrote')
    .option('--identity <FILE>', 'the identity file of age that opens it, when it was encrypted to a recipient')
    .option('--force', 'rename the profile that has this name, instead of refusing')
    .addOption(passphraseOption('the passphrase of the file'))
    .addOption(json('print one JSON object'))
    .examples(
      ['parley profile import anna.age', 'as the usual profile'],
      ['parley profile import anna.age --profile anna', 'under a name']
    )
    .action(run(async () => (await import('../commands/profile-move.ts')).runProfileImport))
}

export function addContactCommands(program: ProgramCommand, run: Run): void {
  const load = async () => import('../commands/contact.ts')

  const contact = program
    .command('contact')
    .description('list your contacts, or give them names of your own')
    .helpCommand('help [command]', 'print this, or the help of a command')
    .examples(
      ['parley contact list', 'who they are'],
      ['parley contact rename bob "Bob from work"', 'a name that only you see'],
      ['parley contact rename bob', 'the name that bob gives himself again']
    )

  addSettings(contact.command('list').description('print your contacts'), onlyProfile)
    .addOption(json('print one JSON object'))
    .examples(['parley contact list --json', 'for a script'])
    .action(run(async () => (await load()).runContactList))

  addSettings(contact.command('rename').description('give a contact a name of your own'), onlyProfile)
    .argument('<PEER>', keptPeer)
    .argument('[NAME...]', 'the new name; without it, the name that the peer gives itself')
    .addOption(json('print one JSON object'))
    .examples(['parley contact rename bob Robert', 'bob is Robert on this machine'])
    .action(run(async () => (await load()).runContactRename))

  addSettings(contact.command('remove').description('make a contact a stranger again'), onlyProfile)
    .argument('<PEER>', keptPeer)
    .option('--yes', 'do not ask')
    .addOption(json('print one JSON object'))
    .examples(['parley contact remove bob', 'asks first'], ['parley contact remove bob --yes', 'for a script'])
    .action(run(async () => (await load()).runContactRemove))
}

/** The commands that read and delete the history of a profile. */
export function addHistoryCommands(program: ProgramCommand, run: Run): void {
  const load = async () => import('../commands/history.ts')
  const limit = '--limit <NUMBER>'

  addSettings(program.command('log').description('print the last messages with a peer'), onlyProfile)
    .argument('<PEER>', keptPeer)
    .option('--since <TIME>', 'only from then on: 2026-11-22, 2026-11-22T10:00, or 2h, 3d ago')
    .option('--until <TIME>', 'only before then; a day is included')
    .option(limit, 'how many of them, the last ones (default: 100)')
    .option(
      '--follow',
      'go on with each message that comes or is sent; one printed as waiting comes again when delivered'
    )
    .addOption(passphraseOption())
    .addOption(json('print one JSON object a message'))
    .examples(
      ['parley log bob --since 2d', 'of the last two days'],
      ['parley log bob --follow', 'and what comes next, until Ctrl-C'],
      ['parley log bob --since 2026-11-01 --until 2026-11-07', 'of a week']
    )
    .action(
      run(async (command) =>
        hasSwitch(command, 'follow') ? (await import('../commands/new-messages.ts')).followLog : (await load()).runLog
      )
    )

  addSettings(program.command('await').description('wait for a message and print it'), onlyProfile)
    .option('--from <PEER>', 'only from this peer')
    .option('--match <REGEXP>', 'only a text that this regular expression matches')
    .option('--timeout <TIME>', 'give up after this time: 30 (seconds), 5m, 2h')
    .addOption(passphraseOption())
    .addOption(json('print it as one JSON object'))
    .addHelpText('after', '\nExit codes:\n   0  a message was printed        124  none came in time')
    .examples(
      ['parley await --from bob', 'the next message from bob'],
      ['parley await --match "^build (ok|failed)" --timeout 10m', 'what a script waits for']
    )
    .action(run(async () => (await import('../commands/new-messages.ts')).runAwait))

  addSettings(program.command('search').description('print messages with all of these words'), onlyProfile)
    .argument('<WORDS...>', 'words, in any order; "words in quotes" as they stand')
    .option('--peer <PEER>', 'only in the conversation with PEER')
    .option(limit, 'how many of them, the newest first (default: 100)')
    .addOption(json('print one JSON object a message'))
    .examples(
      ['parley search red build', 'both words'],
      [`parley search '"red build"' --peer bob`, 'the phrase, with bob']
    )
    .action(run(async () => (await load()).runSearch))

  addSettings(program.command('export').description('print the whole history, oldest first'), onlyProfile)
    .addOption(json('one JSON object a message'))
    .option('--text', 'lines for people (the default)')
    .option('--peer <PEER>', 'only the conversation with PEER')
    .option('--after <POSITION>', 'only what came after the message with this position')
    .examples(
      ['parley export --json > history.jsonl', 'everything'],
      ['parley export --peer bob | less', 'one conversation, to read']
    )
    .action(run(async () => (await load()).runExport))

  addSettings(program.command('forget').description('delete all messages with a peer on this machine'), onlyProfile)
    .argument('<PEER>', keptPeer)
    .option('--yes', 'do not ask')
    .addOption(json('print one JSON object that says how many'))
    .examples(['parley forget bob', 'asks first'], ['parley forget bob --yes', 'for a script'])
    .action(run(async () => (await load()).runForget))
}

export function addConfigCommands(program: ProgramCommand, run: Run): void {
  const config = addSettings(
    program.command('config').description('print each setting, its value and where it came from; or change one'),
    allSettings
  )
    .argument('[NAME]', 'print the value of this setting alone')
    .addOption(json('print one JSON object'))
    .helpCommand('help [command]', 'print this, or the help of a command')
    .examples(
      ['parley config', 'the settings as they are'],
      ['parley config giveUp', 'one of them, as it is written'],
      ['parley config set giveUp 12h', 'change the file of settings'],
      ['PARLEY_NAME=anna parley config --json', 'for a script']
    )
    .action(run(async () => (await import('../commands/config.ts')).runConfig))

  config
    .command('set')
    .description('write one setting into the file of settings; everything else in it stays as it is')
    .argument('<NAME>', 'a setting, as parley config lists them')
    .argument('<VALUE...>', 'its value; several of a setting that is a list')
    .examples(
      ['parley config set name anna', 'a nickname'],
      ['parley config set directory 8000 192.168.1.7:8000', 'a list']
    )
    .action(run(async () => (await import('../commands/config.ts')).runConfigSet))

  config
    .command('unset')
    .description('take one setting out of the file of settings')
    .argument('<NAME>', 'a setting that is in the file')
    .examples(['parley config unset giveUp', 'back to what it is without'])
    .action(run(async () => (await import('../commands/config.ts')).runConfigUnset))
}
