import type { Connection } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import { until } from '../eventually.ts'
import { recordExchange, RECORD_PROTOCOL } from '../../src/presence/index.ts'
import type { RecordService, RecordServiceInit, VerifiedRecord } from '../../src/presence/index.ts'
import { recordFrameCodec } from '../../src/presence/record-stream.ts'
import { encodeFrames } from '../../src/wire/index.ts'
import { RECORD_PATIENCE_MS } from '../../src/presence/record-service.ts'
import { node } from '../directory/nodes.ts'
import { identity, sealedBy } from './records.ts'
import type { Identity } from './records.ts'

async function peer(n: number, over: Partial<RecordServiceInit> = {}, who?: { record: VerifiedRecord }) {
  const self: Identity = await identity(n)
  const held = who ?? { record: await sealedBy(self, { nickname: `n${n}`, network: over.network ?? 'test' }) }
  const libp2p = await node<{ record: RecordService }>(
    { record: recordExchange({ network: 'test', ownEnvelope: () => held.record.envelope, ...over }) },
    { privateKey: self.key }
  )
  const told: string[] = []
  const { record } = libp2p.services
  record.on('record', ({ peer: other, verified }) => told.push(`${other.toString()} is ${verified.record.nickname}`))
  record.on('withdraw', ({ peer: other }) => told.push(`${other.toString()} left`))
  record.on('end', ({ peer: other, cause }) => told.push(`${other.toString()} ${cause}`))
  return { ...self, libp2p, record, told }
}

const recordStreams = (connections: readonly Connection[]) =>
  connections.flatMap(({ streams }) => streams.filter(({ protocol }) => protocol === RECORD_PROTOCOL))

async function pair(a: Awaited<ReturnType<typeof peer>>, b: Awaited<ReturnType<typeof peer>>) {
  const connection = await a.libp2p.dial(b.libp2p.getMultiaddrs())
  await until(() => a.told.length > 0 && b.told.length > 0, 'both have the record of the other')
  return connection
}

