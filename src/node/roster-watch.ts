// Looks at one directory's roster without being on it: `parley roster
// --directory ADDRESS`. It makes a host that listens nowhere, under a key that
// nobody keeps.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createLibp2p } from 'libp2p'
import { applyEntries, fetchRoster, Roster, Tellings, vouched } from '../directory/index.ts'
import type { PeerBook } from '../storage/index.ts'
import type { RosterRow } from './chat-events.ts'
import type { Config } from './config.ts'
import { commonServices, hostOptions } from './host.ts'
import { DirectoryProblemError } from './errors.ts'
import { KnownNames } from './known-names.ts'
import { readDirectoryAddress } from './peer-resolver.ts'
import { readOthers } from './profile.ts'
import { addressDialer, Reach } from './reach.ts'
import { compareRows, rosterRow } from './roster-rows.ts'

export interface RosterWatchInit {
  readonly config: Config
  /** `PORT|ADDRESS` of the directory. */
  readonly directory: string
  /** Part of a nickname, or the start of a peer ID; empty: everyone on the directory's roster. */
  readonly query?: string
  /** Go on until `signal` aborts. */
  readonly watch: boolean
  /** Called with the whole roster: once it is complete, and then at each change. */
  readonly onRoster: (rows: readonly RosterRow[]) => void
  readonly signal: AbortSignal
}

/** @throws BadAddressError, UnreachableError, DirectoryProblemError */
export async function watchRoster(init: RosterWatchInit): Promise<void> {
  const address = readDirectoryAddress(init.directory)
  const others = await readOthers(init.config)
  const libp2p = await createLibp2p({
    ...hostOptions({
      key: await generateKeyPair('Ed25519'),
      host: undefined,
      port: 0,
      discovery: [],
      gater: {}
    }),
    addresses: { listen: [] },
    services: { ...commonServices, dialer: addressDialer() }
  })
  const reach = new Reach({
    libp2p: () => libp2p,
    dialer: () => libp2p.services.dialer,
    addressesOf: () => [],
    isBlocked: () => false,
    isContact: () => false
  })
  await libp2p.start()
  try {
    const connection = await reach.dial(address, { signal: init.signal })
    const roster = new Roster()
    const tellings = new Tellings()
    let complete = false
    await fetchOrExplain(connection, {
      watch: init.watch,
      signal: init.signal,
      query: init.query ?? '',
      network: init.config.settings.network,
      onEntries: (entries) => {
        applyEntries(roster, entries, Date.now())
        tellings.apply(entries)
        complete ||= entries.complete !== undefined
        if (complete) init.onRoster(rowsOf(roster, tellings, others))
      }
    })
  } finally {
    await libp2p.stop()
  }
}

/** Whatever keeps a directory from answering is told as an error for people. */
async function fetchOrExplain(...args: Parameters<typeof fetchRoster>): Promise<void> {
  try {
    await fetchRoster(...args)
  } catch (error) {
    args[1].signal?.throwIfAborted()
    throw new DirectoryProblemError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

function rowsOf(roster: Roster, tellings: Tellings, others: PeerBook): readonly RosterRow[] {
  const around = {
    names: new KnownNames({ contacts: others.contacts() }),
    isBlocked: (peer: string) => others.isBlocked(peer),
    connectionAddress: () => undefined,
    seenBy: (peer: string) => ({ via: vouched(tellings, peer).via, onlyVia: undefined })
  }
  return roster
    .entries()
    .map((entry) => rosterRow(entry, around))
    .toSorted(compareRows)
}
