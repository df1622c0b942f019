// `parley verify PEER`: the safety number with a peer, and the mark of having
// compared it; through the parley that runs on the profile, else on the profile
// itself, and without going on its network for a peer that is known.
import type { Command } from 'commander'
import { escapedJson } from '../process/clean-text.ts'
import { onProfile, runningSafety } from '../control/index.ts'
import { findPeer } from '../chat-api/find-peer.ts'
import { sayMended, writeLines, type CommandIo } from '../process/io.ts'
import { safetyJson } from '../json/answer-json.ts'
import { flagsOf, hasSwitch } from '../options/given-options.ts'
import { safetyLines, type SafetyView } from '../wording/trust-wording.ts'
import { withChatNode } from './with-chat-node.ts'
import { exitCodes, loadConfig, PeerNotFoundError, shortId, UsageError } from '../../node/settings.ts'
import type { Config, ExitCode } from '../../node/settings.ts'

type Change = SafetyView['done']

export async function runVerify(io: CommandIo, command: Command): Promise<ExitCode> {
  const change = readChange(command)
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const words = command.args
  const signal = io.interrupted
  const view = await onProfile({
    config,
    signal,
    running: async (parley) => runningSafety(parley, words, change),
    own: async () => ownSafety(io, config, words, change),
    say: (line) => writeLines(io.stderr, [`parley: ${line}`])
  })
  if (hasSwitch(command, 'json')) {
    writeLines(io.stdout, [escapedJson({ event: change ?? 'safety-number', ...safetyJson(view) })])
  } else {
    // By the whole ID: what was typed may mean another peer by then.
    const again = `parley verify ${view.peer}`
    const hints = {
      confirm: `run ${again} --confirm`,
      undo: `run ${again} --undo`,
      there: 'parley verify, or /verify in a chat'
    }
    const lines = safetyLines(view, hints)
    writeLines(io.stdout, lines)
  }
  if (hasSwitch(command, 'qr')) {
    const { renderUnicodeCompact } = await import('uqr')
    writeLines(io.stdout, ['', ...renderUnicodeCompact(view.groups.join('')).split('\n')])
  }
  return exitCodes.ok
}

function readChange(command: Command): Change {
  const isConfirmed = hasSwitch(command, 'confirm')
  const isUndone = hasSwitch(command, 'undo')
  if (isConfirmed && isUndone)
    throw new UsageError('--confirm sets the mark and --undo takes it back: give one of them')
  return isConfirmed ? 'verified' : isUndone ? 'unverified' : undefined
}

async function ownSafety(io: CommandIo, config: Config, words: readonly string[], change: Change): Promise<SafetyView> {
  try {
    return await onTheProfile(io, config, { words, nickname: undefined }, change)
  } catch (error) {
    if (!(error instanceof PeerNotFoundError)) throw error
  }
  const found = await lookAround(config, words, { trustName: change === undefined, signal: io.interrupted })
  return onTheProfile(io, config, { words: [found.peer], nickname: found.name }, change)
}

interface Sought {
  readonly words: readonly string[]
  /** As the peer names itself, where it was met on the network. */
  readonly nickname: string | undefined
}

async function onTheProfile(
  io: CommandIo,
  config: Config,
  { words, nickname }: Sought,
  change: Change
): Promise<SafetyView> {
  const { openTrust } = await import('../../node/index.ts')
  const open = await openTrust(config)
  try {
    sayMended(io, open.mended)
    const peer = await open.resolve(words)
    const known = open.name(peer)
    const name = known === shortId(peer) ? (nickname ?? known) : known
    if (change === 'verified') await open.verify(peer, name)
    if (change === 'unverified') await open.unverify(peer)
    const done = change === undefined ? {} : { done: change }
    const trust = open.trust(peer, nickname ?? known)
    return { peer, name, shortId: shortId(peer), groups: open.safetyNumber(peer), ...trust, ...done }
  } finally {
    await open.close()
  }
}

/** An unknown peer may be on the network: looks for it without joining the roster. */
async function lookAround(
  config: Config,
  words: readonly string[],
  options: { readonly trustName: boolean; readonly signal: AbortSignal }
): Promise<{ readonly peer: string; readonly name: string }> {
  return withChatNode({
    config,
    interactive: false,
    observe: true,
    run: async (node) => findPeer(node, words, { ...options, refuseChangedKey: true })
  })
}
