// The commands of a chat about trust: the safety number
// of a peer, and the mark that it was compared. A part of the one table of
// commands.
import { CommandUsageError, type ChatCommand, type CommandArguments, thisPeer } from './chat-command.ts'
import type { CommandContext, CommandResult, PeerRef } from './chat-command.ts'
import { certain, certainOrCurrent, currentOr, words } from './named-peer.ts'
import { shortId } from '../../node/settings.ts'

export const trustCommands: readonly ChatCommand[] = [
  {
    name: 'verify',
    aliases: ['safety'],
    parameters: [thisPeer],
    help: 'the safety number with a peer, to compare outside this chat',
    run: async (context, args) => safety(context, await currentOr(context, args))
  },
  {
    name: 'confirm',
    aliases: ['verified'],
    parameters: [thisPeer],
    help: 'mark a peer as verified, once the safety numbers match',
    run: async (context, args) => {
      const ref = await compared(context, args)
      await context.node.trust.verify(ref.peer)
      return { ...(await safety(context, ref)), done: 'verified' }
    }
  },
  {
    name: 'unverify',
    aliases: [],
    parameters: [thisPeer],
    help: 'remove that mark',
    run: async (context, args) => {
      const ref = await certainOrCurrent(context, args)
      await context.node.trust.unverify(ref.peer)
      return { ...(await safety(context, ref)), done: 'unverified' }
    }
  }
]

async function safety(
  { node }: CommandContext,
  { peer, name }: PeerRef
): Promise<Extract<CommandResult, { is: 'safety number' }>> {
  const groups = await node.trust.safetyNumber(peer)
  return { is: 'safety number', peer, name, shortId: shortId(peer), groups, ...node.peers.look(peer).trust }
}

/** Between the look at the number and the mark another peer may have taken the name: that one must not be marked. */
async function compared(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  if (words(args).length === 0) return currentOr(context, args)
  const { peer, name, by } = await certain(context, words(args))
  if (by !== 'nickname') return { peer, name }
  throw new CommandUsageError(
    `${JSON.stringify(words(args).join(' '))} is a nickname that anyone can take: ` +
      `name the peer you compared with by its ID, ${peer}`
  )
}
