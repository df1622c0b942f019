// What of the roster stands on the screen, and so which lines a change needs.
// Pure: rows in, lines out; numbers are given when a peer is first shown.
import type { RosterRow } from '../chat-api.ts'
import type { UnreadCounts } from '../chat-command.ts'
import { cleanText } from '../clean-text.ts'
import { MAX_ROSTER_CHANGE_LINES, MAX_ROSTER_ROWS } from '../constants.ts'
import type { RosterNumbers } from '../roster-numbers.ts'
import { rosterLine, rosterLines, type RosterLook } from '../wording.ts'

export class RosterView {
  readonly #numbers: RosterNumbers
  #shown: ReadonlyMap<string, RosterRow> = new Map()

  readonly #limit: number
  readonly #nobody: string
  readonly #look: RosterLook

  /** @param options.outside for `parley roster`, which is not on the network itself and lists every row */
  constructor(numbers: RosterNumbers, options: { readonly outside?: boolean } & RosterLook = {}) {
    const { outside = false, ...look } = options
    this.#look = look
    this.#numbers = numbers
    this.#limit = outside ? Number.POSITIVE_INFINITY : MAX_ROSTER_ROWS
    this.#nobody = outside ? 'Nobody is online.' : 'Nobody else is online.'
  }

  /** The whole list. */
  all(rows: readonly RosterRow[], unread: UnreadCounts = new Map()): string[] {
    this.#shown = byPeer(rows)
    if (rows.length === 0) return [this.#nobody]
    return rosterLines(rows, (peer) => this.#numbers.of(peer), { limit: this.#limit, unread, ...this.#look })
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
      (row) => `  - ${this.#numbers.of(row.peer)}  ${cleanText(row.nickname)} (${row.shortId}) has gone.`
    )
    if (rows.length === 0) return left.length === 0 ? [] : [...goodbyes, this.#nobody]
    if (before.size === 0 || joined.length + changed.length > MAX_ROSTER_CHANGE_LINES)
      return [...goodbyes, ...this.all(rows, unread)]
    return [
      ...goodbyes,
      ...joined.map((row) => `  +${this.#line(row, unread)}`),
      ...changed.map((row) => `  ~${this.#line(row, unread)}`)
    ]
  }

  #line(row: RosterRow, unread: UnreadCounts): string {
    return rosterLine(row, this.#numbers.of(row.peer), unread.get(row.peer), this.#look)
  }
}

/** What of a row is news when it changes. The path changes with every connection and is not. */
function facts(row: RosterRow): string {
  return JSON.stringify([row.nickname, row.status, row.host, row.port, row.sameNameAs, row.blocked, row.onlyVia])
}

function byPeer(rows: readonly RosterRow[]): ReadonlyMap<string, RosterRow> {
  return new Map(rows.map((row) => [row.peer, row]))
}
