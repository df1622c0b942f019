// What of the roster stands on the screen, and so which lines a change needs.
// Pure: rows in, lines out; numbers are given when a peer is first shown.
import type { RosterRow } from '../chat-api.ts'
import { maxRosterChangeLines, maxRosterRows } from '../constants.ts'
import type { RosterNumbers } from '../roster-numbers.ts'
import { rosterLine, rosterLines } from '../wording.ts'

export class RosterView {
  readonly #numbers: RosterNumbers
  #shown: ReadonlyMap<string, RosterRow> = new Map()

  readonly #limit: number

  /** @param options.whole list every row, however many there are */
  constructor(numbers: RosterNumbers, options: { readonly whole?: boolean } = {}) {
    this.#numbers = numbers
    this.#limit = options.whole === true ? Number.POSITIVE_INFINITY : maxRosterRows
  }

  /** The whole list. */
  all(rows: readonly RosterRow[]): string[] {
    this.#shown = byPeer(rows)
    return rosterLines(rows, (peer) => this.#numbers.of(peer), this.#limit)
  }

  /** What has changed since something was last shown: a line each, or the whole list when that is shorter. */
  changes(rows: readonly RosterRow[]): string[] {
    const before = this.#shown
    const now = byPeer(rows)
    const joined = rows.filter(({ peer }) => !before.has(peer))
    const left = [...before.values()].filter(({ peer }) => !now.has(peer))
    const changed = rows.filter((row) => {
      const old = before.get(row.peer)
      return old !== undefined && facts(old) !== facts(row)
    })
    this.#shown = now
    const goodbyes = left.map((row) => `  - ${this.#numbers.of(row.peer)}  ${row.nickname} (${row.shortId}) has gone.`)
    if (rows.length === 0) return left.length === 0 ? [] : [...goodbyes, 'Nobody else is online.']
    if (before.size === 0 || joined.length + changed.length > maxRosterChangeLines)
      return [...goodbyes, ...this.all(rows)]
    return [
      ...goodbyes,
      ...joined.map((row) => `  +${rosterLine(row, this.#numbers.of(row.peer))}`),
      ...changed.map((row) => `  ~${rosterLine(row, this.#numbers.of(row.peer))}`)
    ]
  }
}

/** What of a row is news when it changes. The path changes with every connection and is not. */
function facts(row: RosterRow): string {
  return JSON.stringify([row.nickname, row.status, row.host, row.port, row.looksLike])
}

function byPeer(rows: readonly RosterRow[]): ReadonlyMap<string, RosterRow> {
  return new Map(rows.map((row) => [row.peer, row]))
}
