// How what happens on the node looks as JSON: the names and fields that scripts
// rely on, written out one by one so that a change inside can't change them
// unseen. Pure.
import { escapedJson } from '../clean-text.ts'
import type { CommandResult, Named, UnreadCounts } from '../chat-command.ts'
import type { ChatApi, ChatNodeEvents, ConversationState, DirectoryView, HistoryEntry } from '../chat-api.ts'
import type {
  MisbehaviourSummary,
  PathView,
  PeerTrust,
  RequestView,
  RoomView,
  RosterRow,
  StoredMessage
} from '../chat-api.ts'
import { identityOf } from '../chat-commands.ts'
import { MAX_PAGE_BYTES } from '../constants.ts'
import type { SafetyView } from '../trust-wording.ts'

type Json = Readonly<Record<string, unknown>>
type Notice = ChatNodeEvents['notice']['detail']

/** A number that rises when a field changes its meaning; new fields may come without it. */
export const jsonFaceVersion = 1

export function readyJson(node: ChatApi, requests: readonly RequestView[], unread: UnreadCounts): Json {
  return {
    event: 'ready',
    version: jsonFaceVersion,
    ...identityOf(node),
    roster: node.roster().map((row) => memberJson(row, unread)),
    directories: node.directories().map(directoryJson),
    connections: node.connections(),
    requests: requests.map(requestJson),
    misbehaviour: misbehaviourJson(node.misbehaviour)
  }
}

/** How full the rooms are that others fill. */
export function roomJson(room: RoomView): Json {
  const { requests, historyBytes, largest, quotaBytes, freeBytes, floorBytes, isDiskLow } = room
  return {
    requests: { ...requests, largest: requests.largest ?? null },
    historyBytes,
    largest,
    quotaBytes: quotaBytes === Infinity ? null : quotaBytes,
    freeBytes: freeBytes ?? null,
    floorBytes,
    diskLow: isDiskLow
  }
}

function misbehaviourJson({ count, last }: MisbehaviourSummary): Json {
  return { count, last: last === undefined ? null : { ...last, peer: last.peer ?? null } }
}

export function rowJson(row: RosterRow): Json {
  return {
    peer: row.peer,
    shortId: row.shortId,
    nickname: row.isNameless === true ? '' : row.nickname,
    status: row.status,
    host: row.host ?? null,
    port: row.port ?? null,
    addresses: row.addresses,
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
    looksLike: row.sameNameAs === undefined || row.sameNameAs.own ? null : row.sameNameAs.name
  }
}

/** A row of the roster as whoever is on it sees it: with what that peer has written and nobody has read here. */
function memberJson(row: RosterRow, unread: UnreadCounts): Json {
  return { ...rowJson(row), unread: unread.get(row.peer) ?? 0 }
}

export function directoryJson(view: DirectoryView): Json {
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
    stale: view.findings?.stale ?? [],
    withholds: view.findings?.withholds ?? [],
    notJoinedWith: view.findings?.notJoinedWith ?? [],
    forged: view.findings?.forged ?? 0
  }
}

export function requestJson(request: RequestView): Json {
  return {
    peer: request.peer,
    shortId: request.shortId,
    name: request.name,
    text: request.lastText,
    count: request.count,
    sameNameAs: request.sameNameAs ?? null
  }
}

function messageJson(message: StoredMessage): Json {
  return {
    peer: message.peer,
    id: message.id,
    direction: message.direction,
    state: message.state,
    reason: message.direction === 'out' ? (message.reason ?? null) : null,
    seenAtMs: message.direction === 'out' ? (message.seenAtMs ?? null) : null,
    text: message.text,
    replyTo: message.replyTo ?? null,
    sentAtMs: message.sentAtMs,
    storedAtMs: message.storedAtMs,
    log: message.log,
    seq: message.seq
  }
}

