// What the machine of the federation hears and what it does about it: an event goes
// into a step with the time, effects come out of it, and by no other way does it
// change anything. Knows no stream, no timer, no key and no gossipsub.
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Opener } from '../../../wire/index.ts'
import type { VerifiedRecord } from '../../../presence/index.ts'
import type { OwnChange } from '../../own-attachment.ts'
import type { FederationFrame, FederationRefusal, FederationRefusedError, WireUpdate } from '../../federation-frames.ts'
import type { DirectoryStanding } from '../state/federation-state.ts'
import type {
  Heartbeat,
  VerifiedHeartbeat,
  AttachmentStatement,
  OpenedUpdate,
  VerifiedStatement
} from '../../statement.ts'
import type { RosterEffect } from '../state/known-directory.ts'

/** One stream with another directory, as the machine knows it: who it is with, and how far the two have come. */
export class FederationSession {
  readonly peer: PeerId
  readonly remoteAddr: Multiaddr
  readonly openedBy: Opener
  readonly openedAtMs: number
  /** When the other side said Hello, if it has, and is of our network. */
  greetedAtMs: number | undefined
  /** When the last frame came. */
  heardAtMs: number
  /** Where the other side listens, by its first Hello. */
  addresses: readonly Multiaddr[] = []
  /** Why the other side ended it, once it has said so. */
  refusedBy: FederationRefusedError | undefined
  /** It has ended, and not because it was lost: the other side has closed it. */
  wasClosed = false
  /** A frame of it is being handled, and nothing more is read until that is done. */
  isHandling = false
  /** A Refuse was sent: what the other side says no longer counts. */
  isDismissed = false
  /** It is surplus, and ends then unless it is the kept one. */
  retireAtMs = Infinity

  constructor(
    { remotePeer, remoteAddr }: { readonly remotePeer: PeerId; readonly remoteAddr: Multiaddr },
    openedBy: Opener,
    nowMs: number
  ) {
    this.peer = remotePeer
    this.remoteAddr = remoteAddr
    this.openedBy = openedBy
    this.openedAtMs = nowMs
    this.heardAtMs = nowMs
  }

  get isGreeted(): boolean {
    return this.greetedAtMs !== undefined
  }
}

/** Envelopes whose signatures are to be checked before more is decided. */
export interface OpenRequest {
  readonly updates: readonly WireUpdate[]
  readonly withdrawals: readonly Uint8Array[]
  readonly heartbeats: readonly Uint8Array[]
  /** How many there are to check. */
  readonly signatures: number
  /** The holder on whose account they are checked. */
  readonly via: string
  /** The envelopes were asked for: over the budget they wait. Else they are not opened then. */
  readonly isAwaited: boolean
}

/** What the envelopes prove, in their order; undefined for one that proves nothing, or not what it must. */
export interface Opened {
  readonly updates: readonly (OpenedUpdate | undefined)[]
  readonly withdrawals: readonly (VerifiedRecord | undefined)[]
  readonly heartbeats: readonly (VerifiedHeartbeat | undefined)[]
}

/** A task in steps, with envelopes that are opened in between; `undefined`: they exceed a budget. */
export type OpenTask<T> = Generator<OpenRequest, T, Opened | undefined>

/** Statements of our own, to be signed by our key. */
export interface SealRequest {
  readonly statements: readonly Omit<AttachmentStatement, 'directory' | 'network'>[]
}

/** A client's question for a statement that a peer is not attached here. */
export interface DenialRequest {
  readonly peer: PeerId
}

/** A message of the presence topic that has come, and waits for its verdict. */
export interface GossipMessage {
  readonly from: PeerId
  readonly bytes: Uint8Array
}

/** What becomes of a message: it goes on, it ends here, or it must never have been sent. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject'

/** A place that was given to another directory. */
export interface Eviction {
  readonly peer: PeerId
  readonly remoteAddr: Multiaddr
  /** The address prefix that has given a place, and how many it had. */
  readonly holder: string
  readonly held: number
  readonly to: PeerId
}

export type FederationEvent =
  /** Gossip can go out. */
  | { readonly type: 'started' }
  /** All streams are to end; what is still heard counts no more. */
  | { readonly type: 'stopping' }
  | { readonly type: 'stopped' }
  /** The time of `nextDeadline` has come. */
  | { readonly type: 'time' }
  /** The turn of the event loop is over in which the machine asked for that. */
  | { readonly type: 'turn' }
  | { readonly type: 'opened'; readonly session: FederationSession }
  /** Answered by `read-on` or `break`, before the next of the session. */
  | {
      readonly type: 'frame'
      readonly session: FederationSession
      readonly frame: FederationFrame
      readonly sizeBytes: number
    }
  /** Too much waits for the other side already, and this frame did not go out. */
  | { readonly type: 'unsent'; readonly session: FederationSession; readonly frame: FederationFrame }
  /** Hellos come without end. */
  | { readonly type: 'flooded'; readonly session: FederationSession }
  | { readonly type: 'ended'; readonly session: FederationSession }
  | { readonly type: 'gossip'; readonly message: GossipMessage }
  /** Something has changed about an own attachment. */
  | { readonly type: 'changed'; readonly change: OwnChange }
  | { readonly type: 'denial'; readonly request: DenialRequest }
  | { readonly type: 'envelopes'; readonly request: OpenRequest; readonly opened: Opened }
  | { readonly type: 'envelopes-failed'; readonly request: OpenRequest; readonly error: Error }
  /** In their order; undefined where the key did not sign. */
  | {
      readonly type: 'sealed'
      readonly request: SealRequest
      readonly statements: readonly (VerifiedStatement | undefined)[]
    }
  /** undefined where the key did not sign. */
  | { readonly type: 'heartbeat-sealed'; readonly heartbeat: VerifiedHeartbeat | undefined }

