// One line of input to the JSON face, read into a command of the table with its
// arguments, or into the error that answers it. Pure.
import { isJson, type Json } from '../../lib/index.ts'
import { type ChatCommand, type CommandArguments, MAX_SEND_WAIT_SECONDS } from '../chat-commands/chat-command.ts'
import { findCommand } from '../chat-commands/chat-commands.ts'
import { argumentsFromJson } from '../chat-commands/command-arguments.ts'

/** Returned unchanged with each answer. */
export interface Envelope {
  readonly do?: string
  readonly tag?: string | number
}

export type JsonCommand =
  | {
      readonly is: 'command'
      readonly envelope: Envelope
      readonly command: ChatCommand
      readonly args: CommandArguments
      readonly trustName: boolean
      /** `send` answers only when the message has settled, or after this long. */
      readonly waitSeconds: number | undefined
    }
  /** Of the socket alone: `parley profile export` asks for it. */
  | { readonly is: 'copy history'; readonly envelope: Envelope }
  | { readonly is: 'error'; readonly envelope: Envelope; readonly code: string; readonly message: string }

/** @param isGuest the line came over the socket */
export function readJsonCommand(line: string, isGuest = false): JsonCommand {
  let fields: unknown
  try {
    fields = JSON.parse(line)
  } catch (error) {
    return { is: 'error', envelope: {}, code: 'bad-json', message: `this line is not JSON: ${whyNotJson(error)}` }
  }
  if (!isJson(fields)) {
    return {
      is: 'error',
      envelope: {},
      code: 'bad-json',
      message: 'a command is one JSON object, such as {"do":"who"}'
    }
  }
  const envelope = readEnvelope(fields)
  const failed = (code: string, message: string): JsonCommand => ({ is: 'error', envelope, code, message })
  if (envelope.do === undefined) return failed('bad-arguments', '"do" must name a command: {"do":"help"} lists them')
  if (envelope.do === 'unlock') return failed('not-locked', 'the key of this profile is not locked')
  if (envelope.do === 'copy-history' && isGuest) return { is: 'copy history', envelope }
  const command = findCommand(envelope.do)
  if (command === undefined) {
    return failed('unknown-command', `there is no command ${JSON.stringify(envelope.do)}: {"do":"help"} lists them`)
  }
  const { trustName = false, wait } = fields
  if (typeof trustName !== 'boolean') return failed('bad-arguments', '"trustName" must be true or false')
  if (wait !== undefined && !(typeof wait === 'number' && wait >= 0 && wait <= MAX_SEND_WAIT_SECONDS)) {
    return failed('bad-arguments', `"wait" must be a number of seconds up to ${MAX_SEND_WAIT_SECONDS}`)
  }
  try {
    const args = argumentsFromJson(command, fields)
    return { is: 'command', envelope, command, args, trustName, waitSeconds: wait }
  } catch (error) {
    return failed('bad-arguments', error instanceof Error ? error.message : String(error))
  }
}

/** Without the part of the line that the engine quotes: it may hold a passphrase. */
function whyNotJson(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, (?:\.{3})?".*$/su, '') : ''
}

export function readEnvelope(fields: Json): Envelope {
  const { do: name, tag } = fields
  return {
    ...(typeof name === 'string' ? { do: name } : {}),
    ...(typeof tag === 'string' || typeof tag === 'number' ? { tag } : {})
  }
}
