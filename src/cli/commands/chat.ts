// `parley` and `parley chat PEER`: chooses the face, which is loaded only then,
// and runs it on a node.
import type { Command } from 'commander'
import { withChatNode } from '../with-chat-node.ts'
import type { CommandIo } from '../io.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { exitCodes, loadConfig, mayAskForPassphrase, UsageError, withRemembered } from '../../node/settings.ts'
import type { Config, ExitCode, Unlocker } from '../../node/settings.ts'
import type { ChatApi } from '../chat-api.ts'
import type { FullScreenFace } from '../full-screen/index.ts'
import { settingLines } from '../setting-lines.ts'
import { unlockerOf } from '../unlocking.ts'
import { waitForUnlock } from '../control/index.ts'

type Outcome = 'quit' | 'end of input' | 'interrupted'

interface Face {
  run(): Promise<Outcome>
  end(outcome: Outcome): void
}

export async function runChat(io: CommandIo, command: Command, openFirst: readonly string[]): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const wantsJson = hasSwitch(command, 'json')
  if (wantsJson && hasSwitch(command, 'plain'))
    throw new UsageError('--plain and --json exclude each other: choose one')
  const wait = waitForUnlock({ io, config, asJson: wantsJson })
  const unlock: Unlocker = await unlockerOf({ io, command, wait })
  let face: Face | undefined
  const end = (): void => face?.end('interrupted')
  io.interrupted.addEventListener('abort', end)
  const wantsPlain = hasSwitch(command, 'plain')
  const screen = wantsJson || wantsPlain ? undefined : await fullScreenFace(io, openFirst, config)
  const makeFace = await faceMaker(io, openFirst, config, { wantsJson, screen })
  // The passphrase is asked for on the terminal as it is.
  const beginsLater = screen !== undefined && (await mayAskForPassphrase(config))
  if (!beginsLater) screen?.begin()
  try {
    const outcome = await withChatNode({
      config,
      interactive: !wantsJson,
      unlock,
      prepare: (node) => {
        if (beginsLater) screen.begin()
        face = makeFace(node)
      },
      run: async () => (io.interrupted.aborted ? 'interrupted' : ((await face?.run()) ?? 'interrupted'))
    })
    return outcome === 'interrupted' ? exitCodes.interrupted : exitCodes.ok
  } finally {
    screen?.close()
    io.interrupted.removeEventListener('abort', end)
  }
}

async function faceMaker(
  io: CommandIo,
  openFirst: readonly string[],
  config: Config,
  wanted: { readonly wantsJson: boolean; readonly screen: FullScreenFace | undefined }
): Promise<(node: ChatApi) => Face> {
  const { screen, wantsJson } = wanted
  if (screen === undefined) return wantsJson ? jsonFace(io, openFirst) : plainFace(io, openFirst, config)
  return (node) => {
    screen.attach(node)
    return screen
  }
}

/** On a terminal that can be drawn on. It begins before the node is made, so that the screen is never empty. */
async function fullScreenFace(
  io: CommandIo,
  openFirst: readonly string[],
  config: Config
): Promise<FullScreenFace | undefined> {
  // A pipe needs none of this loaded.
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true) return undefined
  const { FullScreenFace, wholeTerminal } = await import('../full-screen/index.ts')
  const terminal = wholeTerminal(io.stdin, io.stdout, io.env)
  if (terminal === undefined) return undefined
  const face = new FullScreenFace({
    ...terminal,
    env: io.env,
    selfName: config.settings.name,
    hasLan: config.settings.mdns,
    openFirst,
    settingLines: async (profile) =>
      settingLines(await withRemembered({ ...config, settings: { ...config.settings, profile } }))
  })
  return face
}

async function jsonFace(io: CommandIo, openFirst: readonly string[]): Promise<(node: ChatApi) => Face> {
  const { JsonFace } = await import('../json/index.ts')
  return (node) => new JsonFace({ node, input: io.stdin, output: io.stdout, openFirst })
}

async function plainFace(
  io: CommandIo,
  openFirst: readonly string[],
  config: Config
): Promise<(node: ChatApi) => Face> {
  const { PlainFace, plainTerminal } = await import('../plain/index.ts')
  return (node) =>
    new PlainFace({
      node,
      terminal: plainTerminal(io.stdin, io.stdout, io.env),
      hasLan: config.settings.mdns,
      openFirst
    })
}
