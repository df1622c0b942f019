// The one table of commands inside a chat: `/who` at a prompt and {"do":"who"}
// in JSON are the same row of it. Each asks the node and returns the result
// as data; none knows a screen.
import type { ChatApi, PeerTarget } from '../chat-api/chat-api.ts'
import {
  CommandUsageError,
  type ChatCommand,
  type CommandArguments,
  type CommandContext,
  peer,
  text,
  thisPeer,
  HISTORY_LINES
} from './chat-command.ts'
import type { Identity } from '../wording/identity-wording.ts'
import type { MarkedContact } from '../wording/trust-wording.ts'
import type { PeerRef } from './chat-command.ts'
import { doctorCommand } from './doctor-command.ts'
import { historyCommands, unreadCounts } from './history-commands.ts'
import { certain, certainOrCurrent, currentOr, refOf, whoText, words } from './named-peer.ts'
import { shortId } from '../../node/settings.ts'
import { askedBefore, cautionBefore } from './stranger-caution.ts'
import { inviteCommands } from './invite-commands.ts'
import { trustCommands } from './trust-commands.ts'
import { isSameName, nearestWord } from '../../lib/index.ts'

/** What follows `/requests` to delete all that wait, and `/status` to have none. */
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
    aliases: ['send'],
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
  {
    name: 'requests',
    aliases: [],
    parameters: [text(CLEAR, false)],
    help: 'strangers waiting for an answer; clear: delete all their messages',
    run: async ({ node, person }, args) => {
      const asked = args.text?.trim() ?? ''
      if (asked !== '' && asked !== CLEAR) throw new CommandUsageError(`/requests takes nothing, or "${CLEAR}"`)
      if (asked === '') return { is: 'requests', requests: await node.messaging.requests() }
      const what = 'This deletes all messages from strangers that wait for an answer, including those you ignore.'
      return (
        askedBefore(person, { act: 'clear requests', text: what }) ?? {
          is: 'requests cleared',
          ...(await node.messaging.clearRequests())
        }
      )
    }
  },
  {
    name: 'read',
    aliases: ['request'],
    parameters: [thisPeer],
    help: 'all that a stranger has written, before you accept it (default: the only request)',
    run: async (context, args) => {
      const { peer: from, name } = await requester(context, args)
      const messages = await context.node.messaging.readRequest(from)
      if (messages.length === 0) throw new CommandUsageError(`${whoText({ name, peer: from })} has no waiting request`)
      context.person?.readRequests.note(from, messages.length)
      const { sameNameAs } = context.node.peers.look(from).trust
      const imitated = sameNameAs === undefined ? {} : { sameNameAs }
      return { is: 'request', peer: from, name, shortId: shortId(from), ...imitated, messages, verb: 'accept' }
    }
  },
  {
    name: 'accept',
    aliases: [],
    parameters: [thisPeer],
    help: 'accept a stranger whose request you have read (default: the only request)',
    run: async (context, args) => {
      const { person, node } = context
      const target = await requester(context, args)
      const caution = await cautionBefore({ node, person, target, verb: 'accept' })
      if (caution !== undefined) return caution
      const { peer: from, name } = target
      const messages = await node.messaging.accept(from)
      const wasRead = (person?.readRequests.count(from) ?? 0) >= messages.length
      return { is: 'accepted', peer: from, name, messages, wasRead }
    }
  },
  {
    name: 'ignore',
    aliases: [],
    parameters: [thisPeer],
    help: "silently drop a stranger's messages (default: the only request)",
    run: async (context, args) => {
      const { peer: from, name } = await refused(context, args)
      if (isContact(context.node, from)) throw new CommandUsageError(notIgnoredText({ name, peer: from }))
      await context.node.messaging.ignore(from)
      return { is: 'ignored', peer: from, name }
    }
  },
  {
    name: 'block',
    aliases: [],
    parameters: [thisPeer],
    help: 'refuse all connections of PEER (default: the open conversation, else the only request)',
    run: async (context, args) => {
      const { node, person } = context
      const { peer: from, name } = await refused(context, args)
      const who = whoText({ name, peer: from })
      const what = `${who} is a contact: blocking ends that, with its name, its verified mark and its addresses.`
      const asked = isContact(node, from) ? askedBefore(person, { act: `block ${from}`, text: what }) : undefined
      if (asked !== undefined) return asked
      await node.trust.block(from)
      return { is: 'blocked', peer: from, name }
    }
  },
  {
    name: 'unblock',
    aliases: [],
    parameters: [peer],
    help: 'unblock PEER',
    run: async (context, args) => {
      const ref = amongBlocked(context, args) ?? (await refOf(context, args))
      await context.node.trust.unblock(ref.peer)
      return { is: 'unblocked', ...ref }
    }
  },
  {
    name: 'blocked',
    aliases: [],
    parameters: [],
    help: 'who is blocked',
    run: async ({ node }) => ({ is: 'blocked peers', blocked: node.snapshot().blocked })
  },
  {
    name: 'contacts',
    aliases: [],
    parameters: [],
    help: 'peers that you have chosen or accepted',
    run: async ({ node }) => ({ is: 'contacts', contacts: markedContacts(node) })
  },
  {
    name: 'rename',
    aliases: [],
    parameters: [peer, text(`NAME|${CLEAR}`, false)],
    help: `give a contact a name of your own, or ${CLEAR} it: its own again`,
    run: async (context, args) => {
      const given = givenName(context, args)
      const { peer: whose, name: was } = await certain(context, words(args))
      const name = await context.node.peers.renameContact(whose, given)
      return { is: 'contact renamed', peer: whose, name, was }
    }
  },
  {
    name: 'remove',
    aliases: [],
    parameters: [peer],
    help: 'make a contact a stranger again: its messages stay, those that wait for it are not sent',
    run: async (context, args) => {
      const { node, person } = context
      const { peer: whose, name } = await certain(context, words(args))
      if (!isContact(node, whose)) {
        throw new CommandUsageError(`${whoText({ name, peer: whose })} is not a contact`)
      }
      const what =
        `This removes ${whoText({ name, peer: whose })} from your contacts, with its name, its verified mark and its ` +
        'addresses, and gives up what waits for it.'
      const asked = askedBefore(person, { act: `remove ${whose}`, text: what })
      if (asked !== undefined) return asked
      await node.peers.removeContact(whose)
      return { is: 'contact removed', peer: whose, name }
    }
  },
  ...trustCommands,
  ...inviteCommands,
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

