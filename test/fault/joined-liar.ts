// A directory that is truly joined with others, by the product's own federation,
// and lies to its clients: what it shows them passes through the lie that a test
// gives it. Of the lies that need no federation peers see lying-directory.ts.
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { ClientFrame, DirectoryFrame, FoundFrame } from '../../src/directory/directory-frames.ts'
import { DIRECTORY_PROTOCOL } from '../../src/directory/index.ts'
import { federation, type FederationService } from '../../src/directory/federation/index.ts'
import { directory, type DirectoryService } from '../../src/directory/server/index.ts'
import { openRecord, type RosterEntry, type VerifiedRecord } from '../../src/presence/index.ts'
import { FrameQueue } from '../../src/wire/index.ts'
import { bareNodeInit, serveClient, welcomeTo } from './liar-node.ts'

export interface JoinedLiarInit {
  readonly network: string
  readonly join: readonly string[]
  /** What its clients are shown instead of the truth. `before` is what they were shown last. */
  readonly lie?: (truth: readonly RosterEntry[], before: readonly RosterEntry[]) => readonly RosterEntry[]
  /** What it answers a client that doubts. */
  readonly found?: (honest: FoundFrame) => FoundFrame
}

type LiarNode = Libp2p<{ directory: DirectoryService; federation: FederationService; identify: unknown }>

export class JoinedLiar {
  readonly #init: JoinedLiarInit
  readonly #node: LiarNode
  readonly #watchers = new Set<FrameQueue<DirectoryFrame>>()
  #shown: readonly RosterEntry[] = []

  private constructor(init: JoinedLiarInit, node: LiarNode) {
    this.#init = init
    this.#node = node
  }

  static async start(init: JoinedLiarInit): Promise<JoinedLiar> {
    const { network, join } = init
    const node: LiarNode = await createLibp2p({
      ...bareNodeInit,
      services: {
        identify: identify(),
        directory: directory({ network }),
        federation: federation({
          network,
          join: join.map((address) => multiaddr(address)),
          dial: async (address, { signal }) => node.dial(address, { signal }),
          connect: async (peer, { signal }) => node.dial(peerIdFromString(peer), { signal })
        })
      }
    })
    const liar = new JoinedLiar(init, node)
    // Federation peers meet an honest directory, clients this one.
    await node.unhandle(DIRECTORY_PROTOCOL)
    await node.handle(DIRECTORY_PROTOCOL, (stream, connection) => void liar.#serve(stream, connection))
    node.services.directory.on('change', () => liar.#tellAll())
    return liar
  }

  get peerId(): PeerId {
    return this.#node.peerId
  }

  get address(): string {
    return this.#node.getMultiaddrs()[0]?.toString() ?? ''
  }

  get federationPeers(): number {
    return this.#node.services.federation.federationPeers().length
  }

  /** Says of these peers, to its federation peers too, that they are attached to it. */
  attach(records: readonly VerifiedRecord[]): void {
    const source = this.peerId.toString()
    this.#node.services.directory.merge((roster, nowMs) =>
      records.flatMap((record) => {
        const announced = roster.announce(record, { source, nowMs })
        return announced.outcome === 'full' ? [] : announced.changes
      })
    )
  }

  async stop(): Promise<void> {
    await this.#node.stop()
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    const outgoing = new FrameQueue<DirectoryFrame>({ maxBytes: 1 << 24, sizeOf: () => 1_024 })
    await serveClient(stream, this.#init.network, outgoing, async (frame) => this.#onFrame(frame, outgoing))
    this.#watchers.delete(outgoing)
    const source = this.peerId.toString()
    this.#node.services.directory.merge((roster) => roster.detach(connection.remotePeer.toString(), source))
  }

  async #onFrame(frame: ClientFrame, outgoing: FrameQueue<DirectoryFrame>): Promise<void> {
    switch (frame.type) {
      case 'announce': {
        const record = await openRecord(frame.envelope)
        this.attach([record])
        outgoing.offer({ ...welcomeTo(this.#init.network), acceptedSeq: record.record.seq })
        return
      }
      case 'withdraw': {
        const record = await openRecord(frame.envelope)
        this.#node.services.directory.merge((roster, nowMs) => {
          const withdrawn = roster.withdraw(record, nowMs)
          return withdrawn.outcome === 'full' ? [] : withdrawn.changes
        })
        return
      }
      case 'watch':
        this.#watchers.add(outgoing)
        this.#show()
        outgoing.offer({ type: 'snapshot', entries: this.#shown.map(wire), total: this.#shown.length, last: true })
        return
      case 'lookup':
        outgoing.offer(this.#found(frame.peer))
    }
  }

  #found(peer: PeerId): FoundFrame {
    const { directory: service, federation: joined } = this.#node.services
    const entry = service.roster().find((one) => one.peer === peer.toString())
    const honest: FoundFrame = {
      type: 'found',
      peer,
      showing: entry !== undefined,
      statements: joined.statementsOf(peer.toString()).map(({ envelope }) => envelope),
      federationPeers: joined.federationPeers(),
      epoch: joined.epoch,
      ...(entry === undefined ? {} : { newestEnvelope: entry.record.envelope })
    }
    return this.#init.found?.(honest) ?? honest
  }

  #show(): readonly RosterEntry[] {
    const before = this.#shown
    const truth = this.#node.services.directory.roster()
    this.#shown = this.#init.lie?.(truth, before) ?? truth
    return before
  }

  #tellAll(): void {
    const before = this.#show()
    const now = new Set(this.#shown.map(({ peer }) => peer))
    const removed = before.filter(({ peer }) => !now.has(peer)).map(({ peer }) => peerIdFromString(peer))
    const entries = this.#shown.filter((entry) => !before.includes(entry)).map(wire)
    const total = this.#shown.length
    for (let i = 0; i === 0 || i < entries.length; i += 100) {
      const frame = {
        type: 'changes',
        entries: entries.slice(i, i + 100),
        removed: i === 0 ? removed : [],
        total
      } as const
      for (const watcher of this.#watchers) watcher.offer(frame)
    }
  }
}

function wire({ record, attachments }: RosterEntry) {
  const told = attachments.map(({ source }) => ({ directory: peerIdFromString(source), forMs: 0 }))
  return { envelope: record.envelope, attachments: told }
}
