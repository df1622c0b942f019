// The methods of a node as calls to it over a link. The node is of our version and
// our user, so its replies have the types of its methods.
import type {
  FilesApi,
  HistoryApi,
  HistoryEntry,
  InvitationsApi,
  MessagingApi,
  NewsReader,
  OutgoingMessage,
  PeersApi,
  PeerView,
  ShareAudience,
  SelfApi,
  SharesApi,
  TrustApi
} from '../chat-api/chat-api.ts'
import { MAX_ANSWER_BYTES, MAX_ANSWER_MESSAGES } from './face-protocol.ts'

/** Messages of an export that are asked for at once, and the bytes of their texts. */
const EXPORT_PAGE = { limit: 500, maxBytes: 4 * 1024 * 1024 } as const

/** The length of a message's id, which is written as hexadecimal digits. */
const ID_BYTES = 16

export interface Remote {
  /** @throws NodeGoneError when there is no node, or it ends before it replies */
  call(method: string, args?: readonly unknown[], signal?: AbortSignal): Promise<unknown>
  /** The same, asked again of the next node when this one ends before it replies. */
  callOfAnyNode(method: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown>
  look(peer: string): PeerView
  /** How often the node was found again. */
  readonly epoch: number
  /** The conversations that this face has on its screen. */
  readonly shown: Set<string>
}

export function remoteSelf({ call }: Remote): SelfApi {
  return {
    rename: as((nickname) => call('self.rename', [nickname])),
    setStatus: as((status) => call('self.setStatus', [status]))
  }
}

export function remoteMessaging(remote: Remote): MessagingApi {
  const { call, callOfAnyNode, shown } = remote
  return {
    history: remoteHistory(remote),
    open: as(async (peer: string) => {
      const recent = await call('messaging.open', [peer])
      shown.add(peer)
      return recent
    }),
    leave: async (peer) => {
      shown.delete(peer)
      // A node that has ended shows nothing any more.
      await call('messaging.leave', [peer]).catch((error: unknown) => {
        if (!isGone(error)) throw error
      })
    },
    // The id makes it the same message when another node is asked again.
    send: as(
      (peer, text, { id = Buffer.from(crypto.getRandomValues(new Uint8Array(ID_BYTES))).toString('hex') } = {}) =>
        callOfAnyNode('messaging.send', [peer, text, { id }])
    ),
    settled: as(({ peer, id }: OutgoingMessage, { signal }: { signal: AbortSignal }) =>
      callOfAnyNode('messaging.settled', [{ peer, id }], signal)
    ),
    typing: (peer) => void call('messaging.typing', [peer]).catch(() => undefined),
    setTellsTyping: as((tellsTyping) => call('messaging.setTellsTyping', [tellsTyping])),
    retry: as((peer, ids) => call('messaging.retry', [peer, ids])),
    cancel: as((peer, ids) => call('messaging.cancel', [peer, ids])),
    requests: as(() => call('messaging.requests')),
    readRequest: as((peer) => call('messaging.readRequest', [peer])),
    clearRequests: as(() => call('messaging.clearRequests')),
    accept: as((peer) => call('messaging.accept', [peer])),
    ignore: async (peer) => {
      await call('messaging.ignore', [peer])
      shown.delete(peer)
    },
    room: as(() => call('messaging.room')),
    copyHistory: as(({ signal }) => call('messaging.copyHistory', [], signal))
  }
}

export function remotePeers({ call, look }: Remote): PeersApi {
  return {
    firstLook: as(({ signal, ...options }) => call('peers.firstLook', [options], signal)),
    resolve: as((words, { signal, ...options } = {}) => call('peers.resolve', [words, options], signal)),
    look,
    measurePath: as((peer, { signal } = {}) => call('peers.measurePath', [peer], signal)),
    renameContact: as((peer, name) => call('peers.renameContact', [peer, name])),
    removeContact: as((peer) => call('peers.removeContact', [peer]))
  }
}

export function remoteTrust({ call }: Remote): TrustApi {
  return {
    safetyNumber: as((peer) => call('trust.safetyNumber', [peer])),
    verify: as((peer) => call('trust.verify', [peer])),
    unverify: as((peer) => call('trust.unverify', [peer])),
    block: as((peer) => call('trust.block', [peer])),
    unblock: as((peer) => call('trust.unblock', [peer]))
  }
}

export function remoteInvitations({ call }: Remote): InvitationsApi {
  return {
    make: as((options = {}) => call('invitations.make', [options])),
    list: as(() => call('invitations.list')),
    revoke: as((number) => call('invitations.revoke', [number]))
  }
}

export function remoteFiles({ call }: Remote): FilesApi {
  return {
    offer: as((peer, paths, options = {}) => call('files.offer', [peer, paths, { ...options }])),
    list: as(() => call('files.list')),
    get: as((number, options = {}) => call('files.get', [{ ...options, number }])),
    decline: as((number, options = {}) => call('files.decline', [{ ...options, number }])),
    pause: as((number, options = {}) => call('files.pause', [{ ...options, number }])),
    resume: as((number, options = {}) => call('files.resume', [{ ...options, number }]))
  }
}

export function remoteShares({ call }: Remote): SharesApi {
  return {
    add: as((folder, options = {}) => call('shares.add', [folder, { ...options, ...flatAudience(options.audience) }])),
    list: as(() => call('shares.list')),
    remove: as((name) => call('shares.remove', [name])),
    browse: as((peer, path, { signal, ...options } = {}) => call('shares.browse', [peer, path, options], signal)),
    get: as((peer, paths, { signal } = {}) => call('shares.get', [peer, paths], signal)),
    find: as((words, { signal } = {}) => call('shares.find', [words], signal)),
    keepFinding: as((words) => call('shares.keepFinding', [words])),
    endFinding: as((words) => call('shares.endFinding', [words]))
  }
}

function flatAudience(audience: ShareAudience | undefined): object {
  if (audience === undefined) return {}
  return audience.is === 'peers' ? { audience: 'peers', peers: audience.peers } : { audience: audience.is }
}

function remoteHistory(remote: Remote): HistoryApi {
  const { call } = remote
  const news: HistoryApi['news'] = as(({ after, ...options }) => call('history.news', [after, options]))
  return {
    recent: as((peer, limit) => call('history.recent', [peer, limit])),
    page: async (peer, options) =>
      wholePage(
        as((next) => call('history.page', [peer, next])),
        options
      ),
    log: as(({ peer, ...options }) => call('history.log', [peer, options])),
    search: as((words, { onIndexing: _here, ...options }) => call('history.search', [words, options])),
    export: async function* ({ peer, after: from = 0 } = {}) {
      for (let after = from; ;) {
        const { entries, next } = await news({ after, ...EXPORT_PAGE })
        if (entries.length === 0) return
        yield entries.filter(({ message }) => peer === undefined || message.peer === peer)
        after = next
      }
    },
    news,
    follow: () => new RemoteReader(remote, news),
    conversations: as(() => call('history.conversations')),
    forget: as((peer) => call('history.forget', [peer])),
    waiting: as((limit) => call('history.waiting', [limit]))
  }
}

type PageQuery = Parameters<HistoryApi['page']>[1]

/** A page as it was asked for, in as many replies as it takes: the node cuts each at a bound. */
async function wholePage(
  ask: (options: PageQuery) => Promise<readonly HistoryEntry[]>,
  options: PageQuery
): Promise<readonly HistoryEntry[]> {
  const isForward = options.after !== undefined
  let entries: readonly HistoryEntry[] = []
  for (;;) {
    const limit = options.limit - entries.length
    const end = (isForward ? entries.at(-1) : entries[0])?.position
    const place = end === undefined ? {} : isForward ? { after: end } : { before: end }
    const reply = await ask({ ...options, ...place, limit })
    entries = isForward ? [...entries, ...reply] : [...reply, ...entries]
    if (options.maxBytes !== undefined || reply.length === limit || !mayBeCut(reply)) return entries
  }
}

/** No text is as long as half of the bound: one that did not fit leaves more than that. */
function mayBeCut(reply: readonly HistoryEntry[]): boolean {
  const bytes = reply.reduce((sum, { message }) => sum + Buffer.byteLength(message.text), 0)
  return reply.length >= MAX_ANSWER_MESSAGES || bytes > MAX_ANSWER_BYTES / 2
}

/** A reader of new messages that goes on where it was when the node was started anew. */
class RemoteReader implements NewsReader {
  static #lastId = 0
  readonly #remote: Remote
  readonly #news: HistoryApi['news']
  readonly #epoch: number
  readonly #id: number
  /** Where to go on. */
  #after: Promise<number>

  constructor(remote: Remote, news: HistoryApi['news']) {
    this.#remote = remote
    this.#news = news
    this.#epoch = remote.epoch
    this.#id = ++RemoteReader.#lastId
    this.#after = remote.call('reader.open', [this.#id]).then(Number)
    this.#after.catch(() => undefined) // the next call reports it
  }

  async next(limits: Parameters<NewsReader['next']>[0]): ReturnType<NewsReader['next']> {
    const after = await this.#after
    const news =
      this.#remote.epoch === this.#epoch
        ? ((await this.#remote.call('reader.next', [this.#id, limits])) as Awaited<ReturnType<NewsReader['next']>>)
        : await this.#news({ after, ...limits })
    this.#after = Promise.resolve(news.next)
    return news
  }

  close(): void {
    if (this.#remote.epoch === this.#epoch) void this.#remote.call('reader.close', [this.#id]).catch(() => undefined)
  }
}

export function isGone(error: unknown): boolean {
  return error instanceof Error && error.name === 'NodeGoneError'
}

function as<Args extends unknown[], Result>(
  method: (...args: Args) => Promise<unknown>
): (...args: Args) => Promise<Result> {
  return method as (...args: Args) => Promise<Result>
}
