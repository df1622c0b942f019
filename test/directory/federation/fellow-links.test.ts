// Which stream of several is kept, over fake connections and real streams: who
// opens another, who ends late, and what a stranger's Hello may say.
import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { MAX_NETWORK_CHARS } from '../../../src/directory/constants.ts'
import { CROSSING_MS, MAX_CANDIDATES } from '../../../src/directory/federation/constants.ts'
import { encodeFederationFrame } from '../../../src/directory/federation/federation-frames.ts'
import { FellowLinks } from '../../../src/directory/federation/fellow-links.ts'
import { encodeFrames } from '../../../src/wire/index.ts'
import { until } from '../nodes.ts'
import { identity } from '../records.ts'
import { hello } from './raw-fellow.ts'
import { silent } from './words.ts'

const [home, north] = [await identity(200), await identity(201)]

function lab(onFrame: () => Promise<void> = async () => undefined) {
  let nowMs = 1_000
  const { signal } = new AbortController()
  const unlinked: boolean[] = []
  const strangers: string[] = []
  const links = new FellowLinks({
    self: home.peer,
    network: 'test',
    now: () => nowMs,
    log: silent,
    hello: () => hello,
    isNamed: () => false,
    admitsOthers: true,
    isBanned: () => false,
    connectionsTo: () => [],
    onExpected: () => undefined,
    onLinked: () => undefined,
    onUnlinked: (_, wasFellow) => unlinked.push(wasFellow),
    onFrame,
    onOtherNetwork: (_, network) => strangers.push(network),
    onFlood: () => undefined,
    onTurnedAway: () => undefined,
    onEvicted: () => undefined
  })
  /** A stream that the fellow opens. */
  const opened = async (said: typeof hello | 'nothing' = hello, by = north, from = '203.0.113.7'): Promise<Stream> => {
    const [here, there] = await streamPair()
    const remoteAddr = multiaddr(`/ip4/${from}/tcp/4001`)
    const connection = { remotePeer: by.peer, remoteAddr, abort: () => undefined } as unknown as Connection
    links.accept(here, connection, signal)
    if (said === 'nothing') return there
    for await (const bytes of encodeFrames({ maxFrameBytes: 1 << 16 })(
      (async function* () {
        yield [encodeFederationFrame(said)]
      })()
    )) {
      there.send(bytes)
    }
    return there
  }
  return { links, opened, unlinked, strangers, pass: (ms: number) => void (nowMs += ms) }
}

it('keeps the link of a fellow when a stream that it has replaced long ago ends at last', async () => {
  const held = Promise.withResolvers<void>()
  let frames = 0
  const { links, opened, unlinked, pass } = lab(async () => (++frames === 1 ? held.promise : undefined))
  await opened()
  await until(() => frames === 1, 'the first Hello, whose handling takes its time')
  pass(2 * CROSSING_MS)
  const second = await opened()
  await until(() => frames === 2, 'the second')
  second.abort(new Error('the fellow is gone'))
  await until(() => unlinked.length === 1, 'it to be lost')
  await opened()
  await until(() => links.sessions().length === 1, 'it to be back')

  held.resolve()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(links.sessions()).toHaveLength(1)
  expect(unlinked).toEqual([true])
})

it('tells of a stranger no more than the name of a network may be long', async () => {
  const { opened, strangers } = lab()
  await opened({ ...hello, network: 'x'.repeat(60_000) })
  await until(() => strangers.length === 1, 'the stranger')
  expect(strangers).toEqual(['x'.repeat(MAX_NETWORK_CHARS)])
})

it('hears the Hello of a directory while silent ones of one other address wait for nothing', async () => {
  const { links, opened } = lab()
  const silentOnes = await Promise.all(Array.from({ length: MAX_CANDIDATES }, (_, n) => identity(n + 1)))
  const streams = await Promise.all(silentOnes.map((one) => opened('nothing', one, '198.51.100.1')))
  const another = await opened('nothing', await identity(100), '198.51.100.1')
  await until(() => another.status !== 'open', 'one more of that address to be refused')
  await opened(hello, north, '203.0.113.7')
  await until(() => links.sessions().length === 1, 'the honest one')
  await until(() => streams.filter(({ status }) => status !== 'open').length === 1, 'one to have given way')
})
