// Who is on the network: merges what peers on the LAN and directories say into
// one roster, keeps its time, and tells everybody what this peer says of itself.
// The rules of the roster are src/directory's; this drives them with the clock.
import type { PrivateKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  applyEntries,
  compareRecords,
  LAN,
  Roster,
  type DirectoryEntries,
  type RecordService,
  type RosterChange,
  type RosterEntry,
  type VerifiedRecord
} from '../directory/index.ts'
import { steadyNow } from '../wire/index.ts'
import { OwnRecord } from './own-record.ts'

export interface PresenceInit {
  readonly key: PrivateKey
  readonly self: string
  readonly network: string
  readonly nickname: string
  readonly status: string
  readonly addresses: () => readonly Multiaddr[]
  /** Called for each change of the roster, oneself left out. */
  readonly onChanges: (changes: readonly RosterChange[]) => void
  /** The own record is new: it wants to be told to directories. */
  readonly onOwnRecord: (record: VerifiedRecord) => void
  /** The system's time, for what is shown and sealed; the roster keeps the steady one. */
  readonly now: () => number
}

export class Presence {
  readonly #init: PresenceInit
  readonly #own: OwnRecord
  readonly #roster = new Roster({ own: LAN })
  #records: RecordService | undefined
  #nickname: string
  #status: string
  #timer: NodeJS.Timeout | undefined
  /** What the current record says of addresses, to notice a change. */
  #announcedAddresses = ''
  /** The seal that is under way. */
  #turn: Promise<void> = Promise.resolve()

  constructor(init: PresenceInit) {
    this.#init = init
    this.#own = new OwnRecord({ key: init.key, network: init.network, now: init.now })
    this.#nickname = init.nickname
    this.#status = init.status
  }

  get nickname(): string {
    return this.#nickname
  }

  get own(): VerifiedRecord {
    return this.#own.current
  }

  /** Seals the first record. It must be called before the node that serves it starts. */
  async prepare(): Promise<void> {
    await this.#own.seal({ nickname: this.#nickname, status: this.#status, addresses: [] })
  }

  /** Follows the record exchange. Call it before the node starts, so that nothing is missed. */
  follow(records: RecordService): void {
    const { now } = this.#init
    this.#records = records
    records.on('record', ({ verified }) => {
      const { changes } = orNoChanges(
        this.#roster.announce(verified, { source: LAN, nowMs: steadyNow(), sinceMs: now() })
      )
      this.#tell(changes)
    })
    records.on('withdraw', ({ verified }) => {
      const { changes } = orNoChanges(this.#roster.withdraw(verified, steadyNow()))
      this.#tell(changes)
    })
    records.on('end', ({ peer, cause }) => {
      if (cause === 'lost') this.#tell(this.#roster.lost(peer.toString(), LAN, steadyNow()))
    })
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  entries(): readonly RosterEntry[] {
    return this.#roster.entries().filter(({ peer }) => peer !== this.#init.self)
  }

  entry(peer: string): RosterEntry | undefined {
    return this.#roster.get(peer)
  }

  async rename(nickname: string): Promise<void> {
    await this.#inTurn(async () => {
      await this.#own.seal({ nickname, status: this.#status, addresses: this.#init.addresses() })
      this.#nickname = nickname
      this.#announce()
    })
  }

  async setStatus(status: string): Promise<void> {
    await this.#inTurn(async () => {
      await this.#own.seal({ nickname: this.#nickname, status, addresses: this.#init.addresses() })
      this.#status = status
      this.#announce()
    })
  }

  /** Addresses may have changed: if they have, everybody is told. */
  async refreshAddresses(): Promise<void> {
    if (this.#init.addresses().join(' ') !== this.#announcedAddresses) await this.#reseal()
  }

  /** A directory knows a newer record of ours: go above it. */
  async supersede(newest: VerifiedRecord): Promise<void> {
    this.#own.noteNewest(newest.record.seq)
    await this.#reseal()
  }

  /** What a directory says of others. */
  directorySays(said: DirectoryEntries): void {
    this.#tell(applyEntries(this.#roster, said, steadyNow()))
  }

  /**
   * Directories differed about a peer, and `newest` is the newest record that any of them holds: it counts, whoever
   * shows an older one.
   *
   * @param tellers directories that show the peer now
   */
  judged(newest: VerifiedRecord | undefined, tellers: readonly string[]): void {
    if (newest === undefined) return
    const entry = this.#roster.get(newest.record.peer.toString())
    if (entry === undefined || compareRecords(newest, entry.record) <= 0) return
    const nowMs = steadyNow()
    const source = tellers.find((one) => entry.attachments.some((attachment) => attachment.source === one))
    if (newest.record.withdrawn) this.#tell(orNoChanges(this.#roster.withdraw(newest, nowMs)).changes)
    else if (source !== undefined) {
      this.#tell(orNoChanges(this.#roster.announce(newest, { source, nowMs })).changes)
    }
  }

  directoryLost(source: string): void {
    this.#tell(this.#roster.lostSource(source, steadyNow()))
  }

  /** The last record, with which this peer leaves. */
  async farewell(): Promise<VerifiedRecord> {
    return this.#own.withdrawal()
  }

  /** Tells everybody on the record exchange that this peer leaves. */
  async withdraw(farewell: VerifiedRecord): Promise<void> {
    await this.#records?.withdraw(farewell.envelope)
  }

  async #reseal(): Promise<void> {
    await this.#inTurn(async () => {
      const addresses = this.#init.addresses()
      await this.#own.seal({ nickname: this.#nickname, status: this.#status, addresses })
      this.#announcedAddresses = addresses.join(' ')
      this.#announce()
    })
  }

  /** Facts that change at the same time are told one after the other, so that the last record holds all of them. */
  async #inTurn(seal: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(seal)
    this.#turn = turn.catch(() => undefined)
    await turn
  }

  #announce(): void {
    this.#records?.announce(this.#own.current.envelope)
    this.#init.onOwnRecord(this.#own.current)
  }

  #tell(changes: readonly RosterChange[]): void {
    this.#schedule()
    const others = changes.filter((change) => peerOf(change) !== this.#init.self)
    if (others.length > 0) this.#init.onChanges(others)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const deadlineMs = this.#roster.nextDeadline()
    if (deadlineMs === Infinity) return
    const waitMs = Math.max(0, deadlineMs - steadyNow())
    this.#timer = setTimeout(() => this.#tell(this.#roster.expire(steadyNow())), waitMs)
  }
}

function peerOf(change: RosterChange): string {
  return change.kind === 'gone' ? change.was.peer : change.entry.peer
}

/** A full roster takes nobody in, and changes nothing. */
function orNoChanges(announced: ReturnType<Roster['announce']>): { readonly changes: readonly RosterChange[] } {
  return announced.outcome === 'full' ? { changes: [] } : announced
}
