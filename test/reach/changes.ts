// What happens to networks and machines while two peers talk, and how long after it
// they see each other and have each other's messages again.
import { setTimeout as sleep } from 'node:timers/promises'
import { isWell, Pair, type PairInit } from './pair.ts'

interface Change {
  readonly name: string
  /** In the table. */
  readonly what: string
  readonly pair: PairInit
  /** Where the conversation is before it, and comes back to. */
  readonly path: 'lan' | 'direct'
  /** For how long something is away, in seconds, and in the long form. */
  readonly away?: { readonly seconds: number; readonly long: number }
  readonly goalMs: number
  /** Resolves when what is away is away. */
  begin(pair: Pair): Promise<void>
  /** Resolves when it is back. */
  end?(pair: Pair): Promise<void>
}

interface Recovery {
  /** From what was away being back. */
  readonly tookMs: number
  /** From the same moment until the conversation of both was on its path again; undefined when that did not come. */
  readonly pathMs: number | undefined
  readonly isWell: boolean
  readonly paths: readonly string[]
}

/** Over IPv6 nothing changes with a lease. */
const oneLan: PairInit = {
  sites: [{ kind: 'plain', hosts: 2, ipv6: false }],
  anna: { site: 0, host: 0 },
  berta: { site: 0, host: 1 }
}
const twoHomes: PairInit = {
  sites: [{ kind: 'plain' }, { kind: 'plain' }],
  anna: { site: 0 },
  berta: { site: 1 }
}
const networkGoalMs = 3_000
const processGoalMs = 5_000
const lineAway = { seconds: 60, long: 300 }

export const changes: readonly Change[] = [
  {
    name: 'lan-address',
    what: 'address on the LAN changed',
    pair: oneLan,
    path: 'lan',
    goalMs: networkGoalMs,
    begin: async ({ annasHost }) => annasHost.readdress()
  },
  {
    name: 'wan-address',
    what: 'address of the router changed',
    pair: twoHomes,
    path: 'direct',
    goalMs: networkGoalMs,
    begin: async ({ annasSite }) => annasSite.readdress()
  },
  {
    name: 'route',
    what: 'default route changed, addresses stayed',
    pair: { ...twoHomes, sites: [{ kind: 'plain', hasSecondRouter: true }, { kind: 'plain' }] },
    path: 'direct',
    goalMs: networkGoalMs,
    begin: async ({ annasHost }) => annasHost.reroute()
  },
  {
    name: 'line',
    what: 'line to the Internet cut',
    pair: twoHomes,
    path: 'direct',
    away: lineAway,
    goalMs: networkGoalMs,
    begin: async ({ annasSite }) => annasSite.cut(),
    end: async ({ annasSite }) => annasSite.repair()
  },
  {
    name: 'card',
    what: 'own card off, on a LAN',
    pair: oneLan,
    path: 'lan',
    away: lineAway,
    goalMs: networkGoalMs,
    begin: async ({ annasHost }) => annasHost.setCard('down'),
    end: async ({ annasHost }) => annasHost.setCard('up')
  },
  {
    name: 'stopped',
    what: 'process stopped',
    pair: twoHomes,
    path: 'direct',
    away: { seconds: 45, long: 120 },
    goalMs: processGoalMs,
    begin: async ({ anna }) => void process.kill(anna.pid, 'SIGSTOP'),
    end: async ({ anna }) => void process.kill(anna.pid, 'SIGCONT')
  }
]

export async function recover(change: Change, { isLong }: { readonly isLong: boolean }): Promise<Recovery> {
  const pair = await Pair.start(change.pair)
  try {
    await pair.converse()
    await pair.untilPath([change.path])
    await pair.exchange(10)
    await change.begin(pair)
    if (change.away !== undefined) await sleep(1_000 * (isLong ? change.away.long : change.away.seconds))
    await change.end?.(pair)
    const backAtMs = performance.now()
    const exchange = await pair.exchange(1)
    await pair.untilBothSeen()
    const tookMs = performance.now() - backAtMs
    const reachedAtMs = await pair.untilPath([change.path])
    const pathMs = reachedAtMs === undefined ? undefined : Math.max(0, reachedAtMs - backAtMs)
    return { tookMs, pathMs, isWell: isWell(exchange), paths: await pair.paths() }
  } finally {
    await pair.stop()
  }
}
