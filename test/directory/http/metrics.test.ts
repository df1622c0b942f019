// A directory's figures: counted where things happen, and told in Prometheus' format.
import { expect, test } from 'vitest'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { encodeClientFrame, type ClientFrame } from '../../../src/directory/directory-frames.ts'
import { directoryFigures } from '../../../src/directory/http/index.ts'
import { DIRECTORY_PROTOCOL } from '../../../src/directory/index.ts'
import { directory } from '../../../src/directory/server/index.ts'
import { node, portOf } from '../nodes.ts'
import { identity, sealedBy } from '../../presence/records.ts'
import { ask, shown } from './harness.ts'

/** A line of the text format: a comment, or a name with labels and a number. */
const line = /^(?:# (?:HELP|TYPE) \S.*|[a-zA-Z_:][\w:]*(?:\{[^}]*\})? (?:-?[\d.]+(?:e[+-]?\d+)?|NaN|[+-]?Inf))$/u

test('figures of libp2p and of the directory come as text that Prometheus reads', async () => {
  const figures = directoryFigures()
  figures.bind({
    peers: () => ({ all: 7, here: 5 }),
    federationPeers: () => [
      { directory: 'directory-2', alive: true, heardAgoMs: 400, connected: true, isNamed: true, leftOut: 0 },
      { directory: 'directory-3', alive: true, heardAgoMs: 1_500, connected: true, isNamed: false, leftOut: 40 },
      { directory: 'directory-4', alive: false, heardAgoMs: 90_000 }
    ],
    untold: () => 11,
    federation: () => ({ turnedAway: 3, evicted: 2, cut: 1 }),
    peerConnections: () => ({
      open: 300,
      maxOpen: 10_000,
      pending: 12,
      maxPending: 1_024,
      ofLargestHolder: 60,
      gaveWay: 9
    })
  })
  figures.directory.announced('accepted')
  figures.directory.announced('accepted')
  figures.directory.announced('withdrawn')
  figures.directory.refused('stale')
  figures.directory.pushed(3, 10, 42)
  figures.directory.watcherReset()
  const { port } = await shown({
    metrics: { ...figures.http, contentType: figures.contentType, text: figures.text }
  })
  await ask(port, '/made/up/by/anybody')
  await ask(port, '/healthz')
  const answer = await ask(port, '/metrics')
  expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/u)
  const lines = answer.body.split('\n').filter((text) => text !== '')
  expect(lines.filter((text) => !line.test(text))).toEqual([])
  expect(lines).toEqual(
    expect.arrayContaining([
      'parley_directory_peers 7',
      'parley_directory_attached_peers 5',
      'parley_directory_announcements_total{outcome="accepted"} 2',
      'parley_directory_announcements_total{outcome="withdrawn"} 1',
      'parley_directory_refusals_total{reason="stale"} 1',
      'parley_directory_changes_pushed_total 30',
      'parley_directory_push_delay_seconds_bucket{le="0.025"} 0',
      'parley_directory_push_delay_seconds_bucket{le="0.05"} 1',
      'parley_directory_watchers_reset_total 1',
      'parley_connections 300',
      'parley_connections_max 10000',
      'parley_connections_pending 12',
      'parley_connections_pending_max 1024',
      'parley_connections_largest_holder 60',
      'parley_connections_gave_way_total 9',
      'parley_directory_untold_peers 11',
      'parley_federation_joined_named 1',
      'parley_federation_joined_others 1',
      'parley_federation_left_out_peers 40',
      'parley_federation_turned_away_total 3',
      'parley_federation_evicted_total 2',
      'parley_federation_cut_total 1',
      'parley_federation_directories 2',
      'parley_federation_lag_seconds{directory="directory-2"} 0.4',
      'parley_federation_staleness_seconds 1.5',
      'parley_http_requests_total{route="other",status="404"} 1',
      'parley_http_requests_total{route="/healthz",status="200"} 1'
    ])
  )
  expect(answer.body).not.toContain('made/up')
})

test('a directory counts what it takes, refuses and pushes, and libp2p what it sends', async () => {
  const figures = directoryFigures()
  const server = await node(
    { directory: directory({ network: 'test', metrics: figures.directory }) },
    { metrics: figures.libp2p }
  )
  const anna = await identity(1)
  const client = await node({}, { privateKey: anna.key })
  const connection = await client.dial(multiaddr(`/ip4/127.0.0.1/tcp/${portOf(server)}`))
  const stream = lpStream(await connection.newStream(DIRECTORY_PROTOCOL))
  const send = async (frame: ClientFrame): Promise<void> => stream.write(encodeClientFrame(frame))
  const told = async (text: string): Promise<void> => {
    await expect.poll(async () => figures.text()).toContain(text)
  }
  await send({ type: 'announce', envelope: new Uint8Array([1, 2, 3]) })
  await told('parley_directory_refusals_total{reason="bad-record"} 1')
  await send({ type: 'watch', query: '', offset: 0, limit: 0 })
  await send({ type: 'announce', envelope: (await sealedBy(anna)).envelope })
  await told('parley_directory_announcements_total{outcome="accepted"} 1')
  await told('parley_directory_changes_pushed_total 1')
  await told('parley_directory_push_delay_seconds_count 1')
  const text = await figures.text()
  expect(text).toMatch(/^libp2p_data_transfer_bytes_total\{protocol="\/chat\/directory\/1\.0\.0 sent"\} [1-9]/mu)
  expect(text).toMatch(/^libp2p_connection_manager_connections\S* \d/mu)
})
