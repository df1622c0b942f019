// A UDX stream as a transport's connection: bytes in order between two UDP sockets, on
// which Noise and Yamux run as on TCP. What can't be sent yet holds the sender back. It
// knows neither routers nor peers.
import type { AbortOptions } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { AbstractMultiaddrConnectionInit } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { UdxStream } from './udx-library.ts'

/** The other side takes what is under way, and ends its half, within a few round trips; after this time it is gone. */
const UDX_END_TIMEOUT_MS = 5_000

export interface UdxConnectionInit extends AbstractMultiaddrConnectionInit {
  /** Connected, and read by nobody else. */
  readonly stream: UdxStream
}

export class UdxConnection extends AbstractMultiaddrConnection {
  readonly #stream: UdxStream
  #isGone = false
  #deadline: NodeJS.Timeout | undefined

  constructor({ stream, ...init }: UdxConnectionInit) {
    super(init)
    this.#stream = stream
    stream.on('data', (bytes) => this.onData(bytes))
    stream.on('drain', () => this.safeDispatchEvent('drain'))
    stream.on('end', () => this.#onEnd())
    // `close` follows it, and says all that matters: who ended it can be forged.
    stream.on('error', (error) => this.log('the direct path failed - %e', error))
    stream.on('close', () => {
      this.#isGone = true
      clearTimeout(this.#deadline)
      if (this.status === 'open') this.onRemoteReset()
      else this.onTransportClosed()
    })
  }

  sendData(bytes: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const sentBytes = bytes.byteLength
    return { sentBytes, canSendMore: this.#stream.write(bytes.subarray()) }
  }

  async sendClose(_options?: AbortOptions): Promise<void> {
    this.#end()
  }

  sendReset(): void {
    this.#stream.destroy()
  }

  sendPause(): void {
    // UDX goes on to fill its queue, without a bound. What this connection keeps while it is paused has one; and the
    // windows of Yamux hold back who sends on it, as on TCP.
  }

  sendResume(): void {
    // See sendPause().
  }

  /** A connection has no half: when the other side has ended its own, this one ends too. */
  #onEnd(): void {
    this.#end()
    if (this.status === 'open') this.onTransportClosed()
  }

  /** What was written still leaves. The stream is destroyed unless the other half ends in time. */
  #end(): void {
    if (this.#isGone || this.#deadline !== undefined) return
    this.#deadline = setTimeout(() => this.#stream.destroy(), UDX_END_TIMEOUT_MS).unref()
    this.#stream.end()
  }
}
