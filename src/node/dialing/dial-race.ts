// One race of dials to a peer: addresses on the LAN first, then all others, then relays,
// also those that come into use meanwhile. The first that answers with the right key
// wins. Which addresses these are, and what becomes of the others, is decided elsewhere.
import type { Wakeup } from '../../lib/index.ts'
import { hostPortOf, isLocal, isRelayed } from './address.ts'
import type { DialAttempt, DialStart } from './dial-attempt.ts'
import type { Candidate } from './dialable.ts'
import type { OwnNetwork } from './own-network.ts'

/**
 * LAN addresses, where one is in a network of this machine, are given this start before others are dialled too (after RFC
 * 8305's connection attempt delay).
 */
const LAN_HEAD_START_MS = 250

/**
 * A relay is asked so long after the other dials have begun, or when all of them have failed. A conversation moves to a
 * better path that comes later, so this only spares the relay what a handshake within a continent makes needless.
 */
const RELAY_AFTER_DIRECT_MS = 150

/** … and so long where an address is in a network of this machine: there a handshake is over by then on Wi-Fi, too. */
const RELAY_AFTER_LAN_MS = 400

/** Between two dials to one peer: a handshake on a LAN is often over by then, and the other dials are not needed. */
const DIAL_STAGGER_MS = 40

export interface DialRaceInit {
  readonly candidates: readonly Candidate[]
  readonly own: OwnNetwork
  /** The LAN shows the peer now: a relay is asked only when all other dials have failed. */
  readonly isSighted: boolean
  readonly attempt: (candidate: Candidate, start: DialStart) => DialAttempt
  /** A relay has come into use. */
  readonly newRelay: Wakeup
  /** All relayed candidates as they are then. */
  readonly relayed: () => Promise<readonly Candidate[]>
  readonly now: () => number
}

export class DialRace {
  readonly #init: DialRaceInit
  readonly #startedAtMs: number
  readonly #relayAfterMs: number
  readonly #relayedAddresses: Set<string>
  readonly #allDirectFailed: Promise<void>
  /** The race is won, or nothing is left but what may come. */
  readonly #over = new AbortController()
  /** In this order they are named in errors: the LAN before all others, these before relays. */
  readonly order: readonly Candidate[]
  readonly direct: readonly DialAttempt[]
  readonly throughRelays: DialAttempt[]

  constructor(init: DialRaceInit) {
    this.#init = init
    const { candidates, own, isSighted, attempt, now } = init
    this.#startedAtMs = now()
    const relayed = candidates.filter(({ address }) => isRelayed(address))
    const local = candidates.filter(({ address }) => isLocal(address))
    const others = candidates.filter((one) => !relayed.includes(one) && !local.includes(one))
    const isNear = local.some((one) => isInOwnNetwork(one, own))
    const startOthersMs = isNear ? LAN_HEAD_START_MS : 0
    this.order = [...local, ...others, ...relayed]
    this.#relayedAddresses = new Set(relayed.map(({ address }) => address.toString()))
    this.direct = [
      ...local.map((one, i) => attempt(one, { afterMs: i * DIAL_STAGGER_MS })),
      ...others.map((one, i) => attempt(one, { afterMs: startOthersMs + i * DIAL_STAGGER_MS }))
    ]
    this.#allDirectFailed = allFailed(this.direct)
    this.#relayAfterMs = isSighted ? Infinity : relayDelayMs(isNear, others.length > 0)
    this.throughRelays = [...this.#through(relayed)]
  }

  /** @throws AggregateError of the failures, in their {@link order} */
  async winner(): Promise<DialAttempt> {
    const known = [...this.direct, ...this.throughRelays]
    void allFailed(known).then(() => this.#over.abort())
    try {
      return await Promise.any([...known.map(answered), this.#throughNewRelay()])
    } finally {
      this.#over.abort()
    }
  }

  /** A try that began before there was a relay must not wait for dials that lead nowhere. */
  async #throughNewRelay(): Promise<DialAttempt> {
    const { newRelay, relayed } = this.#init
    while (!this.#over.signal.aborted) {
      await newRelay.sleep(this.#over.signal)
      const found = await relayed()
      const news = found.filter(({ address }) => !this.#relayedAddresses.has(address.toString()))
      if (this.#over.signal.aborted || news.length === 0) continue
      const attempts = this.#through(news)
      this.throughRelays.push(...attempts)
      return Promise.any(attempts.map(answered))
    }
    throw new DOMException('no relay came into use', 'AbortError')
  }

  #through(relayed: readonly Candidate[]): readonly DialAttempt[] {
    const { attempt, now } = this.#init
    const leftMs = Math.max(0, this.#relayAfterMs - (now() - this.#startedAtMs))
    return relayed.map((one, i) =>
      attempt(one, { afterMs: leftMs + i * DIAL_STAGGER_MS, orWhen: this.#allDirectFailed })
    )
  }
}

async function answered(attempt: DialAttempt): Promise<DialAttempt> {
  await attempt.connection
  return attempt
}

/** Resolves when all have failed, and at once where there are none. */
async function allFailed(attempts: readonly DialAttempt[]): Promise<void> {
  await new Promise<void>((resolve) => {
    Promise.any(attempts.map(answered)).catch(() => resolve())
  })
}

/** Where there is no public address to try, nothing is waited for. */
function relayDelayMs(isNear: boolean, isPublic: boolean): number {
  if (isNear) return RELAY_AFTER_LAN_MS
  return isPublic ? RELAY_AFTER_DIRECT_MS : 0
}

function isInOwnNetwork({ address }: Candidate, own: OwnNetwork): boolean {
  const host = hostPortOf(address)?.host
  return host !== undefined && (own.isOwn(host) || own.isOnLink(host))
}
