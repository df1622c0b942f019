// Whom a command inside a chat is about: the peer that was named, or the one
// whose conversation is open.
import { CommandUsageError, type CommandArguments, type CommandContext, type PeerRef } from './chat-command.ts'

export function words(args: CommandArguments): readonly string[] {
  return args.peer ?? []
}

export async function refOf(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  const target = await context.resolve(words(args))
  return { peer: target.peer, name: target.name }
}

/** @throws CommandUsageError when nobody was named and no conversation is open */
export async function currentOr(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  if (words(args).length > 0) return refOf(context, args)
  if (context.current === undefined) throw new CommandUsageError('no conversation is open: name a PEER')
  return { peer: context.current, name: context.node.name(context.current) }
}
