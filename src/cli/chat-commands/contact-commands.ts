// The commands of a chat about contacts: their list, their names, and their removal. A part
// of the one table of commands.
import type { ChatApi } from '../chat-api/chat-api.ts'
import type { MarkedContact } from '../wording/trust-wording.ts'
import {
  type ChatCommand,
  CLEAR,
  type CommandArguments,
  type CommandContext,
  CommandUsageError,
  peer,
  text
} from './chat-command.ts'
import { certain, isContact, whoText, words } from './named-peer.ts'
import { askedBefore } from './stranger-caution.ts'

export const contactCommands: readonly ChatCommand[] = [
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
  }
]

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
