// `parley` and `parley chat PEER`: chooses the face, which is loaded only then,
// and runs it on a node.
import type { Command } from 'commander'
import { Attention } from '../process/attention.ts'
import { type CommandIo, writeLines } from '../process/io.ts'
import { compileOptimized, releaseMemoryAtRest } from '../process/memory-at-rest.ts'
import { flagsOf, hasSwitch, onProfile } from '../options/given-options.ts'
import { flagOf } from '../options/option-table.ts'
import { settingLines } from './config.ts'
import { windowOf } from './second-window.ts'
import {
  exitCodes,
  loadConfig,
  mayAskForPassphrase,
  ProfileInUseError,
  settingSpecs,
  UsageError
} from '../../node/settings.ts'
import type { Config, ExitCode, SettingName, Unlocker } from '../../node/settings.ts'
import type { AttachedNode } from '../attach/index.ts'
import type { ChatApi } from '../chat-api/chat-api.ts'
import { isNamed } from '../chat-api/find-peer.ts'
import { faceOf } from '../chat-api/conversation-screens.ts'
import type { FullScreenFace } from '../tui/index.ts'
import { unlockerOf } from '../process/unlocking.ts'
import { waitForUnlock } from '../control/index.ts'

type Outcome = 'quit' | 'detached' | 'end of input' | 'interrupted'

interface Face {
  run(): Promise<Outcome>
  end(outcome: Outcome): void
}

/** @param openFirst the words that name the peer of the first conversation; by default those of the command line */
export async function runChat(
  io: CommandIo,
  command: Command,
  openFirst: readonly string[] = command.args
): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const wantsJson = hasSwitch(command, 'json')
  if (wantsJson && hasSwitch(command, 'plain'))
    throw new UsageError('--plain and --json exclude each other: choose one')
  const { attachedNode } = await import('../attach/index.ts')
  // One that is just ending is gone in a moment.
  const attach = async (): Promise<AttachedNode | undefined> =>
    attachedNode(config, { signal: io.interrupted, isAttended: !wantsJson }).catch((error: unknown) => {
      if (!isNamed(error, 'NodeGoneError')) throw error
      return undefined
    })
  for (let tries = 1; ; tries++) {
    const daemon = await attach()
    if (daemon?.isDaemon === true) return openAttached(io, command, { config, openFirst, wantsJson, node: daemon })
    daemon?.close()
    // A program gets the profile that it asks for, or an error that it is in use.
    const window = wantsJson ? firstWindow : await windowOf(io, config, openFirst)
    if (window.is === 'same') {
      const node = await attach()
      if (node !== undefined) return openAttached(io, command, { config, openFirst, wantsJson, node })
      if (tries < MAX_WINDOW_TRIES) continue // the window has closed meanwhile
      throw new ProfileInUseError(
        'no window can be opened on the parley that runs on this profile: it may wait for its passphrase (parley unlock), be of an older version, or be a command that ends by itself (parley send)'
      )
    }
    try {
      return await openChat(io, command, { config, openFirst, wantsJson, mayMoveOn: window.is === 'another' })
    } catch (error) {
      // Another process took it between the look and the opening.
      const mayAsk = error instanceof ProfileInUseError && window.is === 'first' && config.sources.profile !== 'flag'
      if (!mayAsk || wantsJson || tries >= MAX_WINDOW_TRIES) throw error
    }
  }
}

const firstWindow = { is: 'first' } as const

/** Each try means that another parley came and went: more than this is no coincidence. */
const MAX_WINDOW_TRIES = 3

/** A face on the node of another process, which goes on when the face ends. */
export async function openAttached(
  io: CommandIo,
  command: Command,
  opening: Omit<ChatOpening, 'mayMoveOn'> & {
    readonly node: AttachedNode
    /** It runs on another machine, whose files are not here. */
    readonly isRemote?: boolean
  }
): Promise<ExitCode> {
  const { config, openFirst, wantsJson, node, isRemote = false } = opening
  // A script may take thousands of lines a second.
  if (wantsJson) compileOptimized()
  const wantsLines = wantsJson || hasSwitch(command, 'plain')
  const attention = wantsJson ? undefined : new Attention((isAttended) => node.attended(isAttended))
  const opened = { openFirst, config, attention }
  const screen = wantsLines ? undefined : await fullScreenFace(io, { ...opened, keeps: !isRemote })
  screen?.begin()
  const face = (await faceMaker(io, { ...opened, wantsJson, screen }))(node)
  const unused = unusedFlags(command)
  if (unused.length > 0) {
    node.say(
      'not-applied',
      `${unused.join(', ')} changed nothing: the node of this profile runs already, with settings of its own`
    )
  }
  const end = (): void => face.end('interrupted')
  io.interrupted.addEventListener('abort', end)
  const endReleasing = releaseMemoryAtRest()
  try {
    const outcome = io.interrupted.aborted ? 'interrupted' : await face.run()
    if (outcome === 'detached') {
      const what = node.isDaemon ? 'The daemon' : 'The Parley that holds the profile'
      const again = isRemote ? 'parley attach' : onProfile('parley', config.settings.profile)
      writeLines(io.stdout, [`${what} goes on. ${again} opens the chat again.`])
    }
    return outcome === 'interrupted' ? exitCodes.interrupted : exitCodes.ok
  } finally {
    endReleasing()
    screen?.close()
    attention?.stop()
    io.interrupted.removeEventListener('abort', end)
    node.close()
  }
}

/**
 * The node of this window goes on in a process of its own, with the same settings.
 *
 * @param profile the one that it held, which is another than that of `config` where that one was in use
 */
