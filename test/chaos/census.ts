// The process that asks directories for their rosters, by their own protocol and
// from a host of its own, without being on any. It keeps its connections, so
// that asking costs next to nothing; what to ask comes from Child.ask().
//
//   node --experimental-transform-types census.ts
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { fetchRoster, type DirectoryEntries } from '../../src/directory/index.ts'
import { boundedYamux } from '../../src/transport/index.ts'
import { answer } from './answering.ts'
import type { SeenRow } from './compare.ts'

export interface CensusQuestion {
  readonly network: string
  readonly directories: readonly { readonly name: string; readonly peer: string; readonly address: string }[]
}

export interface CensusAnswer {
  readonly name: string
  readonly rows?: readonly SeenRow[]
  /** Why there are none. */
  readonly why?: string
}

/** A directory that runs answers in milliseconds; one that hangs must not hold up the look at the others for long. */
const askTimeoutMs = 2_000

const libp2p = await createLibp2p({
  privateKey: await generateKeyPair('Ed25519'),
  addresses: { listen: [] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [boundedYamux()],
  connectionMonitor: { pingInterval: 1_000, pingTimeout: { minTimeout: 2_000 } },
  services: { identify: identify() }
})

async function ask(
  network: string,
  { name, peer, address }: CensusQuestion['directories'][number]
): Promise<CensusAnswer> {
  const signal = AbortSignal.timeout(askTimeoutMs)
  try {
    const connection = await libp2p.dial(multiaddr(`${address}/p2p/${peer}`), { signal })
    try {
      const rows = new Map<string, SeenRow>()
      await fetchRoster(connection, {
        network,
        signal,
        onEntries: ({ updates, removed }) => {
          for (const update of updates) {
            const row = rowOf(update)
            if (update.record.record.withdrawn) rows.delete(row.peer)
            else rows.set(row.peer, row)
          }
          for (const one of removed) rows.delete(one)
        }
      })
      return { name, rows: [...rows.values()] }
    } catch (error) {
      connection.abort(new Error('it did not answer')) // the next question takes a new one
      throw error
    }
  } catch (error) {
    return { name, why: error instanceof Error ? error.message : String(error) }
  }
}

function rowOf({ record: { record }, attachments }: DirectoryEntries['updates'][number]): SeenRow {
  return {
    peer: record.peer.toString(),
    nickname: record.nickname,
    status: record.status,
    seq: String(record.seq),
    attachedTo: attachments.map(({ directory }) => directory.toString())
  }
}

answer({
  ask: async (details) => {
    const { network, directories } = details as CensusQuestion // asked by cluster.ts
    return Promise.all(directories.map(async (directory) => ask(network, directory)))
  }
})
console.log('ready')
