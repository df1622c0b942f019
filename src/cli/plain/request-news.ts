// Requests of strangers as they are told on the terminal: those that wait already
// once at the beginning, and what a stranger writes in one go as one line. It
// decides nothing; when the lines stand among others is for whoever asks.
import type { RequestView } from '../chat-api.ts'
import { MAX_LIST_LINES, REQUEST_COALESCE_MS } from '../constants.ts'
import { requestLine } from '../wording.ts'

export interface RequestNewsInit {
  readonly numberOf: (peer: string) => number
  readonly print: (lines: readonly string[]) => void
}

export class RequestNews {
  readonly #init: RequestNewsInit
  /** By peer: the newest that it wrote, which says how many there are. */
  readonly #gathered = new Map<string, RequestView>()
  #hasBegun = false
  #timer: NodeJS.Timeout | undefined

  constructor(init: RequestNewsInit) {
    this.#init = init
  }

  /** All that wait are about to be asked for: from now on what comes is told. */
  begin(): void {
    this.#hasBegun = true
  }

  /** @param requests the newest first; they are shown as they would have come */
  showAll(requests: readonly RequestView[]): void {
    const shown = requests.slice(0, MAX_LIST_LINES).toReversed()
    for (const { peer, count } of shown) {
      if ((this.#gathered.get(peer)?.count ?? 0) <= count) this.#gathered.delete(peer)
    }
    const more = requests.length - shown.length
    this.#init.print([
      ...(more === 0 ? [] : [`${more} more strangers wait for an answer: /requests lists them.`]),
      ...shown.map((request) => this.#line(request))
    ])
  }

  told(request: RequestView): void {
    if (!this.#hasBegun) return
    this.#gathered.set(request.peer, request)
    this.#timer ??= setTimeout(() => this.#tell(), REQUEST_COALESCE_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
    if (this.#gathered.size > 0) this.#tell()
  }

  #tell(): void {
    this.#timer = undefined
    const lines = [...this.#gathered.values()].map((request) => this.#line(request))
    this.#gathered.clear()
    this.#init.print(lines)
  }

  #line(request: RequestView): string {
    return requestLine(request, this.#init.numberOf(request.peer))
  }
}
