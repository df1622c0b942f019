// Measures now and then how far the directories are, those that stand by too,
// and says when one of these should take the place of one in use. It opens no
// more than a stream for a moment, and one connection at a time.
import type { Connection } from '@libp2p/interface'
import { measureDirectory } from '../directory/index.ts'
import { MEASURE_DIRECTORIES_MS, MEASURE_JITTER, MEASUREMENTS } from './constants.ts'
import { betterChoice } from './directory-choice.ts'
import { isStandby, isWatching, type Member } from './directory-member.ts'

export interface DirectoryDistancesInit {
  readonly network: string
  readonly members: () => readonly Member[]
  readonly reach: (member: Member, options: { signal: AbortSignal }) => Promise<Connection>
  /** The second is clearly nearer than the first, which is in use. */
  readonly onNearer: (give: Member, take: Member) => void
}

export class DirectoryDistances {
  readonly #init: DirectoryDistancesInit
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
    this.#after(MEASURE_DIRECTORIES_MS.first, life.signal)
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
        this.#round = this.#measureAll(signal).then(() => {
          const isToConfirm = this.#proposed !== undefined
          if (!signal.aborted) this.#after(MEASURE_DIRECTORIES_MS[isToConfirm ? 'again' : 'every'], signal)
        })
      },
      delayMs * (1 + MEASURE_JITTER * Math.random())
    )
  }

  async #measureAll(signal: AbortSignal): Promise<void> {
    const members = this.#init.members()
    const waiting = members.filter(isStandby)
    if (waiting.length === 0) {
      this.#proposed = undefined
      return
    }
    const inUse = await this.#distances(members.filter(isInUse), signal)
    const standby = await this.#distances(waiting, signal)
    if (signal.aborted) return
    const better = betterChoice(
      new Map([...inUse].filter(([member]) => isInUse(member))),
      new Map([...standby].filter(([member]) => isStandby(member)))
    )
    const isConfirmed = better?.give === this.#proposed?.give && better?.take === this.#proposed?.take
    this.#proposed = isConfirmed ? undefined : better
    if (better !== undefined && isConfirmed) this.#init.onNearer(better.give, better.take)
  }

  /** One after the other, so that none is measured while another is at work. */
  async #distances(members: readonly Member[], signal: AbortSignal): Promise<ReadonlyMap<Member, number>> {
    const found = new Map<Member, number>()
    for (const member of members) {
      if (signal.aborted) break
      const distanceMs = await this.#distance(member, signal).catch(() => undefined)
      member.distanceMs = distanceMs
      if (distanceMs !== undefined) found.set(member, distanceMs)
    }
    return found
  }

  async #distance(member: Member, signal: AbortSignal): Promise<number | undefined> {
    const startedAtMs = Date.now()
    const connection = await this.#init.reach(member, { signal })
    const isOurs = connection.timeline.open >= startedAtMs
    try {
      member.peer = connection.remotePeer.toString()
      const isSecondWay = this.#init
        .members()
        .some((other) => other !== member && other.hasPlace && other.peer === member.peer)
      if (isSecondWay) return undefined
      member.reachedAt = connection.remoteAddr
      let bestMs = Infinity
      for (let i = 0; i < MEASUREMENTS; i++) {
        bestMs = Math.min(bestMs, await measureDirectory(connection, { network: this.#init.network, signal }))
      }
      return bestMs
    } finally {
      // What was dialled for this alone is not kept: a directory has room for those who use it.
      if (isOurs && !member.hasPlace) await connection.close().catch(() => undefined)
    }
  }
}

function isInUse(member: Member): boolean {
  return member.origin !== 'named' && member.hasPlace && isWatching(member.state)
}
