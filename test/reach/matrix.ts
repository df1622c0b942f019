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
  readonly exchange: Exchange
  /** The worse of what the two say. */
  readonly path: ReachedBy
}

/** Two sites, a peer at each; the name says what stands before them. */
function apart(anna: SiteKind, berta: SiteKind, rest: Pick<Cell, 'least' | 'inSample'>): Cell {
  const sites: readonly SiteInit[] = [{ kind: anna }, { kind: berta }]
  return { name: `${anna}/${berta}`, pair: { sites, anna: { site: 0 }, berta: { site: 1 } }, ...rest }
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
  apart('plain', 'plain', { least: 'relayed', inSample: true }),
  apart('plain', 'adf', { least: 'relayed' }),
  apart('full-cone', 'plain', { least: 'relayed' }),
  apart('adf', 'adf', { least: 'relayed' }),
  apart('symmetric', 'plain', { least: 'relayed' }),
  apart('symmetric', 'adf', { least: 'relayed' }),
  apart('symmetric', 'full-cone', { least: 'relayed' }),
  apart('symmetric', 'symmetric', { least: 'relayed', inSample: true }),
  apart('tcp-443', 'plain', { least: 'relayed', inSample: true }),
  apart('udp-blocked', 'plain', { least: 'relayed' }),
  apart('ipv6', 'ipv6', { least: 'relayed' })
]

export async function measure({ pair: init }: Cell): Promise<Measured> {
  const pair = await Pair.start(init)
  try {
    const firstMs = await pair.firstMessage()
    await pair.converse()
    const exchange = await pair.exchange(exchangedMessages)
    const paths = await pair.paths()
    return { firstMs, exchange, path: pathRanks.find((one) => paths.includes(one)) ?? 'none' }
  } finally {
    await pair.stop()
  }
}

export function isReached({ least }: Cell, { path, exchange }: Measured): boolean {
  return pathRanks.indexOf(path) >= pathRanks.indexOf(least) && isWell(exchange)
}
