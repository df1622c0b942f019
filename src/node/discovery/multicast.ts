// Sockets for multicast DNS on every link of this machine, IPv4 and IPv6, as links
// come and go. One socket of each family hears all links; over IPv4 each link has a
// socket of its own to send with, since the system would otherwise choose the link of
// its default route. And the notices about links that fail. It does not read what the
// datagrams hold.
import type { RemoteInfo, Socket } from 'node:dgram'
import { alignedInterval, sentence } from '../../lib/index.ts'
import { steadyNow } from '../../wire/index.ts'
import { INTERFACE_POLL_MS, type Interfaces, networkInterfaces } from '../../transport/index.ts'
import { canMulticast, multicastLinks, type Link, type Links } from './links.ts'
import {
  boundForMdns,
  closed,
  type Family,
  joinGroup,
  leaveGroup,
  linkSender,
  MDNS_PORT,
  mdnsGroup,
  multicastFault
} from './mdns-sockets.ts'
import type { LinkView } from '../api/chat-events.ts'
import type { Notice } from '../api/notices.ts'

/** RFC 6762, 17: no packet of multicast DNS is larger. */
const MAX_MDNS_BYTES = 9_000

/** A new address is ready within two seconds (RFC 4862, 5.4); a link that fails for longer than this is reported. */
const LINK_FAILURE_PATIENCE_MS = 3_000

export interface MulticastInit {
  /** @param sender an IP address, with its zone where it is link-local IPv6 */
  readonly onDatagram: (bytes: Buffer, sender: string) => void
  /** Datagrams can be sent on a link that was not there before, or by another family. */
  readonly onLink: (link: Link) => void
  /** A link has begun to fail, works again, has come or gone. */
  readonly onChange?: () => void
  readonly interfaces?: () => Interfaces
  readonly now?: () => number
}

/** One family on one link. */
interface Path {
  readonly link: Link
  readonly family: Family
  socket: Socket | undefined
  isClosed: boolean
  isOpening: boolean
  failure: { readonly why: string; readonly sinceMs: number } | undefined
}

export class Multicast {
  readonly #init: MulticastInit
  readonly #interfaces: () => Interfaces
  readonly #now: () => number
  readonly #hearing = new Map<Family, Promise<Socket>>()
  /** By the link as JSON: a link with another address is another link. */
  readonly #paths = new Map<string, readonly Path[]>()
  #unused: Links['unused'] = []
  #stopLooking: (() => void) | undefined
  #startedAtMs = 0
  #reported = ''

  constructor(init: MulticastInit) {
    this.#init = init
    this.#interfaces = init.interfaces ?? networkInterfaces
    this.#now = init.now ?? steadyNow
  }

