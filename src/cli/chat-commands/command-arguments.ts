// The arguments of a chat command: taken from a typed line or from a JSON
// object, checked against the command's parameters. It runs nothing.
import {
  CommandUsageError,
  type ChatCommand,
  type CommandArguments,
  type CommandFields,
  MAX_PAGE_MESSAGES
} from './chat-command.ts'
import { splitFirstWord, splitWords } from './input-line.ts'

/** `/msg PEER TEXT` as it stands in the help. */
export function usageOf(command: ChatCommand): string {
  const parameters = command.parameters.map(({ placeholder, required }) =>
    required ? placeholder : `[${placeholder}]`
  )
  return [`/${command.name}`, ...parameters].join(' ')
}

/**
 * Reads what was typed after the command's name.
 *
 * @throws CommandUsageError naming what is missing or too much
 */
export function argumentsFromLine(command: ChatCommand, rest: string): CommandArguments {
  const takesPeer = command.parameters.some(({ name }) => name === 'peer')
  const takesText = command.parameters.some(({ name }) => name === 'text')
  if (takesPeer && takesText) {
    const { word, rest: text } = splitFirstWord(rest)
    return checked(command, { ...(word === '' ? {} : { peer: [word] }), ...(text === '' ? {} : { text }) })
  }
  if (takesPeer) return checked(command, rest === '' ? {} : { peer: splitWords(rest) })
  if (takesText) return checked(command, rest === '' ? {} : { text: rest })
  if (command.parameters.some(({ name }) => name === 'paths')) {
    return checked(command, rest === '' ? {} : { paths: rest })
  }
  if (rest !== '') throw new CommandUsageError(`${usageOf(command)} takes nothing more`)
  return {}
}

/**
 * Reads the fields `peer` (text, or a list of words) and `text` of a JSON object, and those that only a program gives.
 *
 * @throws CommandUsageError naming the field
 */
export function argumentsFromJson(command: ChatCommand, fields: Readonly<Record<string, unknown>>): CommandArguments {
  const { peer, text } = fields
  if (peer !== undefined && typeof peer !== 'string' && !isWords(peer)) {
    throw new CommandUsageError('"peer" must be a string, or a list such as ["127.0.0.1", "4001"]')
  }
  if (text !== undefined && typeof text !== 'string') throw new CommandUsageError('"text" must be a string')
  const words = typeof peer === 'string' ? [peer] : peer
  const args = {
    ...(words === undefined ? {} : { peer: words }),
    ...(text === undefined ? {} : { text }),
    ...fieldsFromJson(command, fields)
  }
  return command.parameters.some(({ name }) => name === 'paths') ? args : checked(command, args)
}

function fieldsFromJson(command: ChatCommand, given: Readonly<Record<string, unknown>>): CommandFields {
  const { before, after, limit, id, ids, certain, files, behind } = given
  const takes = command.fields ?? []
  if (takes.includes('before') && takes.includes('after') && before !== undefined && after !== undefined) {
    throw new CommandUsageError('give "before" or "after", not both')
  }
  return {
    ...(takes.includes('before') && before !== undefined ? { before: wholeNumber('before', before, maxPosition) } : {}),
    ...(takes.includes('after') && after !== undefined ? { after: wholeNumber('after', after, maxPosition) } : {}),
    ...(takes.includes('limit') && limit !== undefined
      ? { limit: wholeNumber('limit', limit, MAX_PAGE_MESSAGES) }
      : {}),
    ...(takes.includes('certain') && certain === true ? { certain } : {}),
    ...(takes.includes('files') && files !== undefined ? { files: filePaths(files) } : {}),
    ...(takes.includes('behind') && typeof behind === 'string' ? { behind } : {}),
    ...(takes.includes('id') && id !== undefined ? { id: messageId(id) } : {}),
    ...(takes.includes('ids') && ids !== undefined ? { ids: messageIds(ids) } : {})
  }
}

/** Positions are whole numbers that the store gives out; a larger one could not be told from its neighbour. */
const maxPosition = Number.MAX_SAFE_INTEGER

function wholeNumber(name: string, value: unknown, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value
  throw new CommandUsageError(`"${name}" must be a whole number from 0 to ${max}`)
}

function messageId(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{32}$/u.test(value)) return value
  throw new CommandUsageError('"id" must be 32 hexadecimal digits in lower case')
}

function messageIds(value: unknown): readonly string[] {
  if (isWords(value) && value.length <= MAX_PAGE_MESSAGES) return value
  throw new CommandUsageError(`"ids" must be a list of at most ${MAX_PAGE_MESSAGES} message IDs`)
}

function filePaths(value: unknown): readonly string[] {
  if (isWords(value)) return value
  throw new CommandUsageError('"files" must be a list of paths')
}

function isWords(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string')
}

function checked(command: ChatCommand, args: CommandArguments): CommandArguments {
  for (const { name, required, placeholder } of command.parameters) {
    const value = args[name]
    if (required && (value === undefined || value.length === 0)) {
      throw new CommandUsageError(`${placeholder} is missing: ${usageOf(command)}`)
    }
  }
  return args
}
