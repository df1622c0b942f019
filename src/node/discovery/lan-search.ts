// The search on the LAN of a chatting peer: its mDNS sockets, and what they show of peers,
// directories and other libp2p programs. It connects peers as they are seen; whether a
// directory or a program is dialled is decided elsewhere.
import { multiaddr } from '@multiformats/multiaddr'
import { addressBlock } from '../../wire/index.ts'
import type { LinkView } from '../api/chat-events.ts'
import type { Notice } from '../api/notices.ts'
import { hostPortOf } from '../dialing/address.ts'
import type { OwnNetwork } from '../dialing/own-network.ts'
import { LanDialing, type SightingDialer } from './lan-dialing.ts'
import { LanSightings, type LanSightingsInit } from './lan.ts'
import { MdnsPorts } from './mdns-port.ts'
import { LanNotices } from './multicast.ts'

export interface LanSearchInit {
  /** The own peer ID. */
  readonly self: string
  readonly ownNetwork: () => OwnNetwork
  readonly dialer: SightingDialer
  /** Before the peer is dialled. */
  readonly onPeer: LanSightingsInit['onSighting']
  readonly onDirectory: LanSightingsInit['onSighting']
  readonly onProgram: LanSightingsInit['onSighting']
  /** {@link LanSearch.links} has changed. */
  readonly onLinks: () => void
  readonly notice: (notice: Notice) => void
}

export class LanSearch {
  readonly peers: LanSightings
  readonly directories: LanSightings
  /** Not all of these chat: they are dialled only when the user chooses one. */
  readonly programs: LanSightings
  readonly #ports: MdnsPorts
  readonly #dialing: LanDialing

  constructor(init: LanSearchInit) {
    const { ownNetwork, onPeer, onDirectory, onProgram } = init
    const notices = new LanNotices(init.notice)
    const ports = new MdnsPorts({
      isOwn: (ip) => ownNetwork().isOwn(ip),
      onChange: () => {
        notices.look(ports.links(), ports.problems())
        init.onLinks()
      }
    })
    const dialing = new LanDialing(init.self, init.dialer)
    this.#ports = ports
    this.#dialing = dialing
    this.peers = new LanSightings({
      ports,
      ownNetwork,
      onSighting: (peer, addresses) => {
        onPeer(peer, addresses)
        const [newest = ''] = addresses
        dialing.sighted(peer, addressBlock(hostPortOf(multiaddr(newest))?.host ?? ''))
      }
    })
    this.directories = new LanSightings({ ports, ownNetwork, onSighting: onDirectory })
    this.programs = new LanSightings({ ports, ownNetwork, onSighting: onProgram })
  }

  /** Ends the dials; libp2p stops the search itself. */
  async stop(): Promise<void> {
    await this.#dialing.stop()
  }

  /** The links on which peers are looked for by mDNS. */
  links(): readonly LinkView[] {
    return this.#ports.links()
  }

  /** Where the peer was seen lately, as one that chats or may. */
  addressesOf(peer: string): readonly string[] {
    return [...this.peers.addressesOf(peer), ...this.programs.addressesOf(peer)]
  }
}
