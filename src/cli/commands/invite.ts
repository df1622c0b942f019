// `parley invite`: makes a code by which another person finds this profile, and waits
// until that person has come; through the parley that runs on the profile, else by a
// node of its own for as long as the code is open, after which a terminal shows the chat.
import type { Command } from 'commander'
import type { ChatApi, InvitationView } from '../chat-api/chat-api.ts'
import { qrRows, type InviteRequest } from '../chat-commands/invite-commands.ts'
import { onProfile, runningInvitations } from '../control/index.ts'
import { invitationJson, invitationNewsJson } from '../json/event-json.ts'
import { flagsOf, hasSwitch, textOption } from '../options/given-options.ts'
import { escapedJson } from '../process/clean-text.ts'
import { canAsk } from '../process/input-lines.ts'
import { type CommandIo, writeLines } from '../process/io.ts'
import { unlockerOf } from '../process/unlocking.ts'
import {
  invitationLine,
  invitationLines,
  invitationNewsText,
  type InvitationNews
} from '../wording/invitation-wording.ts'
import { parseWait } from '../wording/time-span.ts'
import { exitCodes, loadConfig, UsageError } from '../../node/settings.ts'
import type { ExitCode, Unlocker } from '../../node/settings.ts'
import { withChatNode } from './with-chat-node.ts'

/** The invitations of a node, in this process or in another one. */
export interface InvitingNode {
  make(request: Extract<InviteRequest, { is: 'make' }>): Promise<InvitationView>
  list(): Promise<readonly InvitationView[]>
  end(number: number): Promise<InvitationView>
  /** @returns what ends it */
  onNews(listener: (news: InvitationNews) => void): () => void
  /** Aborts when the node is gone. */
  readonly gone: AbortSignal
}

export async function runInvite(io: CommandIo, command: Command): Promise<ExitCode> {
  const request = readRequest(command)
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const unlock: Unlocker = await unlockerOf({ io, command })
  const say = (line: string): void => writeLines(io.stderr, [`parley: ${line}`])
  const asJson = hasSwitch(command, 'json')
  const met: { guest?: string } = {}
  const code = await onProfile({
    config,
    signal: io.interrupted,
    running: async (parley) => invite(io, runningInvitations(parley), request, asJson),
    own: async () => {
      if (request.is === 'end') throw new UsageError(`no parley runs on this profile, so no invitation is open`)
      if (request.is === 'list') return printed(io, [], asJson)
      return withChatNode({
        config,
        interactive: false,
        command: command.name(),
        unlock,
        run: async (node) => {
          await node.peers.firstLook({ signal: io.interrupted, thorough: true })
          node.events.addEventListener('invitation', ({ detail }) => {
            if (detail.what === 'came' && !detail.invitation.isForMany) met.guest = detail.peer
          })
          return invite(io, ownInvitations(node, io.interrupted), request, asJson)
        }
      })
    },
    say
  })
  // The other person is in the conversation already.
  const { guest } = met
  if (guest === undefined || asJson || !canAsk(io)) return code
  return (await import('./chat.ts')).runChat(io, command, [guest])
}

function readRequest(command: Command): InviteRequest {
  const [many, time, end] = [textOption(command, 'many'), textOption(command, 'for'), textOption(command, 'end')]
  const isList = hasSwitch(command, 'list')
  if ([many, end, isList ? '' : undefined].filter((one) => one !== undefined).length > 1) {
    throw new UsageError('give one of --many, --list and --end')
  }
  if (isList) return { is: 'list' }
  if (end !== undefined) return { is: 'end', number: wholeNumber('--end', end) }
  // A parley that runs on the profile is asked in words that have no time for one person.
  if (many === undefined && time !== undefined) throw new UsageError('--for goes with --many: give how many people')
  return {
    is: 'make',
    ...(many === undefined ? {} : { places: wholeNumber('--many', many) }),
    ...(time === undefined ? {} : { forMs: parseWait('--for', time) })
  }
}

