// The dial of one address among others for the same peer: it begins when it should,
// is counted, ends in time, and explains why it failed. Which addresses are dialled
// is decided elsewhere.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { setTimeout as sleep } from 'node:timers/promises'
import { onAbort } from '../../lib/index.ts'
import { orAborted } from '../../wire/index.ts'
import { UnreachableError } from '../api/errors.ts'
import { hostPortOf } from './address.ts'
import { AddressLookup } from './address-lookup.ts'
import type { DialBudget, ReportedDial } from './dial-budget.ts'
import { explainDialError, tooManyDials } from './dial-errors.ts'
import type { Candidate } from './dialable.ts'
import type { OwnNetwork } from './own-network.ts'

/** For one address: longer than any transatlantic handshake, short enough for a command to end in 8 s. */
export const ADDRESS_DIAL_TIMEOUT_MS = 5_000

/** One address that is dialled, and what is counted for it: nothing if the user has named it. */
export interface DialTarget {
  readonly address: Multiaddr
  readonly peer: string
  readonly reported: ReportedDial | undefined
}

export function targetOf({ address, from }: Candidate, peer: string, isContact: boolean, own: OwnNetwork): DialTarget {
  if (from === 'user') return { address, peer, reported: undefined }
  const host = hostPortOf(address)?.host
  const isHere = (from === 'machine' || from === 'known') && host !== undefined && own.isOwn(host)
  return { address, peer, reported: { peer, address: address.toString(), host, isHere, isContact } }
}

/** When a dial begins: after so long, or when that has happened. */
export interface DialStart {
  readonly afterMs: number
  readonly orWhen?: Promise<unknown>
}

export interface DialOptions {
  readonly signal: AbortSignal
  readonly onProgress: AddressLookup['onProgress']
}

export interface DialAttemptInit {
  readonly target: DialTarget
  readonly start: DialStart
  /** Ends it, unless it goes on by itself. */
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly dial: (address: Multiaddr, options: DialOptions) => Promise<Connection>
  readonly budget: DialBudget
  readonly now: () => number
}

export class DialAttempt {
  readonly #init: DialAttemptInit
  /** A signal of its own: libp2p ends a connection when the signal that it was dialled with aborts, however late. */
  readonly #ended = new AbortController()
  readonly #unlisten: () => void
  /** @throws UnreachableError, KeyChangedError */
  readonly connection: Promise<Connection>

  constructor(init: DialAttemptInit) {
    this.#init = init
    const { signal } = init
    this.#unlisten = onAbort(signal, () => this.#ended.abort(signal.reason))
    this.connection = this.#dial()
  }

  end(): void {
    this.#ended.abort()
  }

  /** From now on its signal does not end it. */
  goOn(): void {
    this.#unlisten()
  }

  async #dial(): Promise<Connection> {
    const { target, start, timeoutMs, dial, budget, now } = this.#init
    const { address, peer, reported } = target
    const { signal } = this.#ended
    const lookup = new AddressLookup(address)
    let timer: NodeJS.Timeout | undefined
    try {
      signal.throwIfAborted()
      if (start.afterMs > 0) await untilStart(start, signal)
      if (reported !== undefined && !budget.take(reported, now())) throw tooManyDials(address)
      timer = setTimeout(() => this.#ended.abort(new DOMException('too late', 'TimeoutError')), timeoutMs)
      return await dial(address, { signal, onProgress: lookup.onProgress })
    } catch (error) {
      if (error instanceof UnreachableError) throw error // it was not dialled at all
      const cause: unknown = signal.aborted ? signal.reason : error
      const isTooLate = cause instanceof DOMException && cause.name === 'TimeoutError'
      if (reported !== undefined && (isTooLate || !signal.aborted)) budget.failed(reported, now())
      throw explainDialError(cause, address, { expected: peer, timeoutMs, isLookingUp: lookup.isUnderWay })
    } finally {
      clearTimeout(timer)
      this.#unlisten()
    }
  }
}

async function untilStart({ afterMs, orWhen }: DialStart, signal: AbortSignal): Promise<void> {
  const waits = orWhen === undefined ? [] : [orWhen]
  if (afterMs !== Infinity) waits.push(sleep(afterMs, undefined, { signal }))
  await orAborted(Promise.race(waits), signal)
}

/** Ends the other dials, and closes connections that they have made nevertheless. */
export async function endOthers(attempts: readonly DialAttempt[], first: Connection): Promise<void> {
  const late = attempts.map(async (attempt) => {
    const { connection } = attempt
    const won = await Promise.race([connection, Promise.resolve(undefined)]).catch(() => undefined)
    if (won === first) return
    attempt.end()
    const other = await connection
    if (other !== first) await other.close()
  })
  await Promise.allSettled(late)
}
