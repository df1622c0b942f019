import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { FetchSource } from '../../../src/node/files/fetch-source.ts'
import { until } from '../../eventually.ts'

const peer = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const relay = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

// Only its address is looked at.
const over = (address: string) => ({ remoteAddr: multiaddr(address) }) as Connection
const relayed = over(`/ip4/198.51.100.1/tcp/4001/p2p/${relay}/p2p-circuit/p2p/${peer}`)
const direct = over(`/ip4/198.51.100.2/tcp/4001/p2p/${peer}`)
const lan = over(`/ip4/192.168.1.7/tcp/4001/p2p/${peer}`)

test('a transfer over a relay goes on over a better path as soon as there is one, and never back', async () => {
  let best = relayed
  let isOpen = false
  const opened: Connection[] = []
  const source: FetchSource = new FetchSource({
    peer,
    network: { connection: () => best, connect: async () => expect.fail('there is a connection') },
    service: () => ({
      open: async (connection) => {
        opened.push(connection)
        return {} as Stream
      }
    }),
    // A pause that is not ended would be one of an hour.
    backoff: { firstMs: 3_600_000, maxMs: 3_600_000 },
    add: () => (isOpen = true),
    isOpen: () => isOpen,
    leave: () => {
      isOpen = false
      source.lost(undefined)
    },
    onChange: () => undefined
  })
  const run = source.run()
  for (const [number, better] of [relayed, direct, lan].entries()) {
    best = better
    source.wake()
    await until(() => opened.length === number + 1, 'a stream')
  }
  best = direct
  source.wake()
  source.stop()
  await run
  expect(opened).toEqual([relayed, direct, lan])
})
