// Invitations between two peers, /chat/invite/1.0.0, as a libp2p service: it answers
// guests for the invitations that this peer has made, and lets this peer be the guest
// of another. It knows no directories, contacts or screens.
import { randomBytes } from 'node:crypto'
import type { ComponentLogger, Connection, PeerId, Stream } from '@libp2p/interface'
import { DeadlineTimer } from '../lib/index.ts'
import { encodePeerId, openRecord, type VerifiedRecord } from '../presence/index.ts'
import {
  addressClassOf,
  FrameStream,
  RateLimiter,
  ServedStreams,
  Shares,
  steadyNow,
  type StreamRegistrar
} from '../wire/index.ts'
import type { Code } from './code.ts'
import { MakerExchange, INVITE_NONCE_BYTES, type Binding } from './exchange.ts'
import { askMaker, type Offer } from './guest.ts'
import { expected, INVITE_PROTOCOL, inviteFrames, type InviteFrame, type InviteRefusal } from './invite-frames.ts'
import { OpenInvitations, type Invitation, type Try } from './open-invitations.ts'

/** Streams of guests that one connection may have open: one, and one more while that ends. */
const MAX_GUEST_STREAMS_PER_CONNECTION = 4

/**
 * Guests of all connections that are answered at a time: each try costs four multiplications in the group. When more
 * come, the oldest of the address class with the most gives way.
 */
const MAX_GUESTS = 32

/** Questions of one address class: a person types a code a few times a minute. */
const GUEST_RATE = { burst: 10, perSecond: 0.5 } as const

/** Address classes that are told apart at a time. */
const MAX_ASKING_CLASSES = 10_000

export interface InviteServiceInit {
  readonly network: string
  /** Our current sealed record. */
  ownEnvelope(): Uint8Array
  /** Whether the number of an invitation of ours is known there; undefined: on the LAN. */
  isKnownAt(number: number, directory: PeerId | undefined, connection: Connection): boolean
  /** A guest has proven the words. Awaited before it gets our record. `isBack`: it had come before. */
  onCame(came: {
    readonly record: VerifiedRecord
    readonly invitation: Invitation
    readonly isBack: boolean
  }): Promise<void>
  /** A try has failed. */
  onFailed(failed: { readonly addressClass: string; readonly invitation: Invitation }): void
  /** The invitation is open no longer. */
  onEnded(invitation: Invitation): void
  /** Guests are no longer told why it ended. */
  onForgotten(invitation: Invitation): void
  readonly now?: () => number
}

/** What libp2p gives to a service, as far as this one needs it. */
export interface InviteServiceComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly registrar: StreamRegistrar
}

/** A libp2p service: `createLibp2p({ services: { invite: invite({ … }) } })`. */
export function invite(init: InviteServiceInit): (components: InviteServiceComponents) => InviteService {
  return (components) => new InviteService(components, init)
}

export class InviteService {
  readonly [Symbol.toStringTag] = '@parley/invite'
  readonly #components: InviteServiceComponents
  readonly #init: InviteServiceInit
  readonly #now: () => number
  readonly #open = new OpenInvitations()
  readonly #asked = new RateLimiter(GUEST_RATE, MAX_ASKING_CLASSES)
  readonly #guests = new Shares<FrameStream<InviteFrame>>({ capacity: MAX_GUESTS, pressurePart: 1 })
  readonly #streams: ServedStreams
  readonly #expiry: DeadlineTimer

