// The line that says that a peer refuses messages for now: once until the next
// try, however many batches it refuses. Pure: the time is an argument.
import type { ChatNodeEvents } from './chat-api.ts'

type Refusal = ChatNodeEvents['refused']['detail']

export class RefusalNews {
  /** By peer and reason: until when the line is not repeated. */
  readonly #toldUntilMs = new Map<string, number>()

  /** @returns undefined while the last line still holds */
  line({ peer, name, reason, retryAfterMs }: Refusal, nowMs: number): string | undefined {
    for (const [key, untilMs] of this.#toldUntilMs) if (untilMs <= nowMs) this.#toldUntilMs.delete(key)
    const key = `${peer} ${reason}`
    if (this.#toldUntilMs.has(key)) return undefined
    this.#toldUntilMs.set(key, nowMs + retryAfterMs)
    return `${name} ${reason}. What you wrote is sent again in ${Math.ceil(retryAfterMs / 1000)} s.`
  }
}
