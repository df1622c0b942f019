// The numbers of this peer's invitations at the directories that it uses: one number is
// claimed at all of them, and again where a directory has come back. It knows neither
// words nor guests.
import { randomInt } from 'node:crypto'
import type { Connection } from '@libp2p/interface'
import { NumberClaims, NumberRefusedError } from '../../invite/index.ts'
import { withDeadline } from '../../wire/index.ts'
import { ParleyError } from '../api/errors.ts'
import { exitCodes } from '../api/exit-codes.ts'

/** A directory that does not answer so soon is left out: a person waits for the code. */
const CLAIM_TIMEOUT_MS = 4_000

/**
 * The largest number of each try: short ones first, as long as they are free. Without a directory the first is taken: when
 * two on a LAN have the same, a guest proves its words to both, which costs the wrong one a failed try.
 */
const NUMBER_RANGES = [99, 99, 999, 9_999, 99_999, 99_999]

/** The directories refuse every number that was tried. */
class NoNumberError extends ParleyError {
  override readonly name = 'NoNumberError'
  override readonly exitCode = exitCodes.unexpected

  constructor(options: ErrorOptions) {
    super('the directories gave no number for the invitation: try again in a minute', options)
  }
}

interface ClaimedNumbersInit {
  readonly network: string
  /** Peer IDs of the directories where this peer is registered now. */
  registeredAt(): readonly string[]
  connection(directory: string): Connection | undefined
  /** A number can't be had at a directory that came later. */
  onTaken(number: number, directory: string): void
}

export class ClaimedNumbers {
  readonly #init: ClaimedNumbersInit
  readonly #numbers = new Set<number>()
  readonly #claims = new Map<string, Promise<NumberClaims | undefined>>()
  /** Where each number is known: peer IDs of directories. */
  readonly #knownAt = new Map<number, Set<string>>()
  readonly #life = new AbortController()

  constructor(init: ClaimedNumbersInit) {
    this.#init = init
  }

  /** Chooses a number that no other peer has, and claims it everywhere. @throws NoNumberError */
  async choose(): Promise<number> {
    let refusal: unknown
    for (const range of NUMBER_RANGES) {
      const directories = this.#init.registeredAt()
      const number = randomInt(1, range + 1)
      if (this.#numbers.has(number)) continue
      this.#numbers.add(number)
      const refusals = await Promise.all(directories.map(async (directory) => this.#claim(number, directory)))
      refusal = refusals.find((one) => one instanceof NumberRefusedError && one.reason === 'taken')
      if (refusal === undefined) return number
      this.release(number)
    }
    throw new NoNumberError({ cause: refusal })
  }

  /** The number is none of ours any more. */
  release(number: number): void {
    this.#numbers.delete(number)
    this.#knownAt.delete(number)
    for (const claims of this.#claims.values()) {
      void claims.then(async (open) => open?.release(number)).catch(() => undefined)
    }
  }

  /** Peer IDs of the directories where the number is known now. */
  knownAt(number: number): readonly string[] {
    return [...(this.#knownAt.get(number) ?? [])]
  }

  /** The directory has registered this peer, or has done so again. */
  async registered(directory: string): Promise<void> {
    for (const number of this.#numbers) {
      if (this.#knownAt.get(number)?.has(directory) === true) continue
      const refusal = await this.#claim(number, directory)
      const isTaken = refusal instanceof NumberRefusedError && refusal.reason === 'taken'
      if (isTaken && this.#numbers.has(number)) this.#init.onTaken(number, directory)
    }
  }

  stop(): void {
    this.#life.abort(new Error('invitations were stopped'))
    this.#claims.clear()
    this.#knownAt.clear()
  }

  /** @returns why not, when the directory does not know it now; one without numbers, or that is lost, is no failure */
  async #claim(number: number, directory: string): Promise<unknown> {
    try {
      const claims = await this.#claimsAt(directory)
      if (claims === undefined) return undefined
      await withDeadline('receipt', CLAIM_TIMEOUT_MS, this.#life.signal, async () =>
        claims.claim(this.#init.network, number)
      )
      if (!this.#numbers.has(number)) await claims.release(number)
      else if (claims.has(number)) {
        const at = this.#knownAt.get(number) ?? new Set()
        this.#knownAt.set(number, at.add(directory))
      }
      return undefined
    } catch (error) {
      return error
    }
  }

  #claimsAt(directory: string): Promise<NumberClaims | undefined> {
    const known = this.#claims.get(directory)
    if (known !== undefined) return known
    const connection = this.#init.connection(directory)
    if (connection === undefined || this.#life.signal.aborted) return Promise.resolve(undefined)
    const forget = (): void => {
      if (this.#claims.get(directory) === claims) this.#claims.delete(directory)
      for (const at of this.#knownAt.values()) at.delete(directory)
    }
    const claims = NumberClaims.open(connection, this.#life.signal, forget).catch((error: unknown) => {
      // A directory of an older version keeps no numbers.
      connection.log('the directory keeps no numbers - %e', error)
      forget()
      return undefined
    })
    this.#claims.set(directory, claims)
    return claims
  }
}
