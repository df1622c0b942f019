// The smallest node that the faces can be driven with: it remembers what was
// asked of it, and events are dispatched by the test.
import { TypedEventEmitter } from 'main-event'
import type {
  MisbehaviourSummary,
  NodeFigures,
  ChatApi,
  ChatNodeEvents,
  ChatSnapshot,
  HistoryApi,
  Contact,
  ConversationState,
  ConversationSummary,
  DirectoryView,
  IncomingMessage,
  InvitationView,
  OutgoingMessage,
  PathView,
  PeerTarget,
  PeerTrust,
  RequestView,
  RoomView,
  ProgramSighting,
  RosterRow,
  StoredMessage,
  FoundFile,
  RemoteFolder,
  ShareView,
  TransferView
} from '../../src/cli/chat-api/chat-api.ts'
import { peerLabel, PeerNotFoundError } from '../../src/node/settings.ts'

export function row(nickname: string, fields: Partial<RosterRow> = {}): RosterRow {
  return {
    peer: `12D3KooW${nickname}`,
    name: fields.nickname ?? nickname,
    nickname,
    status: '',
    shortId: `${nickname}ID`,
    host: '192.168.1.7',
    port: 4001,
    addresses: ['/ip4/192.168.1.7/tcp/4001'],
    sinceMs: 0,
    sources: ['lan'],
    via: [],
    path: 'none',
    contact: false,
    verified: false,
    blocked: false,
    ...fields
  }
}

/** A file that was offered, with a name that would be two lines. */
export const transfer: TransferView = {
  number: 12,
  direction: 'in',
  peer: '12D3KooWbob',
  label: 'bob',
  file: 'ab'.repeat(32),
  name: 'photo\n.jpg',
  sizeBytes: 3 * 1024 * 1024,
  state: 'offered',
  doneBytes: 0
}

export const shareView: ShareView = {
  name: 'Slides',
  folder: '/home/anna/Slides',
  audience: { is: 'contacts' },
  isSearchable: false,
  files: 2,
  sizeBytes: 2048,
  readFiles: 2,
  readBytes: 2048,
  isBusy: false
}

export const invitation: InvitationView = {
  number: 7,
  code: '7-oak-pilot-river',
  link: 'parley:7-oak-pilot-river@203.0.113.7:8000',
  isForMany: false,
  places: 1,
  came: [],
  failedTries: 0,
  expiresAtMs: Date.UTC(2026, 10, 30, 12),
  directories: ['203.0.113.7:8000']
}

export class FakeNode extends TypedEventEmitter<ChatNodeEvents> implements ChatApi {
  readonly events = this
  readonly self = {
    rename: async (nickname: string) => this.rename(nickname),
    setStatus: async (status: string) => {
      this.status = status
      this.tell('snapshot', { part: 'self' })
    }
  }
  readonly peers: ChatApi['peers'] = {
    firstLook: async () => this.firstLook(),
    resolve: async (words, options) => this.resolve(words, options),
    look: (peer) => ({
      peer,
      name: this.name(peer),
      label: this.label(peer),
      trust: this.trustOf(peer),
      state: this.state(peer)
    }),
    measurePath: async (peer) => this.measurePath(peer),
    renameContact: async (peer, name) => this.renameContact(peer, name),
    removeContact: async (peer) => this.removeContact(peer)
  }
  readonly invitations: ChatApi['invitations'] = {
    make: async ({ places = 1 } = {}) => {
      const made = { ...invitation, places, isForMany: places > 1 }
      this.invited = [...this.invited, made]
      return made
    },
    list: async () => this.invited,
    revoke: async (number) => {
      const ended = { ...invitation, number, end: 'revoked' } as const
      this.invited = this.invited.filter((one) => one.number !== number)
      return ended
    }
  }
  readonly files: ChatApi['files'] = {
    offer: async (peer, paths) => this.send(peer, `Files: ${paths.join(', ')}`),
    list: async () => this.transfers,
    get: async () => ({ ...transfer, state: 'running' }),
    decline: async () => ({ ...transfer, state: 'declined' }),
    pause: async () => ({ ...transfer, state: 'paused' }),
    resume: async () => ({ ...transfer, state: 'running' })
  }
  transfers: readonly TransferView[] = []
  sharesNow: readonly ShareView[] = []
  found: readonly FoundFile[] = []
  remote: RemoteFolder = { peer: '', label: '', path: '', entries: [], hasMore: false }
  searches: readonly (readonly string[])[] = []
  readonly shares: ChatApi['shares'] = {
    add: async (folder, { name = 'Slides', audience = shareView.audience, isSearchable = false } = {}) => {
      const share = { ...shareView, folder, name, audience, isSearchable }
      this.sharesNow = [...this.sharesNow, share]
      return share
    },
    list: async () => this.sharesNow,
    remove: async (name) => {
      this.sharesNow = this.sharesNow.filter((one) => one.name !== name)
      return { ...shareView, name }
    },
    browse: async (peer, path) => ({ ...this.remote, peer, label: this.label(peer), path }),
    get: async () => [{ ...transfer, state: 'running' }],
    find: async (words) => ({ words, files: this.found, asked: 2, silent: 1, hasMore: false }),
    keepFinding: async (words) => (this.searches = [...this.searches, words]),
    endFinding: async () => (this.searches = [])
  }
  readonly trust: ChatApi['trust'] = {
    safetyNumber: async () => this.safetyNumber(),
    verify: async (peer) => this.verify(peer),
    unverify: async (peer) => this.unverify(peer),
    block: async (peer) => this.block(peer),
    unblock: async (peer) => this.unblock(peer)
  }

