/**
 * A process of identities that register at a directory once and never come again, for test/soak/run.ts, which starts it.
 * Each has a key and a connection of its own, encrypted with that key. It judges nothing.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey, Libp2p } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { hostOptions } from '../../src/transport/host.ts'
import { eventualMs, patientConnections } from '../patience.ts'
import { habits, visitDirectory } from './visit.ts'

export interface NewcomersInit {
  readonly address: string
}

/** So many come, register and leave. */
export interface NewcomersOrder {
  readonly count: number
}

export interface NewcomersAnswer {
  /** Of those that were not registered, why. */
  readonly failures: readonly string[]
}

/** On the way at one time: one waits for its answers while another encrypts. */
const atOnce = 8
/** A busy machine is no fault of the directory's. */
const timeoutMs = eventualMs

/**
 * Dials as another peer each time, in the one place where a node's key is used on a connection that it dials. To make a
 * libp2p node for each identity costs as much as all that its connection does.
 */
class Newcomers {
  readonly #libp2p: Libp2p
  readonly #key: { current: Ed25519PrivateKey }

  private constructor(libp2p: Libp2p, key: { current: Ed25519PrivateKey }) {
    this.#libp2p = libp2p
    this.#key = key
  }

  static async create(): Promise<Newcomers> {
    const first = await generateKeyPair('Ed25519')
    const key = { current: first }
    const options = hostOptions({ key: first, host: '127.0.0.1', port: 0, discovery: [], gater: {} })
    const libp2p = await createLibp2p({
      ...options,
      // Noise reads the key of its node at each handshake.
      connectionEncrypters: (options.connectionEncrypters ?? []).map(
        (create) => (components) =>
          create(
            new Proxy(components, {
              get(target, name): unknown {
                if (name === 'privateKey') return key.current
                return name === 'peerId' ? peerIdFromPrivateKey(key.current) : Reflect.get(target, name)
              }
            })
          )
      ),
      connectionManager: { ...options.connectionManager, ...patientConnections },
      addresses: { listen: [] }
    })
    await libp2p.start()
    return new Newcomers(libp2p, key)
  }

  /** One after the other: what is dialled is encrypted with the newest key. */
  async comeAndGo(address: string, identity: number): Promise<void> {
    const key = await generateKeyPair('Ed25519')
    this.#key.current = key
    const signal = AbortSignal.timeout(timeoutMs)
    const connection = await this.#libp2p.dial(multiaddr(address), { signal, force: true })
    try {
      await visitDirectory({ connection, key, signal, ...habits(identity) })
    } finally {
      connection.abort(new Error('gone'))
    }
  }
}

if (process.send !== undefined) {
  // The parent is test/soak/run.ts, which writes this argument.
  const { address } = JSON.parse(process.argv[2] ?? '') as NewcomersInit
  const newcomers = await Promise.all(Array.from({ length: atOnce }, async () => Newcomers.create()))
  let identities = 0
  const obey = async ({ count }: NewcomersOrder): Promise<NewcomersAnswer> => {
    const failures: string[] = []
    let left = count
    await Promise.all(
      newcomers.map(async (some) => {
        while (left-- > 0) {
          await some.comeAndGo(address, identities++).catch((error: unknown) => failures.push(String(error)))
        }
      })
    )
    return { failures }
  }
  process.on('message', (order: NewcomersOrder) => {
    void obey(order).then((answer) => process.send?.(answer))
  })
  process.once('disconnect', () => process.exit())
  process.send({ ready: true })
}
