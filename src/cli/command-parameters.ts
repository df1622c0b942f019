// The parameters that commands inside a chat have in common.
import type { CommandParameter } from './chat-command.ts'

export const peer: CommandParameter = { name: 'peer', required: true, placeholder: 'PEER' }

/** Without it the peer of the open conversation is meant. */
export const thisPeer: CommandParameter = { ...peer, required: false }

export function text(placeholder: string, required = true): CommandParameter {
  return { name: 'text', required, placeholder }
}
