// A WebSocket as a transport's connection: bytes in order, on which Noise and Yamux run as
// on TCP. What can't be sent yet holds the sender back, and what is not read the other
// side. An accepted one begins with its opening handshake, so that the limits on
// connections that have not identified themselves apply to it too.
import type { AbortOptions } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { AbstractMultiaddrConnectionInit } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Uint8ArrayList } from 'uint8arraylist'
import { MisbehaviourError, steadyNow, toError } from '../../wire/index.ts'
import { readHttpHead, type HttpHead } from './http-head.ts'
import { answerUpgrade, refuseUpgrade, type UpgradeAnswer } from './upgrade.ts'
import { closeFrame, FrameReader, maskedMessage, messageHeader, pongFrame } from './websocket-frames.ts'

/** Payload up to this is copied behind its header: two writes cost more. */
const COPY_UP_TO_BYTES = 4 * 1024

export interface WebSocketConnectionInit extends AbstractMultiaddrConnectionInit {
  /** Connected, and with no other reader. */
  readonly socket: Socket
  /** What the remote was cut for. */
  readonly onMisbehaviour: (error: MisbehaviourError, connection: WebSocketConnection) => void
}

export class WebSocketConnection extends AbstractMultiaddrConnection {
  readonly #socket: Socket
  readonly #frames: FrameReader
  readonly #isMasking: boolean
  readonly #onMisbehaviour: WebSocketConnectionInit['onMisbehaviour']

  constructor({ socket, onMisbehaviour, ...init }: WebSocketConnectionInit) {
    super(init)
    this.#socket = socket
    this.#isMasking = init.direction !== 'inbound'
    this.#frames = new FrameReader({ isMasked: !this.#isMasking, nowMs: steadyNow() })
    this.#onMisbehaviour = onMisbehaviour
    socket.on('data', (bytes) => this.received(bytes))
    socket.on('drain', () => this.safeDispatchEvent('drain'))
    socket.on('error', (error) => this.abort(error))
    socket.once('end', () => this.onTransportClosed())
    socket.once('close', (hadError) => this.onTransportClosed(hadError ? new Error('the socket failed') : undefined))
  }

  /** Bytes behind the opening handshake. */
  received(bytes: Uint8Array): void {
    try {
      const { payload, ping, isClosed } = this.#frames.read(bytes, steadyNow())
      this.onData(payload)
      // A remote that does not read gets no answers that would have to wait for it.
      if (ping !== undefined && !this.#socket.writableNeedDrain) this.write(pongFrame(ping, this.#isMasking))
      if (!isClosed) return
      this.#sayClose()
      this.endSocket()
    } catch (error) {
      this.abort(toError(error))
      if (error instanceof MisbehaviourError) this.#onMisbehaviour(error, this)
    }
  }

  sendData(bytes: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    return {
      sentBytes: bytes.byteLength,
      canSendMore: this.#isMasking ? this.write(maskedMessage(bytes.subarray())) : this.#sendPlain(bytes)
    }
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    if (this.#socket.destroyed) return
    const closed = once(this.#socket, 'close', options)
    this.#sayClose()
    this.#socket.destroySoon()
    await closed
  }

  sendReset(): void {
    this.#socket.destroy()
  }

  sendPause(): void {
    this.#socket.pause()
  }

  sendResume(): void {
    this.#socket.resume()
  }

  /** @returns false when the next write should wait for `drain` */
  protected write(bytes: string | Uint8Array): boolean {
    return this.#socket.write(bytes)
  }

  #sendPlain(bytes: Uint8ArrayList): boolean {
    const header = messageHeader(bytes.byteLength)
    if (bytes.byteLength <= COPY_UP_TO_BYTES) return this.write(Buffer.concat([header, ...bytes]))
    this.#socket.cork()
    this.write(header)
    let hasRoom = true
    for (const piece of bytes) hasRoom = this.write(piece)
    this.#socket.uncork()
    return hasRoom
  }

  /** What was written still leaves. */
  protected endSocket(): void {
    this.#socket.destroySoon()
    this.onTransportClosed()
  }

  #sayClose(): void {
    if (this.#socket.writable) this.write(closeFrame(this.#isMasking))
  }
}

export interface AcceptedWebSocketInit extends Omit<WebSocketConnectionInit, 'direction'> {
  /** Whose request it is; undefined where a trusted proxy does not say that. */
  readonly clientOf: (head: HttpHead) => Multiaddr | undefined
}

export class AcceptedWebSocket extends WebSocketConnection {
  readonly #clientOf: AcceptedWebSocketInit['clientOf']
  #head: Uint8Array | undefined = new Uint8Array()
  /** Called once {@link remoteAddr} is that of the client. */
  onClientKnown: (() => void) | undefined

  constructor({ clientOf, ...init }: AcceptedWebSocketInit) {
    super({ ...init, direction: 'inbound' })
    this.#clientOf = clientOf
  }

  override received(bytes: Uint8Array): void {
    if (this.#head === undefined) return super.received(bytes)
    this.#head = Buffer.concat([this.#head, bytes])
    const reading = readHttpHead(this.#head)
    if (reading.is === 'incomplete') return
    const answer = reading.is === 'invalid' ? refuseUpgrade('400 Bad Request', reading.why) : this.#answer(reading.head)
    this.write(answer.response)
    if (answer.is === 'refused') return this.endSocket()
    const rest = reading.is === 'complete' ? this.#head.subarray(reading.byteLength) : new Uint8Array()
    this.#head = undefined
    this.onClientKnown?.()
    super.received(rest)
  }

  #answer(head: HttpHead): UpgradeAnswer {
    const client = this.#clientOf(head)
    if (client === undefined)
      return refuseUpgrade('400 Bad Request', 'its proxy does not say whose it is (X-Forwarded-For)')
    this.remoteAddr = client
    return answerUpgrade(head)
  }
}
