// A relay node: a libp2p host that keeps no roster, and relays between peers that have
// named it and reserved a place. It dials nobody, knows no names, and can read nobody's
// words. Like a directory it has a key for each port, and a page.
import { createLibp2p } from 'libp2p'
import type { Libp2p } from '@libp2p/interface'
import type { StunPorts, StunResponder } from '../../direct/stun/index.ts'
import { circuitLimits, relay, type RelayService } from '../../relay/server/index.ts'
import { directoryServices } from '../../transport/index.ts'
import { UsageError } from '../api/errors.ts'
import { stunService } from './directory-stun.ts'
import type { PageScene } from './directory-page.ts'
import { groundFor, ServerNode, type Ground, type NodeLoad, type ServerNodeInit } from './server-node.ts'

type RelayHost = Libp2p<{ readonly relay: RelayService; readonly stun?: StunResponder }>

/** What its page shows of a roster. */
const noRoster: PageScene['roster'] = {
  untold: 0,
  roster: () => [],
  // There are no changes to listen for.
  on: () => noRoster,
  off: () => noRoster
}

export class RelayNode extends ServerNode {
  readonly isRelayOnly = true
  readonly #libp2p: RelayHost

  /** @throws as {@link groundFor} */
  static async create(init: ServerNodeInit): Promise<RelayNode> {
    const { settings } = init.config
    if (settings.relay === 'off')
      throw new UsageError('--relay-only relays, and --relay off does not: give one of them')
    if (settings.join.length > 0)
      throw new UsageError('--relay-only keeps no roster that it could share: leave --join out')
    let node: RelayNode | undefined
    const ground = await groundFor(init, { standings: () => () => 'stranger', discovery: [], node: () => node })
    const { guard, page, port } = ground
    const libp2p = await createLibp2p({
      ...ground.options,
      services: {
        ...directoryServices,
        places: guard.places(),
        relay: relay({
          bytesPerSecond: settings.relayRate,
          limits: circuitLimits(settings.relayCircuits),
          stun: () => node?.stunPorts,
          ...(page === undefined ? {} : { metrics: page.figures.relay })
        }),
        ...stunService({
          isOn: settings.stun === 'on',
          host: settings.host,
          port,
          onProblem: (text) => node?.tell('stun', { text }),
          metrics: page?.figures.stun
        })
      }
    })
    node = new RelayNode(ground, libp2p)
    return node
  }

  private constructor(ground: Ground, libp2p: RelayHost) {
    super(ground, libp2p)
    this.#libp2p = libp2p
  }

  load(): NodeLoad {
    const { reservations: peers, circuits } = this.#libp2p.services.relay.figures()
    return { peers, circuits }
  }

  /** Where it answers STUN; undefined while it does not. */
  get stunPorts(): StunPorts | undefined {
    return this.#libp2p.services.stun?.ports
  }

  protected scene(): ReturnType<ServerNode['scene']> {
    return {
      isRelayOnly: true,
      roster: noRoster,
      relay: () => this.#libp2p.services.relay.figures(),
      federation: { turnedAway: 0, evicted: 0, cut: 0 }
    }
  }
}
