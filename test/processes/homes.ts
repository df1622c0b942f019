// The home of a parley in a test: the environment in which it finds this home and
// nothing else, and what lies where in it.
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SqliteStore, type NewIncoming } from '../../src/storage/index.ts'

/** Where a parley keeps its data and finds its settings. */
export function foldersOf(home: string): { readonly XDG_DATA_HOME: string; readonly XDG_CONFIG_HOME: string } {
  return { XDG_DATA_HOME: join(home, 'data'), XDG_CONFIG_HOME: join(home, 'config') }
}

/** All that a process of a test sees of the world: its home, its network, and no directory but those that are named. */
export function homeEnv(home: string, network: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: home,
    ...foldersOf(home),
    PARLEY_NETWORK: network,
    PARLEY_DEFAULT_DIRECTORIES: 'false',
    // The router of this machine is not a test's.
    PARLEY_PORT_MAPPING: 'false'
  }
}

/** The same on loopback alone, without mDNS. */
export function secludedEnv(home: string, network: string): NodeJS.ProcessEnv {
  return { ...homeEnv(home, network), PARLEY_HOST: '127.0.0.1', PARLEY_MDNS: 'false' }
}

/** The folder of a profile. */
export function profileIn(home: string, profile = 'default'): string {
  return join(home, 'data', 'parley', 'profiles', profile)
}

/** The file of the history. */
export function historyIn(home: string): string {
  return join(profileIn(home), 'history.db')
}

/** The file of the identity key. */
export function keyFileIn(home: string, profile = 'default'): string {
  return join(profileIn(home, profile), 'identity.key')
}

/** The identity key, of a profile that has no passphrase. */
export async function keyIn(home: string, profile = 'default'): Promise<PrivateKey> {
  return privateKeyFromProtobuf(await readFile(keyFileIn(home, profile)))
}

/** Opens the history of a home in which no parley runs; it is made if it is missing. @param now when what is added joins it */
export async function withHistory(
  home: string,
  use: (store: SqliteStore) => Promise<unknown>,
  now: () => number = Date.now
): Promise<void> {
  await mkdir(profileIn(home), { recursive: true, mode: 0o700 })
  const { store } = await SqliteStore.openOrMend(historyIn(home), { onDamage: () => undefined, now })
  try {
    await use(store)
  } finally {
    await store.close()
  }
}

/** Messages that a peer has written, one after the other, as the store takes them. */
export function receivedMessages(texts: readonly string[], sentAtMs: number): readonly NewIncoming[] {
  return texts.map((text, index) => ({
    id: index.toString(16).padStart(32, '0'),
    log: '0'.repeat(16),
    seq: index + 1,
    sentAtMs,
    text
  }))
}
