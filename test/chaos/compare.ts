// Whether all see what is true: the whole roster of each directory and of
// each client against the clients that there are. Pure: it knows no processes.

/** A client that runs, as its starter knows it. */
export interface Inhabitant {
  readonly client: string
  readonly peer: string
  readonly nickname: string
  readonly status: string
  /** Peer IDs of the directories that it says it is connected to. */
  readonly directories: readonly string[]
}

/** One row of a roster. */
export interface SeenRow {
  readonly peer: string
  readonly nickname: string
  readonly status: string
  /** The record's sequence number, where it is known. */
  readonly seq?: string
  /** Peer IDs of the directories that the peer is said to be attached to, where they are known. */
  readonly attachedTo?: readonly string[]
  /** Who told a client of the peer; not compared, as a client may have lost one of them a moment ago. */
  readonly toldBy?: readonly string[]
}

export interface View {
  /** Whose roster it is. */
  readonly who: string
  /** Its peer ID; nobody is on the own roster. */
  readonly peer: string
  readonly rows: readonly SeenRow[]
}

export interface Snapshot {
  readonly truth: readonly Inhabitant[]
  readonly views: readonly View[]
  /** Directories that run. */
  readonly directories: ReadonlyMap<string, string>
  /** Directories that a client uses at a time, when there are so many. */
  readonly usedAtOnce: number
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[]
}

export interface Difference {
  readonly who: string
  readonly text: string
}

/** @returns nothing when all are equal to the truth */
export function differences(snapshot: Snapshot): readonly Difference[] {
  return [
    ...snapshot.unseen.map((text) => ({ who: text.split(':')[0] ?? '', text })),
    ...snapshot.truth.flatMap((inhabitant) => connections(inhabitant, snapshot)),
    ...snapshot.views.flatMap((view) => viewDifferences(view, snapshot)),
    ...sequenceDifferences(snapshot)
  ]
}

/** A client uses directories that run, and as many of them as it is meant to. */
function connections({ client, directories }: Inhabitant, snapshot: Snapshot): readonly Difference[] {
  const wanted = Math.min(snapshot.usedAtOnce, snapshot.directories.size)
  const names = directories.map((peer) => nameOf(peer, snapshot))
  const isWell = directories.every((peer) => snapshot.directories.has(peer)) && directories.length === wanted
  if (isWell) return []
  return [{ who: client, text: `${client} is connected to [${names.join(' ')}], not to ${wanted} that run` }]
}

function viewDifferences(view: View, snapshot: Snapshot): readonly Difference[] {
  const { who } = view
  const expected = snapshot.truth.filter(({ peer }) => peer !== view.peer)
  const rows = new Map(view.rows.map((row) => [row.peer, row]))
  const found: Difference[] = []
  if (rows.size !== view.rows.length) found.push({ who, text: `${who} has a peer twice` })
  for (const one of expected) {
    const row = rows.get(one.peer)
    rows.delete(one.peer)
    if (row === undefined) found.push({ who, text: `${who} misses ${one.client}` })
    else found.push(...rowDifferences(who, one, row, snapshot))
  }
  for (const { peer, nickname, attachedTo, toldBy = [] } of rows.values()) {
    const via = (attachedTo ?? toldBy).map((directory) => nameOf(directory, snapshot)).join(' ')
    const how = attachedTo === undefined ? 'told by' : 'attached to'
    found.push({ who, text: `${who} has ${nickname} (${peer.slice(-6)}) too many, ${how} [${via}]` })
  }
  return found
}

function rowDifferences(who: string, one: Inhabitant, row: SeenRow, snapshot: Snapshot): readonly Difference[] {
  const found: Difference[] = []
  if (row.nickname !== one.nickname || row.status !== one.status) {
    const shown = `"${row.nickname}, ${row.status}"`
    found.push({ who, text: `${who} shows ${one.client} as ${shown}, not "${one.nickname}, ${one.status}"` })
  }
  if (row.attachedTo !== undefined) {
    const shown = row.attachedTo.map((peer) => nameOf(peer, snapshot)).toSorted()
    const right = one.directories.map((peer) => nameOf(peer, snapshot)).toSorted()
    if (shown.join(' ') !== right.join(' ')) {
      found.push({
        who,
        text: `${who} shows ${one.client} attached to [${shown.join(' ')}], not [${right.join(' ')}]`
      })
    }
  }
  return found
}

/** Whoever shows an older record than another one does is behind. */
function sequenceDifferences({ truth, views }: Snapshot): readonly Difference[] {
  return truth.flatMap(({ client, peer }) => {
    const held = views.flatMap(({ who, rows }) => {
      const seq = rows.find((row) => row.peer === peer)?.seq
      return seq === undefined ? [] : [{ who, seq: BigInt(seq) }]
    })
    const newest = held.reduce((most, { seq }) => (seq > most ? seq : most), 0n)
    return held
      .filter(({ seq }) => seq < newest)
      .map(({ who, seq }) => ({ who, text: `${who} holds record ${seq} of ${client}, there is ${newest}` }))
  })
}

function nameOf(directory: string, { directories }: Snapshot): string {
  return directories.get(directory) ?? `gone:${directory.slice(-6)}`
}