  constructor(components: InviteServiceComponents, init: InviteServiceInit) {
    this.#components = components
    this.#init = init
    this.#now = init.now ?? steadyNow
    this.#streams = new ServedStreams({
      registrar: components.registrar,
      protocol: INVITE_PROTOCOL,
      log: components.logger.forComponent('parley:invite'),
      maxPerConnection: MAX_GUEST_STREAMS_PER_CONNECTION,
      onLimitedConnections: true,
      serve: async (stream, connection, signal) => this.#serve(stream, connection, signal)
    })
    this.#expiry = new DeadlineTimer(this.#now, () => {
      const { expired, forgotten } = this.#open.expire(this.#now())
      for (const one of expired) this.#init.onEnded(one)
      for (const one of forgotten) this.#init.onForgotten(one)
      return this.#open.nextDeadlineMs()
    })
  }

  async start(): Promise<void> {
    await this.#streams.start()
  }

  async stop(): Promise<void> {
    this.#expiry.stop()
    await this.#streams.stop(new Error('invitations were stopped'))
  }

  /**
   * Lets guests come with this code.
   *
   * @param options.places for so many people, who become no contacts; by default for one, who becomes a contact
   * @throws TooManyInvitationsError
   */
  add(code: Code, options: { readonly places?: number; readonly forMs: number }): Invitation {
    const { forMs, ...rest } = options
    const invitation = this.#open.add(code, { ...rest, expiresAtMs: this.#now() + forMs })
    this.#expiry.dueAt(this.#open.nextDeadlineMs())
    return invitation
  }

  /** The open ones, and those that have just ended. */
  all(): readonly Invitation[] {
    return this.#open.all()
  }

  /** How long the invitation stays open, in milliseconds. */
  leftMs({ expiresAtMs }: Invitation): number {
    return Math.max(0, expiresAtMs - this.#now())
  }

  /** @returns false for one that is not open */
  revoke(number: number): boolean {
    const isRevoked = this.#open.revoke(number, this.#now())
    if (isRevoked) this.#tellEnd(number)
    return isRevoked
  }

  /**
   * Asks the peer at the other end whether it has made the invitation.
   *
   * @throws InviteRefusedError when it has not, or lets nobody try; WireError
   */
  async ask(
    connection: Connection,
    question: { readonly number: number; readonly directory: PeerId | undefined; readonly signal: AbortSignal }
  ): Promise<Offer> {
    const { number, directory, signal } = question
    const life = this.#streams.signal
    const both = life === undefined ? signal : AbortSignal.any([life, signal])
    const frames = await FrameStream.open(connection, inviteFrames, { signal: both, runOnLimitedConnection: true })
    return askMaker(frames, {
      number,
      directory,
      network: this.#init.network,
      guest: this.#components.peerId,
      maker: connection.remotePeer,
      ownEnvelope: () => this.#init.ownEnvelope()
    })
  }

  async #serve(stream: Stream, connection: Connection, signal: AbortSignal): Promise<void> {
    const frames = new FrameStream(stream, inviteFrames, signal)
    this.#guests.add(frames, addressClassOf(connection.remoteAddr))
    this.#makeRoom()
    try {
      await this.#answer(frames, connection)
    } finally {
      this.#guests.delete(frames)
    }
  }

  /** Streams on which nothing comes keep no other guest out. */
  #makeRoom(): void {
    const evicted = this.#guests.isUnderPressure ? this.#guests.toEvict() : undefined
    if (evicted === undefined) return
    this.#guests.delete(evicted)
    evicted.abort(new Error('this guest made room for another'))
  }

  async #answer(frames: FrameStream<InviteFrame>, connection: Connection): Promise<void> {
    const ask = expected('ask', await frames.read())
    const { number, directory } = ask
    const guest = { peer: connection.remotePeer.toString(), addressClass: addressClassOf(connection.remoteAddr) }
    const refuse = (reason: InviteRefusal): Promise<void> => frames.end({ type: 'refuse', reason })
    if (this.#asked.of(guest.addressClass, this.#now()).takeOne(this.#now()) > 0) return refuse('too-fast')
    if (ask.network !== this.#init.network) return refuse('other-network')
    if (!this.#init.isKnownAt(number, directory, connection)) return refuse('unknown')
    const answer = this.#open.mayTry(number, guest, this.#now())
    if (answer !== 'yes') return refuse(answer)
    const nonce = randomBytes(INVITE_NONCE_BYTES)
    await frames.write({ type: 'offer', nonce })
    const { share } = expected('share', await frames.read())
    const begun = this.#open.begin(number, guest, this.#now())
    if (typeof begun === 'string') return refuse(begun)
    const binding: Binding = {
      ...begun.invitation.code,
      network: ask.network,
      directory: directory === undefined ? undefined : encodePeerId(directory),
      maker: encodePeerId(this.#components.peerId),
      guest: encodePeerId(connection.remotePeer),
      makerNonce: nonce,
      guestNonce: ask.nonce
    }
    let proven: Awaited<ReturnType<typeof provenGuest>>
    try {
      proven = await provenGuest(frames, { binding, share, peer: connection.remotePeer })
    } catch (error) {
      this.#onFailed(begun, guest.addressClass)
      await refuse('wrong-code')
      throw error
    }
    const outcome = begun.succeeded(this.#now())
    if (outcome === 'full') return refuse('used')
    const { invitation } = begun
    await this.#init.onCame({ record: proven.record, invitation, isBack: outcome === 'came again' })
    if (outcome === 'came' && invitation.end !== undefined) this.#tellEnd(number)
    const sealed = proven.seal.seal(this.#init.ownEnvelope())
    await frames.end({ type: 'record', sealed, isForMany: invitation.isForMany })
  }

  #onFailed(begun: Try, addressClass: string): void {
    begun.failed(this.#now())
    const { invitation } = begun
    this.#init.onFailed({ addressClass, invitation })
    if (invitation.end === 'ended') this.#tellEnd(invitation.code.number)
  }

  #tellEnd(number: number): void {
    this.#expiry.dueAt(this.#open.nextDeadlineMs())
    const invitation = this.#open.get(number)
    if (invitation !== undefined) this.#init.onEnded(invitation)
  }
}

/**
 * The guest's part of a try, checked.
 *
 * @throws whatever makes it a failed one: the stream's end included, for then the guest has seen the maker's proof
 */
async function provenGuest(
  frames: FrameStream<InviteFrame>,
  { binding, share, peer }: { readonly binding: Binding; readonly share: Uint8Array; readonly peer: PeerId }
): Promise<{ readonly record: VerifiedRecord; readonly seal: ReturnType<MakerExchange['proven']> }> {
  const exchange = new MakerExchange(binding, share)
  await frames.write({ type: 'answer', share: exchange.share, proof: exchange.proof })
  const { proof, sealed } = expected('proof', await frames.read())
  const seal = exchange.proven(proof)
  const record = await openRecord(seal.open(sealed), { expectedPeer: peer })
  return { record, seal }
}
