/**
 * A peer that comes and goes at a chat: it connects, says Hello on a chat stream or asks for the record, and leaves as
 * peers do, with a goodbye or without. After some visits another peer takes its place.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import { RECORD_PROTOCOL } from '../../src/presence/index.ts'
import { commonServices, hostOptions } from '../../src/transport/host.ts'
import { joinFrames } from '../../src/wire/index.ts'

const chatProtocol = '/chat/1.0.0'
const timeoutMs = 20_000
const hello = joinFrames([encodeFrame({ kind: 'hello', log: '0123456789abcdef' })], 1024)

export class PasserBy {
  readonly #libp2p: Libp2p
  #visits = 0

  private constructor(libp2p: Libp2p) {
    this.#libp2p = libp2p
  }

  static async create(): Promise<PasserBy> {
    const key = await generateKeyPair('Ed25519')
    const libp2p = await createLibp2p({
      ...hostOptions({ key, host: '127.0.0.1', port: 0, discovery: [], gater: {} }),
      addresses: { listen: [] },
      services: commonServices
    })
    await libp2p.start()
    return new PasserBy(libp2p)
  }

  async visit(address: string): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs)
    const connection = await this.#libp2p.dial(multiaddr(address), { signal, force: true })
    const visit = this.#visits++
    const stream = await connection.newStream(visit % 2 === 0 ? chatProtocol : RECORD_PROTOCOL, { signal })
    if (visit % 2 === 0) stream.send(hello)
    // What the other side says first shows that it has dealt with the stream.
    await new Promise<void>((resolve) => {
      stream.addEventListener('message', () => resolve(), { once: true })
      stream.addEventListener('close', () => resolve(), { once: true })
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    if (visit % 3 === 0) connection.abort(new Error('gone without a word'))
    else if (visit % 3 === 1) stream.abort(new Error('reset'))
    else await stream.close({ signal })
    if (connection.status === 'open') await connection.close({ signal })
  }

  async leave(): Promise<void> {
    await this.#libp2p.stop()
  }
}
