// Looks now and then how far those peers are whose conversation is open on a
// screen, and tells when what is to be seen of their path has changed. Nobody
// else is asked, and nothing runs while there is none. It knows no network.
import type { PathView } from './chat-events.ts'
import { PATH_LOOK_MS } from './constants.ts'

export interface PathWatchInit {
  readonly pathOf: (peer: string) => PathView
  /** Asks the peer for its round-trip time, unless it was measured within so many milliseconds; never rejects. */
  readonly measure: (peer: string, withinMs: number) => Promise<void>
  readonly onPath: (peer: string, path: PathView) => void
}

export class PathWatch {
  readonly #init: PathWatchInit
  /** What was told last of each peer that is on a screen. */
  readonly #told = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: PathWatchInit) {
    this.#init = init
  }

  /** The conversation is on the screen until {@link unwatch}. */
  watch(peer: string): void {
    if (!this.#told.has(peer)) this.#told.set(peer, '')
    this.#timer ??= setInterval(() => this.#lookAll(), PATH_LOOK_MS).unref()
    this.look(peer)
  }

  unwatch(peer: string): void {
    this.#told.delete(peer)
    if (this.#told.size === 0) this.stop()
  }

  /** There may be another path to the peer now, or none. */
  look(peer: string): void {
    if (!this.#told.has(peer)) return
    this.#tell(peer)
    void this.#init.measure(peer, PATH_LOOK_MS).then(() => this.#tell(peer))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#told.clear()
  }

  #lookAll(): void {
    for (const peer of this.#told.keys()) this.look(peer)
  }

  #tell(peer: string): void {
    const before = this.#told.get(peer)
    if (before === undefined) return
    const path = this.#init.pathOf(peer)
    const text = JSON.stringify(path)
    if (text === before) return
    this.#told.set(peer, text)
    this.#init.onPath(peer, path)
  }
}
