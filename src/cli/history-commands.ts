// The commands inside a chat that are about what is kept: pages of a
// conversation, words in all of them, messages that wait or have failed. A part
// of the one table of commands.
import type { ChatApi, HistoryEntry } from './chat-api.ts'
import { CommandUsageError } from './chat-command.ts'
import type { ChatCommand, CommandArguments, CommandContext, CommandResult, Named } from './chat-command.ts'
import type { UnreadCounts } from './chat-command.ts'
import { peer, text, thisPeer } from './command-parameters.ts'
import { HISTORY_LINES, MAX_LIST_LINES, MAX_PAGE_BYTES, SHOW_LOOK_MESSAGES } from './constants.ts'
import { isLongMessage } from './message-fold.ts'
import { currentOr, refOf, words } from './named-peer.ts'

export const historyCommands: readonly ChatCommand[] = [
  {
    name: 'history',
    aliases: ['log'],
    parameters: [thisPeer],
    fields: ['before', 'after', 'limit'],
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
    help: 'the messages before those that are shown; again for those before them',
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
      const entries = await context.node.history.page(ref.peer, { limit: SHOW_LOOK_MESSAGES })
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
    aliases: ['find'],
    parameters: [text('WORDS')],
    fields: ['peer', 'before', 'limit'],
    help: 'messages that have all of these words, the newest first ("words in quotes" as they stand)',
    run: async (context, args) => {
      const { node } = context
      const ref = words(args).length === 0 ? undefined : await refOf(context, args)
      const { text: sought = '', before, limit = MAX_LIST_LINES } = args
      const entries = await node.history.search(sought, {
        limit,
        maxBytes: MAX_PAGE_BYTES,
        ...(before === undefined ? {} : { before }),
        ...(ref === undefined ? {} : { peer: ref.peer })
      })
      const hits = entries.map((entry) => ({ ...entry, name: node.name(entry.message.peer) }))
      return { is: 'found', words: sought, hits }
    }
  },
  {
    name: 'conversations',
    aliases: ['chats'],
    parameters: [],
    help: 'everybody with whom there are messages, and how many of them are unread',
    run: async ({ node }) => {
      const summaries = await node.history.conversations()
      const conversations = summaries.map((summary) => ({ ...summary, name: node.name(summary.peer) }))
      return { is: 'conversations', conversations }
    }
  },
  {
    name: 'retry',
    aliases: [],
    parameters: [thisPeer],
    fields: ['ids'],
    help: 'send what has failed once more',
    run: async (context, args) => {
      const ref = await currentOr(context, args)
      return { is: 'retried', ...ref, count: await context.node.retry(ref.peer, args.ids) }
    }
  },
  {
    name: 'cancel',
    aliases: [],
    parameters: [thisPeer],
    fields: ['ids'],
    help: 'do not send what still waits',
    run: async (context, args) => {
      const ref = await currentOr(context, args)
      return { is: 'cancelled', ...ref, count: await context.node.cancel(ref.peer, args.ids) }
    }
  },
  {
    name: 'forget',
    aliases: [],
    parameters: [peer],
    help: 'delete all messages with PEER on this machine, for good',
    question: (rest) =>
      `This deletes all messages with ${rest} on this machine for good, also those that wait to be sent, ` +
      'and the backups of the history that hold them.',
    run: async (context, args) => {
      const ref = await refOf(context, args)
      return { is: 'forgotten', ...ref, count: await context.node.history.forget(ref.peer) }
    }
  }
]

/** How many messages of whom came while their conversation was not open. */
export async function unreadCounts(node: ChatApi): Promise<UnreadCounts> {
  const conversations = await node.history.conversations()
  return new Map(conversations.flatMap(({ peer: from, unread }) => (unread === 0 ? [] : [[from, unread] as const])))
}

/** What came after a position in all conversations, for a program that goes on where it stopped. */
async function newsAfter(node: ChatApi, after: number, limit: number): Promise<readonly Named<HistoryEntry>[]> {
  const { entries } = await node.history.news({ after, limit, maxBytes: MAX_PAGE_BYTES })
  return entries.map((entry) => ({ ...entry, name: node.name(entry.message.peer) }))
}

async function page(
  context: CommandContext,
  args: CommandArguments,
  before: number | undefined
): Promise<CommandResult> {
  const ref = await currentOr(context, args)
  const { after, limit = HISTORY_LINES } = args
  const entries = await context.node.history.page(ref.peer, {
    limit,
    maxBytes: MAX_PAGE_BYTES,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after })
  })
  return { is: 'history', ...ref, isContinued: before !== undefined, isForward: after !== undefined, entries }
}
