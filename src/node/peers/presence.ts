// Who is on the network: merges the records of the LAN and of directories into one
// roster, drives it with the clock, and sends the own record to peers on the LAN. The
// rules of the roster are in src/presence.
import type { PrivateKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { applyEntries, type DirectoryEntries } from '../../directory/index.ts'
import {
  compareRecords,
  LAN,
  Roster,
  type RecordService,
  type RosterChange,
  type RosterEntry,
  type VerifiedRecord
} from '../../presence/index.ts'
import { steadyNow } from '../../wire/index.ts'
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
  /** The own record is new: directories have to get it. */
  readonly onOwnRecord: (record: VerifiedRecord) => void
  /** The system's time, for what is shown and sealed; the roster uses the steady clock. */
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
  /** The addresses in the current record, to notice a change. */
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

  get status(): string {
    return this.#status
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
      this.#report(changes)
    })
    records.on('withdraw', ({ verified }) => {
      const { changes } = orNoChanges(this.#roster.withdraw(verified, steadyNow()))
      this.#report(changes)
    })
    records.on('end', ({ peer, cause }) => {
      if (cause === 'lost') this.#report(this.#roster.lost(peer.toString(), LAN, steadyNow()))
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

  /** The newest record that is held of a peer, on the roster or not. */
  newest(peer: string): VerifiedRecord | undefined {
    return this.#roster.newest(peer)
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

  /** Announces the addresses again, if they have changed. */
  async refreshAddresses(): Promise<void> {
    if (this.#init.addresses().join(' ') !== this.#announcedAddresses) await this.#reseal()
  }

  /** A directory knows a newer record of ours: go above it. */
  async supersede(newest: VerifiedRecord): Promise<void> {
    this.#own.noteNewest(newest.record.seq)
    await this.#reseal()
  }

  /** A part of a directory's roster. */
  applyEntries(entries: DirectoryEntries): void {
    this.#report(applyEntries(this.#roster, entries, steadyNow()))
  }

  /**
   * Directories differed about a peer, and `newest` is the newest record that any of them holds: it replaces older ones.
   *
   * @param showing directories that show the peer now
   */
  resolved(newest: VerifiedRecord | undefined, showing: readonly string[]): void {
    if (newest === undefined) return
    const entry = this.#roster.get(newest.record.peer.toString())
    if (entry === undefined || compareRecords(newest, entry.record) <= 0) return
    const nowMs = steadyNow()
    const source = showing.find((one) => entry.attachments.some((attachment) => attachment.source === one))
    if (newest.record.withdrawn) this.#report(orNoChanges(this.#roster.withdraw(newest, nowMs)).changes)
    else if (source !== undefined) {
      this.#report(orNoChanges(this.#roster.announce(newest, { source, nowMs })).changes)
    }
  }

  directoryLost(source: string): void {
    this.#report(this.#roster.lostSource(source, steadyNow()))
  }

  /** The last record, with which this peer leaves. */
  async farewell(): Promise<VerifiedRecord> {
    return this.#own.withdrawal()
  }

  /** Says farewell on the record exchange. */
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

  /** Seals one after the other, so that of facts that change at the same time the last record holds all. */
  async #inTurn(seal: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(seal)
    this.#turn = turn.catch(() => undefined)
    await turn
  }

  #announce(): void {
    this.#records?.announce(this.#own.current.envelope)
    this.#init.onOwnRecord(this.#own.current)
  }

  #report(changes: readonly RosterChange[]): void {
    this.#schedule()
    const others = changes.filter((change) => peerOf(change) !== this.#init.self)
    if (others.length > 0) this.#init.onChanges(others)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const deadlineMs = this.#roster.nextDeadline()
    if (deadlineMs === Infinity) return
    const waitMs = Math.max(0, deadlineMs - steadyNow())
    this.#timer = setTimeout(() => this.#report(this.#roster.expire(steadyNow())), waitMs)
  }
}

function peerOf(change: RosterChange): string {
  return change.kind === 'gone' ? change.was.peer : change.entry.peer
}

/** A full roster takes no more peers, and does not change. */
function orNoChanges(announced: ReturnType<Roster['announce']>): { readonly changes: readonly RosterChange[] } {
  return announced.outcome === 'full' ? { changes: [] } : announced
}
