// Under which names the HTTP side may be asked for. A site whose name was made
// to mean an address of this network (DNS rebinding) sends that name as `Host`,
// and would read the roster through its visitor's browser: so a name that can be
// owned on the Internet is refused where the page is only reachable from this
// machine or its network. Knows no sites and no routes.
import { isIP } from 'node:net'
import { addressRange } from '../../wire/index.ts'

/** Names that cannot be owned on the Internet (RFC 6761, 6762, 8375, and what home routers use). */
const localSuffixes = ['localhost', 'local', 'lan', 'home', 'internal', 'home.arpa', 'localdomain']

export interface HostNamesInit {
  /** The address that is listened on. */
  readonly host: string
  /** Names that the operator has given it. */
  readonly names: readonly string[]
}

export interface Asked {
  /** The `Host` header, with or without a port. */
  readonly host: string
  /** Where the connection has come in, and whose request it is. */
  readonly localAddress: string
  readonly client: string
}

export class HostNames {
  readonly #isLoopbackOnly: boolean
  readonly #names: ReadonlySet<string>

  constructor({ host, names }: HostNamesInit) {
    this.#isLoopbackOnly = isLoopbackHost(host)
    this.#names = new Set(names.map(plainName))
  }

  /** @returns why the name is refused; undefined when it may be answered to */
  refusal({ host, localAddress, client }: Asked): string | undefined {
    const name = plainName(host)
    if (this.#names.has(name) || isLoopbackHost(name)) return undefined
    if (this.#isLoopbackOnly) {
      return 'this directory answers to 127.0.0.1 and localhost only; see --http-host and --http-name'
    }
    if (isIP(name) !== 0 || !name.includes('.') || localSuffixes.some((suffix) => name.endsWith(`.${suffix}`))) {
      return undefined
    }
    // Who can reach a public address from anywhere needs no visitor's browser for it.
    const isWithinNetwork = addressRange(localAddress) !== 'public' && addressRange(client) !== 'public'
    if (!isWithinNetwork) return undefined
    return 'this directory does not know that name: ask for its IP address, or start it with --http-name'
  }
}

/** The name in a Host header: without port, brackets and the dot at its end, in lower case. */
function plainName(host: string): string {
  return host
    .replace(/:\d+$/u, '')
    .replace(/^\[(.*)\]$/u, '$1')
    .replace(/\.$/u, '')
    .toLowerCase()
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && addressRange(host) === 'loopback')
}
