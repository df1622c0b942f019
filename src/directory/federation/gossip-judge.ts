// What becomes of gossip, and of who passed it on: it goes on when something of
// it is new, and a fellow that floods or passes on forgeries is cut off and
// banned for a while. Opens no envelope itself.
import type { Logger, PeerId } from '@libp2p/interface'
import { toError } from '../../wire/index.ts'
import { decodeGossip } from './federation-frames.ts'
import { FellowBans } from './fellow-bans.ts'
import type { GossipIntake, Taken } from './gossip-intake.ts'
import type { GossipVerdict } from './gossip-mesh.ts'

export interface GossipJudgeInit {
  readonly intake: GossipIntake
  readonly now: () => number
  readonly log: Logger
  /** The holder whose share a fellow counts for. */
  holderOf(peer: PeerId): string
  /** Ends everything with this peer, which is banned from now on. */
  cut(peer: PeerId): void
}

export class GossipJudge {
  readonly #init: GossipJudgeInit
  readonly #bans = new FellowBans()

  constructor(init: GossipJudgeInit) {
    this.#init = init
  }

  isBanned(peer: string): boolean {
    return this.#bans.isBanned(peer, this.#init.now())
  }

  /** The peer is no fellow any more. */
  forget(peer: string): void {
    this.#bans.forget(peer)
  }

  /** The peer floods, beyond any doubt. */
  ban(peer: PeerId): void {
    if (this.isBanned(peer.toString())) return
    this.#bans.ban(peer.toString(), this.#init.now())
    this.#init.cut(peer)
  }

  /** Counts what a fellow sends without being asked. @returns whether it may; else that is held against it */
  mayPass(from: PeerId, sizeBytes: number): boolean {
    // It has been told, and what it still sends costs nothing more.
    if (this.isBanned(from.toString())) return false
    const mayPass = this.#bans.mayPass(from.toString(), sizeBytes, this.#init.now())
    if (!mayPass) this.#strike(from, 1)
    return mayPass
  }

  /** Takes in a message of gossip. */
  async judge(from: PeerId, bytes: Uint8Array, signal: AbortSignal): Promise<GossipVerdict> {
    const { intake, log } = this.#init
    if (!this.mayPass(from, bytes.byteLength)) return 'ignore'
    try {
      const { updates, withdrawals, heartbeat } = decodeGossip(bytes)
      const via = this.#init.holderOf(from)
      const taken = [
        await intake.updates(updates, signal, { via }),
        await intake.withdrawals(withdrawals, signal, { via }),
        ...(heartbeat === undefined ? [] : [await intake.heartbeat(heartbeat, 0, signal, via)])
      ]
      const isForged = taken.map((one) => this.hold(from, one)).includes(true)
      if (isForged) return 'reject'
      return taken.some(({ isNews }) => isNews) ? 'accept' : 'ignore'
    } catch (error) {
      if (signal.aborted) return 'ignore'
      log('gossip from %p is none - %e', from, toError(error))
      this.#strike(from, 1)
      return 'reject'
    }
  }

  /** @returns whether something was forged, which is held against who brought it: fellows check before they pass on */
  hold(from: PeerId, { forged }: Taken): boolean {
    if (forged > 0) this.#strike(from, forged)
    return forged > 0
  }

  #strike(peer: PeerId, count: number): void {
    if (this.isBanned(peer.toString())) return
    for (let i = 0; i < count; i++) {
      if (!this.#bans.strike(peer.toString(), this.#init.now())) continue
      this.#init.cut(peer)
      return
    }
  }
}
