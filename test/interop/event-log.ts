/**
 * An append-only list that can be waited on: the events of one side of a conversation.
 * It knows nothing of what the events mean.
 */
import { DeadlineError } from './chat-side.ts'

export class EventLog<T> {
  readonly #entries: T[] = []
  readonly #watchers = new Set<() => void>()
  #failure: Error | undefined

  get entries(): readonly T[] {
    return this.#entries
  }

  append(entry: T): void {
    this.#entries.push(entry)
    this.#wake()
  }

  /** No more can come: each wait, now or later, ends with this error. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }

  /**
   * The first result of `find` that is not undefined, tried now and at each entry.
   *
   * @throws {DeadlineError} when `timeoutMs` passes first
   */
  async until<R>(what: string, timeoutMs: number, find: (entries: readonly T[]) => R | undefined): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        act()
      }
      const look = (): void => {
        const found = find(this.#entries)
        const failure = this.#failure
        if (found !== undefined) finish(() => resolve(found))
        else if (failure !== undefined) finish(() => reject(failure))
      }
      const timer = setTimeout(
        () => finish(() => reject(new DeadlineError(`no ${what} within ${timeoutMs} ms`))),
        timeoutMs
      )
      this.#watchers.add(look)
      look()
    })
  }

  #wake(): void {
    for (const look of this.#watchers) look()
  }
}
