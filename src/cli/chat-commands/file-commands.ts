// The commands of a chat about files: offer some, fetch or decline what was offered, list all. A part of the one table of
// commands.
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isSameName } from '../../lib/index.ts'
import { quote, UsageError } from '../../node/settings.ts'
import type { ChatApi, TransferView } from '../chat-api/chat-api.ts'
import { absolute, firstWordOf, pathsOf } from '../process/typed-paths.ts'
import {
  type ChatCommand,
  type CommandArguments,
  type CommandContext,
  type CommandResult,
  CommandUsageError,
  paths,
  text
} from './chat-command.ts'
import { currentOr, words } from './named-peer.ts'
import { cautionBefore } from './stranger-caution.ts'

export const fileCommands: readonly ChatCommand[] = [
  {
    name: 'send',
    aliases: [],
    parameters: [paths],
    fields: ['peer', 'text', 'files', 'id'],
    help: 'offer files and folders to the open conversation; type a path, complete it with Tab, or drag it here',
    run: async (context, args): Promise<CommandResult> =>
      args.paths === undefined ? sendForProgram(context, args) : offerTyped(context, args.paths)
  },
  {
    name: 'get',
    aliases: [],
    parameters: [text('N [FOLDER]', false)],
    help: 'fetch a file or folder that was offered to you: the Nth of /transfers, or the last; into FOLDER, or your downloads',
    run: async ({ node, current }, args): Promise<CommandResult> => ({
      is: 'transfer',
      transfer: await got(node, current, args.text)
    })
  },
  {
    name: 'decline',
    aliases: ['stop'],
    parameters: [text('N', false)],
    help: 'do not take a file, stop one that is on its way, or take an offer of yours back',
    run: async ({ node, current }, args): Promise<CommandResult> => ({
      is: 'transfer',
      transfer: await node.files.decline(numberOf(args.text), ofConversation(current))
    })
  },
  {
    name: 'pause',
    aliases: [],
    parameters: [text('N', false)],
    help: 'pause a transfer to you: the Nth of /transfers, or the last; what has come stays',
    run: async ({ node, current }, args): Promise<CommandResult> => ({
      is: 'transfer',
      transfer: await node.files.pause(numberOf(args.text), ofConversation(current))
    })
  },
  {
    name: 'resume',
    aliases: [],
    parameters: [text('N', false)],
    help: 'go on with a transfer that is paused',
    run: async ({ node, current }, args): Promise<CommandResult> => ({
      is: 'transfer',
      transfer: await node.files.resume(numberOf(args.text), ofConversation(current))
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

/** A program names the peer, and gives a text, files, or both. */
async function sendForProgram(context: CommandContext, args: CommandArguments): Promise<CommandResult> {
  const { files = [], id } = args
  const written = args.text ?? ''
  if (words(args).length === 0) throw new CommandUsageError('"peer" is missing')
  if (files.length === 0 && written === '') throw new CommandUsageError('"text" or "files" is missing')
  const target = await context.resolve(words(args))
  const caution = await cautionBefore({ ...context, target, verb: 'send' })
  if (caution !== undefined) return caution
  const { messaging, files: offers } = context.node
  const options = id === undefined ? {} : { id }
  const message =
    files.length === 0
      ? await messaging.send(target.peer, written, options)
      : await offers.offer(target.peer, files, { ...options, text: written })
  return { is: 'sent', peer: target.peer, name: target.name, message }
}

async function offerTyped(context: CommandContext, typed: string): Promise<CommandResult> {
  const found = await existingPaths(typed)
  if (found === undefined) throw missingPath(context.node, typed)
  const { peer, name } = await currentOr(context, {})
  return { is: 'sent', peer, name, message: await context.node.files.offer(peer, found) }
}

/** Also one path whose spaces were typed without quotes. @returns undefined when one of them is not there */
async function existingPaths(typed: string): Promise<readonly string[] | undefined> {
  const found = pathsOf(typed)
  const areThere = await Promise.all(found.map(isThere))
  if (found.length > 0 && areThere.every(Boolean)) return found
  const whole = absolute(typed.trim())
  return (await isThere(whole)) ? [whole] : undefined
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    // One that is there and can't be read is refused with the reason.
    (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT')
  )
}

/** A command of this name once sent messages, and a name is more often a person than a file that is not there. */
function missingPath(node: ChatApi, typed: string): UsageError {
  const word = firstWordOf(typed)
  const { contacts, roster } = node.snapshot()
  const names = [...contacts.map(({ name }) => name), ...roster.flatMap(({ name, shortId }) => [name, shortId])]
  if (names.some((name) => isSameName(name, word)) || word.startsWith('12D3Koo')) {
    return new UsageError(
      `Nothing was sent: /send offers files, and there is no file ${quote(word)} here. To write to a person: /msg ${typed}`
    )
  }
  const [missing = typed] = pathsOf(typed).filter((path) => !existsSync(path))
  const hint = pathsOf(typed).length > 1 ? `. A path with spaces goes in quotes: /send "${typed.trim()}"` : ''
  return new UsageError(`${quote(missing)} can't be sent: there is no such file${hint}`)
}

async function got(node: ChatApi, current: string | undefined, given = ''): Promise<TransferView> {
  const [, number, to] = /^\s*(\d+)?\s*(.*?)\s*$/su.exec(given) ?? []
  const folder =
    to === undefined || to === '' ? {} : { to: (pathsOf(to).length === 1 ? pathsOf(to)[0] : undefined) ?? absolute(to) }
  return node.files.get(numberOf(number), { ...ofConversation(current), ...folder })
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
