// The smallest node that the faces can be driven with: it remembers what was
// asked of it, and events are dispatched by the test.
import { TypedEventEmitter } from 'main-event'
import type {
  MisbehaviourSummary,
  ChatApi,
  ChatNodeEvents,
  ConnectionFigures,
  Contact,
  ConversationState,
  DirectoryView,
  IncomingMessage,
  OutgoingMessage,
  PathView,
  PeerTarget,
  PeerTrust,
  RequestView,
  RoomView,
  RosterRow,
  StoredMessage
} from '../../src/cli/chat-api.ts'
import { PeerNotFoundError } from '../../src/node/settings.ts'

export function row(nickname: string, fields: Partial<RosterRow> = {}): RosterRow {
  return {
    peer: `12D3KooW${nickname}`,
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

export class FakeNode extends TypedEventEmitter<ChatNodeEvents> implements ChatApi {
  readonly peerId = '12D3KooWself'
  readonly shortId = 'selfID'
  nickname = 'anna'
  readonly network = 'test'
  misbehaviour: MisbehaviourSummary = { count: 0 }
  readonly profile = { name: 'default', folder: '/nowhere', insteadOf: undefined }
  rows: RosterRow[] = []
  views: DirectoryView[] = []
  waiting: RequestView[] = []
  known: Contact[] = []
  past: StoredMessage[] = []
  states = new Map<string, ConversationState>()
  /** The state that send() returns a message with. */
  sendState: OutgoingMessage['state'] = 'delivered'
  readonly calls: string[] = []
  /** What was told as `message` or `sent`, which is stored by then. */
  readonly stored: StoredMessage[] = []

  async copyHistory(): Promise<string> {
    throw new Error('there is no history to copy')
  }

  addresses(): string[] {
    return ['/ip4/127.0.0.1/tcp/4000/p2p/12D3KooWself', '/ip4/192.168.1.2/tcp/4000/p2p/12D3KooWself']
  }
  roster(): readonly RosterRow[] {
    return this.rows
  }
  connections(): ConnectionFigures {
    return { open: 1, maxOpen: 400, pending: 0, maxPending: 256, holders: [], gaveWay: 0 }
  }

  directories(): readonly DirectoryView[] {
    return this.views
  }
  contacts(): readonly Contact[] {
    return this.known
  }
  async requests(): Promise<readonly RequestView[]> {
    return this.waiting
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
      quotaBytes: Infinity,
      freeBytes: undefined,
      floorBytes: 0,
      isDiskLow: false
    }
  }
  shut: { peer: string; name: string }[] = []
  blocked(): readonly { peer: string; name: string }[] {
    return this.shut
  }
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
    return { peer: found.peer, name: found.nickname, shortId: found.shortId, by: 'nickname' }
  }
  name(peer: string): string {
    return this.rows.find((one) => one.peer === peer)?.nickname ?? peer
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
  async settled(message: OutgoingMessage): Promise<OutgoingMessage> {
    return { ...message, state: 'delivered' }
  }
  typing(): void {}
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
  trust(peer: string): PeerTrust {
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
  async setStatus(): Promise<void> {}
  /** The smallest history: what was said before, and nothing to delete. */
  readonly history: ChatApi['history'] = {
    recent: async () => this.past,
    page: async () => this.past.map((message, position) => ({ message, position })),
    log: async () => this.past.map((message, position) => ({ message, position })),
    search: async () => [],
    export: async function* () {},
    news: async ({ after, limit }) => {
      const entries = this.stored
        .slice(after, after + limit)
        .map((message, n) => ({ message, position: after + n + 1 }))
      return { entries, next: entries.at(-1)?.position ?? this.stored.length }
    },
    newestPosition: async () => this.stored.length,
    conversations: async () => [],
    forget: async () => 0,
    waiting: async () => ({ peers: 0, messages: 0, isAll: true })
  }
  async retry(): Promise<number> {
    return 0
  }
  async cancel(): Promise<number> {
    return 0
  }

  tell<K extends keyof ChatNodeEvents>(type: K, detail: ChatNodeEvents[K]['detail']): void {
    // What is told as new is in the history.
    if (type === 'message' || type === 'sent') {
      const { message } = detail as ChatNodeEvents['message' | 'sent']['detail']
      this.stored.push(message)
    }
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
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
