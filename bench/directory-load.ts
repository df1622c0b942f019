/**
 * A process full of clients for the benchmarks of a directory, which start it.
 * It connects, registers and watches on command, and says when each client
 * was told of a change.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { LightClient } from './light-client.ts'

export interface LoadInit {
  readonly network: string
}

export type LoadOrder =
  /** Connects so many more clients, `atOnce` at a time; they register unless they are `bare`. */
  | {
      readonly do: 'connect'
      readonly address: string
      readonly count: number
      readonly atOnce: number
      readonly bare: boolean
    }
  | { readonly do: 'watch' }
  /** The last client says that it is there, or that it has left. */
  | { readonly do: 'announce' }
  | { readonly do: 'withdraw' }
  /** When each client got its first change since it was last asked, in ms of the machine's clock. */
  | { readonly do: 'arrivals' }
  | { readonly do: 'leave' }

export type LoadAnswer =
  | { readonly done: 'connect'; readonly failures: readonly string[] }
  | { readonly done: 'watch' | 'leave' }
  | { readonly done: 'announce' | 'withdraw'; readonly atMs: number }
  | { readonly done: 'arrivals'; readonly atMs: readonly number[] }

const maxTries = 40
const retryMs = 500
const clients: LightClient[] = []

async function obey(order: LoadOrder, network: string): Promise<LoadAnswer> {
  const last = clients.at(-1)
  switch (order.do) {
    case 'connect':
      return { done: 'connect', failures: await connect(order, network) }
    case 'watch':
      await Promise.all(clients.map(async (client) => client.watch()))
      return { done: 'watch' }
    case 'announce':
    case 'withdraw':
      if (last === undefined) throw new Error('there is no client yet')
      return { done: order.do, atMs: order.do === 'announce' ? await last.announce() : await last.withdraw() }
    case 'arrivals':
      return { done: 'arrivals', atMs: clients.flatMap((client) => client.takeArrival() ?? []) }
    case 'leave':
      await Promise.all(clients.splice(0).map(async (client) => client.leave()))
      return { done: 'leave' }
  }
}

/**
 * Like separate machines they do not wait for each other, but `atOnce` of them are on the way at a time. Whoever is
 * refused, as are more than a hundred a second of one address, tries again.
 */
async function connect(order: Extract<LoadOrder, { do: 'connect' }>, network: string): Promise<string[]> {
  const failures: string[] = []
  let left = order.count
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const client = await LightClient.create(network)
      clients.push(client)
      for (let tries = 1; ; tries++) {
        try {
          await client.connect(order.address)
          if (!order.bare) await client.register()
          break
        } catch (error) {
          if (tries === maxTries)
            failures.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
          if (tries === maxTries) break
          await sleep(retryMs * (0.5 + Math.random()))
        }
      }
    }
  }
  await Promise.all(Array.from({ length: order.atOnce }, one))
  return failures
}

if (process.send !== undefined) {
  // The parent is bench/bench-process.ts, which writes this argument.
  const { network } = JSON.parse(process.argv[2] ?? '') as LoadInit
  process.on('message', (order: LoadOrder) => {
    void obey(order, network).then((answer) => process.send?.(answer))
  })
  process.on('disconnect', () => process.exit())
  process.send({ ready: true })
}
