// The node's events as JSON: the names and fields that scripts
// rely on, written out one by one so that a change inside can't change them
// unseen. Pure.
import { escapedJson } from '../process/clean-text.ts'
import type { CommandResult } from '../chat-commands/chat-command.ts'
import type { Named } from '../wording/message-wording.ts'
import type { UnreadCounts } from '../wording/roster-wording.ts'
import type {
  ChatApi,
  ChatNodeEvents,
  ConversationState,
  DirectoryView,
  DoctorReport,
  HistoryEntry,
  InvitationView,
  MisbehaviourSummary,
  NodeFigures,
  PathView,
  PeerTrust,
  RequestView,
  RoomView,
  RosterRow,
  RouterView,
  StoredMessage
} from '../chat-api/chat-api.ts'
import { identityOf } from '../chat-commands/chat-commands.ts'
import { MAX_PAGE_BYTES } from '../chat-commands/chat-command.ts'
import type { SafetyView } from '../wording/trust-wording.ts'
import type { AnswerJson, EventJson, ShapeJson } from './json-fields.ts'

type Json = Readonly<Record<string, unknown>>
type Notice = ChatNodeEvents['notice']['detail']

/** A number that rises when a field changes its meaning; new fields may come without it. */
export const jsonFaceVersion = 1

export function readyJson(
  node: ChatApi,
  { connections, misbehaviour, router }: NodeFigures,
  requests: readonly RequestView[],
  unread: UnreadCounts
): Omit<EventJson<'ready'>, 'conversations' | 'waiting' | 'room'> & { readonly event: 'ready' } {
  return {
    event: 'ready',
    version: jsonFaceVersion,
    ...identityOf(node),
    roster: node.snapshot().roster.map((row) => memberJson(row, unread)),
    directories: node.snapshot().directories.map(directoryJson),
    connections,
    lan: node.snapshot().lan.map(({ name, why }) => ({ interface: name, works: why === undefined, why: why ?? null })),
    router: routerJson(router),
    requests: requests.map(requestJson),
    misbehaviour: misbehaviourJson(misbehaviour)
  }
}

/** How full the rooms are that others fill. */
export function roomJson(room: RoomView): ShapeJson<'room'> {
  const { requests, historyBytes, largest, quotaBytes, freeBytes, floorBytes, isDiskLow } = room
  return {
    requests: { ...requests, largest: requests.largest ?? null },
    historyBytes,
    largest,
    quotaBytes: quotaBytes ?? null,
    freeBytes: freeBytes ?? null,
    floorBytes,
    diskLow: isDiskLow
  }
}

function routerJson(router: RouterView): ShapeJson<'router'> {
  const isOpen = router.state === 'open'
  return {
    state: router.state,
    protocol: isOpen ? router.protocol : null,
    address: isOpen ? router.address : null,
    announced: isOpen && router.isAnnounced,
    why: router.state === 'closed' ? router.why : null
  }
}

function misbehaviourJson({ count, last }: MisbehaviourSummary): ShapeJson<'misbehaviour'> {
  return { count, last: last === undefined ? null : { ...last, peer: last.peer ?? null } }
}

export function rowJson(row: RosterRow): ShapeJson<'row'> {
  return {
    peer: row.peer,
    shortId: row.shortId,
    name: row.name,
    nickname: row.isNameless === true ? '' : row.nickname,
    status: row.status,
    host: row.host ?? null,
    port: row.port ?? null,
    addresses: row.addresses,
    dialect: row.dialect ?? 'parley',
    path: row.path,
    rttMs: row.rttMs ?? null,
    why: row.why ?? null,
    sources: row.sources,
    via: row.via,
    onlyVia: row.onlyVia ?? null,
    sinceMs: row.sinceMs,
    contact: row.contact,
    verified: row.verified,
    blocked: row.blocked,
    sameNameAs: row.sameNameAs ?? null,
    sharesNameWith: row.sharesNameWith ?? null,
    looksLike: row.sameNameAs === undefined || row.sameNameAs.own ? null : row.sameNameAs.name
  }
}

/** A row of the roster as a peer on it sees it: with the number of that peer's messages that are unread here. */
function memberJson(row: RosterRow, unread: UnreadCounts): Json {
  return { ...rowJson(row), unread: unread.get(row.peer) ?? 0 }
}

