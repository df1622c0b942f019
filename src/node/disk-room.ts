// How much of the disk others may fill: a quota for each contact, and a floor of
// free space below which no messages are taken. It looks at the disk now
// and then, never while a message waits, and stores nothing itself.
import { statfs } from 'node:fs/promises'
import { FREE_SPACE_LOOK_MS, MIN_FREE_PART } from './constants.ts'

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
