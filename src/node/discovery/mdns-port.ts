// Connects @libp2p/mdns to all links of this machine. The module alone opens one
// socket, which sends over the default route only. A port receives the packets of one
// service, and its answer on each link holds the addresses of that link only.
import { EventEmitter } from 'node:events'
import { isIPv6 } from 'node:net'
import type { PeerDiscovery } from '@libp2p/interface'
import { decode, encode, type Answer, type DecodedPacket, type Question, type StringAnswer } from 'dns-packet'
import { RateLimiter, steadyNow } from '../../wire/index.ts'
import type { Link } from './links.ts'
import type { LinkView } from '../api/chat-events.ts'
import { Multicast, type MulticastInit } from './multicast.ts'

/** Records that a packet's header may announce: a Parley that listens on twenty interfaces sends about forty. */
const MAX_MDNS_RECORDS = 64

/**
 * Questions within this time get one answer, which goes to the whole link: a thousand machines that ask every five
 * seconds would otherwise make each of them answer two hundred times a second. RFC 6762, 6 asks for a second, which is
 * too long for a newcomer to wait.
 */
export const MDNS_ANSWER_PAUSE_MS = 250

/** Datagrams read from one machine: two questions every five seconds, its answers to others, and a burst at its start. */
export const MDNS_RATE_OF_SENDER = { burst: 100, perSecond: 50 } as const

/** More sightings than a LAN has machines are a flood; the oldest are forgotten. */
export const MAX_LAN_SIGHTINGS = 1_024

/** RFC 6762, 18.4: set in all responses. */
const AUTHORITATIVE_ANSWER = 0x0400
/** RFC 6762, 10, for records that hold no host name; the module uses the same. */
const ANSWER_TTL_S = 120

export interface MdnsPortInit {
  /** The name in questions: `_parley-p-0123456789abcdef._udp.local`. */
  readonly serviceTag: string
  /** Multiaddrs with the own peer ID at which this node is reached on the link. */
  readonly addressesOn: (link: Link) => readonly string[]
}

/** The ports of one node. They share sockets, which are open while a port is. */
export class MdnsPorts {
  readonly #multicast: Multicast
  readonly #open = new Set<MdnsPort>()
  readonly #paces = new RateLimiter(MDNS_RATE_OF_SENDER, MAX_LAN_SIGHTINGS)
  readonly #isOwn: (ip: string) => boolean
  readonly #now: () => number

