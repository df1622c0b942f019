// A circuit as a transport's connection: the bytes of one stream to a relay, on which
// Noise and Yamux run from end to end. What holds a stream back holds the circuit
// back. It knows neither relay nor peer.
import type { AbortOptions, Stream } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { AbstractMultiaddrConnectionInit } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { endStream, lossOf } from '../../wire/index.ts'

/** The other half ends within a few round trips: after this time the remote keeps it open. */
const CIRCUIT_END_TIMEOUT_MS = 5_000

export interface CircuitConnectionInit extends AbstractMultiaddrConnectionInit {
  /** Nothing else reads or writes it from now on. */
  readonly stream: Stream
}

export class CircuitConnection extends AbstractMultiaddrConnection {
  readonly #stream: Stream

  /** @throws {StreamLostError} when the stream is gone already */
  constructor({ stream, ...init }: CircuitConnectionInit) {
    super(init)
    const loss = lossOf(stream, 'negotiate')
    if (loss !== undefined) throw loss
    this.#stream = stream
    stream.addEventListener('message', ({ data }) => this.onData(data))
    stream.addEventListener('drain', () => this.safeDispatchEvent('drain'))
    stream.addEventListener('end', () => this.#onEnd())
    stream.addEventListener('close', ({ error, local }) => {
      // The connection has ended already, and only its stream was still half open.
      if (this.status !== 'open' && this.status !== 'closing') return
      if (error !== undefined && local !== true) this.onRemoteReset()
      else this.onTransportClosed(error)
    })
  }

  sendData(bytes: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const sentBytes = bytes.byteLength
    return { sentBytes, canSendMore: this.#stream.send(bytes) }
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    await this.#end(options)
  }

  sendReset(error: Error): void {
    this.#stream.abort(error)
  }

  sendPause(): void {
    this.#stream.pause()
  }

  sendResume(): void {
    this.#stream.resume()
  }

  /** A connection has no half: when the other side has ended its own, this one ends too. */
  #onEnd(): void {
    if (this.status !== 'open') return
    this.#end().catch((error: unknown) => this.log('could not end the stream of a circuit - %e', error))
    this.onTransportClosed()
  }

  /** Ends this half of the stream. The stream is aborted unless the other half ends in time. */
  async #end(options?: AbortOptions): Promise<void> {
    if (this.#stream.status === 'open') await endStream(this.#stream, { ...options, timeoutMs: CIRCUIT_END_TIMEOUT_MS })
  }
}
