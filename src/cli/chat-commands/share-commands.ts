// The commands of a chat about what is shared: share a folder, look at what others share, fetch it, and find it by words. A
// part of the one table of commands.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ShareAudience, ShareOptions } from '../chat-api/chat-api.ts'
import { type ChatCommand, type CommandResult, CommandUsageError, peer, text, thisPeer } from './chat-command.ts'
import { certain, currentOr, words } from './named-peer.ts'
import { quotedWords } from '../process/quoted-words.ts'

const shareUsage =
  '/share add FOLDER [--with contacts|lan|PEER] [--searchable] [--as NAME], /share remove NAME, or /share'

/** What follows a folder, and comes before the last name that was seen of it. */
export const BEHIND = '--behind'

export const shareCommands: readonly ChatCommand[] = [
  {
    name: 'share',
    aliases: ['shares'],
    parameters: [text('add FOLDER|remove NAME', false)],
    help: 'share a folder with your contacts, end that, or list what you share',
    run: async (context, args): Promise<CommandResult> => {
      const { node } = context
      const [act = 'list', ...rest] = quotedWords(args.text ?? '')
      if (act === 'list' && rest.length === 0) return { is: 'shares', shares: await node.shares.list() }
      if (act === 'remove' && rest.length > 0) {
        return { is: 'share', what: 'removed', share: await node.shares.remove(rest.join(' ')) }
      }
      if (act !== 'add') throw new CommandUsageError(shareUsage)
      const { folder, ...options } = await readShareWords(rest, async (word) => (await certain(context, [word])).peer)
      return { is: 'share', what: 'added', share: await node.shares.add(folder, options) }
    }
  },
  {
    name: 'browse',
    aliases: [],
    parameters: [thisPeer, text('FOLDER', false)],
    fields: ['behind'],
    help: 'what PEER shares with you',
    run: async (context, args): Promise<CommandResult> => {
      const { peer: id } = await currentOr(context, args)
      const given = quotedWords(args.text ?? '')
      const mark = given.lastIndexOf(BEHIND)
      const behind = args.behind ?? (mark === -1 ? undefined : given[mark + 1])
      // A path with spaces that was typed without quotes is one.
      const path = (mark === -1 ? given : given.slice(0, mark)).join(' ')
      const folder = await context.node.shares.browse(id, path, behind === undefined ? {} : { after: behind })
      return { is: 'remote folder', folder }
    }
  },
  {
    name: 'fetch',
    aliases: [],
    parameters: [peer, text('PATH')],
    help: 'fetch a file or folder that PEER shares',
    run: async (context, args): Promise<CommandResult> => {
      const target = await context.resolve(words(args))
      return { is: 'fetching', transfers: await context.node.shares.get(target.peer, quotedWords(args.text ?? '')) }
    }
  },
  {
    name: 'find',
    aliases: [],
    parameters: [text('WORDS', false)],
    help: 'files that your contacts share; --wait WORDS goes on asking, --end ends that',
    run: async ({ node }, args): Promise<CommandResult> => {
      const [first = '', ...rest] = (args.text ?? '').split(/\s+/u).filter((word) => word !== '')
      if (first === '--wait') return { is: 'searches', searches: await node.shares.keepFinding(rest) }
      if (first === '--end') {
        return { is: 'searches', searches: await node.shares.endFinding(rest.length === 0 ? undefined : rest) }
      }
      if (first === '') throw new CommandUsageError('/find takes 1 to 8 words of 3 to 32 characters each')
      return { is: 'files found', report: await node.shares.find([first, ...rest]) }
    }
  }
]

/**
 * What follows `share add`, in words.
 *
 * @param peerOf finds a PEER @throws CommandUsageError, and what the look-up throws
 */
async function readShareWords(
  given: readonly string[],
  peerOf: (word: string) => Promise<string>
): Promise<ShareOptions & { readonly folder: string }> {
  const whom: string[] = []
  const paths: string[] = []
  let name: string | undefined
  let isSearchable = false
  for (let at = 0; at < given.length; at++) {
    const word = given[at] ?? ''
    if (word === '--searchable') isSearchable = true
    else if (word === '--with') whom.push(valueOf(given[++at], word))
    else if (word === '--as') name = valueOf(given[++at], word)
    else paths.push(word)
  }
  const folder = paths.join(' ')
  if (folder === '') throw new CommandUsageError(shareUsage)
  return {
    folder: folder.startsWith('~/') ? join(homedir(), folder.slice(2)) : resolve(folder),
    audience: await audienceOf(whom, peerOf),
    isSearchable,
    ...(name === undefined ? {} : { name })
  }
}

/** @throws CommandUsageError, and what the look-up throws */
export async function audienceOf(
  whom: readonly string[],
  peerOf: (word: string) => Promise<string>
): Promise<ShareAudience> {
  const [first] = whom
  if (whom.length === 0 || (whom.length === 1 && first === 'contacts')) return { is: 'contacts' }
  if (whom.length === 1 && first === 'lan') return { is: 'lan' }
  if (whom.some((one) => one === 'contacts' || one === 'lan')) {
    throw new CommandUsageError('--with takes contacts, or lan, or peers: give one of the three')
  }
  const peers: string[] = []
  for (const one of whom) peers.push(await peerOf(one))
  return { is: 'peers', peers }
}

function valueOf(value: string | undefined, flag: string): string {
  if (value === undefined) throw new CommandUsageError(`${flag} takes a value: ${shareUsage}`)
  return value
}
