// The answers of /api/roster: the whole roster, or the matches of a query, in the
// order of nicknames and then of peer IDs. The whole one is encoded once for all
// who ask until something changes.
import { folded } from '../../lib/index.ts'
import type { PeerJson, RosterJson } from './roster-api.ts'
import type { RosterFeed } from './roster-feed.ts'

/** Longer than any nickname is pointless. */
const MAX_HTTP_QUERY_CHARS = 64

interface RosterQuery {
  /** Part of a nickname or status in any case, or the beginning of a peer ID or of its short form; empty: everybody. */
  readonly text: string
  readonly offset: number
  /** 0: all the rest. */
  readonly limit: number
}

/** @returns the query, or what is wrong with it */
export function readRosterQuery(parameters: URLSearchParams): RosterQuery | string {
  const text = parameters.get('q') ?? ''
  const chars = [...text].length
  if (chars > MAX_HTTP_QUERY_CHARS) return `q has ${chars} characters; ${MAX_HTTP_QUERY_CHARS} are allowed`
  const offset = readNumber(parameters.get('offset'))
  const limit = readNumber(parameters.get('limit'))
  if (offset === undefined || limit === undefined) return 'offset and limit are whole numbers of at most 9 digits'
  return { text, offset, limit }
}

export class RosterAnswers {
  readonly #feed: RosterFeed
  readonly #init: { readonly self: string; readonly network: string; readonly wallNow?: () => number }
  #whole: { readonly seq: number; readonly bytes: Buffer } | undefined
  #ordered: { readonly seq: number; readonly rows: readonly PeerJson[] } | undefined

  constructor(
    feed: RosterFeed,
    init: { readonly self: string; readonly network: string; readonly wallNow?: () => number }
  ) {
    this.#feed = feed
    this.#init = init
  }

  isWhole({ text, offset, limit }: RosterQuery): boolean {
    return text === '' && offset === 0 && limit === 0
  }

  whole(): Buffer {
    const { seq } = this.#feed.log
    if (this.#whole?.seq !== seq) this.#whole = { seq, bytes: this.#encode(this.#inOrder(), this.#feed.total) }
    return this.#whole.bytes
  }

  matching({ text, offset, limit }: RosterQuery): Buffer {
    const part = folded(text)
    const matches = this.#inOrder().filter(
      ({ peer, shortId, nickname, status }) =>
        folded(nickname).includes(part) ||
        folded(status).includes(part) ||
        peer.startsWith(text) ||
        shortId.startsWith(text)
    )
    return this.#encode(matches.slice(offset, limit === 0 ? undefined : offset + limit), matches.length)
  }

  #inOrder(): readonly PeerJson[] {
    const { seq } = this.#feed.log
    if (this.#ordered?.seq !== seq) {
      const keyed = [...this.#feed.rows()].map((row) => ({ row, name: folded(row.nickname) }))
      keyed.sort((a, b) => compare(a.name, b.name) || compare(a.row.peer, b.row.peer))
      this.#ordered = { seq, rows: keyed.map(({ row }) => row) }
    }
    return this.#ordered.rows
  }

  #encode(peers: readonly PeerJson[], matching: number): Buffer {
    const roster: RosterJson = {
      id: this.#feed.log.idOf(this.#feed.log.seq),
      network: this.#init.network,
      directory: this.#init.self,
      addresses: this.#feed.addresses(),
      now: (this.#init.wallNow ?? Date.now)(),
      total: this.#feed.total,
      matching,
      directories: this.#feed.directories(),
      peers,
      ...this.#feed.role
    }
    return Buffer.from(`${JSON.stringify(roster)}\n`)
  }
}

function readNumber(text: string | null): number | undefined {
  if (text === null) return 0
  return /^\d{1,9}$/u.test(text) ? Number(text) : undefined
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
