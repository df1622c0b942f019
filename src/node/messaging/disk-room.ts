// How much of the disk others may fill: a quota for each contact, a floor of free
// space below which no messages are taken, and how long senders wait when the disk
// is full. It looks at the disk now and then, never while a message waits, and
// stores nothing itself.
import { statfs } from 'node:fs/promises'
import { Backoff, LruMap } from '../../lib/index.ts'
import { MIN_RETRY_MS } from './refusals.ts'

/** … but no more than this part of the disk, which may be a small volume. */
export const MIN_FREE_PART = 0.05

/** How old what is known of the free space may be: at 30 MB/s an eighth of the least that stays free. */
export const FREE_SPACE_LOOK_MS = 1_000

/** A person has to make room, and needs longer than a minute. */
export const QUOTA_RETRY_MS = 300_000

/**
 * A disk that refuses to store is tried again by those who write after this: soon, since what is full for a moment is no
 * matter, and in the end as seldom as a disk that is nearly full, since each try brings a window of messages for nothing.
 */
export const FULL_DISK_BACKOFF = { firstMs: 2_000, maxMs: QUOTA_RETRY_MS } as const

/** Peers that are refused because of a full disk; what one says that is forgotten may be stored out of order. */
const MAX_REFUSED_PEERS = 1_000

export interface DiskRoomInit {
  /** The folder of the history; empty for one that is kept in memory, which has no floor. */
  readonly folder: string
  /** What the messages of one contact may take; Infinity for no limit. */
  readonly quotaBytes: number
  /** What is to stay free, and no more than {@link MIN_FREE_PART} of the disk; 0 for no floor. */
  readonly minFreeBytes: number
  readonly now: () => number
  /** For tests. */
  readonly look?: (folder: string) => Promise<DiskSpace>
}

export interface DiskSpace {
  readonly freeBytes: number
  readonly sizeBytes: number
}

export interface DiskView {
  readonly quotaBytes: number
  /** Undefined when it is not known. */
  readonly freeBytes: number | undefined
  readonly floorBytes: number
}

export class DiskRoom {
  readonly #init: DiskRoomInit
  readonly #look: (folder: string) => Promise<DiskSpace>
  #space: DiskSpace | undefined
  #lookedAtMs = -Infinity
  #looking: Promise<void> | undefined

  constructor(init: DiskRoomInit) {
    this.#init = init
    this.#look = init.look ?? lookAt
  }

  /** What the messages of one contact may take now: nothing more while the disk is nearly full. */
  get limitBytes(): number {
    const { now, quotaBytes } = this.#init
    const ageMs = now() - this.#lookedAtMs
    // A clock that was set back makes the last look old, too.
    if (ageMs >= FREE_SPACE_LOOK_MS || ageMs < 0) void this.refresh()
    return this.isLow ? 0 : quotaBytes
  }

  get isLow(): boolean {
    return this.#space !== undefined && this.#space.freeBytes < this.#floorBytes
  }

  get view(): DiskView {
    const { quotaBytes } = this.#init
    return { quotaBytes, freeBytes: this.#space?.freeBytes, floorBytes: this.#floorBytes }
  }

  /** Looks at the disk. It never fails: where the system does not tell there is no floor. */
  async refresh(): Promise<void> {
    const { folder, minFreeBytes, now } = this.#init
    if (folder === '' || minFreeBytes === 0) return
    this.#lookedAtMs = now()
    this.#looking ??= this.#look(folder)
      .then((space) => {
        this.#space = space
      })
      .catch(() => {
        this.#space = undefined
      })
      .finally(() => {
        this.#looking = undefined
      })
    await this.#looking
  }

  /** On a small disk, such as a container's volume, a fixed floor could be more than there is. */
  get #floorBytes(): number {
    const part = this.#space === undefined ? Infinity : this.#space.sizeBytes * MIN_FREE_PART
    return Math.min(this.#init.minFreeBytes, Math.floor(part))
  }
}

async function lookAt(folder: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
}

/** How long senders wait for a disk that has refused to store. Pure; it starts over with what is stored. */
export class FullDisk {
  readonly #backoff: Backoff
  #untilMs = -Infinity
  /** Until when each peer's messages are refused. */
  readonly #refusedUntilMs = new LruMap<string, number>(MAX_REFUSED_PEERS)

  constructor(random?: () => number) {
    this.#backoff = new Backoff(FULL_DISK_BACKOFF, random)
  }

  /**
   * What was under way at the refusal comes again in its order: stored now, it would stand before what was refused.
   *
   * @returns how long the peer still has to wait; undefined when its messages may be stored
   */
  waitMs(peer: string, nowMs: number): number | undefined {
    const leftMs = (this.#refusedUntilMs.get(peer) ?? -Infinity) - nowMs
    // A clock that was set back makes no wait longer.
    if (leftMs <= 0 || leftMs > FULL_DISK_BACKOFF.maxMs) return undefined
    return this.#refuse(peer, nowMs, Math.max(leftMs, MIN_RETRY_MS))
  }

  /** The disk has just refused the peer's messages. What fails for many peers at a time is one try of the disk. */
  refused(peer: string, nowMs: number): number {
    const leftMs = this.#untilMs - nowMs
    if (leftMs > 0 && leftMs <= FULL_DISK_BACKOFF.maxMs) return this.#refuse(peer, nowMs, leftMs)
    const waitMs = this.#backoff.nextMs()
    this.#untilMs = nowMs + waitMs
    return this.#refuse(peer, nowMs, waitMs)
  }

  stored(): void {
    this.#backoff.reset()
  }

  #refuse(peer: string, nowMs: number, waitMs: number): number {
    this.#refusedUntilMs.set(peer, nowMs + waitMs)
    return waitMs
  }
}
