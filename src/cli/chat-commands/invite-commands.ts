// `/invite`: makes a code by which another person finds this node, lists the codes, and
// takes one back. A part of the one table of commands.
import type { InvitationView } from '../chat-api/chat-api.ts'
import { parseWait } from '../wording/time-span.ts'
import { type ChatCommand, type CommandResult, CommandUsageError, text } from './chat-command.ts'

/** What follows `/invite`. */
export type InviteRequest =
  | { readonly is: 'make'; readonly places?: number; readonly forMs?: number }
  | { readonly is: 'list' }
  | { readonly is: 'end'; readonly number: number }

const usage = '/invite takes nothing, many N, many N for TIME (2h, 3d), list, or end NUMBER'

export const inviteCommands: readonly ChatCommand[] = [
  {
    name: 'invite',
    aliases: [],
    parameters: [text('many N [for TIME]|list|end NUMBER', false)],
    help: 'make a code for one person to find you, or for N people; list your codes, or end one',
    run: async ({ node: { invitations } }, args): Promise<CommandResult> => {
      const request = readInviteRequest(args.text ?? '')
      if (request.is === 'list') return { is: 'invitations', invitations: await invitations.list() }
      if (request.is === 'end')
        return { is: 'invitation', invitation: await invitations.revoke(request.number), qr: [] }
      const { is: _is, ...options } = request
      const invitation = await invitations.make(options)
      return { is: 'invitation', invitation, qr: await qrRows(invitation) }
    }
  }
]

/** @throws CommandUsageError */
export function readInviteRequest(given: string): InviteRequest {
  const words = given.trim().toLowerCase()
  if (words === '') return { is: 'make' }
  if (words === 'list') return { is: 'list' }
  const [, end] = /^end (\d{1,5})$/u.exec(words) ?? []
  if (end !== undefined) return { is: 'end', number: Number(end) }
  const [, places, time] = /^many (\d{1,9})(?: for (\S+))?$/u.exec(words) ?? []
  if (places === undefined) throw new CommandUsageError(usage)
  return {
    is: 'make',
    places: Number(places),
    ...(time === undefined ? {} : { forMs: parseWait('for', time) })
  }
}

/** Without a margin of more than a module, so that it fits into a terminal of 80×24. */
export async function qrRows({ link }: Pick<InvitationView, 'link'>): Promise<readonly string[]> {
  const { renderUnicodeCompact } = await import('uqr')
  return renderUnicodeCompact(link).split('\n')
}
