// The node's events as JSON, and the objects in them: the names and fields that
// scripts rely on, written out one by one so that a change inside can't change them
// unseen. Pure.
import type { UnreadCounts } from '../wording/roster-wording.ts'
import type {
  ChatApi,
  ChatNodeEvents,
  ConversationState,
  DirectoryView,
  HistoryEntry,
  InvitationView,
  MisbehaviourSummary,
  NodeFigures,
  RequestView,
  RoomView,
  RosterRow,
  RouterView,
  StoredMessage,
  FoundFile,
  RemoteFolder,
  SearchNews,
  SearchReport,
  ShareView,
  TransferView
} from '../chat-api/chat-api.ts'
import { identityOf } from '../chat-commands/chat-commands.ts'
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
export function memberJson(row: RosterRow, unread: UnreadCounts): Json {
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

export function messageJson(message: StoredMessage): ShapeJson<'message'> {
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

export function invitationJson(view: InvitationView): ShapeJson<'invitation'> {
  const { isForMany: forMany, end, number, code, link, places, came, failedTries, expiresAtMs, directories } = view
  return { number, code, link, forMany, places, came, failedTries, expiresAtMs, directories, end: end ?? null }
}

export function transferJson(view: TransferView): ShapeJson<'transfer'> {
  const { number, direction, peer, file, name, sizeBytes, state, doneBytes } = view
  const { files = null, doneFiles = null, bytesPerSecond = null, place = null, path = null, why = null } = view
  const far = { files, doneFiles, doneBytes, bytesPerSecond, place }
  return { number, direction, peer, file, name, sizeBytes, state, ...far, path, why }
}

export function shareJson(view: ShareView): ShapeJson<'share'> {
  const { name, folder, audience, isSearchable, files, sizeBytes, readFiles, readBytes, isBusy, why = null } = view
  const peers = audience.is === 'peers' ? audience.peers : []
  const read = { files, sizeBytes, readFiles, readBytes, busy: isBusy, why }
  return { name, folder, with: audience.is, peers, searchable: isSearchable, ...read }
}

export function remoteFolderJson({ peer, path, entries, hasMore }: RemoteFolder): AnswerJson<'remote folder'> {
  return {
    peer,
    path,
    entries: entries.map((entry) => ({
      is: entry.is,
      name: entry.name,
      sizeBytes: entry.sizeBytes,
      modifiedAtMs: entry.is === 'file' ? entry.modifiedAtMs : null,
      file: entry.is === 'file' ? (entry.file ?? null) : null
    })),
    more: hasMore
  }
}

export function searchJson({ words, files, asked, silent, hasMore }: SearchReport): AnswerJson<'files found'> {
  return { words, files: files.map(foundJson), asked, silent, more: hasMore }
}

export function searchNewsJson({ words, files }: SearchNews): EventJson<'found'> {
  return { words, files: files.map(foundJson) }
}

function foundJson({ file, sizeBytes, sources }: FoundFile): object {
  return { file, sizeBytes, sources: sources.map(({ peer, path }) => ({ peer, path })) }
}

export function invitationNewsJson(news: ChatNodeEvents['invitation']['detail']): EventJson<'invitation'> {
  const invitation = { what: news.what, ...invitationJson(news.invitation) }
  if (news.what === 'came') return { ...invitation, peer: news.peer, peerName: news.name }
  return news.what === 'failed' ? { ...invitation, from: news.from } : invitation
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
