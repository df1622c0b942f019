/**
 * Bounds the peer IDs inside of multiaddrs, for all who read one in this process: libp2p's identify, records, gossip
 * and mDNS as well as Parley. An address decodes each `/p2p/` as it is made, and base58 takes time by the square of
 * the length: 8 KiB, which an identify message may have, cost a second of CPU, as often as they are sent.
 *
 * Upstream, `@multiformats/multiaddr` would have to refuse a `/p2p/` that is longer than any multihash of a key.
 *
 * @see https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
 */
import { CODE_P2P, registry } from '@multiformats/multiaddr'

/** A key of up to 42 bytes is its own hash; of a longer one there is a hash. The longest that is known has 66 bytes. */
const MAX_PEER_ID_BYTES = 128
/** The same in base58, and as a CID in any base but the binary ones. */
export const MAX_PEER_ID_CHARS = 256

/** No key has a peer ID of this length. */
class PeerIdTooLongError extends Error {
  override readonly name = 'PeerIdTooLongError'
  readonly size: number
  readonly limit: number

  constructor(size: number, limit: number) {
    super(`a peer ID of ${size} in an address: ${limit} are allowed`)
    this.size = size
    this.limit = limit
  }
}

const { bytesToValue, ...p2p } = registry.getProtocol(CODE_P2P)
if (bytesToValue === undefined) throw new TypeError('@multiformats/multiaddr reads /p2p/ in another way than it did')
registry.addProtocol({
  ...p2p,
  bytesToValue: (bytes) => bytesToValue(within(bytes, bytes.byteLength, MAX_PEER_ID_BYTES)),
  stringToValue: (value) => within(value, value.length, MAX_PEER_ID_CHARS)
})

function within<T>(value: T, size: number, limit: number): T {
  if (size > limit) throw new PeerIdTooLongError(size, limit)
  return value
}
