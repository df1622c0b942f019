// A directory that lies. It is a real node that speaks the directory protocol
// with the product's own frames; what it tells passes through the lie that a
// test gives it. Beside it an honest one that can prove its word.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Libp2p, PeerId, PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { createLibp2p } from 'libp2p'
import type { ClientFrame, DirectoryFrame, FoundFrame, WireEntry } from '../../src/directory/directory-frames.ts'
import { sealStatement } from '../../src/directory/statement.ts'
import { DIRECTORY_PROTOCOL, fetchRoster } from '../../src/directory/index.ts'
import { directory, type DirectoryService } from '../../src/directory/server/index.ts'
import { openRecord } from '../../src/presence/index.ts'
import { FrameQueue } from '../../src/wire/index.ts'
import { bareNodeInit, serveClient, welcomeTo } from './liar-node.ts'

/** What it tells of one peer; undefined to leave it out. */
export type Lie = (entry: WireEntry, nickname: string, peer: string) => WireEntry | undefined

export interface LyingDirectoryInit {
  readonly network: string
  readonly lie?: Lie
  /** Told beside the truth. */
  readonly invented?: (self: PeerId, key: PrivateKey) => Promise<readonly WireEntry[]>
  /** What it answers a client that doubts. */
  readonly found?: (honest: FoundFrame) => FoundFrame | Promise<FoundFrame>
  /** Keeps the entries of those who are gone. */
  readonly keepsTheDead?: boolean
  /** Never takes a newer record for an older one. */
  readonly keepsTheOld?: boolean
}

export class LyingDirectory {
  readonly #init: LyingDirectoryInit
  readonly #node: Libp2p
  readonly #watchers = new Set<FrameQueue<DirectoryFrame>>()
  /** All that it knows, by peer. */
  readonly #entries = new Map<string, WireEntry & { readonly nickname: string }>()
  #invented: readonly WireEntry[] = []
  readonly #life = new AbortController()

  private constructor(init: LyingDirectoryInit, node: Libp2p) {
    this.#init = init
    this.#node = node
  }

