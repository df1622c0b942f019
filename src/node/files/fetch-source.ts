// One peer that may have a file: a connection and a stream to it, another one after each that was lost, until it is of no
// use. What is fetched over the stream is the download's.
import type { Connection, Stream } from '@libp2p/interface'
import type { FileService } from '../../files/index.ts'
import { Backoff, Wakeup } from '../../lib/index.ts'
import { toError } from '../../wire/index.ts'
import { pathRankOf } from '../dialing/address.ts'

/** How soon a peer that is not reached, or whose stream was lost, is tried again. */
const FETCH_BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const

export interface FetchNetwork {
  readonly network: {
    connection(peer: string): Connection | undefined
    connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
  }
  readonly service: () => Pick<FileService, 'open'>
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number }
}

export interface FetchSourceInit extends FetchNetwork {
  readonly peer: string
  readonly add: (stream: Stream) => void
  /** Whether a stream to the peer is in use. */
  readonly isOpen: () => boolean
  /** Ends the streams to the peer. */
  readonly leave: () => void
  /** It was reached, or was not. */
  readonly onChange: () => void
}

export class FetchSource {
  readonly peer: string
  readonly #init: FetchSourceInit
  readonly #over = new AbortController()
  readonly #lost = new Wakeup()
  readonly #pausing = new Wakeup()
  readonly #backoff: Backoff
  /** That of the last stream. */
  #connection: Connection | undefined
  #why: string | undefined

  constructor(init: FetchSourceInit) {
    this.#init = init
    this.peer = init.peer
    this.#backoff = new Backoff(init.backoff ?? FETCH_BACKOFF)
  }

  /** Why nothing comes from it, in words; undefined while it is connected, or asked for the first time. */
  get why(): string | undefined {
    return this.#why
  }

  /** It is asked no more. */
  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  /** Resolves when it is over. */
  async run(): Promise<void> {
    const { peer, network, service, add, isOpen, onChange } = this.#init
    const { signal } = this.#over
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      // Also where the peer ended the stream at once, so that it is not asked without end.
      if (!isFirst) await this.#lost.sleep(signal).then(async () => this.#pause(signal))
      while (!signal.aborted && !isOpen()) {
        try {
          const connection = network.connection(peer) ?? (await network.connect(peer, { signal }))
          add(await service().open(connection, { signal }))
          this.#connection = connection
          this.#why = undefined
          onChange()
        } catch (error) {
          this.#why = toError(error).message
          onChange()
          await this.#pause(signal)
        }
      }
    }
  }

  /** Something has come from it: what was tried before is forgotten. */
  served(): void {
    this.#backoff.reset()
  }

  /** The peer is connected: a pause before the next try ends, and a stream over a relay gives way to one on a better path. */
  wake(): void {
    const { peer, network, isOpen, leave } = this.#init
    const best = network.connection(peer)
    if (isOpen() && best !== undefined && this.#connection !== undefined) {
      if (pathRankOf(best.remoteAddr) <= pathRankOf(this.#connection.remoteAddr)) return
      this.#connection = best
      leave()
    }
    this.#pausing.wake()
  }

  /** Its stream has ended: another one is opened. */
  lost(why: string | undefined): void {
    this.#why = why
    this.#lost.wake()
  }

  /** It is of no use. */
  stop(why?: string): void {
    this.#why = why
    this.#over.abort()
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await this.#pausing.sleep(signal, this.#backoff.nextMs())
  }
}