async function handOver(io: CommandIo, command: Command, asked: Config, profile: string): Promise<void> {
  const config = { ...asked, settings: { ...asked.settings, profile } }
  const { remarksOn, startDaemon, untilDaemonRuns } = await import('./daemon-service.ts')
  const { daemonOptions } = await import('./service-files.ts')
  writeLines(io.stdout, ['Starting the daemon …'])
  const started = startDaemon(config, daemonOptions(flagsOf(command)), io.env)
  const daemon = await untilDaemonRuns(config, io.interrupted, started)
  writeLines(io.stdout, [
    `Parley goes on as a daemon. ${onProfile('parley', profile)} opens the chat again; ${onProfile('parley daemon --stop', profile)} ends it.`,
    ...remarksOn(daemon)
  ])
}

/** Options that say what the node shall be: of a face they change nothing. */
function unusedFlags(command: Command): readonly string[] {
  const ofFace: readonly SettingName[] = ['profile', 'presenceLines', 'notify', 'secondWindow']
  const given = flagsOf(command)
  return settingSpecs
    .filter(({ name }) => given[name] !== undefined && !ofFace.includes(name))
    .map((spec) => flagOf(spec, given[spec.name]))
}

interface ChatOpening {
  readonly config: Config
  readonly openFirst: readonly string[]
  readonly wantsJson: boolean
  /** A held profile gives way to the next free one. */
  readonly mayMoveOn: boolean
}

async function openChat(
  io: CommandIo,
  command: Command,
  { config, openFirst, wantsJson, mayMoveOn }: ChatOpening
): Promise<ExitCode> {
  const { serveFaces } = await import('../attach/index.ts')
  const wait = waitForUnlock({ io, config, asJson: wantsJson })
  const unlock: Unlocker = await unlockerOf({ io, command, wait })
  let face: Face | undefined
  let { profile } = config.settings
  const end = (): void => face?.end('interrupted')
  io.interrupted.addEventListener('abort', end)
  const wantsPlain = hasSwitch(command, 'plain')
  const screen = wantsJson || wantsPlain ? undefined : await fullScreenFace(io, { openFirst, config })
  const makeFace = await faceMaker(io, { openFirst, config, wantsJson, screen })
  // The passphrase is asked for on the terminal as it is.
  const beginsLater = screen !== undefined && (await mayAskForPassphrase(config))
  if (!beginsLater) screen?.begin()
  try {
    const { withChatNode } = await import('./with-chat-node.ts')
    const outcome = await withChatNode({
      config,
      interactive: mayMoveOn,
      unlock,
      prepare: (node, screens) => {
        profile = node.snapshot().self.profile.name
        if (beginsLater) screen.begin()
        face = makeFace(faceOf(node, screens.another()))
      },
      run: async (node, screens) => {
        const endFaces = await serveFaces({ node, config, screens })
        try {
          return io.interrupted.aborted ? 'interrupted' : ((await face?.run()) ?? 'interrupted')
        } finally {
          await endFaces()
        }
      }
    })
    screen?.close()
    if (outcome === 'detached') await handOver(io, command, config, profile)
    return outcome === 'interrupted' ? exitCodes.interrupted : exitCodes.ok
  } finally {
    screen?.close()
    io.interrupted.removeEventListener('abort', end)
  }
}

/** What a face is made with. */
interface FaceOptions {
  readonly openFirst: readonly string[]
  readonly config: Config
  /** Of a face on the node of another process. */
  readonly attention?: Attention | undefined
}

async function faceMaker(
  io: CommandIo,
  options: FaceOptions & { readonly wantsJson: boolean; readonly screen: FullScreenFace | undefined }
): Promise<(node: ChatApi) => Face> {
  const { screen, wantsJson } = options
  if (screen === undefined) return wantsJson ? jsonFace(io, options) : plainFace(io, options)
  return (node) => {
    screen.attach(node)
    return screen
  }
}

/** On a terminal that can be drawn on. It begins before the node is made, so that the screen is never empty. */
async function fullScreenFace(
  io: CommandIo,
  { openFirst, config, attention, keeps = true }: FaceOptions & { readonly keeps?: boolean }
): Promise<FullScreenFace | undefined> {
  // A pipe needs none of this loaded.
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true) return undefined
  const { FullScreenFace, wholeTerminal } = await import('../tui/index.ts')
  const terminal = wholeTerminal(io.stdin, io.stdout, io.env)
  if (terminal === undefined) return undefined
  return new FullScreenFace({
    ...terminal,
    env: io.env,
    selfName: config.sources.name === 'default' ? undefined : config.settings.name,
    presenceLines: config.settings.presenceLines,
    ...(attention === undefined ? {} : { attention }),
    openFirst,
    keeps,
    settingLines
  })
}

async function jsonFace(io: CommandIo, { openFirst }: FaceOptions): Promise<(node: ChatApi) => Face> {
  const { JsonFace } = await import('../json/index.ts')
  return (node) => new JsonFace({ node, input: io.stdin, output: io.stdout, openFirst })
}

async function plainFace(
  io: CommandIo,
  { openFirst, config, attention }: FaceOptions
): Promise<(node: ChatApi) => Face> {
  const { PlainFace, plainTerminal } = await import('../plain/index.ts')
  return (node) =>
    new PlainFace({
      node,
      terminal: plainTerminal(io.stdin, io.stdout, io.env),
      presenceLines: config.settings.presenceLines,
      ...(attention === undefined ? {} : { attention }),
      openFirst
    })
}