  snapshot(): ChatSnapshot {
    const { peerId: peer, shortId, nickname, status, network, profile, tellsTyping } = this
    return {
      self: {
        peer,
        shortId,
        nickname,
        status,
        network,
        profile,
        addresses: this.addresses(),
        tellsTyping,
        searchesLan: true,
        namesRelays: false
      },
      roster: this.rows,
      programs: this.seen,
      contacts: this.known,
      blocked: this.shut,
      directories: this.views,
      lan: [{ name: 'eth0' }],
      lostAtMs: this.lostAtMs
    }
  }

  async figures(): Promise<NodeFigures> {
    const connections = { open: 1, maxOpen: 400, pending: 0, maxPending: 256, holders: [], gaveWay: 0 }
    return { connections, misbehaviour: this.misbehaviour, router: { state: 'off' } }
  }

  async examine(): ReturnType<ChatApi['examine']> {
    return { findings: [] }
  }

  async settings(): ReturnType<ChatApi['settings']> {
    return [{ name: 'network', value: this.network, source: 'default' }]
  }

  readonly peerId = '12D3KooWself'
  readonly shortId = 'selfID'
  nickname = 'anna'
  status = ''
  lostAtMs: number | undefined
  invited: readonly InvitationView[] = []
  readonly network = 'test'
  misbehaviour: MisbehaviourSummary = { count: 0 }
  readonly profile = { name: 'default', folder: '/nowhere', insteadOf: undefined }
  rows: RosterRow[] = []
  seen: ProgramSighting[] = []
  views: DirectoryView[] = []
  waiting: RequestView[] = []
  known: Contact[] = []
  past: StoredMessage[] = []
  summaries: ConversationSummary[] = []
  states = new Map<string, ConversationState>()
  /** The state that send() returns a message with. */
  sendState: OutgoingMessage['state'] = 'delivered'
  readonly calls: string[] = []
  /** What was told as `message` or `sent`, which is stored by then. */
  readonly stored: StoredMessage[] = []

  async copyHistory(): Promise<string> {
    throw new Error('there is no history to copy')
  }

  host = '192.168.1.2'
  addresses(): string[] {
    return ['/ip4/127.0.0.1/tcp/4000/p2p/12D3KooWself', `/ip4/${this.host}/tcp/4000/p2p/12D3KooWself`]
  }

