// What strangers write, as lines on the terminal: what one writes in one go is one line,
// with the next line about it a while later. A request that is answered meanwhile is no
// news.
import { LruMap } from '../../lib/index.ts'
import type { RequestView } from '../chat-api/chat-api.ts'
import { MAX_LIST_LINES, MAX_READ_REQUESTS } from '../chat-commands/chat-command.ts'
import { requestLine } from '../wording/message-wording.ts'

/** Messages of one stranger within this time are reported in one line. */
const REQUEST_COALESCE_MS = 250

/** The least time between two lines about a stranger's request: more messages of it are no news. */
const REQUEST_AGAIN_MS = 60_000

interface RequestNewsInit {
  readonly numberOf: (peer: string) => number
  /** The requests that still wait, as far as they can be read: one answered meanwhile is no news. */
  readonly waiting: () => Promise<readonly RequestView[] | undefined>
  readonly print: (lines: readonly string[]) => void
}

export class RequestNews {
  readonly #init: RequestNewsInit
  /** By peer: its newest request, which has the count, and when it is reported. */
  readonly #gathered = new Map<string, { readonly request: RequestView; readonly dueAtMs: number }>()
  readonly #toldAtMs = new LruMap<string, number>(MAX_READ_REQUESTS)
  #hasBegun = false
  #timer: NodeJS.Timeout | undefined

  constructor(init: RequestNewsInit) {
    this.#init = init
  }

  /** All waiting requests are about to be read: from now on new ones are reported. */
  begin(): void {
    this.#hasBegun = true
  }

  /** @param requests the newest first; they are shown as they would have come */
  showAll(requests: readonly RequestView[]): void {
    const shown = requests.slice(0, MAX_LIST_LINES).toReversed()
    for (const { peer, count } of shown) {
      this.#toldAtMs.set(peer, performance.now())
      if ((this.#gathered.get(peer)?.request.count ?? 0) <= count) this.#gathered.delete(peer)
    }
    const more = requests.length - shown.length
    this.#init.print([
      ...(more === 0 ? [] : [`${more} more strangers wait for an answer: /requests lists them.`]),
      ...shown.map((request) => this.#line(request))
    ])
  }

  told(request: RequestView): void {
    if (!this.#hasBegun) return
    const { peer } = request
    const nowMs = performance.now()
    const againAtMs = (this.#toldAtMs.get(peer) ?? Number.NEGATIVE_INFINITY) + REQUEST_AGAIN_MS
    const dueAtMs = this.#gathered.get(peer)?.dueAtMs ?? Math.max(nowMs + REQUEST_COALESCE_MS, againAtMs)
    this.#gathered.set(peer, { request, dueAtMs })
    this.#schedule()
  }

  /** What it has written is deleted: it waits for no answer, and what it writes next is news. */
  answered(peer: string): void {
    this.#gathered.delete(peer)
    this.#toldAtMs.delete(peer)
    this.#schedule()
  }

  /** At the end only strangers that were not reported yet are news. */
  stop(): void {
    clearTimeout(this.#timer)
    const untold = [...this.#gathered.values()].filter(({ request }) => this.#toldAtMs.get(request.peer) === undefined)
    this.#gathered.clear()
    this.#init.print(untold.map(({ request }) => this.#line(request)))
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#gathered.size === 0) return
    const nextAtMs = Math.min(...[...this.#gathered.values()].map(({ dueAtMs }) => dueAtMs))
    this.#timer = setTimeout(() => void this.#tell(), nextAtMs - performance.now())
  }

  async #tell(): Promise<void> {
    const nowMs = performance.now()
    const due = [...this.#gathered.values()].flatMap(({ request, dueAtMs }) => (dueAtMs <= nowMs ? [request] : []))
    for (const { peer } of due) {
      this.#gathered.delete(peer)
      this.#toldAtMs.set(peer, nowMs)
    }
    this.#schedule()
    const waiting = due.length === 0 ? [] : await this.#init.waiting()
    const told = waiting === undefined ? due : due.flatMap(({ peer }) => waiting.find((one) => one.peer === peer) ?? [])
    this.#init.print(told.map((request) => this.#line(request)))
  }

  #line(request: RequestView): string {
    return requestLine(request, this.#init.numberOf(request.peer))
  }
}
