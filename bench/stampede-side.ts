/**
 * A process full of clients that come back for bench/directory-stampede.ts,
 * which starts it. Most are light clients, which redial as Parley's own does; a
 * few are Parley's own `DirectoryClient`, which checks each record of the roster.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { DirectoryClient, DirectoryRefusedError } from '../src/directory/index.ts'
import { sealRecord } from '../src/presence/index.ts'
import { RedialDelay } from '../src/directory/redial-delay.ts'
import { commonServices, hostOptions } from '../src/transport/host.ts'
import { nowMs } from './bench-process.ts'
import { LightClient } from './light-client.ts'

export interface StampedeInit {
  readonly network: string
  readonly address: string
  readonly light: number
  readonly own: number
}

export type StampedeOrder = { readonly do: 'state' } | { readonly do: 'cut' } | { readonly do: 'forget' }

export interface StampedeState {
  /** When each client that is registered now was so, in ms of the machine's clock; light clients have the roster then. */
  readonly backAtMs: readonly number[]
  readonly failures: readonly string[]
}

interface Returning {
  backAtMs: number | undefined
  cut(): void
}

const clients: Returning[] = []
let failures: string[] = []

function failed(error: unknown): void {
  failures.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
}

async function startLight({ network, address }: StampedeInit): Promise<Returning> {
  const client = await LightClient.create(network)
  const state: Returning = { backAtMs: undefined, cut: () => client.cut() }
  const delay = new RedialDelay()
  const run = async (): Promise<void> => {
    for (;;) {
      let waitMs: number | undefined
      let sinceMs = Infinity
      try {
        await client.connect(address)
        const { ended } = await client.register()
        sinceMs = nowMs()
        await client.watch()
        state.backAtMs = nowMs()
        throw await ended
      } catch (error) {
        if (error instanceof DirectoryRefusedError) waitMs = delay.afterRefusal(error, Math.random)
        if (state.backAtMs === undefined) failed(error)
        state.backAtMs = undefined
        delay.lasted(nowMs() - sinceMs)
      }
      await sleep(waitMs ?? delay.next(Date.now(), Math.random))
    }
  }
  void run()
  return state
}

async function startOwn({ network, address }: StampedeInit): Promise<Returning> {
  const key = await generateKeyPair('Ed25519')
  const limits = { discovery: [], gater: {} }
  const libp2p = await createLibp2p({
    ...hostOptions({ key, host: '127.0.0.1', port: 0, ...limits }),
    addresses: { listen: [] },
    services: commonServices
  })
  await libp2p.start()
  const presence = { issuedAtMs: Date.now(), nickname: 'own', status: '', addresses: [], capabilities: [], network }
  const { envelope } = await sealRecord({ ...presence, seq: BigInt(Date.now()) }, key)
  const client = new DirectoryClient({
    network,
    announce: true,
    connect: async ({ signal }) => libp2p.dial(multiaddr(address), { signal }),
    ownEnvelope: async () => new Uint8Array(envelope),
    onStale: () => failed(new Error('the directory calls the record stale'))
  })
  const state: Returning = {
    backAtMs: undefined,
    cut: () => {
      for (const connection of libp2p.getConnections()) connection.abort(new Error('cut by the benchmark'))
    }
  }
  client.on('state', (next) => {
    if (next.state === 'connected' && next.registered) state.backAtMs ??= nowMs()
    if (next.state !== 'waiting') return
    if (state.backAtMs === undefined) failed(next.why)
    state.backAtMs = undefined
  })
  client.start()
  return state
}

if (process.send !== undefined) {
  // The parent is bench/directory-stampede.ts, which writes this argument.
  const init = JSON.parse(process.argv[2] ?? '') as StampedeInit
  for (let i = 0; i < init.light; i++) clients.push(await startLight(init))
  for (let i = 0; i < init.own; i++) clients.push(await startOwn(init))
  process.on('message', (order: StampedeOrder) => {
    if (order.do === 'cut') for (const client of clients) client.cut()
    if (order.do === 'forget') failures = []
    process.send?.({ backAtMs: clients.flatMap(({ backAtMs }) => backAtMs ?? []), failures } satisfies StampedeState)
  })
  process.on('disconnect', () => process.exit())
  process.send({ ready: true })
}