  /** The machine has another address from now on. */
  moveTo(host: string): void {
    this.host = host
    this.tell('self', { nickname: this.nickname, addresses: this.addresses() })
  }
  async requests(): Promise<readonly RequestView[]> {
    return this.waiting
  }
  /** What strangers have written, by peer. */
  readonly held = new Map<string, readonly IncomingMessage[]>()
  async readRequest(peer: string): Promise<readonly IncomingMessage[]> {
    return this.held.get(peer) ?? []
  }
  async clearRequests() {
    const strangers = this.waiting.length
    this.waiting = []
    return { strangers, messages: strangers }
  }
  async room(): Promise<RoomView> {
    return {
      requests: { messages: this.waiting.length, limit: 1000, strangers: this.waiting.length, largest: undefined },
      historyBytes: 0,
      largest: [],
      quotaBytes: undefined,
      freeBytes: undefined,
      floorBytes: 0,
      isDiskLow: false
    }
  }
  shut: { peer: string; name: string }[] = []
  async firstLook(): Promise<void> {}
  async resolve(
    words: readonly string[],
    options: { numbers?: readonly string[]; trustName?: boolean } = {}
  ): Promise<PeerTarget> {
    this.calls.push(`resolve ${words.join(' ')}`)
    const [first = ''] = words
    const numbered = options.numbers?.[Number(first) - 1]
    const found = this.rows.find(
      ({ peer, nickname, host, port }) =>
        peer === (numbered ?? first) || nickname === first || (host === first && String(port) === words[1])
    )
    if (found === undefined) throw new PeerNotFoundError(`no peer called ${words.join(' ')}`)
    const { peer, nickname, shortId, host } = found
    const isContact = this.known.some((contact) => contact.peer === peer)
    const by =
      peer === numbered
        ? 'number'
        : peer === first
          ? 'id'
          : host === first
            ? 'address'
            : isContact
              ? 'contact'
              : 'nickname'
    return { peer, name: nickname, shortId, by }
  }
  name(peer: string): string {
    return this.rows.find((one) => one.peer === peer)?.nickname ?? peer
  }
  label(peer: string): string {
    const isContact = this.known.some((contact) => contact.peer === peer)
    return peerLabel({ peer, name: this.name(peer), isContact, ...this.trustOf(peer) })
  }
  async renameContact(peer: string, name: string): Promise<string> {
    this.calls.push(`rename ${this.name(peer)} ${name}`)
    return name
  }
  async removeContact(peer: string): Promise<void> {
    this.calls.push(`remove ${this.name(peer)}`)
  }
  async open(peer: string): Promise<readonly StoredMessage[]> {
    this.calls.push(`open ${this.name(peer)}`)
    return this.past
  }
  async leave(peer: string): Promise<void> {
    this.calls.push(`leave ${this.name(peer)}`)
  }
  state(peer: string): ConversationState {
    return this.states.get(peer) ?? { name: 'open', dialect: 'parley', path: 'lan' }
  }
  paths = new Map<string, PathView>()
  path(peer: string): PathView {
    return this.paths.get(peer) ?? { kind: 'lan', address: '/ip4/192.168.1.7/tcp/4001', rttMs: 2 }
  }
  async measurePath(peer: string): Promise<PathView> {
    this.calls.push(`measure ${this.name(peer)}`)
    return this.path(peer)
  }
  async send(peer: string, text: string): Promise<OutgoingMessage> {
    this.calls.push(`send ${this.name(peer)} ${JSON.stringify(text)}`)
    const message = outgoing(text, this.sendState, peer)
    this.tell('sent', { message, name: this.name(peer) })
    return message
  }
  async settled(message: OutgoingMessage, _options: { signal: AbortSignal }): Promise<OutgoingMessage> {
    return { ...message, state: 'delivered' }
  }
  tellsTyping = true
  async setTellsTyping(tellsTyping: boolean): Promise<void> {
    this.tellsTyping = tellsTyping
  }
  async accept(peer: string): Promise<readonly IncomingMessage[]> {
    this.calls.push(`accept ${this.name(peer)}`)
    return []
  }
  async ignore(peer: string): Promise<void> {
    this.calls.push(`ignore ${this.name(peer)}`)
  }
  async block(peer: string): Promise<void> {
    this.calls.push(`block ${this.name(peer)}`)
  }
  async unblock(peer: string): Promise<void> {
    this.calls.push(`unblock ${this.name(peer)}`)
  }
  trusts = new Map<string, PeerTrust>()
  trustOf(peer: string): PeerTrust {
    return this.trusts.get(peer) ?? {}
  }
  safetyNumber(): readonly string[] {
    return Array.from({ length: 12 }, (_, i) => String(10_000 + i))
  }
  async verify(peer: string): Promise<void> {
    this.calls.push(`verify ${this.name(peer)}`)
    this.trusts.set(peer, { verifiedSinceMs: 0 })
  }
  async unverify(peer: string): Promise<void> {
    this.calls.push(`unverify ${this.name(peer)}`)
    this.trusts.delete(peer)
  }
  async rename(nickname: string): Promise<void> {
    this.nickname = nickname
  }
  /** The smallest history: what was said before, and nothing to delete. */
  readonly history: HistoryApi = {
    recent: async () => this.past,
    page: async (_peer, { before = Infinity, after, limit }) => {
      const entries = this.past
        .map((message, position) => ({ message, position }))
        .filter(({ position }) => position < before && position > (after ?? -1))
      return after === undefined ? entries.slice(Math.max(0, entries.length - limit)) : entries.slice(0, limit)
    },
    log: async () => this.past.map((message, position) => ({ message, position })),
    search: async () => [],
    export: async function* () {},
    news: async ({ after, limit }) => {
      const entries = this.stored
        .slice(after, after + limit)
        .map((message, n) => ({ message, position: after + n + 1 }))
      return { entries, next: entries.at(-1)?.position ?? this.stored.length }
    },
    follow: () => {
      let after = this.stored.length
      return {
        next: async ({ limit }) => {
          const news = await this.history.news({ after, limit })
          after = news.next
          return news
        },
        close: () => undefined
      }
    },
    conversations: async () => this.summaries,
    forget: async () => 0,
    waiting: async () => ({ peers: 0, messages: 0, isAll: true })
  }
  async retry(): Promise<number> {
    return 0
  }
  async cancel(): Promise<number> {
    return 0
  }