function wholeNumber(flag: string, given: string): number {
  if (!/^\d{1,9}$/u.test(given)) throw new UsageError(`${flag} takes a whole number, and not ${JSON.stringify(given)}`)
  return Number(given)
}

async function invite(io: CommandIo, node: InvitingNode, request: InviteRequest, asJson: boolean): Promise<ExitCode> {
  if (request.is === 'list') return printed(io, await node.list(), asJson)
  if (request.is === 'end') return printed(io, [await node.end(request.number)], asJson)
  const print = (news: InvitationNews): void =>
    writeLines(io.stdout, [
      asJson ? escapedJson({ event: 'invitation', ...invitationNewsJson(news) }) : invitationNewsText(news)
    ])
  const over = Promise.withResolvers<ExitCode>()
  const made = Promise.withResolvers<InvitationView>()
  // Unhandled where none is made and no news has come: that would end the process before the node has taken its leave.
  made.promise.catch(() => undefined)
  const endNews = node.onNews((news) => {
    // What comes before the code is printed waits for it.
    void made.promise.then(
      ({ number }) => {
        if (news.invitation.number !== number) return
        print(news)
        const { end, isForMany } = news.invitation
        if (news.what === 'came' && (end === 'used' || !isForMany)) over.resolve(exitCodes.ok)
        if (news.what === 'ended') over.resolve(exitCodes.timedOut)
      },
      () => undefined
    )
  })
  try {
    const invitation = await node.make(request)
    if (asJson)
      writeLines(io.stdout, [escapedJson({ event: 'invitation', what: 'made', ...invitationJson(invitation) })])
    else
      writeLines(
        io.stdout,
        invitationLines(invitation, 'Ctrl-C takes it back', io.stdout.isTTY === true ? await qrRows(invitation) : [])
      )
    made.resolve(invitation)
    return await waited(io, node, invitation, over.promise)
  } catch (error) {
    made.reject(error)
    throw error
  } finally {
    endNews()
  }
}

/** Until the guest has come, the time is over, the code was taken back elsewhere, or Ctrl-C takes it back here. */
async function waited(
  io: CommandIo,
  node: InvitingNode,
  { number }: InvitationView,
  over: Promise<ExitCode>
): Promise<ExitCode> {
  const stop = Promise.withResolvers<'stop'>()
  const onStop = (): void => stop.resolve('stop')
  const ends = AbortSignal.any([io.interrupted, node.gone])
  ends.addEventListener('abort', onStop, { once: true })
  if (ends.aborted) onStop()
  try {
    const outcome = await Promise.race([over, stop.promise])
    if (outcome !== 'stop') return outcome
    if (!node.gone.aborted) await node.end(number).catch(() => undefined)
    throw io.interrupted.aborted
      ? io.interrupted.reason
      : new UsageError('the parley that had the invitation has ended')
  } finally {
    ends.removeEventListener('abort', onStop)
  }
}

function printed(io: CommandIo, invitations: readonly InvitationView[], asJson: boolean): ExitCode {
  if (asJson)
    writeLines(io.stdout, [escapedJson({ event: 'invitations', invitations: invitations.map(invitationJson) })])
  else if (invitations.length === 0) writeLines(io.stderr, ['parley: no invitation is open'])
  else writeLines(io.stdout, invitations.map(invitationLine))
  return exitCodes.ok
}

function ownInvitations({ invitations, events }: ChatApi, gone: AbortSignal): InvitingNode {
  return {
    make: async ({ is: _is, ...options }) => invitations.make(options),
    list: async () => invitations.list(),
    end: async (number) => invitations.revoke(number),
    onNews: (listener) => {
      const onEvent = ({ detail }: CustomEvent<InvitationNews>): void => listener(detail)
      events.addEventListener('invitation', onEvent)
      return () => events.removeEventListener('invitation', onEvent)
    },
    gone
  }
}
