// The connection to the directory: one event stream, opened again whenever it is
// lost, from where it was. It tells what the roster is and how the connection
// stands; it knows no screen.
import type { PeerJson, RosterEvents } from '../../directory/http/roster-api.ts'
import { backoffMs } from '../../lib/index.ts'
import { fromSnapshot, withChanges } from './roster-model.ts'
import type { RosterModel } from './roster-model.ts'

/** A directory that comes back is looked at again within seconds; one that is gone is not pestered. */
export const PAGE_RETRY_MS = { first: 500, max: 5_000 } as const

/** What a directory that ends the connection may ask for before the next try; up to as much again is left to chance. */
export const PAGE_END_WAIT_MS = { least: 1_000, max: 60_000 } as const

/** Three signs of life that did not come: the connection is dead, whatever the browser believes. */
const PAGE_SILENCE_MS = 16_000

export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** Lost since then; the next try is at `retryAtMs`. */
  | {
      readonly state: 'waiting'
      readonly lostAtMs: number
      readonly retryAtMs: number
      /** In the directory's words, when it has ended the connection itself. */
      readonly why?: string
    }
  | { readonly state: 'trying'; readonly lostAtMs: number }

export interface LiveRosterInit {
  /** The roster, each time that it has changed. */
  readonly onRoster: (model: RosterModel) => void
  readonly onLink: (link: Link) => void
}

export class LiveRoster {
  readonly #init: LiveRosterInit
  #source: EventSource | undefined
  #model: RosterModel | undefined
  /** An incomplete snapshot: the one before is shown until all of it is there. */
  #partial: { readonly snapshot: RosterEvents['snapshot']; readonly peers: PeerJson[] } | undefined
  #lastId = ''
  #lostAtMs: number | undefined
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #silence: ReturnType<typeof setTimeout> | undefined

  constructor(init: LiveRosterInit) {
    this.#init = init
  }

  start(): void {
    this.#init.onLink({ state: 'connecting' })
    this.#open()
    // A laptop that wakes, a cable that is back, a page that is looked at again: no reason to wait.
    addEventListener('online', () => this.tryNow())
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.tryNow()
    })
    addEventListener('pagehide', () => this.#close())
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.#lost()
    })
  }

  /** Does not wait for the next try. */
  tryNow(): void {
    if (this.#retry === undefined) return
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#again()
  }

  #open(): void {
    this.#close()
    const after = this.#lastId === '' ? '' : `?after=${encodeURIComponent(this.#lastId)}`
    const source = new EventSource(`api/events${after}`)
    this.#source = source
    this.#hear()
    source.addEventListener('error', () => this.#lost())
    // Where nothing has changed meanwhile, nothing else says that it is there again.
    source.addEventListener('open', () => this.#live())
    this.#on(source, 'snapshot', (snapshot) => {
      this.#partial = { snapshot, peers: [...snapshot.peers] }
      if (!snapshot.more) this.#complete()
    })
    this.#on(source, 'page', ({ peers, more }) => {
      this.#partial?.peers.push(...peers)
      if (!more) this.#complete()
    })
    this.#on(source, 'changes', (changes) => {
      if (this.#model === undefined) return
      this.#show(withChanges(this.#model, changes, Date.now()))
    })
    this.#on(source, 'beat', () => this.#live())
    // Pages that had to go at the same time shall not come back at the same time.
    this.#on(source, 'end', ({ reason, retryAfterMs }) => {
      const askedMs = Math.min(PAGE_END_WAIT_MS.max, Math.max(PAGE_END_WAIT_MS.least, retryAfterMs))
      this.#lost({ waitMs: askedMs * (1 + Math.random()), why: reason })
    })
  }

  #on<K extends keyof RosterEvents>(source: EventSource, type: K, listener: (body: RosterEvents[K]) => void): void {
    source.addEventListener(type, (event: MessageEvent<string>) => {
      this.#hear()
      // The directory is the author of its own JSON; fields are read as text and numbers, and nothing else is done.
      listener(JSON.parse(event.data) as RosterEvents[K])
      if (event.lastEventId !== '') this.#lastId = event.lastEventId
    })
  }

  #complete(): void {
    const partial = this.#partial
    if (partial === undefined) return
    this.#partial = undefined
    this.#show(fromSnapshot(partial.snapshot, partial.peers, Date.now()))
  }

  #show(model: RosterModel): void {
    this.#model = model
    this.#init.onRoster(model)
    this.#live()
  }

  #live(): void {
    if (this.#model === undefined) return
    this.#failures = 0
    this.#lostAtMs = undefined
    this.#init.onLink({ state: 'live' })
  }

  /** @param end what the directory asked for when it ended the connection itself */
  #lost(end?: { readonly waitMs: number; readonly why: string }): void {
    this.#close()
    this.#partial = undefined
    this.#lostAtMs ??= Date.now()
    const waitMs =
      end?.waitMs ?? backoffMs({ firstMs: PAGE_RETRY_MS.first, maxMs: PAGE_RETRY_MS.max, jitter: 0 }, this.#failures)
    this.#failures++
    const why = end === undefined ? {} : { why: end.why }
    this.#init.onLink({ state: 'waiting', lostAtMs: this.#lostAtMs, retryAtMs: Date.now() + waitMs, ...why })
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#again()
    }, waitMs)
  }

  #again(): void {
    this.#init.onLink({ state: 'trying', lostAtMs: this.#lostAtMs ?? Date.now() })
    this.#open()
  }

  #hear(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#lost(), PAGE_SILENCE_MS)
  }

  #close(): void {
    clearTimeout(this.#silence)
    this.#source?.close()
    this.#source = undefined
  }
}
