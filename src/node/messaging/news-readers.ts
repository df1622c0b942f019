// The faces that read new messages from the history, and how far each of them has
// come: asking for the next messages says that those before are written. What
// comes in may be held back for a face that goes on reading, never for one that
// stands still.
import type { MessageStore } from '../../storage/index.ts'
import type { NewsReader } from '../api/chat-api.ts'
import { explained } from '../profile/own-store.ts'

type NewsStore = Pick<MessageStore, 'news' | 'newestPosition'>

/** Where one reader stands. */
interface Place {
  taken: number
  /** Others have waited for it in vain since it last asked for messages. */
  isStuck: boolean
}

export class NewsReaders {
  readonly #places = new Set<Place>()
  /** What waits until a reader moves. */
  readonly #waiting = new Set<() => void>()

  open(store: NewsStore): NewsReader {
    const place: Place = { taken: 0, isStuck: false }
    let after = explained(store.newestPosition())
    after.then(
      (position) => this.#take(place, position),
      () => undefined // the first call of next reports it
    )
    this.#places.add(place)
    return {
      next: async (limits) => {
        try {
          const position = await after
          this.#take(place, position)
          const news = await explained(store.news({ ...limits, after: position }))
          after = Promise.resolve(news.next)
          return news
        } catch (error) {
          after = explained(store.newestPosition())
          after.catch(() => undefined)
          throw error
        }
      },
      close: () => {
        this.#places.delete(place)
        this.#wakeAll()
      }
    }
  }

  /** Whether each reader that moves has taken the message at this position. */
  haveTaken(position: number): boolean {
    for (const { taken, isStuck } of this.#places) if (!isStuck && taken < position) return false
    return true
  }

  /** Resolves when they have, or after a time; those that have not by then are waited for again when they move. */
  async untilTaken(position: number, timeoutMs: number): Promise<void> {
    if (this.haveTaken(position)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (): void => {
      if (this.haveTaken(position)) resolve()
    }
    const timer = setTimeout(() => {
      for (const place of this.#places) if (place.taken < position) place.isStuck = true
      this.#wakeAll()
    }, timeoutMs)
    this.#waiting.add(look)
    await promise
    clearTimeout(timer)
    this.#waiting.delete(look)
  }

  #take(place: Place, position: number): void {
    place.taken = position
    place.isStuck = false
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const look of this.#waiting) look()
  }
}