describe('the exchange of records', () => {
  it('reports each side to the other, on one stream, which the side that dialled opens', async () => {
    for (const [mine, theirs] of [
      [1, 2],
      [2, 1]
    ] as const) {
      const [a, b] = [await peer(mine), await peer(theirs)]
      await pair(a, b)
      expect(a.told).toEqual([`${b.id} is n${theirs}`])
      expect(b.told).toEqual([`${a.id} is n${mine}`])
      expect(recordStreams(a.libp2p.getConnections()).map(({ direction }) => direction)).toEqual(['outbound'])
    }
  })

  it('asks a peer that has dialled and opens no stream, after a moment or at the first probe', async () => {
    const a = await peer(1)
    const silent = await node({}, { privateKey: (await identity(2)).key })
    let asked = 0
    await silent.handle(RECORD_PROTOCOL, () => void asked++)
    const startedAtMs = performance.now()
    await silent.dial(a.libp2p.getMultiaddrs())
    await until(() => asked === 1, 'the question')
    expect(performance.now() - startedAtMs).toBeGreaterThan(RECORD_PATIENCE_MS / 2)
    const hurried = await node({}, { privateKey: (await identity(3)).key })
    await hurried.dial(a.libp2p.getMultiaddrs())
    await until(() => a.libp2p.getConnections(hurried.peerId).length === 1, 'the connection')
    const answers = a.libp2p.getConnections(hurried.peerId).map(async (connection) => a.record.probe(connection))
    expect(await Promise.all(answers)).toEqual(['foreign'])
  })

  it('keeps one stream when both dial at once', async () => {
    const [a, b] = [await peer(1), await peer(2)]
    await Promise.all([a.libp2p.dial(b.libp2p.getMultiaddrs()), b.libp2p.dial(a.libp2p.getMultiaddrs())])
    await until(() => a.told.length > 0 && b.told.length > 0, 'both have the record of the other')
    const settled = () => recordStreams(a.libp2p.getConnections()).length === 1
    await until(settled, 'one stream is left')
    // When the new name has arrived, everything sent before it has too.
    a.record.announce((await sealedBy(a, { seq: 2_000n, nickname: 'renamed' })).envelope)
    b.record.announce((await sealedBy(b, { seq: 2_000n, nickname: 'renamed' })).envelope)
    await until(() => [a, b].every(({ told }) => told.at(-1)?.endsWith('is renamed')), 'the new names have come')
    expect([a.told.length, b.told.length]).toEqual([2, 2])
    // The other one may have been opened only now.
    await until(settled, 'one stream is left, also at the end')
  })

  it('sends each new record of a peer', async () => {
    const [a, b] = [await peer(1), await peer(2)]
    await pair(a, b)
    a.record.announce((await sealedBy(a, { seq: 2_000n, nickname: 'renamed' })).envelope)
    await until(() => b.told.includes(`${a.id} is renamed`), 'the new name has come')
    b.record.announce((await sealedBy(b, { seq: 1n, nickname: 'older' })).envelope)
    b.record.announce((await sealedBy(b, { seq: 3_000n, nickname: 'newer' })).envelope)
    await until(() => a.told.includes(`${b.id} is newer`), 'the newer name has come')
    expect(a.told).not.toContain(`${b.id} is older`)
  })

  it('reports a withdrawal at once, and the peer not again while it stays connected', async () => {
    const [a, b] = [await peer(1), await peer(2)]
    await pair(a, b)
    await a.record.withdraw((await sealedBy(a, { seq: 2_000n, withdrawn: true })).envelope)
    expect(b.told).toEqual([`${a.id} is n1`, `${a.id} left`])
    await until(() => recordStreams(b.libp2p.getConnections()).length === 0, 'the stream has closed')
    expect(b.told).toHaveLength(2)
  })

  it('reports a peer that is lost with its connection', async () => {
    const [a, b] = [await peer(1), await peer(2)]
    const connection = await pair(a, b)
    connection.abort(new Error('the cable is cut'))
    await until(() => a.told.length === 2 && b.told.length === 2, 'both have lost the other')
    expect([a.told[1], b.told[1]]).toEqual([`${b.id} lost`, `${a.id} lost`])
  })

  it.each([
    ['is closed', async (one: Connection) => one.close()],
    ['is lost', async (one: Connection) => one.abort(new Error('the cable is cut'))]
  ])('goes on over another connection when the one that it ran on %s, and loses no peer', async (_how, end) => {
    const self = await identity(2)
    const held = { record: await sealedBy(self, { nickname: 'n2', network: 'test' }) }
    const [a, b] = [await peer(1), await peer(2, {}, held)]
    const connection = await pair(a, b)
    const other = await a.libp2p.dial(b.libp2p.getMultiaddrs(), { force: true })
    await end(connection)
    await until(() => recordStreams([other]).length === 1, 'the exchange on the other connection')
    held.record = await sealedBy(self, { seq: 2_000n, nickname: 'renamed' })
    b.record.announce(held.record.envelope)
    await until(() => a.told.includes(`${b.id} is renamed`), 'the new name')
    expect([...a.told, ...b.told].filter((line) => line.endsWith(' lost'))).toEqual([])
  })

  it('exchanges records with peers beyond its places, and closes their streams', async () => {
    const [a, b, c] = [await peer(1, { maxPeers: 1 }), await peer(2), await peer(3)]
    await pair(a, b)
    const connection = await c.libp2p.dial(a.libp2p.getMultiaddrs())
    await until(() => a.told.includes(`${c.id} unkept`), 'the third was heard and let go')
    expect(a.told).toContain(`${c.id} is n3`)
    expect(c.told).toContain(`${a.id} is n1`)
    expect(a.told).not.toContain(`${b.id} unkept`)
    connection.abort(new Error('the cable is cut'))
    await until(() => a.told.includes(`${c.id} lost`), 'the third is lost with its connection')
  })

  it('recognises Parley by the protocol on any network, and reports no peer of another network', async () => {
    const [a, b] = [await peer(1), await peer(2, { network: 'elsewhere' })]
    const connection = await a.libp2p.dial(b.libp2p.getMultiaddrs())
    expect(await a.record.probe(connection)).toBe('parley')
    await until(() => recordStreams(a.libp2p.getConnections()).length === 0, 'the streams are closed')
    expect([a.told, b.told]).toEqual([[], []])
  })

  it('sends changes to an observer at once, although the observer is on no roster', async () => {
    const [a, b] = [await peer(1), await identity(2)]
    const record = await sealedBy(b, { network: '', nickname: 'looks on' })
    const observer = await peer(2, {}, { record })
    await observer.libp2p.dial(a.libp2p.getMultiaddrs())
    await until(() => observer.told.length > 0, 'the observer has the record')
    await until(() => recordStreams(a.libp2p.getConnections()).length === 1, 'one stream is left')
    a.record.announce((await sealedBy(a, { seq: 2_000n, nickname: 'renamed' })).envelope)
    await until(() => observer.told.includes(`${a.id} is renamed`), 'the new name has come')
    await a.record.withdraw((await sealedBy(a, { seq: 3_000n, withdrawn: true })).envelope)
    await until(() => observer.told.includes(`${a.id} left`), 'the farewell has come')
    expect(observer.told).toEqual([`${a.id} is n1`, `${a.id} is renamed`, `${a.id} left`])
    expect(a.told).toEqual([])
  })

  it('loses a peer that moves to another network, or becomes an observer', async () => {
    for (const network of ['elsewhere', '']) {
      const [a, b] = [await peer(1), await peer(2)]
      await pair(a, b)
      b.record.announce((await sealedBy(b, { seq: 2_000n, network })).envelope)
      await until(() => a.told.length === 2, 'it was told')
      expect(a.told).toEqual([`${b.id} is n2`, `${b.id} lost`])
    }
  })

  it('takes a peer that does not serve the protocol for foreign, until that peer opens such a stream', async () => {
    const a = await peer(1)
    const stranger = await node({}, { privateKey: (await identity(2)).key })
    const connection = await a.libp2p.dial(stranger.getMultiaddrs())
    expect(await Promise.all([a.record.probe(connection), a.record.probe(connection)])).toEqual(['foreign', 'foreign'])
    await stranger.dialProtocol(a.libp2p.getMultiaddrs(), RECORD_PROTOCOL)
    await until(() => connection.streams.some(({ protocol }) => protocol === RECORD_PROTOCOL), 'the stream has come')
    expect(await a.record.probe(connection)).toBe('parley')
  })

  it('is undecided about a connection that ends before the answer', async () => {
    const [a, stranger] = [await peer(1), await node({}, { privateKey: (await identity(2)).key })]
    const connection = await a.libp2p.dial(stranger.getMultiaddrs())
    const answer = a.record.probe(connection)
    connection.abort(new Error('gone'))
    expect(await answer).toBe('undecided')
    expect(await a.record.probe(connection)).toBe('undecided')
  })

  it('refuses a record of another peer', async () => {
    const eve = await identity(9)
    const [a, liar] = [await peer(1), await peer(2, {}, { record: await sealedBy(eve) })]
    const connection = await a.libp2p.dial(liar.libp2p.getMultiaddrs())
    expect(await a.record.probe(connection)).toBe('parley')
    await until(() => recordStreams(a.libp2p.getConnections()).length === 0, 'its streams are reset')
    expect(a.told).toEqual([])
  })

  it('resets the stream of a peer that floods it with records', async () => {
    const [a, stranger] = [await peer(1), await identity(2)]
    const flooder = await node({}, { privateKey: stranger.key })
    const stream = await flooder.dialProtocol(a.libp2p.getMultiaddrs(), RECORD_PROTOCOL)
    const frames = await Promise.all(
      Array.from({ length: 40 }, async (_, i) =>
        recordFrameCodec.encode({ type: 'record', envelope: (await sealedBy(stranger, { seq: BigInt(i) })).envelope })
      )
    )
    for await (const bytes of encodeFrames({ maxFrameBytes: 5_000 })([frames])) stream.send(bytes)
    await until(() => stream.status === 'reset', 'the stream is reset')
    expect(a.told.length).toBeLessThanOrEqual(21)
  })

  it('stops and starts again', async () => {
    const [a, b] = [await peer(1), await peer(2)]
    await pair(a, b)
    await a.record.stop()
    await a.record.stop()
    expect(recordStreams(a.libp2p.getConnections())).toEqual([])
    await a.record.start()
    await until(() => a.told.length === 2, 'the record was exchanged again')
  })
})
