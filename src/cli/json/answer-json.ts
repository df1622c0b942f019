// What commands answer, as JSON: the names and fields that scripts rely on, written
// out one by one as those of events are. A page of messages is bounded in bytes. Pure.
import { escapedJson } from '../process/clean-text.ts'
import { MAX_PAGE_BYTES, type CommandResult } from '../chat-commands/chat-command.ts'
import type { DoctorReport, HistoryEntry, PathView, PeerTrust } from '../chat-api/chat-api.ts'
import type { Named } from '../wording/message-wording.ts'
import type { SafetyView } from '../wording/trust-wording.ts'
import {
  directoryJson,
  entryJson,
  invitationJson,
  memberJson,
  messageJson,
  remoteFolderJson,
  requestJson,
  searchJson,
  shareJson,
  transferJson
} from './event-json.ts'
import type { AnswerJson } from './json-fields.ts'

type Json = Readonly<Record<string, unknown>>

/** The fields that a command's `done` carries beside `do` and `tag`. */
export function resultJson(result: CommandResult): Json {
  switch (result.is) {
    case 'help':
      return {
        commands: result.commands.map(({ name, aliases, parameters, fields = [], help }) => ({
          do: name,
          aliases,
          fields: [
            ...parameters.map((parameter) => ({ name: parameter.name, required: parameter.required })),
            ...fields.map((field) => ({ name: field, required: false }))
          ],
          help
        }))
      } satisfies AnswerJson<'help'>
    case 'roster':
      return {
        roster: result.rows.map((row) => memberJson(row, result.unread)),
        programs: result.programs.map((one) => ({ ...one, host: one.host ?? null, port: one.port ?? null }))
      } satisfies AnswerJson<'roster'>
    case 'opened': {
      const { peer, name, shortId, by } = result.target
      return {
        peer,
        name,
        shortId,
        by,
        ...trustJson(result.trust),
        messages: entriesJson(result.entries, name)
      } satisfies AnswerJson<'opened'>
    }
    case 'safety number':
      return safetyJson(result) satisfies AnswerJson<'safety number'>
    case 'path':
      return { peer: result.peer, name: result.name, ...pathJson(result.path) } satisfies AnswerJson<'path'>
    case 'examined':
      return doctorJson(result.report) satisfies AnswerJson<'examined'>
    case 'quit':
      return {} satisfies AnswerJson<'quit'>
    case 'detached':
      return {} satisfies AnswerJson<'detached'>
    case 'left':
    case 'ignored':
    case 'blocked':
    case 'unblocked':
      return { peer: result.peer, name: result.name } satisfies AnswerJson<'left'>
    case 'history':
      return {
        peer: result.peer,
        name: result.name,
        ...pageJson(entriesJson(result.entries, result.name), result.isForward ? 'forward' : 'back')
      } satisfies AnswerJson<'history'>
    case 'message text':
      return {
        peer: result.peer,
        name: result.name,
        message: messageJson(result.message)
      } satisfies AnswerJson<'message text'>
    case 'messages':
      return pageJson(namedJson(result.entries), 'forward') satisfies AnswerJson<'messages'>
    case 'found':
      // The newest is the first of them: going on from the last one is going on in the same direction.
      return { text: result.words, ...pageJson(namedJson(result.hits), 'forward') } satisfies AnswerJson<'found'>
    case 'conversations':
      return {
        conversations: result.conversations.map(({ peer, name, unread, last }) => ({
          peer,
          name,
          unread,
          last: entryJson(last, name)
        }))
      } satisfies AnswerJson<'conversations'>
    case 'retried':
    case 'cancelled':
    case 'forgotten':
      return { peer: result.peer, name: result.name, count: result.count } satisfies AnswerJson<'retried'>
    case 'request':
      return {
        peer: result.peer,
        name: result.name,
        shortId: result.shortId,
        sameNameAs: result.sameNameAs ?? null,
        messages: result.messages.map(messageJson)
      } satisfies AnswerJson<'request'>
    // A program is asked nothing.
    case 'namesake':
      return {
        peer: result.peer,
        name: result.name,
        shortId: result.shortId,
        sameNameAs: result.sameNameAs
      } satisfies AnswerJson<'namesake'>
    case 'question':
      return { question: result.text } satisfies AnswerJson<'question'>
    case 'accepted':
      return {
        peer: result.peer,
        name: result.name,
        messages: result.messages.map(messageJson)
      } satisfies AnswerJson<'accepted'>
    case 'sent':
      return { peer: result.peer, name: result.name, message: messageJson(result.message) } satisfies AnswerJson<'sent'>
    case 'requests':
      return { requests: result.requests.map(requestJson) } satisfies AnswerJson<'requests'>
    case 'requests cleared':
      return { strangers: result.strangers, messages: result.messages } satisfies AnswerJson<'requests cleared'>
    case 'contacts':
      return {
        contacts: result.contacts.map(
          ({ peer, name, claimedName, sinceMs, addresses, verified, metByCode, sameNameAs }) => ({
            peer,
            name,
            claimedName: claimedName ?? name,
            sinceMs,
            addresses,
            verified: verified !== undefined,
            verifiedSinceMs: verified?.sinceMs ?? null,
            metByCodeSinceMs: metByCode?.sinceMs ?? null,
            sameNameAs: sameNameAs ?? null
          })
        )
      } satisfies AnswerJson<'contacts'>
    case 'blocked peers':
      return { blocked: result.blocked.map(({ peer, name }) => ({ peer, name })) } satisfies AnswerJson<'blocked peers'>
    case 'directories':
      return {
        directories: result.directories.map(directoryJson),
        lostAtMs: result.lostAtMs ?? null
      } satisfies AnswerJson<'directories'>
    case 'renamed':
      return { nickname: result.nickname } satisfies AnswerJson<'renamed'>
    case 'contact renamed':
      return { peer: result.peer, name: result.name, was: result.was } satisfies AnswerJson<'contact renamed'>
    case 'contact removed':
      return { peer: result.peer, name: result.name } satisfies AnswerJson<'contact removed'>
    case 'status':
      return { status: result.status } satisfies AnswerJson<'status'>
    case 'typing notices':
      return { typing: result.on } satisfies AnswerJson<'typing notices'>
    case 'invitation':
      return { invitation: invitationJson(result.invitation) } satisfies AnswerJson<'invitation'>
    case 'invitations':
      return { invitations: result.invitations.map(invitationJson) } satisfies AnswerJson<'invitations'>
    case 'transfer':
      return { transfer: transferJson(result.transfer) } satisfies AnswerJson<'transfer'>
    case 'transfers':
      return { transfers: result.transfers.map(transferJson) } satisfies AnswerJson<'transfers'>
    case 'shares':
      return { shares: result.shares.map(shareJson) } satisfies AnswerJson<'shares'>
    case 'share':
      return { what: result.what, share: shareJson(result.share) } satisfies AnswerJson<'share'>
    case 'remote folder':
      return remoteFolderJson(result.folder) satisfies AnswerJson<'remote folder'>
    case 'fetching':
      return { transfers: result.transfers.map(transferJson) } satisfies AnswerJson<'fetching'>
    case 'files found':
      return searchJson(result.report) satisfies AnswerJson<'files found'>
    case 'searches':
      return { searches: result.searches } satisfies AnswerJson<'searches'>
    case 'identity': {
      const { is: _is, ...identity } = result
      return identity satisfies AnswerJson<'identity'>
    }
  }
}

