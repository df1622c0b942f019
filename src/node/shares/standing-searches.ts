// Searches that go on: each contact that is connected is asked again from time to time, and what was not found before is
// told. It keeps them in memory, for as long as the node runs.
import { SearchPlan } from '../../share/index.ts'
import { steadyNow } from '../../wire/index.ts'
import { UsageError } from '../api/errors.ts'
import type { FoundFile, SearchNews } from '../api/share-views.ts'
import { findWords } from './remote-shares.ts'

/** With three searches a peer is asked 18 times in an hour: its limit leaves room for what a person types. */
const ASK_AGAIN_MS = 10 * 60_000
const MAX_STANDING_SEARCHES = 3

/** How often contacts are asked again: each answers one search in 5 seconds. */
const TICK_MS = 6_000

/** Files of one search that were told, and are not told again. */
const MAX_TOLD_FILES = 10_000

interface Standing {
  readonly words: readonly string[]
  readonly told: Set<string>
  /** When each peer was asked last. */
  readonly askedAtMs: Map<string, number>
}

export interface StandingSearchesInit {
  /** Contacts that are connected now. */
  readonly connected: () => readonly string[]
  /** Asks the peers of the plan. */
  readonly ask: (plan: SearchPlan, words: readonly string[]) => Promise<readonly FoundFile[]>
  readonly tell: (news: SearchNews) => void
}

export class StandingSearches {
  readonly #init: StandingSearchesInit
  #searches: readonly Standing[] = []
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(init: StandingSearchesInit) {
    this.#init = init
  }

  /** @throws UsageError */
  add(given: readonly string[]): readonly (readonly string[])[] {
    const words = findWords(given)
    if (!this.#searches.some((one) => isSame(one.words, words))) {
      if (this.#searches.length >= MAX_STANDING_SEARCHES) {
        throw new UsageError(`${MAX_STANDING_SEARCHES} searches go on already: end one first`)
      }
      this.#searches = [...this.#searches, { words, told: new Set(), askedAtMs: new Map() }]
      this.#timer ??= setInterval(() => void this.tick(), TICK_MS).unref()
    }
    return this.list()
  }

  /** @param words none: all of them */
  end(words?: readonly string[]): readonly (readonly string[])[] {
    this.#searches = words === undefined ? [] : this.#searches.filter((one) => !isSame(one.words, words))
    if (this.#searches.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    return this.list()
  }

  list(): readonly (readonly string[])[] {
    return this.#searches.map(({ words }) => words)
  }

  /** Asks each peer for one of the searches, of those that it was not asked for lately. */
  async tick(nowMs = steadyNow()): Promise<void> {
    const peers = this.#init.connected()
    const due = peers.flatMap((peer) => {
      const search = this.#searches.find(({ askedAtMs }) => nowMs - (askedAtMs.get(peer) ?? -Infinity) >= ASK_AGAIN_MS)
      search?.askedAtMs.set(peer, nowMs)
      return search === undefined ? [] : [{ peer, search }]
    })
    await Promise.all(due.map(async ({ peer, search }) => this.#ask(peer, search)))
  }

  async #ask(peer: string, search: Standing): Promise<void> {
    // One that does not answer is asked again, as all are.
    const found = await this.#init.ask(new SearchPlan([peer]), search.words).catch(() => [])
    const files = found.filter(({ file }) => !search.told.has(file))
    if (files.length === 0 || !this.#searches.includes(search)) return
    for (const { file } of files) if (search.told.size < MAX_TOLD_FILES) search.told.add(file)
    this.#init.tell({ words: search.words, files })
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, at) => word === other[at])
}
