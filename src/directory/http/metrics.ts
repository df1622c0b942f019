// A directory's figures for Prometheus, in a registry of its own: libp2p's, the
// process's, the directory's, other directories' and the HTTP side's. It is loaded only
// where they are served. Labels have few values: no peer is among them.
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Eviction } from './http-connections.ts'
import type { OtherDirectory } from './roster-feed.ts'

/** How exactly the delay of the event loop is measured: prom-client's 10 ms would wake an idle process too often. */
const EVENT_LOOP_PRECISION_MS = 100

/** The sources of the figures that are looked up when they are read. */
interface MetricsSources {
  /** Peers on the roster, and those of them that are attached to this directory. */
  readonly peers: () => { readonly all: number; readonly here: number }
  readonly federationPeers: () => readonly OtherDirectory[]
  /** Peers on the roster that are left out for watchers of the whole roster. */
  readonly untold: () => number
  /** What became of directories that wanted to join, or were joined, since the start. */
  readonly federation: () => FederationTally
  /** What is relayed now, where this directory relays. */
  readonly relay?: () => { readonly reservations: number; readonly circuits: number; readonly maxCircuits: number }
  /** It relays, and keeps no roster. */
  readonly isRelayOnly?: boolean
  /** Of the HTTP side, where it is shown. */
  readonly connections?: () => { readonly open: number; readonly ofLargest: number }
  /** Of libp2p: of clients and of other directories. */
  readonly peerConnections: () => ConnectionCounts
}

/** Directories, since the start. */
interface FederationTally {
  /** They found no place. */
  readonly turnedAway: number
  /** They gave their place to another. */
  readonly evicted: number
  /** They flooded, or passed on forgeries. */
  readonly cut: number
}

interface ConnectionCounts {
  readonly open: number
  readonly maxOpen: number
  readonly pending: number
  readonly maxPending: number
  /** Open connections of the address class with the most. */
  readonly ofLargestHolder: number
  /** Connections that gave way to others, since the start. */
  readonly gaveWay: number
}

export interface DirectoryFigures {
  /** All of them, as text of this type. */
  readonly contentType: string
  text(): Promise<string>
  /** For `createLibp2p({ metrics })`. */
  readonly libp2p: ReturnType<typeof prometheusMetrics>
  readonly directory: DirectoryCounts
  readonly relay: RelayCounts
  readonly stun: StunCounts
  readonly http: HttpCounts
  /** Figures that are looked up are there from now on. */
  bind(sources: MetricsSources): void
}

/** What is counted of the directory, by its service. */
interface DirectoryCounts {
  announced(outcome: string): void
  refused(reason: string): void
  /** So many changes were sent to so many watchers, the oldest of them after this delay. */
  pushed(changes: number, watchers: number, delayMs: number): void
  watcherReset(): void
}

/** What is counted of a relay, whichever service counts it. */
interface RelayCounts {
  requested(outcome: string): void
  relayed(bytes: number): void
}

/** What is counted of the UDP ports. */
interface StunCounts {
  asked(outcome: string): void
}

/** What is counted of the HTTP side. */
interface HttpCounts {
  answered(route: string, status: number): void
  streams(open: number): void
  streamDropped(): void
  evicted(what: Eviction['what']): void
}

/** From a change at once to one that waited for several rounds. */
const pushDelayBuckets = [0.001, 0.005, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5]

export function directoryFigures(): DirectoryFigures {
  const registry = new Registry()
  const registers = [registry]
  const announcements = new Counter({
    name: 'parley_directory_announcements_total',
    help: 'Records taken: new ones and renewals, and withdrawals.',
    labelNames: ['outcome'] as const,
    registers
  })
  const refusals = new Counter({
    name: 'parley_directory_refusals_total',
    help: 'Frames of clients that were refused, by reason.',
    labelNames: ['reason'] as const,
    registers
  })
  const pushed = new Counter({
    name: 'parley_directory_changes_pushed_total',
    help: 'Changes sent to watchers of the whole roster: each change once for each watcher.',
    registers
  })
  const pushDelay = new Histogram({
    name: 'parley_directory_push_delay_seconds',
    help: 'From a change of the roster until it was written to all watchers, of the oldest change of each push.',
    buckets: pushDelayBuckets,
    registers
  })
  const resets = new Counter({
    name: 'parley_directory_watchers_reset_total',
    help: 'Watchers that did not read fast enough, and were reset.',
    registers
  })
  return {
    contentType: registry.contentType,
    text: async () => registry.metrics(),
    libp2p: prometheusMetrics({
      registry,
      // The map that it keeps is the module's: of several directories in one process the last one's figures are whole.
      defaultMetrics: { register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS }
    }),
    directory: {
      announced: (outcome) => announcements.inc({ outcome }),
      refused: (reason) => refusals.inc({ reason }),
      pushed: (changes, watchers, delayMs) => {
        pushed.inc(changes * watchers)
        pushDelay.observe(delayMs / 1000)
      },
      watcherReset: () => resets.inc()
    },
    relay: relayCounts(registers),
    stun: stunCounts(registers),
    http: httpMetrics(registers),
    bind: (sources) => bindSources(registry, sources)
  }
}

function relayCounts(registers: Registry[]): RelayCounts {
  const requests = new Counter({
    name: 'parley_relay_requests_total',
    help: 'Requests for a reservation or a relayed connection, by what became of them.',
    labelNames: ['outcome'] as const,
    registers
  })
  const bytes = new Counter({
    name: 'parley_relay_bytes_total',
    help: 'Bytes passed on between peers, either way.',
    registers
  })
  return { requested: (outcome) => requests.inc({ outcome }), relayed: (count) => bytes.inc(count) }
}

