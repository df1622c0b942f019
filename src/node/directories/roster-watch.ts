// Reads one directory's roster without being on it: `parley roster --directory
// ADDRESS`. It makes a host that does not listen, under a key that is not kept.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createLibp2p } from 'libp2p'
import { applyEntries, fetchRoster, DirectoryViews } from '../../directory/index.ts'
import { Roster } from '../../presence/index.ts'
import type { PeerBook } from '../../storage/index.ts'
import type { RosterRow } from '../api/chat-events.ts'
import type { Config } from '../config/config.ts'
import { commonServices, hostOptions } from '../../transport/index.ts'
import { KnownNames } from '../peers/known-names.ts'
import { readDirectoryAddress } from '../peers/peer-resolver.ts'
import { readOthers } from '../profile/profile.ts'
import { addressDialer, Dialer } from '../dialing/dialer.ts'
import { compareRows } from '../peers/peer-label.ts'
import { rosterRow } from '../peers/roster-rows.ts'
import { ParleyError } from '../api/errors.ts'
import { exitCodes } from '../api/exit-codes.ts'
import { proxyOf } from '../dialing/proxy.ts'
import { dialDirectory } from './websocket-fallback.ts'
import { version } from '../config/version.ts'

/** The peer at the address is no directory, or does not send its roster. */
class DirectoryProblemError extends ParleyError {
  override readonly name = 'DirectoryProblemError'
  override readonly exitCode = exitCodes.unreachable
}

export interface RosterWatchInit {
  readonly config: Config
  /** `PORT|ADDRESS` of the directory. */
  readonly directory: string
  /** Part of a nickname, or the start of a peer ID; empty: everyone on the directory's roster. */
  readonly query?: string
  /** Report changes until `signal` aborts. */
  readonly watch: boolean
  /** Called with the whole roster: when it is complete, and then at each change. */
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
      proxyOf: proxyOf(init.config.settings),
      discovery: [],
      gater: {},
      version
    }),
    addresses: { listen: [] },
    services: { ...commonServices, dialer: addressDialer() }
  })
  const dialer = new Dialer({
    libp2p: () => libp2p,
    addressDialer: () => libp2p.services.dialer,
    addressesOf: () => [],
    isBlocked: () => false,
    isContact: () => false
  })
  await libp2p.start()
  try {
    const connection = await dialDirectory(async (...dialled) => dialer.dial(...dialled), address, {
      webSocket: others.webSocketOf(address.toString()),
      signal: init.signal
    })
    const roster = new Roster()
    const views = new DirectoryViews()
    let complete = false
    await fetchOrExplain(connection, {
      watch: init.watch,
      signal: init.signal,
      query: init.query ?? '',
      network: init.config.settings.network,
      onEntries: (entries) => {
        applyEntries(roster, entries, Date.now())
        views.apply(entries)
        complete ||= entries.complete !== undefined
        if (complete) init.onRoster(rowsOf(roster, views, others))
      }
    })
  } finally {
    await libp2p.stop()
  }
}

/** Turns any reason why a directory does not answer into an error for people. */
async function fetchOrExplain(...args: Parameters<typeof fetchRoster>): Promise<void> {
  try {
    await fetchRoster(...args)
  } catch (error) {
    args[1].signal?.throwIfAborted()
    throw new DirectoryProblemError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

function rowsOf(roster: Roster, views: DirectoryViews, others: PeerBook): readonly RosterRow[] {
  const around = {
    names: new KnownNames({ contacts: others.contacts() }),
    isBlocked: (peer: string) => others.isBlocked(peer),
    connectionAddress: () => undefined,
    seenBy: (peer: string) => ({ via: views.attestations(peer).via, onlyVia: undefined })
  }
  return roster
    .entries()
    .map((entry) => rosterRow(entry, around))
    .toSorted(compareRows)
}
