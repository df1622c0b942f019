// Many peers in this process, each a libp2p node with its own key, that announce
// themselves to a real directory by its protocol and do nothing else.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { lpStream, type LengthPrefixedStream } from '@libp2p/utils'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeClientFrame } from '../../src/directory/directory-frames.ts'
import { DIRECTORY_PROTOCOL } from '../../src/directory/index.ts'
import { LEASE_MS, sealRecord } from '../../src/presence/index.ts'
import { yamuxInit } from '../../src/transport/index.ts'
import { patientConnections } from '../patience.ts'

const MAX_TRIES = 20
/** A lease is three times as long: on a busy machine a crowd takes longer than one to gather. */
const RENEW_MS = LEASE_MS / 3
const TRY_AGAIN_MS = 500

export class CrowdPeer {
  readonly #node: Libp2p
  readonly #key: PrivateKey
  readonly #stream: LengthPrefixedStream<Stream>
  readonly #network: string
  #seq = BigInt(Date.now())
  #renewing: NodeJS.Timeout | undefined

  /** Connects, and says nothing yet. */
  static async connect(port: number, network: string): Promise<CrowdPeer> {
    const key = await generateKeyPair('Ed25519')
    const node = await createLibp2p({
      privateKey: key,
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux(yamuxInit)],
      connectionMonitor: { enabled: false },
      connectionManager: { reconnectRetries: 0, ...patientConnections }
    })
    const stream = await streamPatiently(node, multiaddr(`/ip4/127.0.0.1/tcp/${port}`))
    return new CrowdPeer(node, key, lpStream(stream), network)
  }

  private constructor(node: Libp2p, key: PrivateKey, stream: LengthPrefixedStream<Stream>, network: string) {
    this.#node = node
    this.#key = key
    this.#stream = stream
    this.#network = network
  }

  get peer(): string {
    return this.#node.peerId.toString()
  }

  /** On the roster from now on, until it withdraws or stops. */
  async announce(nickname: string, status = ''): Promise<void> {
    clearInterval(this.#renewing)
    // A stream that has ended renews nothing, and no test counts on it.
    this.#renewing = setInterval(() => void this.#announce(nickname, status).catch(() => undefined), RENEW_MS)
    await this.#announce(nickname, status)
  }

  async #announce(nickname: string, status: string): Promise<void> {
    await this.#stream.write(
      encodeClientFrame({ type: 'announce', envelope: await this.#seal(nickname, status, false) })
    )
  }

  async withdraw(): Promise<void> {
    clearInterval(this.#renewing)
    await this.#stream.write(encodeClientFrame({ type: 'withdraw', envelope: await this.#seal('', '', true) }))
  }

  async stop(): Promise<void> {
    clearInterval(this.#renewing)
    await this.#node.stop()
  }

  async #seal(nickname: string, status: string, withdrawn: boolean): Promise<Uint8Array> {
    const { envelope } = await sealRecord(
      {
        seq: ++this.#seq,
        issuedAtMs: Date.now(),
        nickname,
        status,
        addresses: [multiaddr('/ip4/192.168.1.7/tcp/4001')],
        capabilities: [],
        network: this.#network,
        withdrawn
      },
      this.#key
    )
    return envelope
  }
}

/**
 * A directory lets in so many a second from one address, and this is one: one that is turned away comes again. So does
 * one that was cut off because it was slow to open its stream, beside so many others in one process.
 */
async function streamPatiently(node: Libp2p, address: Multiaddr): Promise<Stream> {
  for (let tries = 1; ; tries++) {
    try {
      return await (await node.dial(address)).newStream(DIRECTORY_PROTOCOL)
    } catch (error) {
      if (tries >= MAX_TRIES) throw error
      await sleep(TRY_AGAIN_MS)
    }
  }
}

/** So many peers at the directory, a few at a time: `peer 0`, `peer 1` and so on. */
export async function crowd(port: number, network: string, count: number): Promise<readonly CrowdPeer[]> {
  const peers: CrowdPeer[] = []
  let next = 0
  const some = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const peer = await CrowdPeer.connect(port, network)
      peers.push(peer)
      await peer.announce(`peer ${i}`, i % 3 === 0 ? 'in the crowd' : '')
    }
  }
  await Promise.all(Array.from({ length: 8 }, some))
  return peers
}