export function safetyJson(view: SafetyView): AnswerJson<'safety number'> {
  const { peer, name, shortId, groups } = view
  return { peer, name, shortId, safetyNumber: groups.join(' '), ...trustJson(view) }
}

function pathJson(path: PathView): Omit<AnswerJson<'path'>, 'peer' | 'name'> {
  if (path.kind !== 'none') {
    const { kind, address, rttMs = null, noDirect } = path
    const retryAtMs = noDirect?.retryAtMs ?? null
    return { path: kind, address, rttMs, why: noDirect?.why ?? null, triedAtMs: noDirect?.triedAtMs ?? null, retryAtMs }
  }
  return {
    path: path.kind,
    address: null,
    rttMs: null,
    why: path.why,
    triedAtMs: null,
    retryAtMs: path.retryAtMs ?? null
  }
}

export function doctorJson({ findings }: DoctorReport): AnswerJson<'examined'> {
  return {
    findings: findings.map(({ isLikely, ...finding }) => ({ ...finding, likely: isLikely }))
  }
}

function trustJson({
  verifiedSinceMs,
  sameNameAs,
  sharesNameWith
}: PeerTrust): Pick<AnswerJson<'opened'>, 'verified' | 'verifiedSinceMs' | 'sameNameAs' | 'sharesNameWith'> {
  return {
    verified: verifiedSinceMs !== undefined,
    verifiedSinceMs: verifiedSinceMs ?? null,
    sameNameAs: sameNameAs ?? null,
    sharesNameWith: sharesNameWith ?? null
  }
}

function entriesJson(entries: readonly HistoryEntry[], name: string): readonly Json[] {
  return entries.map((entry) => entryJson(entry, name))
}

function namedJson(entries: readonly Named<HistoryEntry>[]): readonly Json[] {
  return entries.map((entry) => entryJson(entry, entry.name))
}

/** The first of these, as far as their JSON fits into a page; one of them fits always. */
function fitting(messages: readonly Json[]): readonly Json[] {
  let bytes = 0
  const end = messages.findIndex((message, index) => {
    bytes += escapedJson(message).length
    return index > 0 && bytes > MAX_PAGE_BYTES
  })
  return end < 0 ? messages : messages.slice(0, end)
}

/** A page of messages, and `next`: the position to go on from, in the same direction; null when nothing was there. */
function pageJson(messages: readonly Json[], direction: 'forward' | 'back'): AnswerJson<'messages'> {
  const shown = direction === 'forward' ? fitting(messages) : fitting(messages.toReversed()).toReversed()
  const edge = direction === 'forward' ? shown.at(-1) : shown[0]
  return { messages: shown, next: edge?.['position'] ?? null }
}
