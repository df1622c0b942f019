// A circuit as a transport's connection: the bytes of one stream to a relay, on which
// Noise and Yamux run from end to end. What holds a stream back holds the circuit
// back. It knows neither relay nor peer.
import type { AbortOptions, Stream } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { AbstractMultiaddrConnectionInit } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface CircuitConnectionInit extends AbstractMultiaddrConnectionInit {
  /** Nothing else reads or writes it from now on. */
  readonly stream: Stream
}

export class CircuitConnection extends AbstractMultiaddrConnection {
  readonly #stream: Stream

  constructor({ stream, ...init }: CircuitConnectionInit) {
    super(init)
    this.#stream = stream
    stream.addEventListener('message', ({ data }) => this.onData(data))
    stream.addEventListener('drain', () => this.safeDispatchEvent('drain'))
    stream.addEventListener('end', () => this.#onEnd())
    stream.addEventListener('close', ({ error, local }) => {
      if (error !== undefined && local !== true) this.onRemoteReset()
      else this.onTransportClosed(error)
    })
  }

  sendData(bytes: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const sentBytes = bytes.byteLength
    return { sentBytes, canSendMore: this.#stream.send(bytes) }
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    await this.#stream.close(options)
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
    this.#stream.close().catch((error: unknown) => this.log('could not end the stream of a circuit - %e', error))
    this.onTransportClosed()
  }
}