  static async start(init: LyingDirectoryInit): Promise<LyingDirectory> {
    const key = await generateKeyPair('Ed25519')
    const node = await bareNode(key)
    const liar = new LyingDirectory(init, node)
    liar.#invented = (await init.invented?.(node.peerId, key)) ?? []
    await node.handle(DIRECTORY_PROTOCOL, (stream, connection) => void liar.#serve(stream, connection))
    return liar
  }

  get peerId(): PeerId {
    return this.#node.peerId
  }

  get address(): string {
    return addressOf(this.#node)
  }

  /** Listens to an honest directory, as one that is joined with it would: who is attached there it tells too. */
  async follow(honest: HonestDirectory): Promise<void> {
    const connection = await this.#node.dial(honest.node.getMultiaddrs())
    const watch = fetchRoster(connection, {
      watch: true,
      signal: this.#life.signal,
      onEntries: async ({ updates, removed, complete }) => {
        for (const { record, attachments } of updates) {
          const { peer, nickname, withdrawn } = record.record
          if (withdrawn) this.#gone(peer.toString())
          else {
            const told = attachments.map((one) => ({ directory: one.directory, forMs: 0 }))
            this.#learn(peer.toString(), nickname, { envelope: record.envelope, attachments: told })
          }
        }
        for (const peer of removed) this.#gone(peer)
        if (complete !== undefined) this.#tellAll()
      }
    })
    watch.catch(() => undefined) // it ends with the test
  }

  async stop(): Promise<void> {
    this.#life.abort()
    await this.#node.stop()
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    const outgoing = new FrameQueue<DirectoryFrame>({ maxBytes: 1 << 20, sizeOf: () => 1_024 })
    this.#watchers.add(outgoing)
    const onFrame = async (frame: ClientFrame): Promise<void> => this.#onFrame(frame, outgoing)
    const { isBroken } = await serveClient(stream, this.#init.network, outgoing, onFrame)
    if (isBroken) this.#gone(connection.remotePeer.toString())
    this.#watchers.delete(outgoing)
  }

  async #onFrame(frame: ClientFrame, outgoing: FrameQueue<DirectoryFrame>): Promise<void> {
    switch (frame.type) {
      case 'announce': {
        const { record } = await openRecord(frame.envelope)
        const attachments = [{ directory: this.peerId, forMs: 0 }]
        outgoing.offer({ ...welcomeTo(this.#init.network), acceptedSeq: record.seq })
        this.#learn(record.peer.toString(), record.nickname, { envelope: frame.envelope, attachments })
        return
      }
      case 'withdraw':
        this.#gone((await openRecord(frame.envelope)).record.peer.toString())
        return
      case 'watch':
        outgoing.offer({ type: 'snapshot', entries: this.#shown(), total: 1, last: true })
        return
      case 'lookup':
        outgoing.offer(await this.#found(frame.peer))
    }
  }

  async #found(peer: PeerId): Promise<FoundFrame> {
    const entry = this.#entries.get(peer.toString())
    const newest = entry === undefined ? {} : { newestEnvelope: entry.envelope }
    const plain: FoundFrame = {
      type: 'found',
      peer,
      showing: entry !== undefined,
      statements: [],
      federationPeers: [],
      ...newest
    }
    return (await this.#init.found?.(plain)) ?? plain
  }

  #learn(peer: string, nickname: string, next: WireEntry): void {
    const before = this.#entries.get(peer)
    const envelope = this.#init.keepsTheOld === true ? (before?.envelope ?? next.envelope) : next.envelope
    const others = (before?.attachments ?? []).filter(
      (one) => !next.attachments.some(({ directory: same }) => same.equals(one.directory))
    )
    this.#entries.set(peer, { envelope, nickname, attachments: [...others, ...next.attachments] })
    this.#tellAll()
  }

  #gone(peer: string): void {
    if (this.#init.keepsTheDead === true || !this.#entries.delete(peer)) return
    for (const watcher of this.#watchers) {
      watcher.offer({ type: 'changes', entries: [], removed: [peerIdFromString(peer)], total: 0 })
    }
  }

  #tellAll(): void {
    const entries = this.#shown()
    for (const watcher of this.#watchers)
      watcher.offer({ type: 'changes', entries, removed: [], total: entries.length })
  }

  #shown(): readonly WireEntry[] {
    const lie: Lie = this.#init.lie ?? ((entry) => entry)
    const told = [...this.#entries].flatMap(([peer, entry]) => lie(entry, entry.nickname, peer) ?? [])
    return [...told, ...this.#invented]
  }
}

/** An honest directory, which seals what it says of its own attachments for each peer that asks. */
export class HonestDirectory {
  #federationPeers: readonly PeerId[] = []
  #counter = 0n
  readonly #epoch = BigInt(Date.now())

  private constructor(
    readonly node: Libp2p<{ directory: DirectoryService }>,
    readonly key: PrivateKey,
    readonly network: string
  ) {}

  static async start(network: string): Promise<HonestDirectory> {
    const key = await generateKeyPair('Ed25519')
    let self: HonestDirectory | undefined
    const proofs = {
      statementsOf: async (peer: PeerId) => (self === undefined ? [] : [await self.#statement(peer)]),
      federationPeers: () => (self === undefined ? [] : self.#federationPeers),
      epoch: () => (self === undefined ? 0n : self.#epoch)
    }
    const node = await bareNode(key, { directory: directory({ network, proofs, graceMs: 500 }) })
    self = new HonestDirectory(node, key, network)
    return self
  }

  get peerId(): PeerId {
    return this.node.peerId
  }

  get address(): string {
    return addressOf(this.node)
  }

  joinWith(federationPeers: readonly PeerId[]): void {
    this.#federationPeers = federationPeers
  }

  /** What it says of the peer now, sealed. */
  async #statement(peer: PeerId): Promise<Uint8Array> {
    const entry = this.node.services.directory.roster().find((one) => one.peer === peer.toString())
    const seq = entry?.record.record.seq ?? 0n
    const { network } = this
    const init = { network, epoch: this.#epoch, counter: ++this.#counter, peer, seq, attached: entry !== undefined }
    return (await sealStatement(init, this.key)).envelope
  }

  async statementOf(peer: PeerId): Promise<Uint8Array> {
    return this.#statement(peer)
  }

  async stop(): Promise<void> {
    await this.node.stop()
  }
}

async function bareNode(privateKey: PrivateKey): Promise<Libp2p>
async function bareNode(
  privateKey: PrivateKey,
  services: { directory: ReturnType<typeof directory> }
): Promise<Libp2p<{ directory: DirectoryService }>>
async function bareNode(privateKey: PrivateKey, services = {}): Promise<Libp2p> {
  return createLibp2p({
    privateKey,
    ...bareNodeInit,
    services
  })
}

function addressOf(node: Libp2p): string {
  return node.getMultiaddrs()[0]?.toString() ?? ''
}
