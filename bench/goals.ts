/**
 * What the benchmarks are to reach: the one place where a goal is a number. Each
 * compares like work: bytes that are stored with bytes that are stored, and where
 * the other side does less, its name says so. A bench reports which of these it
 * has measured; whether that is enough is decided here. Knows no bench.
 */

export interface Goal {
  /** The row of the table of goals that it belongs to. */
  readonly row: number
  /** What is measured, as the row of a report is called. */
  readonly name: string
  readonly unit: string
  readonly bound: { readonly atLeast: number } | { readonly atMost: number }
  /** Where it was missed when it was last measured: what it takes instead. docs/benchmarks.md has it at length. */
  readonly missedFor?: string
}

export const goals = {
  smallOverHyperdht: {
    row: 1,
    name: '64 B messages in memory through ChatNode.send(), receipted, of hyperdht’s one write each, which nobody stores or confirms',
    unit: '×',
    bound: { atLeast: 1 },
    missedFor: 'a message is numbered, stored, put into the outbox, framed and confirmed; hyperdht moves bytes'
  },
  storedOverStatements: {
    row: 3,
    name: 'messages stored on both disks and receipted, of bare statements of the same kind',
    unit: '×',
    bound: { atLeast: 1 }
  },
  storedOverToxcore: {
    row: 3,
    name: 'messages stored on both disks and receipted, of toxcore’s in memory at its own interval',
    unit: '×',
    bound: { atLeast: 2 }
  },
  bulkOverHyperdht: {
    row: 4,
    name: 'bulk bytes over the duplex of src/wire, of hyperdht',
    unit: '×',
    bound: { atLeast: 2.5 },
    missedFor: 'Noise on streams of TCP: sealing, opening and read buffers take most of it'
  },
  bulkOverRaw: {
    row: 4,
    name: 'bulk bytes over the duplex of src/wire, of a raw libp2p stream',
    unit: '×',
    bound: { atLeast: 1.15 },
    missedFor: 'both ends share two cores, and wait for each other a third of the time'
  },
  dialRoundTrips: {
    row: 5,
    name: 'warm dial to first receipt, beside TCP’s own round trip',
    unit: 'round trips',
    bound: { atMost: 3.1 }
  },
  joinOverTwisted: {
    row: 6,
    name: 'one join to the last of 1,000 clients over a directory, of the Twisted line server',
    unit: '×',
    bound: { atMost: 1.5 },
    missedFor: 'each of 1,000 copies is sealed; the line server seals none'
  },
  joinOverNgircd: {
    row: 6,
    name: 'one join to the last of 1,000 clients over a directory, of ngircd',
    unit: '×',
    bound: { atMost: 2.5 }
  },
  acceptGrowth: {
    row: 7,
    name: 'CPU per accepted client at 3,000, of that at 100',
    unit: '×',
    bound: { atMost: 1.3 }
  },
  refusedForGood: { row: 7, name: 'refused for good of 1,000 at once', unit: 'clients', bound: { atMost: 0 } },
  clientMemory: {
    row: 8,
    name: 'memory per connected client at 1,000',
    unit: 'KB',
    bound: { atMost: 60 },
    missedFor: 'listeners and closures of libp2p, 45 to 50 KB for each connection'
  },
  stoppedReader: { row: 9, name: 'a reader that stops: sender’s buffer', unit: 'MiB', bound: { atMost: 1 } },
  openLarge: { row: 10, name: 'opening 1 M messages, over an empty profile', unit: 'ms', bound: { atMost: 1 } },
  searchLarge: { row: 10, name: 'newest 50 hits of a search in 1 M messages', unit: 'ms', bound: { atMost: 3 } },
  firstPrompt: {
    row: 11,
    name: 'process start to first prompt, of a bare import of the same packages',
    unit: '×',
    bound: { atMost: 0.7 },
    missedFor: 'Node itself, and what a chat needs before it can ask'
  },
  restMemory: {
    row: 12,
    name: 'client at rest: memory',
    unit: 'MB',
    bound: { atMost: 90 }
  },
  restCpu: {
    row: 12,
    name: 'client at rest: CPU',
    unit: '% of a core',
    bound: { atMost: 0.15 },
    missedFor: 'mostly mDNS'
  },
  lanSeen: {
    row: 13,
    name: 'on a LAN, a newcomer and the other see each other, from its start',
    unit: 's',
    bound: { atMost: 2 }
  },
  lanGone: { row: 13, name: 'on a LAN, a QUIT is seen', unit: 's', bound: { atMost: 1 } },
  lanLost: { row: 13, name: 'on a LAN, a cut cable is noticed at both ends', unit: 's', bound: { atMost: 15 } },
  directoryLost: {
    row: 13,
    name: 'a directory is killed: its peers are off the roster of another',
    unit: 's',
    bound: { atMost: 4 }
  },
  resumed: {
    row: 13,
    name: 'a chat is killed and started again: what waited has arrived',
    unit: 's',
    bound: { atMost: 15 }
  },
  quitSeen: { row: 13, name: 'over directories, a QUIT is seen', unit: 's', bound: { atMost: 1 } },
  demo: { row: 13, name: 'the demo, from start to end', unit: 's', bound: { atMost: 10 } },
  pageJoin: { row: 14, name: 'the roster page shows a peer that has joined', unit: 'ms', bound: { atMost: 500 } },
  pageLeave: { row: 14, name: 'a peer that has left is off the roster page', unit: 'ms', bound: { atMost: 500 } },
  pageBusy: { row: 14, name: 'the roster page answers no click while 500 join', unit: 'ms', bound: { atMost: 500 } },
  echoMedian: { row: 15, name: 'full screen: key to echo, median', unit: 'ms', bound: { atMost: 5 } },
  echoSlow: { row: 15, name: 'full screen: key to echo, 95 % of them', unit: 'ms', bound: { atMost: 15 } },
  screenCpu: {
    row: 15,
    name: 'full screen: CPU while 50 messages a second come',
    unit: '% of a core',
    bound: { atMost: 10 },
    missedFor: 'receiving the messages takes 8.7 % without a screen'
  },
  screenMemory: { row: 15, name: 'full screen: memory', unit: 'MB', bound: { atMost: 100 } },
  daemonMemory: {
    row: 16,
    name: 'daemon at rest: memory',
    unit: 'MB',
    bound: { atMost: 95 },
    missedFor: 'it has just indexed 100,000 messages, and Node gives memory back late; 88 MB without that'
  },
  daemonCpu: { row: 16, name: 'daemon at rest: CPU', unit: '% of a core', bound: { atMost: 0.2 } },
  attachedStart: {
    row: 16,
    name: 'process start to the first screen of an attached face, beside 100,000 messages',
    unit: 'ms',
    bound: { atMost: 300 }
  },
  attachedMemory: {
    row: 16,
    name: 'attached full screen: memory',
    unit: 'MB',
    bound: { atMost: 60 },
    missedFor: '42 MB are pages of the program Node, shared with the daemon'
  },
  attachedRate: {
    row: 16,
    name: 'messages that a peer sends and three attached faces show',
    unit: 'messages/s',
    bound: { atLeast: 1_000 }
  },
  attachedEcho: {
    row: 16,
    name: 'attached over a line of 100 ms there and back: Enter to the own message on the screen, median',
    unit: 'ms',
    bound: { atMost: 200 }
  },
  relayStopped: {
    row: 17,
    name: 'a sender at full rate and a receiver that has stopped, relayed: memory of the directory, more',
    unit: 'MB',
    bound: { atMost: 20 }
  },
  greedyPair: {
    row: 17,
    name: 'a relayed pair that sends without end: median of the others, more',
    unit: 'ms',
    bound: { atMost: 2 }
  },
  fileOverRaw: {
    row: 18,
    name: 'a file from disk to disk, checked and synced, of a raw libp2p stream from memory to memory',
    unit: '×',
    bound: { atLeast: 0.8 }
  },
  fileOverScp: {
    row: 18,
    name: 'a file from disk to disk, checked and synced, of scp',
    unit: '×',
    bound: { atLeast: 0.5 }
  },
  hashOverSum: { row: 18, name: 'hashing a file that is offered, of sha256sum', unit: '×', bound: { atLeast: 0.8 } },
  fileMemory: {
    row: 18,
    name: 'memory above rest while a large file is sent, of either side',
    unit: 'MB',
    bound: { atMost: 40 }
  },
  messageBesideFile: {
    row: 18,
    name: 'message to receipt beside a file at full rate, 99 % of them, over quiet',
    unit: 'ms',
    bound: { atMost: 30 }
  },
  browseFirstPage: {
    row: 19,
    name: 'first page of a folder of 100,000 files',
    unit: 'ms',
    bound: { atMost: 300 }
  },
  searchLastHit: {
    row: 19,
    name: 'search over 50 contacts with 20,000 files each, to the last hit',
    unit: 'ms',
    bound: { atMost: 1_000 }
  },
  shareOverSum: { row: 19, name: 'reading a share, of sha256sum', unit: '×', bound: { atLeast: 0.8 } }
} as const satisfies Readonly<Record<string, Goal>>

export type GoalId = keyof typeof goals

/** As in a table: `≥ 3 ×`. */
export function goalText({ bound, unit }: Goal): string {
  return 'atLeast' in bound ? `≥ ${bound.atLeast} ${unit}` : `≤ ${bound.atMost} ${unit}`
}

/** @param value undefined when it was not measured or had no comparator, which is not met */
export function isMet({ bound }: Goal, value: number | undefined): boolean {
  if (value === undefined || !Number.isFinite(value)) return false
  return 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost
}
