// Signatures of the federation: opens what federation peers bring, a few in each turn
// of the event loop, and seals what this directory states. Decides nothing: what may
// be opened, and what follows from it, is the machine's.
import type { Logger, PeerId, PrivateKey } from '@libp2p/interface'
import { FairQueue, toError } from '../../../wire/index.ts'
import { BadRecordError, openRecord } from '../../../presence/index.ts'
import type { ReadableRoster, VerifiedRecord } from '../../../presence/index.ts'
import type { WireUpdate } from '../../federation-frames.ts'
import { BadStatementError, openHeartbeat, sealHeartbeat, openUpdate, sealStatement } from '../../statement.ts'
import type { Heartbeat, VerifiedHeartbeat, OpenedUpdate, VerifiedStatement } from '../../statement.ts'
import type { Opened, OpenRequest, SealRequest } from '../sync/federation-step.ts'

/**
 * Signatures of all federation peers together that are checked between two looks at the rest of the world: two
 * milliseconds, or four without libsodium. An announcement needs several such turns, and twice as many in each made it late.
 */
export const SIGNATURES_PER_TURN = 16

interface EnvelopesInit {
  readonly network: string
  readonly privateKey: PrivateKey
  readonly roster: { readRoster(): Pick<ReadableRoster, 'newest'> }
  /** The peer ID of a directory that is known already. */
  readonly authors: { author(directory: string): PeerId | undefined }
  readonly log: Logger
}

export class Envelopes {
  readonly #init: EnvelopesInit
  /** All federation peers share the turns of the event loop. */
  readonly #turns = new FairQueue(SIGNATURES_PER_TURN)

  constructor(init: EnvelopesInit) {
    this.#init = init
  }

  async open({ updates, withdrawals, heartbeats, signatures }: OpenRequest, signal: AbortSignal): Promise<Opened> {
    await this.#turns.take(signatures)
    return {
      updates: await Promise.all(updates.map((update) => this.#openUpdate(update, signal))),
      withdrawals: await Promise.all(withdrawals.map((bytes) => proven(openRecord(bytes, { signal })))),
      heartbeats: await Promise.all(heartbeats.map((bytes) => proven(openHeartbeat(bytes, { signal }))))
    }
  }

  /** Seals several at once. Never rejects. @returns in their order; undefined where the key did not sign */
  async seal({ statements }: SealRequest): Promise<readonly (VerifiedStatement | undefined)[]> {
    const { network, privateKey } = this.#init
    return Promise.all(
      statements.map((statement) => this.#signed('a statement', sealStatement({ ...statement, network }, privateKey)))
    )
  }

  /** Never rejects. @returns undefined when the key did not sign */
  async sealHeartbeat(heartbeat: Omit<Heartbeat, 'directory' | 'network'>): Promise<VerifiedHeartbeat | undefined> {
    const { network, privateKey } = this.#init
    return this.#signed('a heartbeat', sealHeartbeat({ ...heartbeat, network }, privateKey))
  }

  #openUpdate(update: WireUpdate, signal: AbortSignal): Promise<OpenedUpdate | undefined> {
    const { network, roster, authors } = this.#init
    const newest = (peer: string): VerifiedRecord | undefined => roster.readRoster().newest(peer)
    const author = (directory: string): PeerId | undefined => authors.author(directory)
    return proven(openUpdate(update, { network, newest, author, signal }))
  }

  async #signed<T>(what: string, sealing: Promise<T>): Promise<T | undefined> {
    try {
      return await sealing
    } catch (error) {
      this.#init.log.error('%s was not sealed - %e', what, toError(error))
      return undefined
    }
  }
}

/** @returns undefined for an envelope that proves nothing, or not what it must */
async function proven<T>(opening: Promise<T>): Promise<T | undefined> {
  try {
    return await opening
  } catch (error) {
    if (error instanceof BadStatementError || error instanceof BadRecordError) return undefined
    throw error
  }
}
