// All commands of `parley`, with their options and help. It runs nothing and
// imports nothing heavy: each command is loaded when it is chosen, and the
// script for the Tab key only where it is asked for.
import { type ExitCode, type SettingName, version } from '../../node/settings.ts'
import type { CommandIo } from '../process/io.ts'
import { passphraseOption } from '../process/unlocking.ts'
import {
  addSettings,
  anyPeer,
  chatSettings,
  collect,
  examplesText,
  json,
  onlyProfile,
  ProgramCommand,
  type Run
} from '../commands/command-options.ts'
import {
  addAttachCommand,
  addConfigCommands,
  addContactCommands,
  addDaemonCommand,
  addHistoryCommands,
  addProfileCommands
} from './profile-program.ts'

/** The settings of a node that only looks at the roster. */
const lookSettings: readonly SettingName[] = ['profile', 'network', 'directory', 'defaultDirectories', 'mdns']
const directorySettings: readonly SettingName[] = [
  'network',
  'port',
  'host',
  'join',
  'federate',
  'relay',
  'relayRate',
  'relayCircuits',
  'trustedProxy',
  'mdns'
]
const identitySettings: readonly SettingName[] = ['profile', 'network', 'name', 'port', 'host']

/** @param finished called with the exit code of the command that ran */
export function buildProgram(io: CommandIo, finished: (code: ExitCode) => void): ProgramCommand {
  const program = new ProgramCommand('parley')
    .description('Peer-to-peer chat with a visible roster.')
    .version(version, '-V, --version', 'print the version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .allowExcessArguments(false)
    .helpCommand('help [command]', 'print this, or the help of a command')
  const run: Run = (load) => {
    return async function (this: ProgramCommand): Promise<void> {
      const work = await load(this)
      finished(await work(io, this))
    }
  }

  addFaces(program)
    .examples(
      ['parley', 'opens the chat'],
      ['parley --name anna --accept lan', 'lets the LAN in'],
      ['parley help send', 'more about a command']
    )
    .action(run(async () => (await import('../commands/chat.ts')).runChat))

  addFaces(program.command('chat').description('open the chat, straight into a conversation'))
    .argument('<PEER...>', anyPeer)
    .examples(
      ['parley chat bob', 'a contact or a name on the roster'],
      ['parley chat 192.168.1.7 4001', 'host and port']
    )
    .action(run(async () => (await import('../commands/chat.ts')).runChat))

  addSettings(
    program.command('send').description('deliver one message; exits with 0 only once the other side has stored it'),
    chatSettings
  )
    .argument('<PEER>', 'a name, a peer ID or its beginning, HOST:PORT or a multiaddr')
    .argument('<TEXT...>', 'the message, or - for standard input')
    .option('--wait <SECONDS>', 'how long to wait for the receipt (default: 6)')
    .option('--no-queue', 'fail instead of queueing if it is not delivered in time')
    .option('--trust-name', 'PEER may be a nickname, even of a peer that is not a contact')
    .addOption(passphraseOption())
    .addOption(json('print the outcome as one JSON object'))
    .addHelpText('after', sendCodes)
    .examples(
      ['parley send bob "the build is red"', 'to a contact'],
      ['make 2>&1 | tail | parley send bob -', 'standard input']
    )
    .action(run(async () => (await import('../commands/send.ts')).runSend))

  addHistoryCommands(program, run)
  addContactCommands(program, run)

  addSettings(program.command('roster').description('print who is on the network, without joining it'), lookSettings)
    .option('--query <TEXT>', 'those with TEXT in their nickname, or at the start of their peer ID')
    .option('--watch', 'keep running and print each change')
    .addOption(json('print the roster as one JSON object a line'))
    .examples(
      ['parley roster --watch', 'everyone, live'],
      ['parley roster --directory 8000', 'as one directory tells it'],
      ['parley roster --directory 8000 --query ann', 'all whose name holds "ann", however many peers there are']
    )
    .action(run(async () => (await import('../commands/roster.ts')).runRoster))

  const directory = program.command('directory').description('run a directory: it shows who is online')
  addSettings(directory, directorySettings)
    .option('--http <PORT>', 'the port of the roster page; 0 for any that is free (env: PARLEY_HTTP)')
    .option('--no-http', 'show no roster page')
    .option(
      '--http-host <ADDRESS>',
      'serve the page on this IP address, not only on this machine (env: PARLEY_HTTP_HOST)'
    )
    .option(
      '--http-name <NAME>',
      'answer to this name too, as behind a reverse proxy; repeatable (env: PARLEY_HTTP_NAME)',
      collect
    )
    .addOption(passphraseOption())
    .addOption(json('print events as one JSON object a line'))
    .examples(
      ['parley directory', 'asks for its port, on a terminal'],
      ['parley directory --port 8000', 'on port 8000; the page is at http://127.0.0.1:8080/'],
      ['parley directory --port 8001 --join 8000', 'shares one roster with that of port 8000'],
      ['parley directory --http-host 0.0.0.0', 'the page is there for others too']
    )
    .action(run(async () => (await import('../commands/directory.ts')).runDirectory))
  const port = directory.options.find(({ long }) => long === '--port')
  if (port !== undefined)
    port.description = 'the TCP port to listen on; each port has a key of its own (env: PARLEY_PORT)'

  addSettings(program.command('id').description('print your own peer ID and addresses'), identitySettings)
    .option('--qr', 'also as a QR code')
    .addOption(json('print one JSON object'))
    .examples(['parley id --qr', 'for someone else to scan'])
    .action(run(async () => (await import('../commands/id.ts')).runId))

  addSettings(
    program.command('verify').description('print the safety number with a peer, and mark it as compared'),
    lookSettings
  )
    .argument('<PEER...>', anyPeer)
    .option('--confirm', 'the numbers match: mark the peer as verified')
    .option('--undo', 'remove that mark')
    .option('--qr', 'also print the number as a QR code')
    .addOption(json('print one JSON object'))
    .examples(
      ['parley verify bob', 'read it out to bob, who does the same'],
      ['parley verify bob --confirm', 'when all 60 digits are the same']
    )
    .action(run(async () => (await import('../commands/verify.ts')).runVerify))

  addSettings(
    program.command('status').description('print whether parley runs on the profile, and its state'),
    onlyProfile
  )
    .addOption(json('print one JSON object'))
    .addHelpText('after', '\nExit codes:\n   0  a parley runs        13  none runs')
    .examples(
      ['parley status', 'the usual profile'],
      ['parley status --profile work || parley --profile work', 'start it unless it runs']
    )
    .action(run(async () => (await import('../commands/status.ts')).runStatus))

  addDaemonCommand(program, run)
  addAttachCommand(program, run)
  addProfileCommands(program, run)

  addConfigCommands(program, run)

  program
    .command('demo')
    .description('the case study on this machine: three directories, two people')
    .option('--ports <A,B,C>', 'the ports of the directories (default: 8000,8001,8002)')
    .examples(['parley demo', 'takes about 5 seconds'], ['parley demo --ports 8100,8101,8102', 'on other ports'])
    .action(run(async () => (await import('../commands/demo.ts')).runDemo))

  return program
}

/** What opens the chat: its settings, and the choice of a face. */
function addFaces(command: ProgramCommand): ProgramCommand {
  return addSettings(command, chatSettings)
    .option('--plain', 'plain lines, also on a terminal: for screen readers')
    .addOption(passphraseOption())
    .addOption(json('one JSON object a line, in and out'))
}

const sendCodes = `
Exit codes:
  0  stored by the other side          6  sent to a program without receipts
  3  PEER matches none, or several     7  refused
  4  unreachable, or not delivered      8  the profile is in use
     in time with --no-queue           9  a different peer answers there
  5  held there as a request          12  queued: not delivered yet
 14  the key has a passphrase that was not given: parley unlock, --passphrase-fd`

const name = 'completion'

/** Adds the command; its implementation only if one of `args` asks for it. */
export async function addCompletion(program: ProgramCommand, args: readonly string[]): Promise<void> {
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
      examplesText(
        ['source <(parley completion bash)', 'in ~/.bashrc'],
        ['parley completion fish | source', 'in config.fish']
      )
    )
}
