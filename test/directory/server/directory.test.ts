import type { Connection, Libp2p } from '@libp2p/interface'
import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../../eventually.ts'
import {
  applyEntries,
  DIRECTORY_PROTOCOL,
  DirectoryClient,
  DirectoryRefusedError,
  fetchRoster
} from '../../../src/directory/index.ts'
import { directory } from '../../../src/directory/server/index.ts'
import { openRecord, Roster } from '../../../src/presence/index.ts'
import { NotADirectoryError } from '../../../src/directory/client/directory-stream.ts'
import type { DirectoryService } from '../../../src/directory/server/index.ts'
import type { VerifiedRecord } from '../../../src/presence/index.ts'
import { decodeDirectoryFrame, encodeClientFrame, OtherNetworkError } from '../../../src/directory/directory-frames.ts'
import type { ClientFrame, DirectoryFrame } from '../../../src/directory/directory-frames.ts'
import { FrameQueue, runFrames } from '../../../src/wire/index.ts'
import { eventualMs } from '../../patience.ts'
import { freePort } from '../../processes/ports.ts'
import { node, portOf } from '../nodes.ts'
import { identity, sealedBy } from '../../presence/records.ts'

async function directoryNode(
  init: Partial<Parameters<typeof directory>[0]> = {},
  options: { port?: number; seed?: number } = {}
) {
  const self = await identity(options.seed ?? 200)
  const libp2p = await node<{ directory: DirectoryService }>(
    { directory: directory({ network: 'test', ...init }) },
    { privateKey: self.key, ...options }
  )
  const told: string[] = []
  const service = libp2p.services.directory
  const name = (record: VerifiedRecord) => record.record.nickname
  service.on('ready', ({ record, remoteAddr }) =>
    told.push(`READY ${name(record)}${remoteAddr.toString().startsWith('/ip4/127.0.0.1/tcp/') ? '' : ' nowhere'}`)
  )
  service.on('left', ({ record }) => told.push(`left ${name(record)}`))
  service.on('lost', ({ record }) => told.push(`lost ${name(record)}`))
  return { ...self, libp2p, service, told, port: portOf(libp2p) }
}

/** A client with a roster of its own, as a chat node has one. */
async function client(
  n: number,
  port: number,
  over: Partial<ConstructorParameters<typeof DirectoryClient>[0]> & { seq?: bigint } = {}
) {
  const self = await identity(n)
  const libp2p: Libp2p = await node({}, { privateKey: self.key })
  const own = { seq: over.seq ?? 1_000n, nickname: `n${n}` }
  const roster = new Roster()
  const stale: bigint[] = []
  let connection: Connection | undefined
  const one = new DirectoryClient({
    network: 'test',
    announce: true,
    connect: async ({ signal }) => {
      const { multiaddr } = await import('@multiformats/multiaddr')
      connection = await libp2p.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}`), { signal })
      return connection
    },
    ownEnvelope: async () => (await sealedBy(self, own)).envelope,
    onStale: ({ record }) => {
      stale.push(record.seq)
      own.seq = record.seq + 1n
    },
    ...over
  })
  const entries: number[] = []
  one.on('entries', (event) => {
    entries.push(event.updates.length)
    applyEntries(roster, event, Date.now())
  })
  onTestFinished(() => one.stop())
  one.start()
  return {
    ...self,
    libp2p,
    client: one,
    own,
    stale,
    roster,
    entries,
    cut: () => connection?.abort(new Error('the cable is cut')),
    /** Rows that it was sent, in all. */
    updates: () => entries.reduce((sum, count) => sum + count, 0),
    names: () =>
      roster
        .entries()
        .map(({ record }) => record.record.nickname)
        .toSorted(),
    withdraw: async () => one.withdraw((await sealedBy(self, { ...own, seq: own.seq + 1n, withdrawn: true })).envelope)
  }
}

/** A client without manners: sends any frame, and collects the answers. */
async function rawClient(n: number, port: number) {
  const self = await identity(n)
  const libp2p = await node({}, { privateKey: self.key })
  const { multiaddr } = await import('@multiformats/multiaddr')
  const connection = await libp2p.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}`))
  const stream = await connection.newStream(DIRECTORY_PROTOCOL)
  const outgoing = new FrameQueue<ClientFrame>({ maxBytes: 1 << 20, sizeOf: () => 100 })
  const answers: DirectoryFrame[] = []
  const ended = runFrames<DirectoryFrame, ClientFrame>({
    stream,
    codec: { decode: decodeDirectoryFrame, encode: encodeClientFrame },
    outgoing,
    maxFrameBytes: 128 * 1024,
    onFrames: async (frames) => void answers.push(...frames)
  }).then(
    () => 'closed',
    () => 'reset'
  )
  const refusals = () => answers.flatMap((frame) => (frame.type === 'refuse' ? [frame.reason] : []))
  return { ...self, libp2p, connection, stream, outgoing, answers, refusals, ended }
}

