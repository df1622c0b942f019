// The commands of a chat about strangers: their requests, the answers to them, and who is
// blocked. A part of the one table of commands.
import { isSameName } from '../../lib/index.ts'
import { shortId } from '../../node/settings.ts'
import type { PeerTarget } from '../chat-api/chat-api.ts'
import {
  type ChatCommand,
  CLEAR,
  type CommandArguments,
  type CommandContext,
  CommandUsageError,
  peer,
  type PeerRef,
  text,
  thisPeer
} from './chat-command.ts'
import { certain, certainOrCurrent, isContact, refOf, whoText, words } from './named-peer.ts'
import { askedBefore, cautionBefore } from './stranger-caution.ts'

export const requestCommands: readonly ChatCommand[] = [
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
  }
]

/** To ignore is an answer to a request: what a contact writes needs none. */
function notIgnoredText(contact: PeerRef): string {
  const id = shortId(contact.peer)
  return (
    `${whoText(contact)} is a contact, and only strangers are ignored: nothing has changed. ` +
    `/remove ${id} makes it a stranger again, whom you can ignore; ` +
    `/block ${id} refuses its connections.`
  )
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
