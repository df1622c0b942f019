// What other peers share with this node: looked at, fetched, and found by words. What this node shares is not its business.
import type { Connection } from '@libp2p/interface'
import { LruMap, normalForm } from '../../lib/index.ts'
import {
  areFindWords,
  isEntryName,
  isSharedPath,
  SearchPlan,
  ShareLink,
  ShareRefusedError,
  type Page
} from '../../share/index.ts'
import { steadyNow, toError } from '../../wire/index.ts'
import { quote, UnreachableError, UsageError } from '../api/errors.ts'
import type { TransferView } from '../api/file-views.ts'
import type { FoundFile, RemoteFolder, SearchReport, SharesApi } from '../api/share-views.ts'
import { SharedWalk, withPauses, type WantedFile } from './shared-walk.ts'

/** How long a peer may take to be reached and to answer a search. */
const SEARCH_PATIENCE_MS = 5_000

/** How long peers are asked: a person who waits for longer has turned away. */
const SEARCH_MS = 15_000

/** Files whose sharers are remembered: those of some searches. */
const MAX_KNOWN_SHARED_FILES = 1_000

export interface RemoteSharesInit {
  readonly network: {
    connection(peer: string): Connection | undefined
    connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
  }
  /** Contacts that may be reached now, the nearest first. */
  readonly reachable: () => readonly string[]
  readonly label: (peer: string) => string
  readonly take: (peer: string, files: readonly WantedFile[]) => Promise<readonly TransferView[]>
}

export class RemoteShares implements Pick<SharesApi, 'browse' | 'get' | 'find'> {
  readonly #init: RemoteSharesInit
  #life = new AbortController()
  /** Who has a file, by its ID, as searches found it. */
  readonly #sharers = new LruMap<string, readonly string[]>(MAX_KNOWN_SHARED_FILES)

  constructor(init: RemoteSharesInit) {
    this.#init = init
  }

  start(): void {
    if (this.#life.signal.aborted) this.#life = new AbortController()
  }

  stop(): void {
    this.#life.abort(new Error('parley is quitting'))
  }

  async browse(
    peer: string,
    given: string,
    { after = '', signal }: { readonly after?: string; readonly signal?: AbortSignal } = {}
  ): Promise<RemoteFolder> {
    const path = readPath(given)
    if (after !== '' && !isEntryName(after)) throw new UsageError(`${quote(after)} is not the name of a file or folder`)
    return this.#withLink(peer, signal, async (link) => {
      const list: ShareLink['list'] = async (...page) => link.list(...page)
      const { entries, hasMore } = await this.#page(list, peer, path, after)
      return { peer, label: this.#init.label(peer), path, entries, hasMore }
    })
  }

  async get(
    peer: string,
    paths: readonly string[],
    { signal }: { readonly signal?: AbortSignal } = {}
  ): Promise<readonly TransferView[]> {
    const places = paths.map(readPath)
    const wanted = await this.#withLink(peer, signal, async (link, over) => {
      const list = withPauses(async (path, after) => link.list(path, after), over)
      const walk = new SharedWalk(async (path, after) => this.#page(list, peer, path, after))
      for (const place of places) await walk.add(place)
      if (walk.wanted.length === 0) {
        const label = this.#init.label(peer)
        const what = walk.unread > 0 ? `${label} is still reading it: try again in a moment` : 'there is no file in it'
        throw new UsageError(`${paths.map(quote).join(', ')} can't be fetched: ${what}`)
      }
      return walk.wanted
    })
    return this.#init.take(peer, wanted)
  }

  async find(words: readonly string[], { signal }: { readonly signal?: AbortSignal } = {}): Promise<SearchReport> {
    const wanted = findWords(words)
    const plan = new SearchPlan(this.#init.reachable())
    await this.ask(plan, wanted, signal)
    const { answers, failures, hasMore } = plan
    return { words: wanted, files: this.foundBy(plan), asked: answers, silent: failures, hasMore }
  }

  /** Peers that were found to share the file: it is fetched from all of them. */
  sharersOf(file: string): readonly string[] {
    return this.#sharers.get(file) ?? []
  }

  foundBy(plan: SearchPlan): readonly FoundFile[] {
    // Of one file ID with two sizes, the one that most peers name comes last, and stays.
    for (const { file, sources } of plan.files().toReversed()) {
      this.#sharers.set(
        file,
        sources.map(({ peer }) => peer)
      )
    }
    return plan.files().map(({ sources, ...file }) => ({
      ...file,
      sources: sources.map(({ peer, path }) => ({ peer, label: this.#init.label(peer), path }))
    }))
  }

  /** Asks on with each answer, until the plan is over. */
  async ask(plan: SearchPlan, words: readonly string[], signal?: AbortSignal): Promise<void> {
    const startedAtMs = steadyNow()
    const asking = async (peer: string): Promise<void> => {
      const signals = [AbortSignal.timeout(SEARCH_PATIENCE_MS), ...(signal === undefined ? [] : [signal])]
      try {
        const found = await this.#withLink(peer, AbortSignal.any(signals), async (link) => link.find(words))
        plan.answered(peer, found)
      } catch {
        // A peer of an older version, one that has gone, or one that was asked too often: it is counted.
        plan.failed(peer)
      }
      signal?.throwIfAborted()
      if (steadyNow() - startedAtMs < SEARCH_MS) await Promise.all(plan.next().map(asking))
    }
    await Promise.all(plan.next().map(asking))
  }

  async #page(list: ShareLink['list'], peer: string, path: string, after: string): Promise<Page> {
    try {
      return await list(path, after)
    } catch (error) {
      if (!(error instanceof ShareRefusedError)) throw error
      const label = this.#init.label(peer)
      if (error.reason === 'too-fast') throw new UsageError(`${label} was asked too often: try again in a minute`)
      throw new UsageError(
        `${label} shares no folder ${quote(path)} with you: to see what it shares, browse it without a path`
      )
    }
  }

  /** @throws UnreachableError */
  async #withLink<T>(
    peer: string,
    signal: AbortSignal | undefined,
    work: (link: ShareLink, over: AbortSignal) => Promise<T>
  ): Promise<T> {
    const { network, label } = this.#init
    const over = AbortSignal.any([this.#life.signal, ...(signal === undefined ? [] : [signal])])
    const connection = network.connection(peer) ?? (await network.connect(peer, { signal: over }))
    const link = await ShareLink.open(connection, over).catch((error: unknown) => {
      over.throwIfAborted()
      const why =
        toError(error).name === 'UnsupportedProtocolError'
          ? 'its version of Parley knows no shares'
          : toError(error).message
      throw new UnreachableError(`${label(peer)} can't be asked what it shares: ${why}`, { cause: error })
    })
    try {
      return await work(link, over)
    } finally {
      void link.close()
    }
  }
}

/** @throws UsageError */
export function findWords(given: readonly string[]): readonly string[] {
  const words = given.flatMap((one) => one.split(/\s+/u)).filter((word) => word !== '')
  if (areFindWords(words)) return words
  throw new UsageError('files are found by 1 to 8 words of 3 to 32 characters each')
}

/** As people type it: with a slash at an end, and its letters as their system writes them. @throws UsageError */
function readPath(given: string): string {
  const path = normalForm(given.replace(/^\/+|\/+$/gu, ''), 'NFC')
  if (isSharedPath(path)) return path
  throw new UsageError(
    `${quote(given)} is not a path in a share: write SHARE/FOLDER/FILE, with one slash between names`
  )
}
