// What a face that is attached over a socket knows of its node: the snapshot, and
// what is known of each peer, kept as the node's messages change them. Pure.
import { compareRows, shortId } from '../../node/settings.ts'
import type { ChatNodeEvents, ChatSnapshot, PeerView, RosterRow } from '../chat-api/chat-api.ts'
import { WHOLE_PARTS, type WholePart } from './face-protocol.ts'
import type { NodeMessage } from './node-link.ts'

type RosterChange = ChatNodeEvents['roster']['detail']
type Parts = { [K in WholePart]: ChatSnapshot[K] }

export class NodeMirror {
  readonly #parts: Partial<Parts> = {}
  readonly #rows = new Map<string, RosterRow>()
  readonly #views = new Map<string, PeerView>()
  #sorted: readonly RosterRow[] | undefined

  /**
   * The node is of our version and our user: what it says has the shape that this version writes.
   *
   * @returns whether the message was about what is mirrored, and nothing else is to be done with it
   */
  take(message: NodeMessage): boolean {
    switch (message.is) {
      case 'part':
        this.#takePart(message)
        return true
      case 'rows':
        this.#putRows(message['rows'] as readonly RosterRow[])
        return true
      case 'views':
        for (const view of message['views'] as readonly PeerView[]) this.#views.set(view.peer, view)
        return true
      case 'forget':
        for (const peer of message['peers'] as readonly string[]) this.#views.delete(peer)
        return true
      default:
        return false
    }
  }

  takeRosterChange({ joined, left, changed }: RosterChange): void {
    for (const { peer } of left) this.#rows.delete(peer)
    this.#putRows([...joined, ...changed])
  }

  /** The whole snapshot was sent. */
  get isWhole(): boolean {
    return isWhole(this.#parts)
  }

  snapshot(): Omit<ChatSnapshot, 'lostAtMs'> {
    const parts = this.#parts
    if (!isWhole(parts)) throw new Error('the snapshot is asked for before the node has sent it')
    this.#sorted ??= [...this.#rows.values()].toSorted(compareRows)
    return { ...parts, roster: this.#sorted }
  }

  look(peer: string): PeerView {
    const known = this.#views.get(peer)
    if (known !== undefined) return known
    return { peer, name: shortId(peer), label: shortId(peer), trust: {}, state: { name: 'closed' } }
  }

  /** What an older mirror of the node did not have, or had otherwise. */
  changesSince(older: NodeMirror): RosterChange {
    const was = (row: RosterRow): string => JSON.stringify(older.#rows.get(row.peer))
    const rows = [...this.#rows.values()]
    return {
      joined: rows.filter(({ peer }) => !older.#rows.has(peer)),
      left: [...older.#rows.values()].filter(({ peer }) => !this.#rows.has(peer)),
      changed: rows.filter((row) => older.#rows.has(row.peer) && was(row) !== JSON.stringify(row))
    }
  }

  #putRows(rows: readonly RosterRow[]): void {
    for (const row of rows) this.#rows.set(row.peer, row)
    this.#sorted = undefined
  }

  #takePart({ part, value }: NodeMessage): void {
    const name = WHOLE_PARTS.find((known) => known === part)
    if (name !== undefined) Object.assign(this.#parts, { [name]: value })
  }
}

function isWhole(parts: Partial<Parts>): parts is Parts {
  return WHOLE_PARTS.every((name) => parts[name] !== undefined)
}
