// What a directory says first, and after each announcement that it took.
import type { DirectoryFrame } from '../directory-frames.ts'
import type { DirectoryStun } from '../directory-stun.ts'

/** Renewals come between these parts of a lease, spread at random, so that a restart causes no wave. */
const REFRESH_AT = { earliest: 1 / 3, latest: 1 / 2 } as const

interface WelcomeInit {
  readonly network: string
  readonly leaseMs: number
  readonly random: () => number
  /** Of the announcement; undefined in the first Welcome. */
  readonly acceptedSeq: bigint | undefined
  readonly stun: DirectoryStun | undefined
  readonly webSocket: string | undefined
}

export function welcomeFrame({ network, leaseMs, random, acceptedSeq, stun, webSocket }: WelcomeInit): DirectoryFrame {
  const { earliest, latest } = REFRESH_AT
  const inFirst = webSocket === undefined ? {} : { webSocket }
  return {
    type: 'welcome',
    network,
    leaseMs,
    refreshAfterMs: Math.round(leaseMs * (earliest + random() * (latest - earliest))),
    ...(acceptedSeq === undefined ? { clockMs: BigInt(Date.now()), ...inFirst } : { acceptedSeq }),
    ...(stun === undefined ? {} : { stun })
  }
}
