// All commands of `parley`: what each does, its arguments and examples. Their options
// come from the table. It runs nothing and imports nothing heavy: each command is
// loaded when it is chosen, and the script for the Tab key only where it is asked for.
import { type ExitCode, version } from '../node/settings.ts'
import { hasSwitch } from './options/given-options.ts'
import { examplesText, ProgramCommand } from './options/program-command.ts'
import type { CommandIo } from './process/io.ts'

/** What a command does once it is chosen. */
type Work = (io: CommandIo, command: ProgramCommand) => Promise<ExitCode>

/** Makes an action of a command's work. */
type Run = (load: (command: ProgramCommand) => Promise<Work>) => (this: ProgramCommand) => Promise<void>

/** What PEER may be where it is looked for on the network, and where it must be kept in the profile. */
const anyPeer = 'a name, a peer ID or its beginning, the code of an invitation, HOST:PORT, HOST PORT or a multiaddr'
const keptPeer = 'a contact, a peer ID or its beginning'

const sendCodes = `
Exit codes:
  0  stored by the other side          6  sent to a program without receipts
  3  PEER matches none, or several     7  refused
  4  unreachable, or not delivered      8  the profile is in use
     in time with --no-queue           9  a different peer answers there
  5  held there as a request          12  queued: not delivered yet
 14  the key has a passphrase that was not given: parley unlock, --passphrase-fd`

