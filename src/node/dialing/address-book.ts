// Where each peer may be reached: the addresses that the user named, those of the
// peer's record, of the LAN and of directories, and where a contact was reached
// before. It knows how far each source is trusted, and dials nothing.
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { PeerBook } from '../../storage/index.ts'
import type { Notice } from '../api/notices.ts'
import type { OwnNetwork } from './own-network.ts'
import { nearest, vantageOf, whyNotDialled, type KnownAddresses, type Vantage } from './dialable.ts'

/** Addresses kept of a contact's record: the first are the best, and those that were dialled need room too. */
const KEPT_RECORD_ADDRESSES = 3

/** What other parts know of a peer's addresses. */
interface AddressSources {
  /** What the peer's own record says. */
  announcedBy(peer: string): readonly string[]
  /** Where the LAN and the directories have seen it. */
  sightedAt(peer: string): readonly string[]
  /** The addresses of the directories that show the peer. */
  directoriesOf(peer: string): readonly Multiaddr[]
  /** How near it was when it was connected last. */
  lastVantage(peer: string): Vantage | undefined
}

export interface AddressBookInit {
  readonly book: PeerBook
  readonly ownNetwork: () => OwnNetwork
  readonly sources: AddressSources
  readonly nameOf: (peer: string) => string
  /** An address of the peer was learned. */
  readonly onLearned: (peer: string) => void
  readonly notice: (notice: Notice) => void
}

export class AddressBook {
  readonly #init: AddressBookInit
  /** Addresses that the user gave, or that a handshake proved, newest first. */
  readonly #learned = new Map<string, string[]>()

  constructor(init: AddressBookInit) {
    this.#init = init
  }

  /** The addresses of the peer, one list for each source, the most promising first. */
  addressesOf(peer: string): readonly KnownAddresses[] {
    const { book, sources } = this.#init
    return [
      { addresses: this.#learned.get(peer) ?? [], from: 'user' },
      { addresses: sources.announcedBy(peer), from: this.#vantageOf(peer) },
      { addresses: sources.sightedAt(peer), from: 'known' },
      { addresses: book.contact(peer)?.addresses ?? [], from: 'known' }
    ]
  }

  /** The address leads to this peer. */
  learn(peer: string, address: Multiaddr): void {
    const known = this.#learned.get(peer) ?? []
    this.#learned.set(peer, [...new Set([address.toString(), ...known])])
    this.#init.onLearned(peer)
  }

  /** Keeps an address at which a contact was reached. A full disk does not end a conversation. */
  async keep(peer: string, address: string): Promise<void> {
    const { book, nameOf, notice } = this.#init
    await book.rememberAddress(peer, address).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      notice({ code: 'fault', text: `the address of ${nameOf(peer)} could not be saved: ${why}` })
    })
  }

  /**
   * Keeps the addresses of a contact that the user named or its record holds: messages that wait must find it after a
   * restart too, even if this side never reached it, or it always dialled first.
   */
  async keepAddresses(peer: string): Promise<void> {
    const { book, sources, ownNetwork } = this.#init
    const contact = book.contact(peer)
    if (contact === undefined) return
    const [own, from] = [ownNetwork(), this.#vantageOf(peer)]
    const announced = sources
      .announcedBy(peer)
      .filter((address) => whyNotDialled(multiaddr(address), from, own) === undefined)
    const named = this.#learned.get(peer) ?? []
    const known = new Set(contact.addresses.map(withoutOwner))
    const news = [...announced.slice(0, KEPT_RECORD_ADDRESSES), ...named.slice(0, 1)]
    for (const address of news) if (!known.has(withoutOwner(address))) await this.keep(peer, address)
  }

  /** How near the peer is, judged by its last connection and by the directories that show it. */
  #vantageOf(peer: string): Vantage {
    const { book, ownNetwork, sources } = this.#init
    const own = ownNetwork()
    return nearest([
      sources.lastVantage(peer) ?? 'elsewhere',
      ...sources.directoriesOf(peer).map((place) => vantageOf(place, own)),
      ...(book.contact(peer) === undefined ? [] : (['contact'] as const))
    ])
  }
}

/** The address without the peer ID at its end. */
function withoutOwner(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/u, '')
}