export type FederationEffect =
  | { readonly kind: 'send'; readonly session: FederationSession; readonly frame: FederationFrame }
  /** Sends the frames one by one; what is asked twice, and waits, is answered once. */
  | {
      readonly kind: 'answer'
      readonly session: FederationSession
      readonly asked: string
      readonly frames: () => Iterable<FederationFrame>
    }
  /** The frame was handled: the next may be read. */
  | { readonly kind: 'read-on'; readonly session: FederationSession }
  /** The frame must not have been sent: its stream ends. */
  | { readonly kind: 'break'; readonly session: FederationSession; readonly error: Error }
  /** Closes our half once what waits is sent. */
  | { readonly kind: 'end'; readonly session: FederationSession }
  | { readonly kind: 'abort'; readonly session: FederationSession; readonly error: Error }
  /** Aborts a stream, with its connection unless the one after it uses that too. */
  | { readonly kind: 'replace'; readonly before: FederationSession; readonly after: FederationSession }
  /** Aborts all connections of a peer. */
  | { readonly kind: 'cut'; readonly peer: PeerId; readonly error: Error }
  | { readonly kind: 'open'; readonly request: OpenRequest }
  | { readonly kind: 'seal'; readonly request: SealRequest }
  | { readonly kind: 'seal-heartbeat'; readonly heartbeat: Omit<Heartbeat, 'directory' | 'network'> }
  | { readonly kind: 'publish'; readonly bytes: Uint8Array }
  | { readonly kind: 'judge'; readonly message: GossipMessage; readonly verdict: GossipVerdict }
  | { readonly kind: 'denied'; readonly request: DenialRequest; readonly denial: VerifiedStatement | undefined }
  /** Wants the event `turn`. */
  | { readonly kind: 'turn' }
  /** All that stands was said, and a heartbeat after it: others may come. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'roster'; readonly effects: readonly RosterEffect[] }
  | { readonly kind: 'withdraw'; readonly record: VerifiedRecord }
  /** A federation peer tells of a directory, itself or another. */
  | {
      readonly kind: 'learn'
      readonly peer: PeerId
      readonly addresses: readonly Multiaddr[]
      readonly whose: 'own' | 'told'
    }
  | FederationNotice

/** What the machine tells of directories that join, leave, or are not let in. */
export type FederationNotice =
  /** It may become a federation peer: its gossip may come before its Hello. */
  | { readonly kind: 'expected'; readonly peer: PeerId }
  /** It is a federation peer from now on, or goes on over another stream. */
  | { readonly kind: 'linked'; readonly session: FederationSession; readonly isNew: boolean }
  /** It is none any more, or has not become one. */
  /** `hasLeft`: it was joined, and has ended that in order. */
  | { readonly kind: 'unlinked'; readonly peer: PeerId; readonly wasJoined: boolean; readonly hasLeft: boolean }
  | { readonly kind: 'other-network'; readonly peer: PeerId; readonly network: string }
  /** A directory was not let in. */
  | { readonly kind: 'turned-away'; readonly session: FederationSession; readonly reason: FederationRefusal }
  /** A federation peer had to give its place to another, which is a federation peer from now on. */
  | { readonly kind: 'evicted'; readonly eviction: Eviction }
  | { readonly kind: 'banned'; readonly peer: PeerId; readonly forMs: number }
  /** There is no room for all peers of a directory. Once, until there was room again. */
  | { readonly kind: 'left-out'; readonly standing: DirectoryStanding }
  /** What came as gossip is none. */
  | { readonly kind: 'no-gossip'; readonly from: PeerId; readonly error: Error }

/** The step under way: its time, and what was decided in it. */
export class FederationStep {
  nowMs = 0
  #effects: FederationEffect[] = []

  readonly now = (): number => this.nowMs

  emit(effect: FederationEffect): void {
    this.#effects.push(effect)
  }

  /** What follows in the roster from the state of the federation. */
  apply(effects: readonly RosterEffect[]): void {
    if (effects.length > 0) this.emit({ kind: 'roster', effects })
  }

  /** @returns the effects since the last call, in order */
  taken(): readonly FederationEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}
