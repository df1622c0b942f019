// The commands inside a chat that are about whom one can trust: the safety number
// of a peer, and the mark of having compared it. A part of the one table of
// commands.
import { CommandUsageError, type ChatCommand, type CommandArguments } from './chat-command.ts'
import type { CommandContext, CommandResult, PeerRef } from './chat-command.ts'
import { thisPeer } from './command-parameters.ts'
import { currentOr, words } from './named-peer.ts'
import { shortId } from '../node/settings.ts'

export const trustCommands: readonly ChatCommand[] = [
  {
    name: 'verify',
    aliases: ['safety'],
    parameters: [thisPeer],
    help: 'the safety number with a peer, to be compared by another way than this chat',
    run: async (context, args) => safety(context, await currentOr(context, args))
  },
  {
    name: 'confirm',
    aliases: ['verified'],
    parameters: [thisPeer],
    help: 'the safety numbers were compared and are the same: mark the peer as verified',
    run: async (context, args) => {
      const ref = await compared(context, args)
      await context.node.verify(ref.peer)
      return { ...safety(context, ref), done: 'verified' }
    }
  },
  {
    name: 'unverify',
    aliases: [],
    parameters: [thisPeer],
    help: 'take that mark back',
    run: async (context, args) => {
      const ref = await currentOr(context, args)
      await context.node.unverify(ref.peer)
      return { ...safety(context, ref), done: 'unverified' }
    }
  }
]

function safety({ node }: CommandContext, { peer, name }: PeerRef): Extract<CommandResult, { is: 'safety number' }> {
  const groups = node.safetyNumber(peer)
  return { is: 'safety number', peer, name, shortId: shortId(peer), groups, ...node.trust(peer) }
}

/** Between the look at the number and the mark somebody else may have taken the name: it must not be marked. */
async function compared(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  if (words(args).length === 0) return currentOr(context, args)
  const { peer, name, by } = await context.resolve(words(args))
  if (by !== 'nickname') return { peer, name }
  throw new CommandUsageError(
    `${JSON.stringify(words(args).join(' '))} is a nickname, and anybody may take it: ` +
      `name the peer with which you have compared by its ID, ${peer}`
  )
}
