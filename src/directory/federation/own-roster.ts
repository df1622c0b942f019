// What a directory's federation reads from its roster: who is attached here, who
// has left, what is newest. Changes nothing.
import type { DirectoryService } from '../directory-service.ts'
import { ownChange } from '../own-attachment.ts'
import type { OwnChange } from '../own-attachment.ts'
import type { VerifiedRecord } from '../presence-record.ts'
import type { Roster } from '../roster.ts'

export class OwnRoster {
  readonly #self: string
  readonly #directory: DirectoryService

  constructor(self: string, directory: DirectoryService) {
    this.#self = self
    this.#directory = directory
  }

  /** Everybody who is attached here now. */
  *attached(): Generator<OwnChange> {
    for (const entry of this.#directory.roster()) {
      const own = ownChange({ kind: 'joined', entry }, this.#self)
      if (own !== undefined) yield own
    }
  }

  /** Whether the peer is attached here now. */
  has(peer: string): boolean {
    return this.#read((roster) => roster.get(peer)?.attachments.some(({ source }) => source === this.#self) === true)
  }

  /** The records with which peers have left. */
  withdrawals(): readonly VerifiedRecord[] {
    return this.#read((roster) => [...roster.withdrawals()])
  }

  #read<T>(what: (roster: Roster) => T): T {
    let found: { readonly value: T } | undefined
    this.#directory.merge((roster) => {
      found = { value: what(roster) }
      return []
    })
    if (found === undefined) throw new TypeError('a directory merges at once')
    return found.value
  }
}
