// The interfaces of this machine and their addresses, and when these or its routes
// change: a cable, a Wi-Fi; and when the machine has slept. Systems report that in no common way, so
// it looks. To list them the system opens a socket, and the list is asked for by several
// parts every second: those that ask at one moment share it, and when no more files may
// be open, the last list stands.
import { alignedInterval } from '../lib/index.ts'
import { networkInterfaces as listInterfaces, platform, type NetworkInterfaceInfo } from 'node:os'

export type Interfaces = ReturnType<typeof listInterfaces>

/** A list of interfaces is as good as new for so long: what looks at them does so at the same moments. */
const LISTED_FOR_MS = 50

let last: Interfaces = {}
let listedAtMs = Number.NEGATIVE_INFINITY

/**
 * It never fails: a node must not end because it is short of open files for a moment.
 *
 * @param list for tests
 */
export function networkInterfaces(list: () => Interfaces = listInterfaces): Interfaces {
  const nowMs = performance.now()
  const isListed = nowMs >= listedAtMs && nowMs - listedAtMs < LISTED_FOR_MS
  if (isListed && list === listInterfaces) return last
  try {
    last = list()
    listedAtMs = nowMs
  } catch {
    // EMFILE, or a system that does not tell: what was known is the best that there is.
  }
  return last
}

/** What stands behind the % of a link-local IPv6 address: Windows numbers its zones, others name them. */
export function zoneOf(name: string, info: NetworkInterfaceInfo): string {
  return platform() === 'win32' && info.family === 'IPv6' ? String(info.scopeid) : name
}

/** How often the machine's own addresses are looked at: it leaves half of three seconds for links that are in doubt. */
export const INTERFACE_POLL_MS = 1_000

/**
 * A look that comes so much later than it should, by the wall clock: the machine has slept, or this process was
 * stopped. A process that is merely busy is not so late; and a clock that was set costs a few pings.
 */
const SLEPT_MS = 10_000

/** Calls back when the addresses or routes of this machine have changed, or may have while it slept. */
export class InterfaceWatch {
  readonly #onChange: () => void
  readonly #interfaces: () => Interfaces
  readonly #routes: () => string
  #stopLooking: (() => void) | undefined
  #last = ''
  #lastRoutes = ''
  #lookedAtMs = 0

  /** @param routes see {@link defaultRoutes}; without it, routes are not watched */
  constructor(onChange: () => void, interfaces: () => Interfaces = networkInterfaces, routes: () => string = () => '') {
    this.#onChange = onChange
    this.#interfaces = interfaces
    this.#routes = routes
  }

  start(): void {
    if (this.#stopLooking !== undefined) return
    this.#last = fingerprint(this.#interfaces())
    this.#lastRoutes = this.#routes()
    this.#lookedAtMs = Date.now()
    this.#stopLooking = alignedInterval(() => this.#look(), INTERFACE_POLL_MS)
  }

  stop(): void {
    this.#stopLooking?.()
    this.#stopLooking = undefined
  }

  #look(): void {
    const nowMs = Date.now()
    const hasSlept = nowMs - this.#lookedAtMs >= SLEPT_MS
    this.#lookedAtMs = nowMs
    const now = fingerprint(this.#interfaces())
    const hasChanged = now !== this.#last
    this.#last = now
    if (this.#routesChanged() || hasChanged || hasSlept) this.#onChange()
  }

  /** Without any route there is nothing to ask anybody for: what it cuts is asked for when there is one again. */
  #routesChanged(): boolean {
    const now = this.#routes()
    const hasChanged = now !== this.#lastRoutes && now !== ''
    this.#lastRoutes = now
    return hasChanged
  }
}

function fingerprint(interfaces: Interfaces): string {
  const entries = Object.entries(interfaces)
  return entries.flatMap(([name, list]) => (list ?? []).map(({ address }) => `${name} ${address}`)).join('\n')
}
