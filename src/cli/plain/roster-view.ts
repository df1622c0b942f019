// What of the roster stands on the screen, and so which lines a change needs.
// Pure: rows in, lines out; numbers are given when a peer is first shown.
import type { RosterRow } from '../chat-api/chat-api.ts'
import type { UnreadCounts } from '../wording/roster-wording.ts'
import { cleanText } from '../process/clean-text.ts'
import { MAX_ROSTER_ROWS, rosterLine, rosterLines, type RosterLook } from '../wording/roster-wording.ts'
import type { RosterNumbers } from '../chat-commands/named-peer.ts'

/** More changes than this at once are shown as the whole list. */
const MAX_ROSTER_CHANGE_LINES = 5

/** A terminal of less shows a row of a roster in two (all columns, with a path such as `direct 34 ms`), and asks shorter. */
export const NARROW_COLUMNS = 70

export interface RosterViewOptions {
  /** For `parley roster`, which is not on the network itself and lists every row. */
  readonly outside?: boolean
  /** Peer ID of the user, whose own row is marked. */
  readonly own?: string
  /** How wide the terminal is now; a pipe has no width. */
  readonly columns?: () => number | undefined
}

export class RosterView {
  readonly #numbers: RosterNumbers
  #shown: ReadonlyMap<string, RosterRow> = new Map()
  readonly #limit: number
  readonly #nobody: string
  readonly #own: string | undefined
  readonly #columns: () => number | undefined

  constructor(numbers: RosterNumbers, options: RosterViewOptions = {}) {
    const { outside = false, own, columns = () => undefined } = options
    this.#own = own
    this.#columns = columns
    this.#numbers = numbers
    this.#limit = outside ? Number.POSITIVE_INFINITY : MAX_ROSTER_ROWS
    this.#nobody = outside ? 'Nobody is online.' : 'Nobody else is online.'
  }

  /** The whole list. */
  all(rows: readonly RosterRow[], unread: UnreadCounts = new Map()): string[] {
    this.#shown = byPeer(rows)
    if (rows.length === 0) return [this.#nobody]
    const options = { limit: this.#limit, unread, ...this.#look() }
    return splitRows(rosterLines(rows, (peer) => this.#numbers.of(peer), options))
  }

  /** What has changed since something was last shown: a line each, or the whole list when that is shorter. */
  changes(rows: readonly RosterRow[], unread: UnreadCounts = new Map()): string[] {
    const before = this.#shown
    const now = byPeer(rows)
    const joined = rows.filter(({ peer }) => !before.has(peer))
    const left = [...before.values()].filter(({ peer }) => !now.has(peer))
    const changed = rows.filter((row) => {
      const old = before.get(row.peer)
      return old !== undefined && facts(old) !== facts(row)
    })
    this.#shown = now
    const goodbyes = left.map(
      (row) => `  - ${this.#numbers.of(row.peer)}  ${cleanText(row.name)} (${row.shortId}) has gone.`
    )
    if (rows.length === 0) return left.length === 0 ? [] : [...goodbyes, this.#nobody]
    if (before.size === 0 || joined.length + changed.length > MAX_ROSTER_CHANGE_LINES)
      return [...goodbyes, ...this.all(rows, unread)]
    return splitRows([
      ...goodbyes,
      ...joined.map((row) => `  +${this.#line(row, unread)}`),
      ...changed.map((row) => `  ~${this.#line(row, unread)}`)
    ])
  }

  #line(row: RosterRow, unread: UnreadCounts): string {
    return rosterLine(row, this.#numbers.of(row.peer), unread.get(row.peer), this.#look())
  }

  #look(): RosterLook {
    const isNarrow = (this.#columns() ?? NARROW_COLUMNS) < NARROW_COLUMNS
    return { isNarrow, ...(this.#own === undefined ? {} : { own: this.#own }) }
  }
}

/** On a narrow terminal a peer takes two lines; names hold no line breaks. */
function splitRows(rows: readonly string[]): string[] {
  return rows.flatMap((row) => row.split('\n'))
}

/** What of a row is news when it changes. The path changes with every connection and is not. */
function facts(row: RosterRow): string {
  const { name, nickname, status, host, port, sameNameAs, sharesNameWith, blocked, onlyVia } = row
  return JSON.stringify([name, nickname, status, host, port, sameNameAs, sharesNameWith, blocked, onlyVia])
}

function byPeer(rows: readonly RosterRow[]): ReadonlyMap<string, RosterRow> {
  return new Map(rows.map((row) => [row.peer, row]))
}
