// The pairs of places whose peers must reach each other, and one measurement of a pair.
import type { SiteInit, SiteKind } from '../netns/internet.ts'
import { isWell, Pair, type Exchange, type PairInit } from './pair.ts'

/** Each way: more than a window holds. */
const exchangedMessages = 1_000

const pathRanks = ['none', 'relayed', 'direct', 'lan'] as const
type ReachedBy = (typeof pathRanks)[number]

export interface Cell {
  readonly name: string
  readonly pair: PairInit
  /** The path that it must have at least. */
  readonly least: ReachedBy
  /** Continuous integration runs it. */
  readonly inSample?: boolean
}

interface Measured {
  readonly firstMs: number
  /** From the first message until both had a path that is as good as it must be; undefined where that did not come. */
  readonly pathMs: number | undefined
  readonly exchange: Exchange
  /** The worse of what the two say. */
  readonly path: ReachedBy
}

/** Two sites, a peer at each; the name says what stands before them. */
function apart(
  anna: SiteKind,
  berta: SiteKind,
  { isBehindWebServer = false, ...rest }: Pick<Cell, 'least' | 'inSample'> & Pick<PairInit, 'isBehindWebServer'>
): Cell {
  const sites: readonly SiteInit[] = [{ kind: anna }, { kind: berta }]
  const pair = { sites, anna: { site: 0 }, berta: { site: 1 }, isBehindWebServer }
  return { name: `${anna}/${berta}`, pair, ...rest }
}

export const cells: readonly Cell[] = [
  {
    name: 'lan',
    pair: { sites: [{ kind: 'plain', hosts: 2 }], anna: { site: 0, host: 0 }, berta: { site: 0, host: 1 } },
    least: 'lan',
    inSample: true
  },
  apart('public', 'public', { least: 'direct' }),
  apart('public', 'plain', { least: 'direct' }),
  apart('plain', 'public', { least: 'direct', inSample: true }),
  apart('plain', 'plain', { least: 'direct', inSample: true }),
  apart('plain', 'adf', { least: 'direct' }),
  apart('full-cone', 'plain', { least: 'direct' }),
  apart('full-cone', 'adf', { least: 'direct' }),
  apart('full-cone', 'full-cone', { least: 'direct' }),
  apart('adf', 'adf', { least: 'direct' }),
  apart('symmetric', 'plain', { least: 'direct' }),
  apart('symmetric', 'adf', { least: 'direct' }),
  apart('symmetric', 'full-cone', { least: 'direct' }),
  apart('symmetric', 'symmetric', { least: 'relayed', inSample: true }),
  // One reaches the directory by WebSocket, the other at its TCP port.
  apart('tcp-443', 'plain', { least: 'relayed', inSample: true, isBehindWebServer: true }),
  apart('udp-blocked', 'plain', { least: 'relayed' }),
  apart('ipv6', 'ipv6', { least: 'direct' })
]

export async function measure({ pair: init, least }: Cell): Promise<Measured> {
  const pair = await Pair.start(init)
  try {
    const { sentAtMs, shownAtMs } = await pair.firstMessage()
    await pair.converse()
    // They write while the conversation moves to its path.
    const exchanging = pair.exchange(exchangedMessages)
    const reachedAtMs = await pair.untilPath(pathRanks.slice(pathRanks.indexOf(least)))
    const exchange = await exchanging
    const paths = await pair.paths()
    return {
      firstMs: shownAtMs - sentAtMs,
      pathMs: reachedAtMs === undefined ? undefined : reachedAtMs - sentAtMs,
      exchange,
      path: pathRanks.find((one) => paths.includes(one)) ?? 'none'
    }
  } finally {
    await pair.stop()
  }
}

export function isReached({ least }: Cell, { path, exchange }: Measured): boolean {
  return pathRanks.indexOf(path) >= pathRanks.indexOf(least) && isWell(exchange)
}