/** @param finished called with the exit code of the command that ran */
export function buildProgram(io: CommandIo, finished: (code: ExitCode) => void): ProgramCommand {
  const program = new ProgramCommand('parley')
    .description('Peer-to-peer chat with a visible roster.')
    .version(version, '-V, --version', 'print the version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .allowExcessArguments(false)
    .helpCommand('help [command]', 'print this, or the help of a command')
    .takeOptions('parley')
    .examples(
      ['parley', 'opens the chat'],
      ['parley --name anna --accept lan', 'lets the LAN in'],
      ['parley help send', 'more about a command']
    )
  const run: Run = (load) => {
    return async function (this: ProgramCommand): Promise<void> {
      const work = await load(this)
      finished(await work(io, this))
    }
  }
  program.action(run(async () => (await import('./commands/chat.ts')).runChat))
  addMessageCommands(program, run)
  addHistoryCommands(program, run)
  addContactCommands(program, run)
  addFileCommands(program, run)
  addNetworkCommands(program, run)
  addDaemonCommands(program, run)
  addProfileCommands(program, run)
  addConfigCommands(program, run)
  program
    .add('demo', 'the case study on this machine: three directories, two people')
    .examples(['parley demo', 'takes about 5 seconds'], ['parley demo --ports 8100,8101,8102', 'on other ports'])
    .action(run(async () => (await import('./commands/demo.ts')).runDemo))
  return program
}

function addMessageCommands(program: ProgramCommand, run: Run): void {
  program
    .add('chat', 'open the chat, straight into a conversation')
    .argument('<PEER...>', anyPeer)
    .examples(
      ['parley chat bob', 'a contact or a name on the roster'],
      ['parley chat 192.168.1.7 4001', 'host and port']
    )
    .action(run(async () => (await import('./commands/chat.ts')).runChat))

  program
    .add('send', 'deliver one message; exits with 0 only once the other side has stored it')
    .argument('<PEER>', 'a name, a peer ID or its beginning, HOST:PORT or a multiaddr')
    .argument('<TEXT...>', 'the message, or - for standard input')
    .addHelpText('after', sendCodes)
    .examples(
      ['parley send bob "the build is red"', 'to a contact'],
      ['make 2>&1 | tail | parley send bob -', 'standard input']
    )
    .action(run(async () => (await import('./commands/send.ts')).runSend))
}

/** They read and delete the history of a profile. */
function addHistoryCommands(program: ProgramCommand, run: Run): void {
  const load = async () => import('./commands/history.ts')

  program
    .add('log', 'print the last messages with a peer')
    .argument('<PEER>', keptPeer)
    .examples(
      ['parley log bob --since 2d', 'of the last two days'],
      ['parley log bob --follow', 'and what comes next, until Ctrl-C'],
      ['parley log bob --since 2026-11-01 --until 2026-11-07', 'of a week']
    )
    .action(
      run(async (command) =>
        hasSwitch(command, 'follow') ? (await import('./commands/new-messages.ts')).followLog : (await load()).runLog
      )
    )

  program
    .add('await', 'wait for a message and print it')
    .addHelpText('after', '\nExit codes:\n   0  a message was printed        124  none came in time')
    .examples(
      ['parley await --from bob', 'the next message from bob'],
      ['parley await --match "^build (ok|failed)" --timeout 10m', 'what a script waits for']
    )
    .action(run(async () => (await import('./commands/new-messages.ts')).runAwait))

  program
    .add('search', 'print messages with all of these words')
    .argument('<WORDS...>', 'words, in any order; "words in quotes" as they stand')
    .examples(
      ['parley search red build', 'both words'],
      [`parley search '"red build"' --peer bob`, 'the phrase, with bob']
    )
    .action(run(async () => (await load()).runSearch))

  program
    .add('export', 'print the whole history, oldest first')
    .examples(
      ['parley export --json > history.jsonl', 'everything'],
      ['parley export --peer bob | less', 'one conversation, to read']
    )
    .action(run(async () => (await load()).runExport))

  program
    .add('forget', 'delete all messages with a peer on this machine')
    .argument('<PEER>', keptPeer)
    .examples(['parley forget bob', 'asks first'], ['parley forget bob --yes', 'for a script'])
    .action(run(async () => (await load()).runForget))
}

function addContactCommands(program: ProgramCommand, run: Run): void {
  const load = async () => import('./commands/profile/contact.ts')

  const contact = program
    .add('contact', 'list your contacts, or give them names of your own')
    .helpCommand('help [command]', 'print this, or the help of a command')
    .examples(
      ['parley contact list', 'who they are'],
      ['parley contact rename bob "Bob from work"', 'a name that only you see'],
      ['parley contact rename bob', 'the name that bob gives himself again']
    )

  contact
    .add('contact list', 'print your contacts')
    .examples(['parley contact list --json', 'for a script'])
    .action(run(async () => (await load()).runContactList))

  contact
    .add('contact rename', 'give a contact a name of your own')
    .argument('<PEER>', keptPeer)
    .argument('[NAME...]', 'the new name; without it, the name that the peer gives itself')
    .examples(['parley contact rename bob Robert', 'bob is Robert on this machine'])
    .action(run(async () => (await load()).runContactRename))

  contact
    .add('contact remove', 'make a contact a stranger again')
    .argument('<PEER>', keptPeer)
    .examples(['parley contact remove bob', 'asks first'], ['parley contact remove bob --yes', 'for a script'])
    .action(run(async () => (await load()).runContactRemove))
}

/** They show what is shared, with others and by others, and fetch it. */
function addFileCommands(program: ProgramCommand, run: Run): void {
  const load = async () => import('./commands/share.ts')
  const loadBrowse = async () => import('./commands/browse.ts')

  const share = program
    .add('share', 'share folders with your contacts, or list what you share')
    .helpCommand('help [command]', 'print this, or the help of a command')
    .examples(
      ['parley share add ~/Slides', 'all your contacts see it, while parley runs'],
      ['parley share add ~/Music --with lan --searchable', 'contacts on the LAN, who also find it by words'],
      ['parley share list', 'what is shared, and how much of it has been read']
    )

  share
    .add('share add', 'share a folder, or change how it is shared')
    .argument('<FOLDER>', 'a folder of this machine')
    .examples(
      ['parley share add ~/Slides', 'with all contacts'],
      ['parley share add ~/Slides --with bob --with carol', 'with these two'],
      ['parley share add /srv/iso --as Images', 'under another name']
    )
    .action(run(async () => (await load()).runShareAdd))

  share
    .add('share list', 'print what you share')
    .examples(['parley share list --json', 'for a script'])
    .action(run(async () => (await load()).runShareList))

  share
    .add('share remove', 'end the sharing of a folder')
    .argument('<NAME>', 'of the share, or its folder')
    .examples(['parley share remove Slides', 'the folder itself stays as it is'])
    .action(run(async () => (await load()).runShareRemove))

  program
    .add('browse', 'print what a peer shares with you')
    .argument('<PEER>', keptPeer)
    .argument('[FOLDER]', 'a folder of it')
    .examples(
      ['parley browse bob', 'all that bob shares with you'],
      ['parley browse bob Slides/2026', 'a folder of it']
    )
    .action(run(async () => (await loadBrowse()).runBrowse))

  program
    .add('get', 'fetch files and folders that a peer shares, into the folder of downloads')
    .argument('<PEER>', keptPeer)
    .argument('<PATH...>', 'as parley browse and parley find print them')
    .addHelpText('after', '\nExit codes:\n   0  all of it is here        4  some of it was not fetched')
    .examples(
      ['parley get bob Slides/2026/plan.pdf', 'a file'],
      ['parley get bob Slides', 'a folder with all that is in it']
    )
    .action(run(async () => (await loadBrowse()).runGet))

  program
    .add('find', 'ask your contacts for files, by words of their names')
    .argument('<WORDS...>', '1 to 8 words of 3 to 32 characters each')
    .examples(
      ['parley find autumn slides', 'both words'],
      ['parley find autumn slides --wait', 'and what turns up later']
    )
    .action(run(async () => (await loadBrowse()).runFind))
}

/** They show who is on the network, and who the user is there. */
function addNetworkCommands(program: ProgramCommand, run: Run): void {
  program
    .add('roster', 'print who is on the network, without joining it')
    .examples(
      ['parley roster --watch', 'everyone, live'],
      ['parley roster --directory 8000', 'as one directory tells it'],
      ['parley roster --directory 8000 --query ann', 'all whose name holds "ann", however many peers there are']
    )
    .action(run(async () => (await import('./commands/roster.ts')).runRoster))

  program
    .add('doctor', 'say what keeps you from others, or PEER from you, and what to do')
    .argument('[PEER...]', anyPeer)
    .addHelpText('after', '\nExit codes:\n   0  nothing is broken        17  something is')
    .examples(
      ['parley doctor', 'interfaces, mDNS, firewall, VPN, directories'],
      ['parley doctor bob', 'and each path to bob, and why it fails'],
      ['parley doctor 192.168.1.7:4001', 'an address']
    )
    .action(run(async () => (await import('./commands/doctor.ts')).runDoctor))

  program
    .add('directory', 'run a directory: it shows who is online')
    .examples(
      ['parley directory', 'asks for its port, on a terminal'],
      ['parley directory --port 8000', 'on port 8000; the page is at http://127.0.0.1:8080/'],
      ['parley directory --port 8001 --join 8000', 'shares one roster with that of port 8000'],
      ['parley directory --http-host 0.0.0.0', 'the page is there for others too'],
      ['parley directory --relay-only', 'no roster: a relay for those who name it with --relay-via']
    )
    .action(run(async () => (await import('./commands/directory.ts')).runDirectory))

  program
    .add('id', 'print your own peer ID and addresses')
    .examples(['parley id --qr', 'for someone else to scan'])
    .action(run(async () => (await import('./commands/profile/id.ts')).runId))

  program
    .add('invite', 'make a code by which another person finds you, and wait for that person')
    .addHelpText(
      'after',
      '\nExit codes:\n   0  the person has come        124  nobody came, or too many wrong codes were tried'
    )
    .examples(
      ['parley invite', 'for one person, who becomes a contact; then, there: parley chat 7-oak-pilot-river'],
      ['parley invite --many 20 --for 2h', 'for a room'],
      ['parley invite --end 7', 'take it back']
    )
    .action(run(async () => (await import('./commands/invite.ts')).runInvite))

  program
    .add('verify', 'print the safety number with a peer, and mark it as compared')
    .argument('<PEER...>', anyPeer)
    .examples(
      ['parley verify bob', 'read it out to bob, who does the same'],
      ['parley verify bob --confirm', 'when all 60 digits are the same']
    )
    .action(run(async () => (await import('./commands/verify.ts')).runVerify))
}

/** They concern a node that runs already, or goes on without a face. */
function addDaemonCommands(program: ProgramCommand, run: Run): void {
  program
    .add('status', 'print whether parley runs on the profile, and its state')
    .addHelpText('after', '\nExit codes:\n   0  a parley runs        13  none runs')
    .examples(
      ['parley status', 'the usual profile'],
      ['parley status --profile work || parley --profile work', 'start it unless it runs']
    )
    .action(run(async () => (await import('./commands/status.ts')).runStatus))

  program
    .add('daemon', 'run the node of a profile without a face; parley attaches to it')
    .examples(
      ['parley daemon --install', 'Parley is there when you log in'],
      ['parley', 'attaches to it; QUIT leaves it running'],
      ['parley daemon', 'in this terminal, or under a supervisor of your own'],
      ['parley status', 'what it does']
    )
    .action(run(async () => (await import('./commands/daemon.ts')).runDaemon))

  program
    .add('attach', 'the chat of another machine in this terminal, through ssh')
    .argument('[WHERE]', 'ssh:HOST, ssh:USER@HOST or ssh:USER@HOST:PORT')
    .examples(
      ['parley attach ssh:home.example', 'the daemon that runs there'],
      ['parley attach ssh:anna@home.example --remote-command bin/parley', 'where it is not in the PATH']
    )
    .action(run(async () => (await import('./commands/attach.ts')).runAttach))

  program
    .add('unlock', 'give the passphrase to a parley that is waiting for it')
    .addHelpText('after', '\nExit codes:\n   0  it is open        13  no parley runs        15  wrong passphrase')
    .examples(
      ['parley unlock', 'asks for the passphrase of the usual profile'],
      ['parley unlock --passphrase-fd 3 3<FILE', 'for a script']
    )
    .action(run(async () => (await import('./commands/profile/key-passphrase.ts')).runUnlock))
}

function addProfileCommands(program: ProgramCommand, run: Run): void {
  const profile = program
    .add('profile', 'protect a profile with a passphrase, or move it')
    .helpCommand('help [command]', 'print this, or the help of a command')
    .examples(
      ['parley profile protect', 'set a passphrase'],
      ['parley profile export anna.age', 'write one encrypted file, for another machine'],
      ['parley profile import anna.age', 'read it there']
    )

  profile
    .add('profile protect', 'set, change or remove the passphrase of the identity key')
    .examples(
      ['parley profile protect', 'asks twice for a passphrase, and for the old one first'],
      ['parley profile protect --remove', 'takes the passphrase off again'],
      ['parley profile protect --directory-port 8000', 'the key of that directory']
    )
    .action(run(async () => (await import('./commands/profile/key-passphrase.ts')).runProtect))

  profile
    .add('profile export', 'write the profile into one encrypted file: key, contacts, history, settings')
    .argument('<FILE>', 'the file to write, in the age format')
    .examples(
      ['parley profile export anna.age', 'asks twice for a passphrase; also while the chat runs'],
      ['parley profile export anna.age --recipient age1…', 'for the identity of that recipient']
    )
    .action(run(async () => (await import('./commands/profile/profile-move.ts')).runProfileExport))

  profile
    .add('profile import', 'make a profile from an exported file')
    .argument('<FILE>', 'the file that parley profile export wrote')
    .examples(
      ['parley profile import anna.age', 'as the usual profile'],
      ['parley profile import anna.age --profile anna', 'under a name']
    )
    .action(run(async () => (await import('./commands/profile/profile-move.ts')).runProfileImport))
}

function addConfigCommands(program: ProgramCommand, run: Run): void {
  const load = async () => import('./commands/config.ts')

  const config = program
    .add('config', 'print each setting, its value and where it came from; or change one')
    .argument('[NAME]', 'print the value of this setting alone')
    .helpCommand('help [command]', 'print this, or the help of a command')
    .examples(
      ['parley config', 'the settings as they are'],
      ['parley config giveUp', 'one of them, as it is written'],
      ['parley config set giveUp 12h', 'change the file of settings'],
      ['PARLEY_NAME=anna parley config --json', 'for a script']
    )
    .action(run(async () => (await load()).runConfig))

  config
    .add('config set', 'write one setting into the file of settings; everything else in it stays as it is')
    .argument('<NAME>', 'a setting, as parley config lists them')
    .argument('<VALUE...>', 'its value; several of a setting that is a list')
    .examples(
      ['parley config set name anna', 'a nickname'],
      ['parley config set directory 8000 192.168.1.7:8000', 'a list']
    )
    .action(run(async () => (await load()).runConfigSet))

  config
    .add('config unset', 'take one setting out of the file of settings')
    .argument('<NAME>', 'a setting that is in the file')
    .examples(['parley config unset giveUp', 'back to what it is without'])
    .action(run(async () => (await load()).runConfigUnset))
}

const completion = 'completion'

/** Adds the command; its implementation only if one of `args` asks for it. */
export async function addCompletion(program: ProgramCommand, args: readonly string[]): Promise<void> {
  if (args.includes(completion) || args.includes('complete')) {
    const { default: tab } = await import('@bomb.sh/tab/commander')
    tab(program, { completionCommandName: completion })
  } else {
    program.command(completion).argument('<shell>')
  }
  program.commands
    .find((command) => command.name() === completion)
    ?.description('print a script that completes parley for a shell')
    .addHelpText(
      'after',
      examplesText(
        ['source <(parley completion bash)', 'in ~/.bashrc'],
        ['parley completion fish | source', 'in config.fish']
      )
    )
}