export function directoryJson(view: DirectoryView): ShapeJson<'directory'> {
  return {
    address: view.address,
    peer: view.peer ?? null,
    state: view.state,
    why: view.why ?? null,
    retryAtMs: view.retryAtMs ?? null,
    rttMs: view.rttMs ?? null,
    registered: view.registered ?? null,
    peers: view.peers ?? null,
    total: view.total ?? view.peers ?? null,
    reachedAtMs: view.reachedAtMs ?? null,
    by: view.by ?? null,
    down: view.isDown,
    stale: view.findings?.stale ?? [],
    withholds: view.findings?.withholds ?? [],
    notJoinedWith: view.findings?.notJoinedWith ?? [],
    forged: view.findings?.forged ?? 0
  }
}

export function requestJson(request: RequestView): ShapeJson<'request'> {
  return {
    peer: request.peer,
    shortId: request.shortId,
    name: request.name,
    text: request.lastText,
    count: request.count,
    sameNameAs: request.sameNameAs ?? null,
    sharesNameWith: request.sharesNameWith ?? null
  }
}

function messageJson(message: StoredMessage): ShapeJson<'message'> {
  return {
    peer: message.peer,
    id: message.id,
    direction: message.direction,
    state: message.state,
    reason: message.direction === 'out' ? (message.reason ?? null) : null,
    seenAtMs: message.direction === 'out' ? (message.seenAtMs ?? null) : null,
    text: message.text,
    replyTo: message.replyTo ?? null,
    files: message.files ?? [],
    sentAtMs: message.sentAtMs,
    storedAtMs: message.storedAtMs,
    log: message.log,
    seq: message.seq
  }
}

/** A message of the history; `position` is the cursor to go on from. */
export function entryJson({ position, message }: HistoryEntry, name: string): EventJson<'message'> {
  return { position, name, ...messageJson(message) }
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

/** Warnings about keys name the peer; reports of misbehaviour name the remote. */
export function noticeJson(notice: Notice): EventJson<'notice'> {
  const { code, text } = notice
  if (notice.code === 'unkept' || notice.code === 'met') return { code, text, peer: notice.peer }
  if (notice.code === 'disk') return { code, text, peer: notice.peer ?? null }
  if (notice.code === 'misbehaviour') {
    const { address, breach, what, action, times } = notice
    return { code, text, peer: notice.peer ?? null, address, breach, what, action, times }
  }
  if (notice.code === 'no-multicast' || notice.code === 'multicast') return { code, text, works: notice.works }
  if (notice.code !== 'key-changed') return { code, text }
  const { by, peer, was, verified } = notice
  return { code, text, by, peer, was, verified }
}

export function safetyJson(view: SafetyView): AnswerJson<'safety number'> {
  const { peer, name, shortId, groups } = view
  return { peer, name, shortId, safetyNumber: groups.join(' '), ...trustJson(view) }
}

export function invitationJson(view: InvitationView): ShapeJson<'invitation'> {
  const { isForMany: forMany, end, number, code, link, places, came, failedTries, expiresAtMs, directories } = view
  return { number, code, link, forMany, places, came, failedTries, expiresAtMs, directories, end: end ?? null }
}

export function invitationNewsJson(news: ChatNodeEvents['invitation']['detail']): EventJson<'invitation'> {
  const invitation = { what: news.what, ...invitationJson(news.invitation) }
  if (news.what === 'came') return { ...invitation, peer: news.peer, peerName: news.name }
  return news.what === 'failed' ? { ...invitation, from: news.from } : invitation
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

export function conversationJson(state: ConversationState): Omit<EventJson<'conversation'>, 'peer' | 'name'> {
  switch (state.name) {
    case 'open':
      return { state: state.name, dialect: state.dialect, path: state.path, rttMs: state.rttMs ?? null }
    case 'waiting':
      return { state: state.name, why: state.why, retryAtMs: state.retryAtMs }
    case 'connecting':
    case 'closed':
      return { state: state.name }
  }
}

function pathJson(path: PathView): Omit<AnswerJson<'path'>, 'peer' | 'name'> {
  if (path.kind !== 'none') {
    return { path: path.kind, address: path.address, rttMs: path.rttMs ?? null, why: null, retryAtMs: null }
  }
  return { path: path.kind, address: null, rttMs: null, why: path.why, retryAtMs: path.retryAtMs ?? null }
}

export function doctorJson({ findings }: DoctorReport): AnswerJson<'examined'> {
  return {
    findings: findings.map(({ isLikely, ...finding }) => ({ ...finding, likely: isLikely }))
  }
}

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
    case 'identity': {
      const { is: _is, ...identity } = result
      return identity satisfies AnswerJson<'identity'>
    }
  }
}
