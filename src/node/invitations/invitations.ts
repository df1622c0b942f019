// The invitations of a node: makes codes, lets in who has one, and goes to the maker of
// a code that was typed. Who comes by a code for one person becomes a contact. It knows
// how the network is asked, and leaves the proof to the exchange.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  BadCodeError,
  findNumber,
  formatCode,
  formatCodeLink,
  INVITATION_MS,
  MakerNotFoundError,
  MANY_INVITATION_MS,
  MAX_PLACES,
  parseCode,
  randomWords,
  redeemCode,
  TooManyInvitationsError,
  WORDS_OF_MANY,
  WORDS_OF_ONE,
  type Code,
  type Invitation,
  type InviteService,
  type InviteServiceInit
} from '../../invite/index.ts'
import { shortId } from '../../lib/index.ts'
import type { VerifiedRecord } from '../../presence/index.ts'
import type { PeerBook } from '../../storage/index.ts'
import type { InvitationOptions, InvitationsApi } from '../api/chat-api.ts'
import type { ChatEvents, DirectoryView, InvitationNews, InvitationView } from '../api/chat-events.ts'
import { OwnPeerError, UnreachableError, UsageError } from '../api/errors.ts'
import { isLocal } from '../dialing/address.ts'
import { ClaimedNumbers } from './claimed-numbers.ts'
import { explainedInvite } from './invite-errors.ts'

/** The whole way from a typed code to its maker: a directory, a connection, the exchange. */
const REDEEM_TIMEOUT_MS = 20_000

/** At the start of a node its directories may not be connected yet, nor the maker be on the roster. */
const SEARCHES = { times: 3, pauseMs: 700 } as const

/** A directory that a scanned code names is there in this time, or is not waited for. */
const DIRECTORY_WAIT_MS = 5_000

/** What has become of an invitation, without what it is. */
type News<N = InvitationNews> = N extends unknown ? Omit<N, 'invitation'> : never

/** The network, as far as codes need it. */
export interface CodeNetwork {
  directories(): readonly DirectoryView[]
  connection(directory: string): Connection | undefined
  /** Peers that mDNS has shown. */
  lanPeers(): readonly string[]
  connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
  /** Resolves when the peers around have had time to appear. */
  lookAround(signal: AbortSignal | undefined): Promise<void>
  useDirectory(address: Multiaddr): void
  name(peer: string): string
  label(peer: string): string
  /** The peer is a contact now. */
  refresh(peer: string): void
}

export interface InvitationsInit {
  readonly networkName: string
  readonly self: string
  readonly searchesLan: boolean
  readonly book: Pick<PeerBook, 'contact' | 'meet'>
  readonly network: CodeNetwork
  readonly service: () => InviteService
  /** Takes the messages of a peer that is a contact now. */
  readonly accept: (peer: string) => Promise<unknown>
  /** @throws BadAddressError */
  readonly readAddress: (text: string) => Multiaddr
  readonly events: Pick<ChatEvents, 'tell' | 'addEventListener' | 'removeEventListener'>
}

export class Invitations implements InvitationsApi {
  readonly #init: InvitationsInit
  readonly #claimed: ClaimedNumbers