/**
 * The name for a contact; empty for none. A person who types one word may mean it as the name of the open conversation's
 * peer: nothing is taken away for that.
 */
function givenName({ person }: CommandContext, { peer: [peerWord = ''] = [], text: name }: CommandArguments): string {
  if (person === undefined) return name ?? ''
  if (name === undefined) {
    const usage = `/rename PEER NAME gives a contact a name of your own, /rename ${peerWord} ${CLEAR} removes it`
    throw new CommandUsageError(`NAME is missing: ${usage}`)
  }
  return name.trim() === CLEAR ? '' : name
}

function isContact(node: ChatApi, id: string): boolean {
  return node.snapshot().contacts.some((contact) => contact.peer === id)
}

/** To ignore is an answer to a request: what a contact writes needs none. */
function notIgnoredText(contact: PeerRef): string {
  const id = shortId(contact.peer)
  return (
    `${whoText(contact)} is a contact, and only strangers are ignored: nothing has changed. ` +
    `/remove ${id} makes it a stranger again, whom you can ignore; ` +
    `/block ${id} refuses its connections.`
  )
}

/** With the owners of names that they use, and the name that each claims where the user has renamed it. */
function markedContacts(node: ChatApi): readonly MarkedContact[] {
  const nicknames = new Map(node.snapshot().roster.map((row) => [row.peer, row.nickname]))
  return node.snapshot().contacts.map((contact) => {
    const { sameNameAs, sharesNameWith } = node.peers.look(contact.peer).trust
    const claimedName = nicknames.get(contact.peer) ?? contact.claimedName ?? contact.name
    return {
      ...contact,
      ...(claimedName === contact.name ? {} : { claimedName }),
      ...(sameNameAs === undefined ? {} : { sameNameAs }),
      ...(sharesNameWith === undefined ? {} : { sharesNameWith })
    }
  })
}

/** In a conversation `/block` means its peer, even if strangers wait for an answer. */
async function refused(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  const isOpen = words(args).length === 0 && context.current !== undefined
  return isOpen ? certainOrCurrent(context, args) : requester(context, args)
}

/** A stranger with a request; a name must be unique. */
async function requester(context: CommandContext, args: CommandArguments): Promise<PeerTarget> {
  const given = words(args)
  if (given.length > 0) return certain(context, given)
  const requests = await context.node.messaging.requests()
  const [only] = requests
  if (only !== undefined && requests.length === 1) {
    return { peer: only.peer, name: only.name, shortId: only.shortId, by: 'number' }
  }
  throw new CommandUsageError(
    requests.length === 0 ? 'no request is waiting: name a PEER' : `${requests.length} strangers wait: name one`
  )
}

/** Other peers may have the name of a blocked one too; among the blocked it must be unique. */
function amongBlocked({ node }: CommandContext, args: CommandArguments): PeerRef | undefined {
  const blocked = node.snapshot().blocked
  const namesakes = blocked.filter(({ name }) => isSameName(name, words(args).join(' ')))
  if (namesakes.length > 1) {
    const ids = namesakes.map((one) => one.peer).join(', ')
    throw new CommandUsageError(`${namesakes.length} peers of that name are blocked: give the ID, one of ${ids}`)
  }
  return among(blocked, words(args))
}

/** The only one of a list with this name. IDs and numbers are for resolve(). */
function among(list: readonly PeerRef[], given: readonly string[]): PeerRef | undefined {
  const hits = list.filter(({ name }) => isSameName(name, given.join(' ')))
  const [only] = hits
  return only !== undefined && hits.length === 1 ? { peer: only.peer, name: only.name } : undefined
}
