// Which stream of several is kept, over fake connections and real streams: who
// opens another, who ends late, and what a stranger's Hello may say.
import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { until } from '../../../eventually.ts'
import { untilStill } from '../../../wire/turns.ts'
import { MAX_NETWORK_CHARS } from '../../../../src/presence/presence-record.ts'
import {
  CROSSING_MS,
  MAX_CANDIDATES,
  FederationPeerLinks
} from '../../../../src/directory/federation/sync/federation-peer-links.ts'
import { encodeFederationFrame } from '../../../../src/directory/federation-frames.ts'
import { FederationStep } from '../../../../src/directory/federation/sync/federation-step.ts'
import type { FederationEffect, FederationEvent } from '../../../../src/directory/federation/sync/federation-step.ts'
import { FederationStreams } from '../../../../src/directory/federation/peers/federation-streams.ts'
import { encodeFrames, toError } from '../../../../src/wire/index.ts'
import { identity } from '../../../presence/records.ts'
import { hello } from '../raw-federation-peer.ts'
import { silent } from '../words.ts'

const [home, north] = [await identity(200), await identity(201)]

function lab(onFrame: () => Promise<void> = async () => undefined) {
  let nowMs = 1_000
  const { signal } = new AbortController()
  const unlinked: boolean[] = []
  const strangers: string[] = []
  const step = new FederationStep()
  const links = new FederationPeerLinks({
    step,
    self: home.peer,
    network: 'test',
    admitsOthers: true,
    peers: { isNamed: () => false },
    scoring: { isBanned: () => false },
    listener: {
      hello: () => hello,
      onLinked: () => undefined,
      onUnlinked: (_, { wasJoined }) => unlinked.push(wasJoined)
    }
  })
  const decide = (event: FederationEvent): void => {
    if (event.type === 'opened') links.opened(event.session)
    if (event.type === 'ended') links.ended(event.session)
    if (event.type !== 'frame') return
    const { session, frame } = event
    const readOn = (): void => streams.perform({ kind: 'read-on', session })
    try {
      if (links.admits(session, frame)) void onFrame().then(readOn)
      else readOn()
    } catch (error) {
      streams.perform({ kind: 'break', session, error: toError(error) })
    }
  }
  const streams = new FederationStreams({
    now: () => nowMs,
    log: silent,
    connections: { getConnections: () => [] },
    step: (event) => {
      step.nowMs = nowMs
      decide(event)
      for (const effect of step.taken()) {
        if (effect.kind === 'other-network') strangers.push(effect.network)
        else if (effect.kind !== 'expected' && effect.kind !== 'turned-away') performed(effect)
      }
    }
  })
  const performed = (effect: FederationEffect): void => {
    switch (effect.kind) {
      case 'send':
      case 'end':
      case 'abort':
      case 'replace':
        streams.perform(effect)
        return
      default:
        throw new Error(`${effect.kind} was not to be expected`)
    }
  }
  /** A stream that the federation peer opens. */
  const opened = async (said: typeof hello | 'nothing' = hello, by = north, from = '203.0.113.7'): Promise<Stream> => {
    const [here, there] = await streamPair()
    const remoteAddr = multiaddr(`/ip4/${from}/tcp/4001`)
    const connection = { remotePeer: by.peer, remoteAddr, abort: () => undefined } as unknown as Connection
    streams.accept(here, connection, signal)
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

it('keeps the link of a federation peer when a stream that it has replaced long ago ends at last', async () => {
  const held = Promise.withResolvers<void>()
  let frames = 0
  const { links, opened, unlinked, pass } = lab(async () => (++frames === 1 ? held.promise : undefined))
  await opened()
  await until(() => frames === 1, 'the first Hello, whose handling takes its time')
  pass(2 * CROSSING_MS)
  const second = await opened()
  await until(() => frames === 2, 'the second')
  second.abort(new Error('the federation peer is gone'))
  await until(() => unlinked.length === 1, 'it to be lost')
  await opened()
  await until(() => links.sessions().length === 1, 'it to be back')

  held.resolve()
  await untilStill(() => links.sessions().length)
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
