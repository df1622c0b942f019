// The commands of a chat about files: offer some, fetch or decline what was offered, list all. A part of the one table of
// commands.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { UsageError } from '../../node/settings.ts'
import { type ChatCommand, type CommandResult, CommandUsageError, text } from './chat-command.ts'
import { currentOr } from './named-peer.ts'

export const fileCommands: readonly ChatCommand[] = [
  {
    name: 'file',
    aliases: [],
    parameters: [text('PATH')],
    fields: ['peer'],
    help: 'offer files to the open conversation; quote a path with spaces',
    run: async (context, args): Promise<CommandResult> => {
      const { peer, name } = await currentOr(context, args)
      const message = await context.node.files.offer(peer, pathsOf(args.text ?? '')).catch((error: unknown) => {
        throw withHint(error, args.text ?? '')
      })
      return { is: 'sent', peer, name, message }
    }
  },
  {
    name: 'get',
    aliases: [],
    parameters: [text('N', false)],
    help: 'fetch a file that was offered to you: the Nth of /transfers, or the last',
    run: async ({ node, current }, args): Promise<CommandResult> => ({
      is: 'transfer',
      transfer: await node.files.get(numberOf(args.text), ofConversation(current))
    })
  },
  {
    name: 'decline',
    aliases: [],
    parameters: [text('N', false)],
    help: 'do not take a file, stop one that is on its way, or take an offer of yours back',
    run: async ({ node, current }, args): Promise<CommandResult> => ({
      is: 'transfer',
      transfer: await node.files.decline(numberOf(args.text), ofConversation(current))
    })
  },
  {
    name: 'transfers',
    aliases: ['files'],
    parameters: [],
    help: 'list files that were offered to you and by you, and how far they are',
    run: async ({ node }): Promise<CommandResult> => ({ is: 'transfers', transfers: await node.files.list() })
  }
]

/** As terminals and shells write paths: in quotes, or with a backslash before a space. A path is one of this machine. */
export function pathsOf(given: string): readonly string[] {
  return [...given.matchAll(/(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+/gu)].map(([word]) => {
    const path = word.replaceAll(/'([^']*)'|"([^"]*)"|\\(.)/gu, (_, single?: string, double?: string, one?: string) =>
      String(single ?? double ?? one)
    )
    return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(path)
  })
}

/** A path with spaces that was typed without quotes is several, and the first of them is seldom there. */
export function withHint(error: unknown, given: string): unknown {
  if (!(error instanceof UsageError) || pathsOf(given).length < 2) return error
  return new UsageError(`${error.message}. A path with spaces goes in quotes: /file "${given.trim()}"`)
}

/** @throws CommandUsageError */
function numberOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const number = Number(given)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new CommandUsageError('N is the number of a file: /transfers lists them')
}

/** Without a number, the last of the open conversation is meant. */
function ofConversation(current: string | undefined): { readonly peer?: string } {
  return current === undefined ? {} : { peer: current }
}
