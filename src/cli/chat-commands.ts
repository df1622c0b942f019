// The one table of commands inside a chat: `/who` at a prompt and {"do":"who"}
// in JSON are the same row of it. Each asks the node and returns what came of
// it; none knows a screen.
import type { ChatApi } from './chat-api.ts'
import { CommandUsageError, type ChatCommand, type CommandArguments, type CommandContext } from './chat-command.ts'
import type { Identity, PeerRef } from './chat-command.ts'
import { peer, text, thisPeer } from './command-parameters.ts'
import { HISTORY_LINES } from './constants.ts'
import { historyCommands, unreadCounts } from './history-commands.ts'
import { currentOr, refOf, words } from './named-peer.ts'
import { trustCommands } from './trust-commands.ts'

/** What follows `/requests` to delete all that wait. */
const CLEAR = 'clear'

export const chatCommands: readonly ChatCommand[] = [
  {
    name: 'help',
    aliases: ['?'],
    parameters: [],
    help: 'this list',
    run: async () => ({ is: 'help', commands: chatCommands })
  },
  {
    name: 'who',
    aliases: ['roster', 'list'],
    parameters: [],
    help: 'who is on the network',
    run: async ({ node }) => ({ is: 'roster', rows: node.roster(), unread: await unreadCounts(node) })
  },
  {
    name: 'chat',
    aliases: ['open'],
    parameters: [peer],
    help: 'open the conversation with PEER (name, number, ID or 4 letters of it, address, HOST PORT)',
    run: async (context, args) => {
      const target = await context.resolve(words(args))
      await context.node.open(target.peer)
      const entries = await context.node.history.page(target.peer, { limit: HISTORY_LINES })
      return { is: 'opened', target, trust: context.node.trust(target.peer), entries }
    }
  },
  {
    name: 'msg',
    aliases: ['send'],
    parameters: [peer, text('TEXT')],
    fields: ['id'],
    help: 'send one message to PEER without opening the conversation ("two words" in quotes)',
    run: async (context, args) => {
      const target = await context.resolve(words(args))
      const { id } = args
      const message = await context.node.send(target.peer, args.text ?? '', id === undefined ? {} : { id })
      return { is: 'sent', peer: target.peer, name: target.name, message }
    }
  },
  {
    name: 'path',
    aliases: ['ping'],
    parameters: [thisPeer],
    help: 'how a peer is reached and how far it is, or why there is no way to it',
    run: async (context, args) => {
      const ref = await currentOr(context, args)
      return { is: 'path', ...ref, path: await context.node.measurePath(ref.peer) }
    }
  },
  {
    name: 'exit',
    aliases: ['leave'],
    parameters: [thisPeer],
    help: 'leave the conversation, as EXIT does',
    run: async (context, args) => {
      const ref = await currentOr(context, args)
      await context.node.leave(ref.peer)
      return { is: 'left', ...ref }
    }
  },
  {
    name: 'quit',
    aliases: ['bye'],
    parameters: [],
    help: 'end the program, from anywhere',
    run: async () => ({ is: 'quit' })
  },
  {
    name: 'requests',
    aliases: [],
    parameters: [text(CLEAR, false)],
    help: 'strangers who have written and wait for an answer; clear: delete all their messages',
    question: (rest) =>
      rest.trim() === CLEAR
        ? 'This deletes all messages from strangers that wait for an answer, including those you ignore.'
        : undefined,
    run: async ({ node }, args) => {
      const asked = args.text?.trim() ?? ''
      if (asked === CLEAR) return { is: 'requests cleared', ...(await node.clearRequests()) }
      if (asked !== '') throw new CommandUsageError(`/requests takes nothing, or "${CLEAR}"`)
      return { is: 'requests', requests: await node.requests() }
    }
  },
  {
    name: 'accept',
    aliases: [],
    parameters: [thisPeer],
    help: "let a stranger in; without PEER: the only request's",
    run: async (context, args) => {
      const ref = await requester(context, args)
      return { is: 'accepted', ...ref, messages: await context.node.accept(ref.peer) }
    }
  },
  {
    name: 'ignore',
    aliases: [],
    parameters: [thisPeer],
    help: 'hear no more of PEER, who is not told; without PEER: of whose conversation is open, else the only request',
    run: async (context, args) => {
      const ref = await refused(context, args)
      await context.node.ignore(ref.peer)
      return { is: 'ignored', ...ref }
    }
  },
  {
    name: 'block',
    aliases: [],
    parameters: [thisPeer],
    help: 'refuse all connections of PEER; without PEER: as /ignore',
    run: async (context, args) => {
      const ref = await refused(context, args)
      await context.node.block(ref.peer)
      return { is: 'blocked', ...ref }
    }
  },
  {
    name: 'unblock',
    aliases: [],
    parameters: [peer],
    help: 'take that back',
    run: async (context, args) => {
      const ref = amongBlocked(context, args) ?? (await refOf(context, args))
      await context.node.unblock(ref.peer)
      return { is: 'unblocked', ...ref }
    }
  },
  {
    name: 'blocked',
    aliases: [],
    parameters: [],
    help: 'who is blocked',
    run: async ({ node }) => ({ is: 'blocked peers', blocked: node.blocked() })
  },
  {
    name: 'contacts',
    aliases: [],
    parameters: [],
    help: 'peers that you have chosen or accepted',
    run: async ({ node }) => ({ is: 'contacts', contacts: node.contacts() })
  },
  ...trustCommands,
  ...historyCommands,
  {
    name: 'directories',
    aliases: ['dirs'],
    parameters: [],
    help: 'the directories in use, and how they are',
    run: async ({ node }) => ({ is: 'directories', directories: node.directories() })
  },
  {
    name: 'name',
    aliases: ['nick'],
    parameters: [text('NICKNAME')],
    help: 'take another nickname',
    run: async ({ node }, args) => {
      await node.rename(args.text ?? '')
      return { is: 'renamed', nickname: node.nickname }
    }
  },
  {
    name: 'status',
    aliases: [],
    parameters: [text('TEXT', false)],
    help: 'say something about yourself on the roster; without TEXT: nothing more',
    run: async ({ node }, args) => {
      await node.setStatus(args.text ?? '')
      return { is: 'status set', status: args.text ?? '' }
    }
  },
  {
    name: 'id',
    aliases: ['whoami'],
    parameters: [],
    help: 'your own ID and addresses',
    run: async ({ node }) => ({ is: 'identity', ...identityOf(node) })
  }
]