function stunCounts(registers: Registry[]): StunCounts {
  const requests = new Counter({
    name: 'parley_stun_requests_total',
    help: 'Datagrams to the UDP ports, by what became of them.',
    labelNames: ['outcome'] as const,
    registers
  })
  return { asked: (outcome) => requests.inc({ outcome }) }
}

function httpMetrics(registers: Registry[]): HttpCounts {
  const requests = new Counter({
    name: 'parley_http_requests_total',
    help: 'Requests of the HTTP side that have ended.',
    labelNames: ['route', 'status'] as const,
    registers
  })
  const streams = new Gauge({ name: 'parley_http_event_streams', help: 'Pages that look on now.', registers })
  const dropped = new Counter({
    name: 'parley_http_event_streams_dropped_total',
    help: 'Pages that were too slow, and have to begin anew.',
    registers
  })
  const evicted = new Counter({
    name: 'parley_http_evicted_total',
    help: 'What the largest holder had to give up for others, by kind.',
    labelNames: ['what'] as const,
    registers
  })
  return {
    answered: (route, status) => requests.inc({ route, status }),
    evicted: (what) => evicted.inc({ what }),
    streams: (open) => streams.set(open),
    streamDropped: () => dropped.inc()
  }
}

function bindSources(registry: Registry, sources: MetricsSources): void {
  const {
    peers,
    federationPeers,
    untold,
    federation,
    relay,
    isRelayOnly = false,
    connections,
    peerConnections
  } = sources
  const seconds = ({ heardAgoMs }: OtherDirectory): number => heardAgoMs / 1000
  const gauge = (name: string, help: string, value: () => number): void => {
    const collect = function (this: Gauge): void {
      this.set(value())
    }
    registry.registerMetric(new Gauge({ name, help, registers: [], collect }))
  }
  gauge('parley_directory_peers', 'Peers on the roster.', () => peers().all)
  gauge('parley_directory_attached_peers', 'Peers that are attached to this directory.', () => peers().here)
  gauge('parley_connections', 'Open connections.', () => peerConnections().open)
  gauge('parley_connections_max', 'Places for open connections.', () => peerConnections().maxOpen)
  gauge('parley_connections_pending', 'Connections that are not identified yet.', () => peerConnections().pending)
  gauge('parley_connections_pending_max', 'Places for such connections.', () => peerConnections().maxPending)
  gauge(
    'parley_connections_largest_holder',
    'Open connections of the address (of IPv6, the /64) with the most of them.',
    () => peerConnections().ofLargestHolder
  )
  const counter = (name: string, help: string, value: () => number): void => {
    const collect = function (this: Counter): void {
      this.reset()
      this.inc(value())
    }
    registry.registerMetric(new Counter({ name, help, registers: [], collect }))
  }
  counter(
    'parley_connections_gave_way_total',
    'Connections that were closed to make room for others, open or not identified yet.',
    () => peerConnections().gaveWay
  )
  gauge(
    'parley_directory_untold_peers',
    'Peers on the roster that are left out for watchers of the whole roster.',
    untold
  )
  const joined = (isNamed: boolean): number =>
    federationPeers().filter((one) => one.connected === true && one.isNamed === isNamed).length
  gauge('parley_federation_joined_named', 'Directories that were named and are joined.', () => joined(true))
  gauge('parley_federation_joined_others', 'Other directories that are joined; they share places.', () => joined(false))
  gauge('parley_federation_left_out_peers', 'Peers of other directories for which there is no room.', () =>
    federationPeers().reduce((sum, { leftOut = 0 }) => sum + leftOut, 0)
  )
  counter('parley_federation_turned_away_total', 'Directories that found no place.', () => federation().turnedAway)
  counter(
    'parley_federation_evicted_total',
    'Directories that gave their place to another.',
    () => federation().evicted
  )
  counter('parley_federation_cut_total', 'Directories that were cut for floods or forgeries.', () => federation().cut)
  gauge(
    'parley_federation_directories',
    'Other directories that are alive.',
    () => federationPeers().filter(isAlive).length
  )
  gauge(
    'parley_federation_staleness_seconds',
    'How old the oldest part of the roster may be: the time since the quietest living directory was heard.',
    () => Math.max(0, ...federationPeers().filter(isAlive).map(seconds))
  )
  if (relay !== undefined) {
    gauge('parley_relay_reservations', 'Peers that may be reached through this directory.', () => relay().reservations)
    gauge('parley_relay_circuits', 'Relayed connections that are open now.', () => relay().circuits)
    gauge('parley_relay_circuits_max', 'Places for relayed connections.', () => relay().maxCircuits)
    gauge('parley_relay_only', '1 where no roster is kept (--relay-only), else 0.', () => (isRelayOnly ? 1 : 0))
  }
  if (connections !== undefined) {
    gauge('parley_http_connections', 'Connections of the HTTP side that are open now.', () => connections().open)
    gauge(
      'parley_http_connections_of_largest_holder',
      'Those of the address that has the most: an IPv4 address, or an IPv6 network of 64 bits.',
      () => connections().ofLargest
    )
  }
  registry.registerMetric(
    new Gauge({
      name: 'parley_federation_lag_seconds',
      help: 'The time since each other directory was heard; a living one is heard every second.',
      labelNames: ['directory'] as const,
      registers: [],
      collect() {
        this.reset()
        for (const federationPeer of federationPeers())
          this.set({ directory: federationPeer.directory }, seconds(federationPeer))
      }
    })
  )
}

function isAlive({ alive }: OtherDirectory): boolean {
  return alive
}
