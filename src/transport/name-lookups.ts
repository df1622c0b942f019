// Host names that are being looked up. The system looks a name up inside of connect(), and says nothing of it: by this a
// caller can tell a name server that does not answer from a host that does not.
import dns from 'node:dns'
import type { LookupFunction } from 'node:net'

class NameLookups {
  readonly #underWay = new Map<string, number>()

  /** For sockets, in place of the system's own: the same, and counted. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    this.#underWay.set(host, (this.#underWay.get(host) ?? 0) + 1)
    dns.lookup(host, options, (...answer) => {
      const others = (this.#underWay.get(host) ?? 1) - 1
      if (others === 0) this.#underWay.delete(host)
      else this.#underWay.set(host, others)
      callback(...answer)
    })
  }

  /** Whether a dial waits for the answer, or waited until it was given up: the system can't be told to stop asking. */
  isUnderWay(host: string): boolean {
    return this.#underWay.has(host)
  }
}

/** The system's resolver is one for the whole process. */
export const nameLookups = new NameLookups()