  constructor(
    init: Pick<MulticastInit, 'onChange' | 'interfaces' | 'now'> & {
      /** Whether an IP address is this machine's. */
      readonly isOwn: (ip: string) => boolean
    }
  ) {
    this.#isOwn = init.isOwn
    this.#now = init.now ?? steadyNow
    this.#multicast = new Multicast({
      ...init,
      onDatagram: (bytes, sender) => this.take(bytes, sender),
      onLink: (link) => {
        for (const port of this.#open) port.askOn(link)
      }
    })
  }

  /** @see Multicast.links */
  links(): readonly LinkView[] {
    return this.#multicast.links()
  }

  /** @see Multicast.problems */
  problems(): readonly LinkView[] {
    return this.#multicast.problems()
  }

  open(init: MdnsPortInit): MdnsPort {
    const port = new MdnsPort(init, {
      send: (bytesFor) => this.#multicast.send(bytesFor),
      close: async () => {
        this.#open.delete(port)
        if (this.#open.size === 0) await this.#multicast.stop()
      }
    })
    this.#open.add(port)
    this.#multicast.start()
    return port
  }

  /**
   * A datagram has come.
   *
   * @param sender an IP address, with its zone where it is link-local IPv6
   */
  take(bytes: Buffer, sender: string): void {
    // Most mDNS packets on a LAN are about printers and televisions: those are not decoded.
    const concerned = [...this.#open].filter((port) => bytes.includes(port.label))
    if (concerned.length === 0) return
    const isOwn = this.#isOwn(sender)
    // Over IPv6 any machine on the link can send from this machine's address; own programs are heard over loopback.
    if (isOwn && isIPv6(sender)) return
    const nowMs = this.#now()
    if (!isOwn && this.#paces.of(sender, nowMs).takeOne(nowMs) > 0) return
    const packet = decoded(bytes)
    if (packet !== undefined) for (const port of concerned) port.take(packet, sender)
  }
}

interface Wire {
  send(bytesFor: (link: Link) => Uint8Array | undefined): void
  close(): Promise<void>
}

/** As much of a multicast-dns object as @libp2p/mdns uses. */
export class MdnsPort extends EventEmitter<{ query: [DecodedPacket]; response: [DecodedPacket] }> {
  readonly #init: MdnsPortInit
  readonly #wire: Wire
  /** The first label of the service's name, which stands in every packet about it. */
  readonly label: Buffer
  #lastQuery: Uint8Array | undefined
  #answers: readonly Answer[] = []
  #turn: NodeJS.Immediate | undefined
  #pause: NodeJS.Timeout | undefined
  #isAskedAgain = false
  #sender: string | undefined

  constructor(init: MdnsPortInit, wire: Wire) {
    super()
    this.#init = init
    this.#wire = wire
    this.label = Buffer.from(init.serviceTag.split('.')[0] ?? '')
  }

  /** While a packet is handled, the IP address that it came from. */
  get sender(): string | undefined {
    return this.#sender
  }

  take(packet: DecodedPacket, sender: string): void {
    this.#sender = sender
    try {
      if (packet.type === 'query') this.emit('query', packet)
      else if (packet.type === 'response') this.emit('response', packet)
    } finally {
      this.#sender = undefined
    }
  }

  query({ questions }: { readonly questions: Question[] }): void {
    const query = encode({ type: 'query', questions })
    this.#lastQuery = query
    this.#wire.send(() => query)
  }

  /** Asks on a new link at once. The node hears its own question and answers it, so that others find it. */
  askOn(link: Link): void {
    const query = this.#lastQuery
    if (query !== undefined) this.#wire.send((one) => (one === link ? query : undefined))
  }

  /**
   * Answers when what has come has been read, since a question comes on several links and of several families; then it
   * pauses. One answer at the end of the pause serves all questions within it.
   */
  respond(answers: readonly Answer[]): void {
    this.#answers = answers
    if (this.#pause !== undefined) this.#isAskedAgain = true
    else this.#turn ??= setImmediate(() => this.#answer())
  }

  destroy(done: () => void): void {
    clearImmediate(this.#turn)
    clearTimeout(this.#pause)
    this.removeAllListeners()
    void this.#close(done)
  }

  async #close(done: () => void): Promise<void> {
    await this.#wire.close()
    done()
  }

  #answer(): void {
    this.#turn = undefined
    this.#isAskedAgain = false
    this.#wire.send((link) => this.#answerFor(link))
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      if (this.#isAskedAgain) this.#answer()
    }, MDNS_ANSWER_PAUSE_MS)
  }

  #answerFor(link: Link): Uint8Array | undefined {
    const pointer = this.#answers.find(isPointer)
    const addresses = this.#init.addressesOn(link)
    if (pointer === undefined || addresses.length === 0) return undefined
    const texts = addresses.map((address): Answer => ({
      name: pointer.data,
      type: 'TXT',
      class: 'IN',
      ttl: ANSWER_TTL_S,
      data: `dnsaddr=${address}`
    }))
    return encode({ type: 'response', flags: AUTHORITATIVE_ANSWER, answers: [pointer, ...texts] })
  }
}

/**
 * Gives the module a port in place of the socket that it opens when it is started. A later version that keeps its socket
 * elsewhere would use that one, and a test would fail.
 *
 * @param module before it is started
 * @returns the port while it is started; undefined where the module goes without one
 */
export function overPorts(module: PeerDiscovery, open: () => MdnsPort): { current(): MdnsPort | undefined } {
  let port: MdnsPort | undefined
  Object.defineProperty(module, 'mdns', {
    configurable: true,
    get: () => port,
    set: (made: unknown) => {
      discard(made)
      port = made === undefined ? undefined : open()
    }
  })
  return { current: () => port }
}

/** The socket is unused: its errors, before or while it closes, do not matter. */
function discard(made: unknown): void {
  if (!(made instanceof EventEmitter)) return
  made.on('error', () => undefined)
  if ('destroy' in made && typeof made.destroy === 'function') made.destroy()
}

function isPointer(answer: Answer): answer is StringAnswer {
  return answer.type === 'PTR'
}

/** Where the header counts questions, answers, authorities and additional records (RFC 1035, 4.1.1). */
const COUNTS = [4, 6, 8, 10] as const
const DNS_HEADER_BYTES = 12

/**
 * Any machine on the LAN may have sent the packet. The decoder trusts the counts in the header: 262,140 records take a
 * third of a second, however few the packet holds.
 */
function decoded(bytes: Buffer): DecodedPacket | undefined {
  if (bytes.byteLength < DNS_HEADER_BYTES) return undefined
  const records = COUNTS.reduce((sum, offset) => sum + bytes.readUInt16BE(offset), 0)
  if (records > MAX_MDNS_RECORDS) return undefined
  try {
    return decode(bytes)
  } catch {
    return undefined
  }
}