  constructor(init: InvitationsInit) {
    this.#init = init
    const { network, networkName, events } = init
    this.#claimed = new ClaimedNumbers({
      network: networkName,
      registeredAt: () =>
        network.directories().flatMap(({ registered, peer }) => (registered === true ? (peer ?? []) : [])),
      connection: (directory) => network.connection(directory),
      onTaken: (number, directory) =>
        events.tell('notice', () => ({
          code: 'directory',
          text:
            `the directory ${this.#addressOf(directory)} knows invitation ${number} as another peer's: ` +
            'who uses only that directory does not find yours'
        }))
    })
  }

  /** What the service asks and reports. */
  get protocol(): Omit<InviteServiceInit, 'network' | 'ownEnvelope'> {
    return {
      isKnownAt: (number, directory, connection) =>
        directory === undefined
          ? this.#init.searchesLan && isLocal(connection.remoteAddr)
          : this.#claimed.knownAt(number).includes(directory.toString()),
      onCame: async (came) => this.#onCame(came),
      onFailed: ({ invitation, addressClass }) => this.#tell(invitation, { what: 'failed', from: addressClass }),
      onEnded: (invitation) => {
        if (invitation.end !== 'used') this.#tell(invitation, { what: 'ended' })
      },
      onForgotten: ({ code }) => this.#claimed.release(code.number)
    }
  }

  /** The directory has registered this peer, or has done so again. */
  async registered(directory: string): Promise<void> {
    await this.#claimed.registered(directory)
  }

  stop(): void {
    this.#claimed.stop()
  }

  /** @throws UsageError, NoNumberError; UnreachableError where nobody could find this node */
  async make({ places, forMs }: InvitationOptions = {}): Promise<InvitationView> {
    checkOptions(places, forMs)
    const number = await this.#claimed.choose()
    if (!this.#init.searchesLan && this.#claimed.knownAt(number).length === 0) {
      this.#claimed.release(number)
      throw new UnreachableError(
        'no directory is connected, and peers are not looked for on the LAN, so nobody could find the maker of a code: ' +
          'connect to a directory (--directory ADDRESS)'
      )
    }
    const isForMany = places !== undefined
    const code: Code = { number, words: randomWords(isForMany ? WORDS_OF_MANY : WORDS_OF_ONE) }
    const openMs = isForMany ? (forMs ?? MANY_INVITATION_MS.default) : INVITATION_MS
    try {
      const invitation = this.#init.service().add(code, { forMs: openMs, ...(isForMany ? { places } : {}) })
      return this.#view(invitation)
    } catch (error) {
      this.#claimed.release(number)
      throw error instanceof TooManyInvitationsError ? new UsageError(error.message, { cause: error }) : error
    }
  }

  /** Those that are open, and those that ended just now without the user's doing. */
  async list(): Promise<readonly InvitationView[]> {
    return this.#init
      .service()
      .all()
      .filter(({ end }) => end !== 'revoked')
      .map((invitation) => this.#view(invitation))
  }

  /** @throws UsageError for a number that is of no open invitation */
  async revoke(number: number): Promise<InvitationView> {
    const service = this.#init.service()
    const isRevoked = service.revoke(number)
    const invitation = service.all().find(({ code }) => code.number === number)
    if (!isRevoked || invitation === undefined) throw new UsageError(`no invitation ${number} is open`)
    return this.#view(invitation)
  }

  /**
   * Goes to the maker of a code, and proves it. The maker of a code for one person is a contact from then on.
   *
   * @returns undefined for a text that is no code
   * @throws UsageError for a mistyped one; InvitationError, UnreachableError, OwnPeerError, BadAddressError
   */
  async meet(text: string, signal: AbortSignal | undefined): Promise<{ peer: string; name: string } | undefined> {
    const typed = readCode(text)
    if (typed === undefined) return undefined
    const { code, directory } = typed
    const isOwn = this.#init
      .service()
      .all()
      .some((one) => formatCode(one.code) === formatCode(code))
    if (isOwn) throw new OwnPeerError(`invitation ${code.number}`)
    const timeout = AbortSignal.timeout(REDEEM_TIMEOUT_MS)
    const inTime = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    try {
      if (directory !== undefined) await this.#useDirectory(this.#init.readAddress(directory), inTime)
      await this.#init.network.lookAround(inTime)
      const { record, isForMany } = await this.#search(code, inTime)
      const peer = record.record.peer.toString()
      if (!isForMany) await this.#keepMaker(record)
      return { peer, name: nameOf(record, this.#init.network.name(peer)) }
    } catch (error) {
      signal?.throwIfAborted()
      throw explainedInvite(error, {
        number: code.number,
        directories: this.#asked().map(({ address }) => address),
        searchesLan: this.#init.searchesLan
      })
    }
  }

  async #search(code: Code, signal: AbortSignal): ReturnType<typeof redeemCode> {
    const { network, networkName, self, searchesLan } = this.#init
    const { number } = code
    for (let left = SEARCHES.times - 1; ; left--) {
      try {
        return await redeemCode({
          code,
          directories: this.#asked().map(({ connection }) => async () => {
            const holders = await findNumber(connection, { network: networkName, number, signal })
            return holders.filter(({ peer }) => peer.toString() !== self)
          }),
          lan: searchesLan ? network.lanPeers() : [],
          ask: async ({ peer, by }) => {
            const connection = await network.connect(peer, { signal })
            return this.#init.service().ask(connection, { number, directory: by, signal })
          }
        })
      } catch (error) {
        const mayAppear =
          error instanceof MakerNotFoundError && (error.directories === 0 || error.unreachable !== undefined)
        if (!mayAppear || left === 0) throw error
      }
      await sleep(SEARCHES.pauseMs, undefined, { signal })
    }
  }

  /** The directories that can be asked now. */
  #asked(): readonly { readonly address: string; readonly connection: Connection }[] {
    const { network } = this.#init
    return network.directories().flatMap(({ state, peer, address }) => {
      const connection = state === 'connected' && peer !== undefined ? network.connection(peer) : undefined
      return connection === undefined ? [] : [{ address, connection }]
    })
  }

  /** Uses the directory beside the others, and waits until it shows its roster; one that is not there is no failure. */
  async #useDirectory(address: Multiaddr, signal: AbortSignal): Promise<void> {
    const { network, events } = this.#init
    const before = new Set(this.#asked().map(({ address: one }) => one))
    network.useDirectory(address)
    const isThere = Promise.withResolvers<void>()
    const look = (): void => {
      if (this.#asked().some(({ address: one }) => !before.has(one))) isThere.resolve()
    }
    events.addEventListener('directory', look)
    events.addEventListener('roster', look)
    const wait = new AbortController()
    try {
      look()
      await Promise.race([
        isThere.promise,
        sleep(DIRECTORY_WAIT_MS, undefined, { signal: AbortSignal.any([signal, wait.signal]) }).catch(() => undefined)
      ])
    } finally {
      wait.abort()
      events.removeEventListener('directory', look)
      events.removeEventListener('roster', look)
    }
  }

  async #onCame({ record, invitation, isBack }: Parameters<InviteServiceInit['onCame']>[0]): Promise<void> {
    const peer = record.record.peer.toString()
    if (!invitation.isForMany) await this.#keep(record)
    // A guest may come again as often as it likes, and was reported.
    if (isBack) return
    const { network } = this.#init
    this.#tell(invitation, { what: 'came', peer, name: nameOf(record, network.name(peer)) })
  }

  async #keepMaker(record: VerifiedRecord): Promise<void> {
    const { book, network, events } = this.#init
    const peer = record.record.peer.toString()
    const isNew = book.contact(peer) === undefined
    await this.#keep(record)
    if (!isNew) return
    const text = `${network.name(peer)} (${shortId(peer)}), whose code you typed, is a contact now.`
    events.tell('notice', () => ({ code: 'met', text, peer }))
  }

  /** The two have met by a code: they are contacts. */
  async #keep(record: VerifiedRecord): Promise<void> {
    const { book, network, events } = this.#init
    const peer = record.record.peer.toString()
    await book.meet(peer, nameOf(record, network.name(peer)), Date.now())
    await this.#init.accept(peer)
    network.refresh(peer)
    events.tell('contact', () => ({ peer, name: network.name(peer), label: network.label(peer), isContact: true }))
  }

  #tell(invitation: Invitation, news: News): void {
    this.#init.events.tell('invitation', () => ({ invitation: this.#view(invitation), ...news }))
  }

  #view(invitation: Invitation): InvitationView {
    const { code, isForMany, places, came, failedTries, end } = invitation
    const { network } = this.#init
    const at = this.#claimed.knownAt(code.number).map((directory) => this.#addressOf(directory))
    return {
      number: code.number,
      code: formatCode(code),
      link: formatCodeLink(code, at.find(isForOthers)),
      isForMany,
      places,
      came: came.map((peer) => ({ peer, name: network.name(peer), shortId: shortId(peer) })),
      failedTries,
      expiresAtMs: Date.now() + this.#init.service().leftMs(invitation),
      directories: at,
      ...(end === undefined ? {} : { end })
    }
  }

  #addressOf(directory: string): string {
    const view = this.#init.network.directories().find(({ peer }) => peer === directory)
    return view?.address ?? shortId(directory)
  }
}

