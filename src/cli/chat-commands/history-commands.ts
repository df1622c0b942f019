// The commands of a chat about its history: pages of a
// conversation, words in all of them, messages that wait or have failed. A part
// of the one table of commands.
import type { ChatApi, HistoryEntry } from '../chat-api/chat-api.ts'
import {
  CommandUsageError,
  peer,
  text,
  thisPeer,
  HISTORY_LINES,
  MAX_LIST_LINES,
  MAX_PAGE_BYTES
} from './chat-command.ts'
import type { ChatCommand, CommandArguments, CommandContext, CommandResult } from './chat-command.ts'
import type { Named } from '../wording/message-wording.ts'
import type { UnreadCounts } from '../wording/roster-wording.ts'
import { isLongMessage } from '../wording/terminal-lines.ts'
import { certain, certainOrCurrent, currentOr, refOf, whoText, words } from './named-peer.ts'
import { askedBefore } from './stranger-caution.ts'

/** Messages among which `/show` looks for a long one. */
export const SHOW_LOOK_MESSAGES = 200

export const historyCommands: readonly ChatCommand[] = [
  {
    name: 'history',
    aliases: ['log'],
    parameters: [thisPeer],
    fields: ['before', 'after', 'limit', 'certain'],
    help: 'the last messages with a peer',
    run: async (context, args) => {
      const { after, limit = HISTORY_LINES } = args
      const isOfAll = after !== undefined && context.current === undefined && words(args).length === 0
      return isOfAll
        ? { is: 'messages', entries: await newsAfter(context.node, after, limit) }
        : page(context, args, args.before)
    }
  },
  {
    name: 'more',
    aliases: [],
    parameters: [thisPeer],
    fields: ['before', 'limit'],
    help: 'earlier messages; repeat it for more',
    run: async (context, args) => {
      const isShown = words(args).length === 0
      return page(context, args, args.before ?? (isShown ? context.shownFrom : undefined))
    }
  },
  {
    name: 'show',
    aliases: [],
    parameters: [text('N', false)],
    fields: ['peer'],
    help: 'the last long message of the conversation in full; N: the Nth last',
    run: async (context, args) => {
      const nth = args.text === undefined ? 1 : Number(args.text)
      if (!Number.isInteger(nth) || nth < 1) throw new CommandUsageError('N is a number from 1: which long message')
      const ref = await currentOr(context, args)
      const entries = await context.node.messaging.history.page(ref.peer, { limit: SHOW_LOOK_MESSAGES })
      const entry = entries.filter(({ message }) => isLongMessage(message.text)).at(-nth)
      if (entry !== undefined) return { is: 'message text', ...ref, message: entry.message }
      throw new CommandUsageError(
        `${nth === 1 ? 'none' : `less than ${nth}`} of the last ${SHOW_LOOK_MESSAGES} messages with ${ref.name} is long: ` +
          '/history and parley log have the others'
      )
    }
  },
  {
    name: 'search',
    aliases: [],
    parameters: [text('WORDS')],
    fields: ['peer', 'before', 'limit'],
    help: 'messages with all of these words, the newest first ("words in quotes" as they stand)',
    run: async (context, args) => {
      const { node } = context
      const ref = words(args).length === 0 ? undefined : await refOf(context, args)
      const { text: sought = '', before, limit = MAX_LIST_LINES } = args
      const entries = await node.messaging.history.search(sought, {
        limit,
        maxBytes: MAX_PAGE_BYTES,
        ...(before === undefined ? {} : { before }),
        ...(ref === undefined ? {} : { peer: ref.peer })
      })
      const hits = entries.map((entry) => ({ ...entry, name: node.peers.look(entry.message.peer).name }))
      return { is: 'found', words: sought, hits }
    }
  },
  {
    name: 'conversations',
    aliases: ['chats'],
    parameters: [],
    help: 'everyone you have messages with, and how many are unread',
    run: async ({ node }) => {
      const summaries = await node.messaging.history.conversations()
      const conversations = summaries.map((summary) => ({ ...summary, name: node.peers.look(summary.peer).name }))
      return { is: 'conversations', conversations }
    }
  },
  {
    name: 'retry',
    aliases: [],
    parameters: [thisPeer],
    fields: ['ids'],
    help: 'send failed messages again',
    run: async (context, args) => {
      const ref = await currentOr(context, args)
      return { is: 'retried', ...ref, count: await context.node.messaging.retry(ref.peer, args.ids) }
    }
  },
  {
    name: 'cancel',
    aliases: [],
    parameters: [thisPeer],
    fields: ['ids'],
    help: 'drop messages that are waiting to be sent',
    run: async (context, args) => {
      const ref = await certainOrCurrent(context, args)
      return {
        is: 'cancelled',
        peer: ref.peer,
        name: ref.name,
        count: await context.node.messaging.cancel(ref.peer, args.ids)
      }
    }
  },
  {
    name: 'forget',
    aliases: [],
    parameters: [peer],
    help: 'delete all messages with PEER on this machine, for good',
    run: async (context, args) => {
      const { peer: whose, name } = await certain(context, words(args))
      const what =
        `This deletes all messages with ${whoText({ name, peer: whose })} on this machine for good, also those that wait ` +
        'to be sent, and the backups of the history that hold them.'
      const asked = askedBefore(context.person, { act: `forget ${whose}`, text: what })
      return asked ?? { is: 'forgotten', peer: whose, name, count: await context.node.messaging.history.forget(whose) }
    }
  }
]

/** Unread messages by peer. */
export async function unreadCounts(node: ChatApi): Promise<UnreadCounts> {
  const conversations = await node.messaging.history.conversations()
  return new Map(conversations.flatMap(({ peer: from, unread }) => (unread === 0 ? [] : [[from, unread] as const])))
}

/** What came after a position in all conversations, for a program that goes on where it stopped. */
async function newsAfter(node: ChatApi, after: number, limit: number): Promise<readonly Named<HistoryEntry>[]> {
  const { entries } = await node.messaging.history.news({ after, limit, maxBytes: MAX_PAGE_BYTES })
  return entries.map((entry) => ({ ...entry, name: node.peers.look(entry.message.peer).name }))
}

async function page(
  context: CommandContext,
  args: CommandArguments,
  before: number | undefined
): Promise<CommandResult> {
  const ref = args.certain === true ? await certainOrCurrent(context, args) : await currentOr(context, args)
  const { after, limit = HISTORY_LINES } = args
  const entries = await context.node.messaging.history.page(ref.peer, {
    limit,
    maxBytes: MAX_PAGE_BYTES,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after })
  })
  return {
    is: 'history',
    peer: ref.peer,
    name: ref.name,
    isContinued: before !== undefined,
    isForward: after !== undefined,
    entries
  }
}
