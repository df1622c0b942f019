// The sender of an mDNS response. @libp2p/mdns hands on the peer ID and the
// addresses that a datagram claims and drops its sender, which is the only thing
// about it that is not a claim. So the method in which it takes responses is
// replaced on the one instance. Where that is not there any more, the sender is
// unknown, and a test says so.
import type { PeerDiscovery } from '@libp2p/interface'
import type { RemoteInfo } from 'node:dgram'

/** The part of the module that is replaced. */
const METHOD = '_onMdnsResponse'

export interface MdnsSender {
  /** The IP address of the machine whose response is being taken at the moment; undefined when it is not known. */
  current(): string | undefined
}

/** @param module before it is started */
export function mdnsSender(module: PeerDiscovery): MdnsSender {
  let current: string | undefined
  const take: unknown = Reflect.get(module, METHOD)
  if (typeof take === 'function') {
    Reflect.set(module, METHOD, (packet: unknown, sender?: RemoteInfo) => {
      current = sender?.address
      try {
        take.call(module, packet)
      } finally {
        current = undefined
      }
    })
  }
  return { current: () => current }
}
