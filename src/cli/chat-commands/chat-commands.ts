// The one table of commands inside a chat: `/who` at a prompt and {"do":"who"}
// in JSON are the same row of it. Each asks the node and returns the result
// as data; none knows a screen.
import { nearestWord } from '../../lib/index.ts'
import type { ChatApi } from '../chat-api/chat-api.ts'
import type { Identity } from '../wording/identity-wording.ts'
import { type ChatCommand, CLEAR, CommandUsageError, HISTORY_LINES, peer, text, thisPeer } from './chat-command.ts'
import { contactCommands } from './contact-commands.ts'
import { doctorCommand } from './doctor-command.ts'
import { historyCommands, unreadCounts } from './history-commands.ts'
import { fileCommands } from './file-commands.ts'
import { inviteCommands } from './invite-commands.ts'
import { currentOr, words } from './named-peer.ts'
import { shareCommands } from './share-commands.ts'
import { requestCommands } from './request-commands.ts'
import { cautionBefore } from './stranger-caution.ts'
import { trustCommands } from './trust-commands.ts'

export const chatCommands: readonly ChatCommand[] = [
  {
    name: 'help',
    aliases: ['?'],
    parameters: [text('COMMAND', false)],
    help: 'this list, or what COMMAND does',
    run: async (_context, { text: asked = '' }) => ({ is: 'help', commands: commandsAsked(asked) })
  },
  {
    name: 'who',
    aliases: ['roster', 'list'],
    parameters: [],
    help: 'who is on the network',
    run: async ({ node }) => ({
      is: 'roster',
      rows: node.snapshot().roster,
      programs: node.snapshot().programs,
      unread: await unreadCounts(node)
    })
  },
  {
    name: 'chat',
    aliases: ['open'],
    parameters: [peer],
    help: 'open the conversation with PEER (name, number, ID or 4 letters of it, address, HOST PORT)',
    run: async (context, args) => {
      const target = await context.resolve(words(args))
      const caution = await cautionBefore({ ...context, target, verb: 'open' })
      if (caution !== undefined) return caution
      await context.node.messaging.open(target.peer)
      const entries = await context.node.messaging.history.page(target.peer, { limit: HISTORY_LINES })
      return { is: 'opened', target, trust: context.node.peers.look(target.peer).trust, entries }
    }
  },
  {
    name: 'msg',
    aliases: [],
    parameters: [peer, text('TEXT')],
    fields: ['id'],
    help: 'send one message to PEER without opening the conversation ("two words" in quotes)',
    run: async (context, args) => {
      const target = await context.resolve(words(args))
      const caution = await cautionBefore({ ...context, target, verb: 'send' })
      if (caution !== undefined) return caution
      const { id } = args
      const message = await context.node.messaging.send(target.peer, args.text ?? '', id === undefined ? {} : { id })
      return { is: 'sent', peer: target.peer, name: target.name, message }
    }
  },
  {
    name: 'path',
    aliases: ['ping'],
    parameters: [thisPeer],
    help: 'how a peer is reached and how far away it is, or why it is unreachable',
    run: async (context, args) => {
      const ref = await currentOr(context, args)
      return { is: 'path', ...ref, path: await context.node.peers.measurePath(ref.peer) }
    }
  },
  doctorCommand,
  {
    name: 'exit',
    aliases: ['leave'],
    parameters: [thisPeer],
    help: 'leave the conversation, as EXIT does',
    run: async (context, args) => {
      const ref = await currentOr(context, args)
      await context.node.messaging.leave(ref.peer)
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
    name: 'detach',
    aliases: [],
    parameters: [],
    help: 'close this window; Parley goes on without it, as a daemon',
    run: async () => ({ is: 'detached' })
  },
  ...requestCommands,
  ...contactCommands,
  ...trustCommands,
  ...inviteCommands,
  ...fileCommands,
  ...shareCommands,
  ...historyCommands,
  {
    name: 'directories',
    aliases: ['dirs'],
    parameters: [],
    help: 'the directories in use, and how they are',
    run: async ({ node }) => {
      const { directories, lostAtMs } = node.snapshot()
      return { is: 'directories', directories, lostAtMs }
    }
  },
  {
    name: 'name',
    aliases: ['nick'],
    parameters: [text('NICKNAME')],
    help: 'change your nickname',
    run: async ({ node }, args) => {
      await node.self.rename(args.text ?? '')
      return { is: 'renamed', nickname: node.snapshot().self.nickname }
    }
  },
  {
    name: 'status',
    aliases: [],
    parameters: [text(`TEXT|${CLEAR}`, false)],
    help: `set your status on the roster, or ${CLEAR} it; without TEXT: what it is`,
    run: async ({ node }, args) => {
      if (args.text !== undefined) await node.self.setStatus(args.text.trim() === CLEAR ? '' : args.text)
      return { is: 'status', status: node.snapshot().self.status, isNew: args.text !== undefined }
    }
  },
  {
    name: 'typing',
    aliases: [],
    parameters: [text('on|off', false)],
    help: 'whether others see when you are typing; without on or off: how it is set',
    run: async ({ node }, args) => {
      const asked = args.text?.trim().toLowerCase() ?? ''
      if (asked !== '' && asked !== 'on' && asked !== 'off') throw new CommandUsageError('/typing takes on or off')
      if (asked !== '') await node.messaging.setTellsTyping(asked === 'on')
      return { is: 'typing notices', on: node.snapshot().self.tellsTyping }
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

/**
 * @param asked a name or an alias, with or without its slash; empty for all
 * @throws CommandUsageError for any other word
 */
function commandsAsked(asked: string): readonly ChatCommand[] {
  const name = commandName(asked)
  if (name === '') return chatCommands
  const command = findCommand(name)
  if (command === undefined) throw new CommandUsageError(noCommandText(name))
  return [command]
}

/** As typed behind `/help`: `/Msg` means `msg`. */
export function commandName(typed: string): string {
  return typed.trim().replace(/^\//u, '').toLowerCase()
}

/** @param more names of commands that this face alone has */
export function noCommandText(name: string, more: readonly string[] = []): string {
  const near = nearestWord(name, [...chatCommands.flatMap((one) => [one.name, ...one.aliases]), ...more])
  const meant = near === undefined ? '' : ` Did you mean /${near}?`
  return `There is no command /${name}: /help lists them.${meant} // sends a text that begins with /.`
}

/** The command of this name or alias. */
export function findCommand(name: string): ChatCommand | undefined {
  return chatCommands.find((command) => command.name === name || command.aliases.includes(name))
}

export function identityOf(node: ChatApi): Identity {
  return {
    peer: node.snapshot().self.peer,
    shortId: node.snapshot().self.shortId,
    nickname: node.snapshot().self.nickname,
    network: node.snapshot().self.network,
    profile: node.snapshot().self.profile.name,
    addresses: node.snapshot().self.addresses
  }
}