/** The command of this name or alias. */
export function findCommand(name: string): ChatCommand | undefined {
  return chatCommands.find((command) => command.name === name || command.aliases.includes(name))
}

export function identityOf(node: ChatApi): Identity {
  return {
    peer: node.peerId,
    shortId: node.shortId,
    nickname: node.nickname,
    network: node.network,
    profile: node.profile.name,
    addresses: node.addresses()
  }
}

/** In a conversation `/block` means the one who is in it, whoever else may wait for an answer. */
async function refused(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  const isOpen = words(args).length === 0 && context.current !== undefined
  return isOpen ? currentOr(context, args) : requester(context, args)
}

/** A stranger with a request: by name only when that can mean nobody else. */
async function requester(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  const requests = await context.node.requests()
  const given = words(args)
  if (given.length === 0) {
    const [only] = requests
    if (only !== undefined && requests.length === 1) return { peer: only.peer, name: only.name }
    throw new CommandUsageError(
      requests.length === 0 ? 'nobody waits for an answer: name a PEER' : `${requests.length} strangers wait: name one`
    )
  }
  const isContactName = context.node.contacts().some((contact) => contact.name === given.join(' '))
  const found = isContactName || isNumber(given) ? undefined : among(requests, given)
  return found ?? refOf(context, args)
}

/** The name of a blocked peer may be that of somebody else too; among the blocked it must be one's own. */
function amongBlocked({ node }: CommandContext, args: CommandArguments): PeerRef | undefined {
  const blocked = node.blocked()
  const namesakes = blocked.filter(({ name }) => name === words(args).join(' '))
  if (namesakes.length > 1) {
    const ids = namesakes.map((one) => one.peer).join(', ')
    throw new CommandUsageError(`${namesakes.length} peers of that name are blocked: give the ID, one of ${ids}`)
  }
  return among(blocked, words(args))
}

/** The only one of a list with this name. IDs and numbers are for resolve(). */
function among(list: readonly PeerRef[], given: readonly string[]): PeerRef | undefined {
  const hits = list.filter(({ name }) => name === given.join(' '))
  const [only] = hits
  return only !== undefined && hits.length === 1 ? { peer: only.peer, name: only.name } : undefined
}

function isNumber(given: readonly string[]): boolean {
  return given.length === 1 && /^\d+$/u.test(given[0] ?? '')
}