/** A message of the history; `position` is the cursor to go on from. */
export function entryJson({ position, message }: HistoryEntry, name: string): Json {
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
function pageJson(messages: readonly Json[], direction: 'forward' | 'back'): Json {
  const shown = direction === 'forward' ? fitting(messages) : fitting(messages.toReversed()).toReversed()
  const edge = direction === 'forward' ? shown.at(-1) : shown[0]
  return { messages: shown, next: edge?.['position'] ?? null }
}

/** Warnings about keys name the peer; reports of misbehaviour name the remote. */
export function noticeJson(notice: Notice): Json {
  const { code, text } = notice
  if (notice.code === 'disk') return { code, text, peer: notice.peer ?? null }
  if (notice.code === 'misbehaviour') {
    const { address, breach, what, action, times } = notice
    return { code, text, peer: notice.peer ?? null, address, breach, what, action, times }
  }
  if (notice.code !== 'key-changed') return { code, text }
  const { by, peer, was, verified } = notice
  return { code, text, by, peer, was, verified }
}

export function safetyJson(view: SafetyView): Json {
  const { peer, name, shortId, groups } = view
  return { peer, name, shortId, safetyNumber: groups.join(' '), ...trustJson(view) }
}

function trustJson({ verifiedSinceMs, sameNameAs }: PeerTrust): Json {
  return {
    verified: verifiedSinceMs !== undefined,
    verifiedSinceMs: verifiedSinceMs ?? null,
    sameNameAs: sameNameAs ?? null
  }
}

export function conversationJson(state: ConversationState): Json {
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

function pathJson(path: PathView): Json {
  if (path.kind !== 'none') {
    return { path: path.kind, address: path.address, rttMs: path.rttMs ?? null, why: null, retryAtMs: null }
  }
  return { path: path.kind, address: null, rttMs: null, why: path.why, retryAtMs: path.retryAtMs ?? null }
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
      }
    case 'roster':
      return { roster: result.rows.map((row) => memberJson(row, result.unread)) }
    case 'opened': {
      const { peer, name, shortId, by } = result.target
      return { peer, name, shortId, by, ...trustJson(result.trust), messages: entriesJson(result.entries, name) }
    }
    case 'safety number':
      return safetyJson(result)
    case 'path':
      return { peer: result.peer, name: result.name, ...pathJson(result.path) }
    case 'quit':
      return {}
    case 'left':
    case 'ignored':
    case 'blocked':
    case 'unblocked':
      return { peer: result.peer, name: result.name }
    case 'history':
      return {
        peer: result.peer,
        name: result.name,
        ...pageJson(entriesJson(result.entries, result.name), result.isForward ? 'forward' : 'back')
      }
    case 'message text':
      return { peer: result.peer, name: result.name, message: messageJson(result.message) }
    case 'messages':
      return pageJson(namedJson(result.entries), 'forward')
    case 'found':
      // The newest is the first of them: going on from the last one is going on in the same direction.
      return { text: result.words, ...pageJson(namedJson(result.hits), 'forward') }
    case 'conversations':
      return {
        conversations: result.conversations.map(({ peer, name, unread, last }) => ({
          peer,
          name,
          unread,
          last: entryJson(last, name)
        }))
      }
    case 'retried':
    case 'cancelled':
    case 'forgotten':
      return { peer: result.peer, name: result.name, count: result.count }
    case 'accepted':
      return { peer: result.peer, name: result.name, messages: result.messages.map(messageJson) }
    case 'sent':
      return { peer: result.peer, name: result.name, message: messageJson(result.message) }
    case 'requests':
      return { requests: result.requests.map(requestJson) }
    case 'requests cleared':
      return { strangers: result.strangers, messages: result.messages }
    case 'contacts':
      return {
        contacts: result.contacts.map(({ peer, name, sinceMs, addresses, verified }) => ({
          peer,
          name,
          sinceMs,
          addresses,
          verified: verified !== undefined,
          verifiedSinceMs: verified?.sinceMs ?? null
        }))
      }
    case 'blocked peers':
      return { blocked: result.blocked.map(({ peer, name }) => ({ peer, name })) }
    case 'directories':
      return { directories: result.directories.map(directoryJson) }
    case 'renamed':
      return { nickname: result.nickname }
    case 'status set':
      return { status: result.status }
    case 'identity': {
      const { is: _is, ...identity } = result
      return identity
    }
  }
}
