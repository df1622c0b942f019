// That a peer refuses messages for now, as one line for each time that they are
// sent again. One that refuses a batch after the other says nothing new. Pure:
// the time is an argument.
import type { ChatNodeEvents } from './chat-api.ts'

type Refusal = ChatNodeEvents['refused']['detail']

export class RefusalNews {
  /** By peer and reason: until when nothing more is said of it. */
  readonly #toldUntilMs = new Map<string, number>()

  /** @returns undefined while what was said last still holds */
  line({ peer, name, reason, retryAfterMs }: Refusal, nowMs: number): string | undefined {
    for (const [key, untilMs] of this.#toldUntilMs) if (untilMs <= nowMs) this.#toldUntilMs.delete(key)
    const key = `${peer} ${reason}`
    if (this.#toldUntilMs.has(key)) return undefined
    this.#toldUntilMs.set(key, nowMs + retryAfterMs)
    return `${name} ${reason}. What you wrote is sent again in ${Math.ceil(retryAfterMs / 1000)} s.`
  }
}
