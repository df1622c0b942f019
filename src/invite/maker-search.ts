// Finds the maker of a code and proves the words to it: at the directories, else among
// the peers of the LAN. It bounds how many peers get a guess, and says why none let us
// in. How directories and peers are reached, its caller knows.
import type { PeerId } from '@libp2p/interface'
import type { Code } from './code.ts'
import { InviteRefusedError, type Offer, type Redeemed } from './guest.ts'
import type { InviteRefusal } from './invite-frames.ts'

/** Peers that get a guess when a code is typed once: a number is given out twice only by a lie, or by a rare accident. */
export const MAX_TRIED_HOLDERS = 3

/** Peers of the LAN that are asked whether a number is theirs: a large party. */
export const MAX_ASKED_ON_LAN = 64

/** A peer that may have made the invitation. */
export interface Candidate {
  /** The peer ID. */
  readonly peer: string
  /** The directory that keeps the number for it; undefined on the LAN. */
  readonly by: PeerId | undefined
}

/** A peer that a directory names. */
interface NamedHolder {
  readonly peer: PeerId
  readonly directory: PeerId
}

export interface MakerSearchInit {
  readonly code: Code
  /** Asks one directory each. What one throws counts as no answer. */
  readonly directories: readonly (() => Promise<readonly NamedHolder[]>)[]
  /** Peers that were seen on the LAN: peer IDs. */
  readonly lan: readonly string[]
  /** Connects with the peer, and asks. @throws InviteRefusedError; what the connection throws */
  ask(candidate: Candidate): Promise<Offer>
}

/** Nobody was found who has made the invitation, or who can be reached. */
export class MakerNotFoundError extends Error {
  override readonly name = 'MakerNotFoundError'
  /** Directories that answered. */
  readonly directories: number
  readonly onLan: number
  /** A peer has the number by a directory's word, and can't be reached. */
  readonly unreachable: string | undefined

  constructor(facts: Pick<MakerNotFoundError, 'directories' | 'onLan' | 'unreachable'>, options?: ErrorOptions) {
    super('the maker of the code was not found', options)
    this.directories = facts.directories
    this.onLan = facts.onLan
    this.unreachable = facts.unreachable
  }
}

export interface Met extends Redeemed {
  /** The peer ID of the maker. */
  readonly peer: string
}

/** @throws InviteRefusedError with the most telling reason that there was; MakerNotFoundError */
export async function redeemCode(init: MakerSearchInit): Promise<Met> {
  const answers = await Promise.all(init.directories.map(async (ask) => ask().catch(() => undefined)))
  const tried = new Attempts(init)
  for (const candidate of candidatesOf(answers.flatMap((holders) => holders ?? []))) {
    const met = await tried.holder(candidate)
    if (met !== undefined) return met
  }
  const onLan = tried.hasRefused ? [] : init.lan.slice(0, MAX_ASKED_ON_LAN)
  const met = await tried.lan(onLan)
  if (met !== undefined) return met
  const answered = answers.filter((holders) => holders !== undefined)
  throw tried.failure({ directories: answered.length, onLan: onLan.length })
}

function candidatesOf(holders: readonly NamedHolder[]): readonly Candidate[] {
  const byPeer = new Map(holders.map(({ peer, directory }) => [peer.toString(), directory]))
  return [...byPeer].map(([peer, by]) => ({ peer, by }))
}

/** What came of each peer that was asked. */
class Attempts {
  readonly #init: MakerSearchInit
  #guesses = 0
  #refusal: InviteRefusedError | undefined
  #unreachable: { readonly peer: string; readonly error: unknown } | undefined

  constructor(init: MakerSearchInit) {
    this.#init = init
  }

  /** A peer has refused in a way that says that the number is its own. */
  get hasRefused(): boolean {
    return this.#refusal !== undefined && this.#refusal.reason !== 'unknown'
  }

  async holder(candidate: Candidate): Promise<Met | undefined> {
    if (this.#guesses >= MAX_TRIED_HOLDERS) return undefined
    const offer = await this.#ask(candidate, true)
    return offer === undefined ? undefined : this.#redeem(offer)
  }

  /** All are asked at the same time; those that have the number are tried one after the other. */
  async lan(peers: readonly string[]): Promise<Met | undefined> {
    const offers = await Promise.all(peers.map(async (peer) => this.#ask({ peer, by: undefined }, false)))
    let met: Met | undefined
    for (const offer of offers) {
      if (offer === undefined) continue
      if (met === undefined && this.#guesses < MAX_TRIED_HOLDERS) met = await this.#redeem(offer)
      else await offer.close()
    }
    return met
  }

  failure(asked: { readonly directories: number; readonly onLan: number }): Error {
    if (this.#refusal !== undefined && this.hasRefused) return this.#refusal
    const facts = { ...asked, unreachable: this.#unreachable?.peer }
    return new MakerNotFoundError(facts, { cause: this.#unreachable?.error ?? this.#refusal })
  }

  async #ask(candidate: Candidate, isNamed: boolean): Promise<Offer | undefined> {
    try {
      return await this.#init.ask(candidate)
    } catch (error) {
      if (error instanceof InviteRefusedError) this.#refused(error)
      else if (isNamed) this.#unreachable ??= { peer: candidate.peer, error }
      return undefined
    }
  }

  async #redeem(offer: Offer): Promise<Met | undefined> {
    this.#guesses++
    try {
      return { ...(await offer.redeem(this.#init.code.words)), peer: offer.maker.toString() }
    } catch (error) {
      if (error instanceof InviteRefusedError) this.#refused(error)
      else this.#unreachable ??= { peer: offer.maker.toString(), error }
      return undefined
    }
  }

  #refused(error: InviteRefusedError): void {
    if (this.#refusal === undefined || telling(error.reason) > telling(this.#refusal.reason)) this.#refusal = error
  }
}

/** The number is some peer's own, by all reasons but one. */
function telling(reason: InviteRefusal): number {
  return reason === 'unknown' ? 0 : 1
}
