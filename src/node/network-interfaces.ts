// The interfaces of this machine and their addresses. To list them the system
// opens a socket, and the list is asked for every few seconds: when no more files
// may be open, the last list stands.
import { networkInterfaces as listInterfaces } from 'node:os'

export type Interfaces = ReturnType<typeof listInterfaces>

let last: Interfaces = {}

/**
 * It never fails: a node must not end because it is short of open files for a moment.
 *
 * @param list for tests
 */
export function networkInterfaces(list: () => Interfaces = listInterfaces): Interfaces {
  try {
    last = list()
  } catch {
    // EMFILE, or a system that does not tell: what was known is the best that there is.
  }
  return last
}