/** Another machine reaches it, and it is short enough for a QR code: a host and a port. */
function isForOthers(address: string): boolean {
  const [, host] = /^\[?([^\]/]+)\]?:\d+$/u.exec(address) ?? []
  return host !== undefined && !/^(?:127\.|::1$|localhost$)/u.test(host)
}

/** The name by which the user knows the peer, else the one that its record says. */
function nameOf({ record }: VerifiedRecord, known: string): string {
  return known === shortId(record.peer.toString()) && record.nickname !== '' ? record.nickname : known
}

function readCode(text: string): ReturnType<typeof parseCode> {
  try {
    return parseCode(text)
  } catch (error) {
    throw error instanceof BadCodeError ? new UsageError(error.message, { cause: error }) : error
  }
}

function checkOptions(places: number | undefined, forMs: number | undefined): void {
  if (places === undefined && forMs !== undefined) {
    throw new UsageError(
      `an invitation for one person is open for ${INVITATION_MS / 60_000} minutes: --for goes with --many`
    )
  }
  if (places !== undefined && !(Number.isInteger(places) && places >= 1 && places <= MAX_PLACES)) {
    throw new UsageError(`an invitation for many is for 1 to ${MAX_PLACES} people`)
  }
  if (forMs !== undefined && !(forMs > 0 && forMs <= MANY_INVITATION_MS.max)) {
    throw new UsageError(`an invitation is open for ${MANY_INVITATION_MS.max / 86_400_000} days at most`)
  }
}