  start(): void {
    if (this.#stopLooking !== undefined) return
    this.#startedAtMs = this.#now()
    this.#stopLooking = alignedInterval(() => this.#look(), INTERFACE_POLL_MS)
    this.#look()
  }

  async stop(): Promise<void> {
    if (this.#stopLooking === undefined) return
    this.#stopLooking()
    this.#stopLooking = undefined
    for (const paths of this.#paths.values()) for (const path of paths) this.#close(path)
    this.#paths.clear()
    const hearing = [...this.#hearing.values()]
    this.#hearing.clear()
    await Promise.all(hearing.map(async (opening) => opening.then(closed, () => undefined)))
  }

  /** The links as they are now, loopback left out; empty while it is stopped. */
  links(): readonly LinkView[] {
    const nowMs = this.#now()
    const used = [...this.#paths.values()].flatMap((paths) => {
      const [first] = paths
      if (first === undefined || first.link.isLoopback) return []
      const why = failureOf(paths, nowMs)
      return [{ name: first.link.name, ...(why === undefined ? {} : { why }) }]
    })
    return [...used, ...this.#unused.map(({ name, why }) => ({ name, why }))]
  }

  /**
   * Why peers on the LAN can't be found, for each link where they should be. Empty while all is well, and while it is
   * too early to know.
   */
  problems(): readonly LinkView[] {
    if (this.#stopLooking === undefined) return []
    const nowMs = this.#now()
    const all = [...this.#paths.values()].map((paths) => ({ paths, why: failureOf(paths, nowMs) }))
    const outward = all.filter(({ paths }) => paths[0]?.link.isLoopback === false)
    if (outward.length === 0) {
      const isKnown = nowMs - this.#startedAtMs >= LINK_FAILURE_PATIENCE_MS
      return isKnown ? [{ name: '', why: 'this machine is on no network that can multicast' }] : []
    }
    return outward.flatMap(({ paths: [first], why }) =>
      first === undefined || why === undefined ? [] : [{ name: first.link.name, why }]
    )
  }

  /** @param bytesFor the datagram for this link; undefined for none */
  send(bytesFor: (link: Link) => Uint8Array | undefined): void {
    for (const paths of this.#paths.values()) {
      const ready = paths.filter(({ socket }) => socket !== undefined)
      const [first] = ready
      const bytes = first === undefined ? undefined : bytesFor(first.link)
      if (bytes !== undefined) for (const path of ready) this.#sendOn(path, bytes)
    }
  }

  #sendOn(path: Path, bytes: Uint8Array): void {
    try {
      path.socket?.send(bytes, MDNS_PORT, mdnsGroup(path), (error) => this.#tried(path, error ?? undefined))
    } catch (error) {
      this.#tried(path, error) // it has closed meanwhile
    }
  }

  #tried(path: Path, error: unknown): void {
    if (path.isClosed) return
    if (error === undefined) path.failure = undefined
    else path.failure = { why: multicastFault(error), sinceMs: path.failure?.sinceMs ?? this.#now() }
  }

  #look(): void {
    const { links, unused } = multicastLinks(this.#interfaces(), canMulticast)
    this.#unused = unused
    const current = new Map(links.map((link) => [JSON.stringify(link), link]))
    for (const [key, paths] of this.#paths) {
      if (current.has(key)) continue
      for (const path of paths) this.#close(path)
      this.#paths.delete(key)
    }
    for (const [key, link] of current) if (!this.#paths.has(key)) this.#paths.set(key, pathsOf(link))
    for (const path of [...this.#paths.values()].flat()) if (path.socket === undefined) void this.#open(path)
    this.#reportChange()
  }

  async #open(path: Path): Promise<void> {
    if (path.isOpening) return
    path.isOpening = true
    try {
      const hearing = await this.#hear(path.family)
      if (path.isClosed) return
      joinGroup(hearing, path)
      const socket = path.family === 'ipv6' ? hearing : await linkSender(path.link)
      if (path.isClosed) {
        if (socket !== hearing) socket.close()
        return
      }
      path.socket = socket
      this.#init.onLink(path.link)
    } catch (error) {
      this.#tried(path, error)
    } finally {
      path.isOpening = false
    }
  }

  /** Opens, or returns, the socket that hears all links of a family. */
  async #hear(family: Family): Promise<Socket> {
    const known = this.#hearing.get(family)
    if (known !== undefined) return known
    const opening = boundForMdns(family, family === 'ipv4' ? '0.0.0.0' : '::')
    this.#hearing.set(family, opening)
    try {
      const socket = await opening
      socket.on('message', (bytes, from) => this.#onMessage(bytes, from))
      return socket
    } catch (error) {
      // The next #look() tries again.
      if (this.#hearing.get(family) === opening) this.#hearing.delete(family)
      throw error
    }
  }

  /** Datagrams from another port ask for a unicast answer, or are not mDNS (RFC 6762, 6). */
  #onMessage(bytes: Buffer, { address, port }: RemoteInfo): void {
    if (port === MDNS_PORT && bytes.byteLength <= MAX_MDNS_BYTES) this.#init.onDatagram(bytes, address)
  }

  #close(path: Path): void {
    path.isClosed = true
    const { socket, family } = path
    path.socket = undefined
    if (family === 'ipv4') socket?.close()
    void this.#hearing.get(family)?.then(
      (hearing) => leaveGroup(hearing, path),
      () => undefined
    )
  }

  #reportChange(): void {
    const now = JSON.stringify([this.links(), this.problems()])
    if (now === this.#reported) return
    this.#reported = now
    this.#init.onChange?.()
  }
}

/** Words the changes of links and problems, one notice for each. */
export class LanNotices {
  readonly #notice: (notice: Notice) => void
  /** The reason reported for each link, by name; the empty name stands for all links. */
  #reported = new Map<string, string>()

  constructor(notice: (notice: Notice) => void) {
    this.#notice = notice
  }

  /**
   * @param links all links of this machine
   * @param problems those of them, or all, where peers should be found and can't be
   */
  look(links: readonly LinkView[], problems: readonly LinkView[]): void {
    const before = this.#reported
    this.#reported = new Map(problems.map(({ name, why = '' }) => [name, why]))
    const works = links.some(({ why }) => why === undefined)
    for (const [name, why] of this.#reported) {
      if (before.get(name) === why) continue
      this.#notice({ code: 'no-multicast', text: sentence(lanProblemText({ name, why })), works })
    }
    for (const name of before.keys()) {
      const isThere = name === '' ? works : links.some((link) => link.name === name && link.why === undefined)
      if (this.#reported.has(name) || !isThere) continue
      this.#notice({ code: 'multicast', text: `Peers on the LAN${at(name)} can be found again.`, works })
    }
  }
}

/** @param link whose name is empty for all links */
export function lanProblemText({ name, why = '' }: LinkView): string {
  return `peers on the LAN${at(name)} cannot be found: ${why}`
}

function at(name: string): string {
  return name === '' ? '' : ` at ${name}`
}

function pathsOf(link: Link): readonly Path[] {
  const families: readonly Family[] = [
    ...(link.ipv4 === undefined ? [] : (['ipv4'] as const)),
    ...(link.zone === undefined ? [] : (['ipv6'] as const))
  ]
  return families.map((family) => ({
    link,
    family,
    socket: undefined,
    isClosed: false,
    isOpening: false,
    failure: undefined
  }))
}

/** A link fails when each of its families does, for longer than a new address takes to be ready. */
function failureOf(paths: readonly Path[], nowMs: number): string | undefined {
  const failures = paths.map(({ failure }) => failure)
  const isFailing = failures.every((one) => one !== undefined && nowMs - one.sinceMs >= LINK_FAILURE_PATIENCE_MS)
  return isFailing ? failures[0]?.why : undefined
}
