// The interfaces of this machine and their addresses, and when these change: a
// cable, a Wi-Fi, a laptop that wakes. Systems report that in no common way, so
// it looks. To list them the system opens a socket, and the list is asked for
// every few seconds: when no more files may be open, the last list stands.
import { networkInterfaces as listInterfaces, platform, type NetworkInterfaceInfo } from 'node:os'

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

/** What stands behind the % of a link-local IPv6 address: Windows numbers its zones, others name them. */
export function zoneOf(name: string, info: NetworkInterfaceInfo): string {
  return platform() === 'win32' && info.family === 'IPv6' ? String(info.scopeid) : name
}

/** How often the machine's own addresses are looked at: a laptop that wakes is back within seconds. */
export const INTERFACE_POLL_MS = 2_000

export class InterfaceWatch {
  readonly #onChange: () => void
  #timer: NodeJS.Timeout | undefined
  #last = ''

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  start(): void {
    if (this.#timer !== undefined) return
    this.#last = fingerprint()
    this.#timer = setInterval(() => this.#look(), INTERFACE_POLL_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const now = fingerprint()
    if (now === this.#last) return
    this.#last = now
    this.#onChange()
  }
}

function fingerprint(): string {
  const entries = Object.entries(networkInterfaces())
  return entries.flatMap(([name, list]) => (list ?? []).map(({ address }) => `${name} ${address}`)).join('\n')
}
