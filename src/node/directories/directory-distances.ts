// Measures now and then how far the directories are, those that stand by too, and
// hands the place of one in use to one that is clearly nearer. It opens one
// connection at a time, and on it no more than a stream for a moment.
import { measureDirectory } from '../../directory/index.ts'
import { Backoff } from '../../lib/index.ts'
import type { DirectoryDialer, Member, Members } from './directory-member.ts'
import { betterChoice, type DirectoryPlaces } from './directory-places.ts'

/** Directories are measured soon after the start and after a gain, which is to be confirmed, and then now and then. */
export const MEASURE_DIRECTORIES_MS = { soon: 5_000, every: 300_000 } as const

/** Up to this part is added to each such time by chance, so that the clients of a network do not measure together. */
export const MEASURE_JITTER = 0.5

/** A round in which a directory failed is repeated soon: until then no nearer one takes its place. */
const FAILED_ROUND_BACKOFF = {
  firstMs: MEASURE_DIRECTORIES_MS.soon,
  maxMs: MEASURE_DIRECTORIES_MS.every,
  jitter: 0
} as const

/** Of so many measurements in a row the best counts: the others met other traffic. */
const MEASUREMENTS = 3

export interface DirectoryDistancesInit {
  readonly network: string
  readonly members: Members
  readonly places: DirectoryPlaces
  readonly dialer: DirectoryDialer
}

export class DirectoryDistances {
  readonly #init: DirectoryDistancesInit
  readonly #afterFailure = new Backoff(FAILED_ROUND_BACKOFF)
  #life: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  /** What the last round would have chosen: it has to be confirmed. */
  #proposed: { readonly give: Member; readonly take: Member } | undefined

  constructor(init: DirectoryDistancesInit) {
    this.#init = init
  }

  start(): void {
    if (this.#life !== undefined) return
    const life = new AbortController()
    this.#life = life
    this.#after(MEASURE_DIRECTORIES_MS.soon, life.signal)
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#life?.abort(new Error('the directories are not measured any more'))
    this.#life = undefined
    await this.#round
  }

  #after(delayMs: number, signal: AbortSignal): void {
    this.#timer = setTimeout(
      () => {
        this.#round = this.#measureAll(signal).then((haveAllAnswered) => {
          if (!signal.aborted) this.#after(this.#untilNextMs(haveAllAnswered), signal)
        })
      },
      delayMs * (1 + MEASURE_JITTER * Math.random())
    )
  }

  #untilNextMs(haveAllAnswered: boolean): number {
    if (!haveAllAnswered) return this.#afterFailure.nextMs()
    this.#afterFailure.reset()
    return MEASURE_DIRECTORIES_MS[this.#proposed === undefined ? 'every' : 'soon']
  }

  /** @returns whether none failed */
  async #measureAll(signal: AbortSignal): Promise<boolean> {
    const members = this.#init.members.all()
    const waiting = members.filter(({ isStandby }) => isStandby)
    if (waiting.length === 0) {
      this.#proposed = undefined
      return true
    }
    const inUse = await this.#distances(members.filter(isInUse), signal)
    const standby = await this.#distances(waiting, signal)
    if (signal.aborted) return false
    const better = betterChoice(
      new Map([...inUse.found].filter(([member]) => isInUse(member))),
      new Map([...standby.found].filter(([member]) => member.isStandby))
    )
    const isConfirmed = better?.give === this.#proposed?.give && better?.take === this.#proposed?.take
    this.#proposed = isConfirmed ? undefined : better
    if (better !== undefined && isConfirmed) this.#init.places.handOver(better.give, better.take)
    return inUse.failed + standby.failed === 0
  }

  /** One after the other: two measurements at a time would disturb each other. */
  async #distances(
    members: readonly Member[],
    signal: AbortSignal
  ): Promise<{ readonly found: ReadonlyMap<Member, number>; readonly failed: number }> {
    const found = new Map<Member, number>()
    let failed = 0
    for (const member of members) {
      if (signal.aborted) break
      const distanceMs = await this.#distance(member, signal).catch(() => {
        failed++
        if (!signal.aborted && member.isStandby) member.missed()
        return undefined
      })
      member.distanceMs = distanceMs
      if (distanceMs !== undefined) found.set(member, distanceMs)
    }
    return { found, failed }
  }

  async #distance(member: Member, signal: AbortSignal): Promise<number | undefined> {
    const { network, members, dialer } = this.#init
    const startedAtMs = Date.now()
    const connection = await member.reach(dialer, { signal })
    const isOurs = connection.timeline.open >= startedAtMs
    try {
      member.peer = connection.remotePeer.toString()
      if (members.isSecondWay(member)) return undefined
      member.reached(connection, Date.now())
      let bestMs = Infinity
      for (let i = 0; i < MEASUREMENTS; i++) {
        bestMs = Math.min(bestMs, await measureDirectory(connection, { network, signal }))
      }
      return bestMs
    } finally {
      // A connection that was dialled for this alone is not kept: a directory has room for its users.
      if (isOurs && !member.hasPlace) await connection.close().catch(() => undefined)
    }
  }
}

function isInUse({ origin, hasPlace, isWatching }: Member): boolean {
  return origin !== 'named' && hasPlace && isWatching
}