  readonly messaging: ChatApi['messaging'] = {
    history: this.history,
    open: async (peer) => this.open(peer),
    leave: async (peer) => this.leave(peer),
    send: async (peer, text) => this.send(peer, text),
    settled: async (message, options) => this.settled(message, options),
    typing: () => undefined,
    setTellsTyping: async (tellsTyping) => this.setTellsTyping(tellsTyping),
    retry: async () => this.retry(),
    cancel: async () => this.cancel(),
    requests: async () => this.requests(),
    readRequest: async (peer) => this.readRequest(peer),
    clearRequests: async () => this.clearRequests(),
    accept: async (peer) => this.accept(peer),
    ignore: async (peer) => this.ignore(peer),
    room: async () => this.room(),
    copyHistory: async () => this.copyHistory()
  }

  /** An event; where it names a peer the label is that of {@link label}. */
  tell<K extends keyof ChatNodeEvents>(type: K, fact: Unlabelled<ChatNodeEvents[K]['detail']>): void {
    const peer = labelledPeer(fact)
    const detail = (peer === undefined ? fact : { label: this.label(peer), ...fact }) as ChatNodeEvents[K]['detail']
    // What is told as new is in the history.
    if (type === 'message' || type === 'sent') {
      const { message } = detail as ChatNodeEvents['message' | 'sent']['detail']
      this.stored.push(message)
    }
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

/** What a test tells of an event: its label may be left out. */
type Unlabelled<T> = T extends { readonly label: string } ? Omit<T, 'label'> & { readonly label?: string } : T

function labelledPeer(fact: object): string | undefined {
  if ('peer' in fact) return String(fact.peer)
  return 'message' in fact ? (fact.message as StoredMessage).peer : undefined
}

let lastId = 0

export function outgoing(text: string, state: OutgoingMessage['state'], peer = '12D3KooWbob'): OutgoingMessage {
  lastId++
  return { ...stored(text, peer), id: String(lastId).padStart(32, '0'), direction: 'out', state }
}

export function incoming(text: string, peer = '12D3KooWbob'): IncomingMessage {
  lastId++
  return { ...stored(text, peer), id: String(lastId).padStart(32, '0'), direction: 'in', state: 'accepted' }
}

function stored(text: string, peer: string) {
  return { peer, log: '0'.repeat(16), seq: 1, sentAtMs: 0, storedAtMs: 0, text }
}