describe('a directory and its clients', () => {
  it('gives a client that holds a record already that very record, as a second directory does', async () => {
    const d = await directoryNode()
    const record = await sealedBy(await identity(2), { seq: 1_000n, nickname: 'n2' })
    const a = await client(1, d.port, {
      held: { newest: (peer) => (peer === record.record.peer.toString() ? record : undefined) }
    })
    const b = await client(2, d.port)
    await until(() => a.names().length === 2 && b.names().length === 2, 'both see both')
    expect(a.roster.get(b.id)?.record).toBe(record)
    expect(b.roster.get(b.id)?.record).not.toBe(record)
  })

  it('shows each to the other, and tells who is ready', async () => {
    const d = await directoryNode()
    const a = await client(1, d.port)
    await until(() => a.names().length === 1, 'the first sees only itself')
    const b = await client(2, d.port)
    await until(() => a.names().length === 2 && b.names().length === 2, 'both see both')
    expect(d.told).toEqual(['READY n1', 'READY n2'])
    expect(a.client.state).toMatchObject({ state: 'connected', registered: true, network: 'test' })
    expect(a.roster.get(b.id)?.attachments.map(({ source }) => source)).toEqual([d.id])
  })

  it('lets a peer that withdraws go at once, with its own word for it', async () => {
    const d = await directoryNode()
    const [a, b] = [await client(1, d.port), await client(2, d.port)]
    await until(() => a.names().length === 2, 'both are there')
    await b.withdraw()
    await until(() => a.names().join() === 'n1', 'it is gone')
    expect(d.told.at(-1)).toBe('left n2')
    expect(a.roster.newest(b.id)?.record.withdrawn).toBe(true)
    expect(b.client.state).toEqual({ state: 'stopped' })
  })

  it('loses a peer whose connection is lost, after a grace', async () => {
    const d = await directoryNode({ graceMs: 300 })
    const [a, b] = [await client(1, d.port), await client(2, d.port)]
    await until(() => a.names().length === 2, 'both are there')
    const startMs = Date.now()
    await b.libp2p.stop()
    await until(() => a.names().join() === 'n1', 'it is gone')
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(295)
    expect(d.told.at(-1)).toBe('lost n2')
  })

  it('does not flicker when a peer reconnects within its grace', async () => {
    const d = await directoryNode({ graceMs: 60_000 })
    const [a, b] = [await client(1, d.port), await client(2, d.port)]
    await until(() => a.names().length === 2 && b.names().length === 2, 'both are there')
    const before = a.updates()
    const states: string[] = []
    b.client.on('state', (state) => {
      states.push(state.state === 'connected' && state.registered ? 'registered' : state.state)
    })
    b.cut()
    await until(() => states.at(-1) === 'registered', 'it noticed, and is back')
    expect(states).toContain('waiting')
    // What the directory would tell of it comes before, or with, what it tells of the next.
    await client(3, d.port)
    await until(() => a.names().length === 3, 'the third is seen')
    expect(d.told).toEqual(['READY n1', 'READY n2', 'READY n3'])
    expect([a.names(), a.updates()]).toEqual([['n1', 'n2', 'n3'], before + 1])
  })

  it('ends an attachment that is not renewed within its lease', async () => {
    const d = await directoryNode({ leaseMs: 200 })
    const raw = await rawClient(1, d.port)
    raw.outgoing.offer({ type: 'announce', envelope: (await sealedBy(raw)).envelope })
    await until(() => d.told.length === 2, 'it is ready, and lost')
    expect(d.told).toEqual(['READY ada', 'lost ada'])
    expect(d.service.roster()).toEqual([])
  })

  it('renews its lease in time', async () => {
    // A client renews it after a third of it, or somewhat later: on a busy machine that takes some time too.
    const d = await directoryNode({ leaseMs: 6_000 })
    await client(1, d.port)
    const endsAtMs = () => d.service.roster()[0]?.attachments[0]?.expiresAtMs ?? 0
    await until(() => endsAtMs() > 0, 'it is attached')
    const first = endsAtMs()
    await until(() => endsAtMs() > first, 'it was renewed')
    expect(d.told).toEqual(['READY n1'])
  })

  it('pushes a change of name, and no renewal', async () => {
    const d = await directoryNode()
    const [a, b] = [await client(1, d.port), await client(2, d.port)]
    await until(() => a.names().length === 2, 'both are there')
    const before = a.updates()
    const leaseEndsAtMs = () => d.service.roster().find(({ peer }) => peer === b.id)?.attachments[0]?.expiresAtMs ?? 0
    const first = leaseEndsAtMs()
    b.client.reannounce()
    await until(() => leaseEndsAtMs() > first, 'it was renewed')
    await client(3, d.port)
    await until(() => a.names().length === 3, 'the third is seen')
    expect(a.updates()).toBe(before + 1)
    Object.assign(b.own, { seq: 2_000n, nickname: 'renamed' })
    b.client.reannounce()
    await until(() => a.names().includes('renamed'), 'the name has come')
  })

  it('gathers changes that come in quick succession', async () => {
    const d = await directoryNode({ coalesceMs: 1_000 })
    const a = await client(1, d.port)
    await until(() => a.names().length === 1, 'the watcher is there')
    const before = a.entries.length
    const others = await Promise.all([2, 3, 4, 5, 6, 7, 8, 9].map((n) => rawClient(n, d.port)))
    const sealed = await Promise.all(others.map(async (other) => ({ other, record: await sealedBy(other) })))
    for (const { other, record } of sealed) other.outgoing.offer({ type: 'announce', envelope: record.envelope })
    await until(() => a.names().length === 9, 'all are seen')
    expect(a.entries.length - before).toBeLessThanOrEqual(3)
  })

  it('hands a stale peer its newest record, and the peer goes on above it', async () => {
    const d = await directoryNode({ graceMs: 0 })
    const first = await client(1, d.port, { seq: 9_000n })
    await until(() => d.told.length === 1, 'it is ready')
    await first.withdraw()
    const again = await client(1, d.port, { seq: 5n })
    await until(() => again.client.state.state === 'connected' && again.client.state.registered, 'it is back')
    expect(again.stale).toEqual([9_001n])
    expect(d.service.roster().map(({ record }) => record.record.seq)).toEqual([9_002n])
  })

  it('refuses a record of somebody else, one that is forged, and a Withdraw that withdraws nothing', async () => {
    const d = await directoryNode()
    const raw = await rawClient(1, d.port)
    raw.outgoing.offer({ type: 'announce', envelope: (await sealedBy(await identity(2))).envelope })
    const forged = (await sealedBy(raw)).envelope.slice()
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    raw.outgoing.offer({ type: 'announce', envelope: forged })
    raw.outgoing.offer({ type: 'withdraw', envelope: (await sealedBy(raw)).envelope })
    await until(() => raw.refusals().length === 3, 'three refusals')
    expect(raw.refusals()).toEqual(['bad-record', 'bad-record', 'bad-record'])
    expect([d.service.roster(), d.told]).toEqual([[], []])
  })

  it('refuses more announcements than anybody needs, and resets who does not listen', async () => {
    const d = await directoryNode()
    const raw = await rawClient(1, d.port)
    const { envelope } = await sealedBy(raw)
    for (let i = 0; i < 60; i++) raw.outgoing.offer({ type: 'announce', envelope })
    expect(await raw.ended).toBe('reset')
    await until(() => d.service.roster()[0]?.attachments[0]?.lost === true, 'its attachment runs out')
  })

  it('refuses a peer of another network, and says so on both sides', async () => {
    const d = await directoryNode({ network: 'other' })
    const a = await client(1, d.port)
    await until(() => a.client.state.state === 'waiting', 'it has given up for now')
    expect(a.client.state).toMatchObject({ why: new OtherNetworkError('test', 'other') })
    const raw = await rawClient(2, d.port)
    raw.outgoing.offer({ type: 'announce', envelope: (await sealedBy(raw)).envelope })
    await until(() => raw.refusals().join() === 'other-network', 'the refusal has come')
    expect(d.told).toEqual([])
  })

  it('refuses who comes when it is full', async () => {
    const d = await directoryNode({ maxPeers: 1 })
    const a = await client(1, d.port)
    await until(() => a.names().length === 1, 'the first is there')
    const b = await client(2, d.port)
    await until(() => b.client.state.state === 'refused', 'the second is refused')
    expect(b.client.state).toMatchObject({ reason: 'full' })
    await until(() => b.names().join() === 'n1', 'and sees the roster all the same')
  })

  it('is registered again with a directory that was restarted', async () => {
    const d = await directoryNode({}, { port: await freePort() })
    const a = await client(1, d.port)
    await until(() => d.told.length === 1, 'it is ready')
    await d.libp2p.stop()
    const nextTryMs = () => (a.client.state.state === 'waiting' ? a.client.state.retryAtMs : 0)
    await until(() => nextTryMs() > 0, 'the client waits')
    const first = nextTryMs()
    await until(() => nextTryMs() > first, 'it has tried in vain')
    const again = await directoryNode({}, { port: d.port })
    await until(() => again.told.includes('READY n1'), 'it is ready again')
  })

  it('stops and starts again, and gives those who were there a grace', async () => {
    // On a busy machine it may take longer to come back than the first of them.
    for (const graceMs of [1_500, 6_000, 24_000]) {
      const d = await directoryNode({ graceMs })
      const [a, b] = [await client(1, d.port), await client(2, d.port)]
      await until(() => a.names().length === 2, 'both are there')
      await d.service.stop()
      await d.service.stop()
      await b.client.stop()
      const beganAtMs = performance.now()
      await d.service.start()
      await until(() => a.client.state.state === 'connected' && a.client.state.registered, 'the other is back')
      const tookMs = performance.now() - beganAtMs
      await until(() => d.told.includes('lost n2'), 'one is lost')
      if (tookMs > graceMs / 2) continue
      expect(d.told.filter((line) => line !== 'READY n1' && line !== 'READY n2')).toEqual(['lost n2'])
      expect(a.client.state).toMatchObject({ state: 'connected', registered: true })
      return
    }
    expect.fail('the client has never come back in time')
  })

  it('is one of several: what it alone vouched for goes with it, and nothing else', async () => {
    const d = await directoryNode()
    const e = await directoryNode({}, { seed: 201 })
    const a = await client(1, d.port)
    const second = new DirectoryClient({
      network: 'test',
      announce: true,
      connect: ({ signal }) => a.libp2p.dial(e.libp2p.getMultiaddrs(), { signal }),
      ownEnvelope: async () => (await sealedBy(a, a.own)).envelope,
      onStale: () => undefined
    })
    onTestFinished(() => second.stop())
    second.on('entries', (entries) => void applyEntries(a.roster, entries, Date.now()))
    second.start()
    await client(2, d.port)
    await client(3, e.port)
    await until(() => a.names().join() === 'n1,n2,n3', 'all are seen')
    expect(a.roster.get(a.id)?.attachments).toHaveLength(2)
    await d.libp2p.stop()
    await until(() => a.client.state.state === 'waiting', 'the loss is noticed')
    a.roster.lostSource(d.id, 0, 0)
    a.roster.expire(0)
    expect(a.names()).toEqual(['n1', 'n3'])
  })

  it('is dialled at once after a wake', async () => {
    const d = await directoryNode()
    await d.libp2p.stop()
    // Chance makes each wait longer than this test may take.
    const a = await client(1, d.port, { random: () => -1_000 })
    const waitsMs: number[] = []
    a.client.on('state', (state) => {
      if (state.state === 'waiting') waitsMs.push(state.retryAtMs - Date.now())
    })
    for (let dials = 1; dials <= 5; dials++) {
      await until(() => waitsMs.length === dials, 'it waits')
      a.client.wake()
    }
    // A wake begins anew: the next wait would have been twice as long.
    expect(Math.max(...waitsMs)).toBeLessThan(1.5 * Math.min(...waitsMs))
    expect(Math.min(...waitsMs)).toBeGreaterThan(eventualMs)
  })

  it('is looked at without joining, in whole, by page and by name', async () => {
    const d = await directoryNode()
    for (const n of [1, 2, 3]) await client(n, d.port)
    await until(() => d.told.length === 3, 'three are there')
    const looker = await node({}, { privateKey: (await identity(9)).key })
    const connection = await looker.dial(d.libp2p.getMultiaddrs())
    const look = async (range: { query?: string; offset?: number; limit?: number }) => {
      const rows = new Map<string, string>()
      const { total } = await fetchRoster(connection, {
        ...range,
        // What changes meanwhile comes after the snapshot, and stands for the same row.
        onEntries: ({ updates }) => {
          for (const { record } of updates) rows.set(record.record.peer.toString(), record.record.nickname)
        }
      })
      return [total, ...rows.values()]
    }
    expect(await look({})).toEqual([3, 'n1', 'n2', 'n3'])
    expect(await look({ offset: 1, limit: 1 })).toEqual([3, 'n2'])
    expect(await look({ query: 'N3' })).toEqual([1, 'n3'])
    expect(await look({ query: (await identity(2)).id.slice(0, 20) })).toEqual([1, 'n2'])
    await expect(look({ query: 'x'.repeat(65) })).rejects.toThrow(DirectoryRefusedError)
    expect(d.service.roster()).toHaveLength(3)
  })

  it('tells a watcher of a query what changes about it, and nothing else', async () => {
    const d = await directoryNode()
    const a = await client(1, d.port)
    const looker = await rawClient(9, d.port)
    const stop = new AbortController()
    const seen: string[] = []
    const watch = fetchRoster(looker.connection, {
      query: 'n2',
      watch: true,
      signal: stop.signal,
      onEntries: ({ updates, removed, total }) =>
        void seen.push([total, ...updates.map(({ record }) => record.record.nickname), ...removed].join(' '))
    })
    await until(() => seen.length === 1, 'the snapshot')
    const b = await client(2, d.port)
    await until(() => seen.length === 2, 'one more')
    Object.assign(a.own, { seq: 2_000n, nickname: 'other' })
    a.client.reannounce()
    await b.withdraw()
    await until(() => seen.length === 3, 'and gone')
    stop.abort()
    await watch
    expect(seen).toEqual(['0', '1 n2', `0 ${b.id}`])
  })

  it('is told apart from a node that is none', async () => {
    const none = await node({}, { privateKey: (await identity(5)).key })
    const looker = await node({}, { privateKey: (await identity(6)).key })
    const connection = await looker.dial(none.getMultiaddrs())
    await expect(fetchRoster(connection, { onEntries: () => undefined })).rejects.toThrow(NotADirectoryError)
  })

  it('tells its clients that it goes down, when each is to come back, and ends nothing about them', async () => {
    const random = [0, 0.5, 1]
    const there = await directoryNode({ random: () => random.shift() ?? 0.25 })
    const clients = [await client(1, there.port), await client(2, there.port)]
    for (const { client: one } of clients) {
      await until(() => one.state.state === 'connected' && one.state.registered, 'registered')
    }
    const told = there.told.length
    // Why each waits first: it may have tried again when the directory is down at last.
    const whys = clients.map(({ client: one }) => {
      const { promise, resolve } = Promise.withResolvers<Error>()
      one.on('state', (state) => void (state.state === 'waiting' && resolve(state.why)))
      return promise
    })
    random.splice(0, random.length, 0, 1)
    await there.libp2p.stop()
    const waits = []
    for (const why of await Promise.all(whys)) {
      expect(why).toMatchObject({ name: 'DirectoryRefusedError', reason: 'going-down' })
      waits.push(why instanceof DirectoryRefusedError ? why.retryAfterMs : 0)
    }
    // Two clients, a hundred a second: within twenty milliseconds of each other.
    expect(waits.toSorted((a, b) => a - b)).toEqual([2_000, 2_020])
    expect(there.told.length).toBe(told)
  })

  it('cannot make a client believe a record that it forged', async () => {
    const { encodeDirectoryFrame } = await import('../../../src/directory/directory-frames.ts')
    const liarKey = await identity(7)
    const [honest, victim] = [await sealedBy(await identity(3), { nickname: 'honest' }), await identity(4)]
    const liar = await node({}, { privateKey: liarKey.key })
    const forged = honest.envelope.slice()
    forged[forged.length - 3] = (forged.at(-3) ?? 0) ^ 1
    await liar.handle(DIRECTORY_PROTOCOL, async (stream) => {
      const outgoing = new FrameQueue<DirectoryFrame>({ maxBytes: 1 << 20, sizeOf: () => 100 })
      const attachments = [{ directory: liarKey.peer, forMs: 5 }]
      outgoing.offer({ type: 'welcome', network: 'test', leaseMs: 60_000, refreshAfterMs: 1 })
      outgoing.offer({
        type: 'snapshot',
        entries: [honest.envelope, forged, new Uint8Array(5)].map((envelope) => ({ envelope, attachments })),
        total: 3,
        last: true
      })
      // Calls the victim's own record stale, with somebody else's as proof.
      outgoing.offer({ type: 'refuse', reason: 'stale', retryAfterMs: 0, newestEnvelope: honest.envelope })
      await runFrames({
        stream,
        codec: { decode: () => undefined, encode: encodeDirectoryFrame },
        outgoing,
        maxFrameBytes: 128 * 1024,
        onFrames: async () => undefined
      })
    })
    const a = await client(4, portOf(liar))
    let refused = 0
    a.client.on('entries', (entries) => (refused += entries.refused))
    await until(() => a.names().length === 1 && a.client.state.state === 'refused', 'the word of the liar was heard')
    expect([a.names(), refused, a.stale, victim.id]).toEqual([['honest'], 2, [], a.id])
    expect((await openRecord(honest.envelope)).record.nickname).toBe('honest')
  })
})
