/**
 * Connections that cost others something while they carry nothing, such as a place at a
 * relay: each is closed when it has not been in use for a while. Which of them cost
 * something, and what use is, is decided elsewhere.
 */
import type { Connection } from '@libp2p/interface'
import { steadyNow } from '../../lib/index.ts'
import { toError } from '../errors.ts'
import { onClosed } from '../stream-end.ts'

interface IdleConnectionsInit {
  /** Whether the connection carries something that it is needed for. */
  readonly isUsed: (connection: Connection) => boolean
  /** A connection that was not in use for so long is closed. */
  readonly afterMs: number
  readonly now?: () => number
}

/** Looks in a part of the time of a connection: it closes so much later at most. */
const LOOKS = 4

export class IdleConnections {
  readonly #init: IdleConnectionsInit
  readonly #now: () => number
  /** When each was last seen in use. */
  readonly #usedAtMs = new Map<Connection, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: IdleConnectionsInit) {
    this.#init = init
    this.#now = init.now ?? steadyNow
  }

  watch(connection: Connection): void {
    this.#usedAtMs.set(connection, this.#now())
    this.#timer ??= setInterval(() => this.#closeIdle(), this.#init.afterMs / LOOKS).unref()
    onClosed(connection, () => {
      this.#usedAtMs.delete(connection)
      if (this.#usedAtMs.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    })
  }

  #closeIdle(): void {
    const { isUsed, afterMs } = this.#init
    const nowMs = this.#now()
    for (const [connection, usedAtMs] of this.#usedAtMs) {
      if (isUsed(connection)) this.#usedAtMs.set(connection, nowMs)
      else if (nowMs - usedAtMs >= afterMs) {
        connection.close().catch((error: unknown) => connection.abort(toError(error)))
      }
    }
  }
}
