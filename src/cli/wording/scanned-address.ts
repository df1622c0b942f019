// An address as a QR code holds it: in capitals and with the peer ID in base 36, which a
// QR code packs into fewer dots than small letters, so that it fits on a screen of 80×24.
// Parley reads it as any multiaddr. Pure.

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** Of a CID: version 1, and that it holds the key of a libp2p peer. */
const CID_OF_PEER = 0x0172n

/** @param address a multiaddr that ends with a peer ID; another text stays as it is */
export function scannedAddress(address: string): string {
  const [, place = '', peer = ''] = /^(\/ip[46]\/[^/]+\/tcp\/\d+)\/p2p\/([1-9A-HJ-NP-Za-km-z]+)$/u.exec(address) ?? []
  return place === '' ? address : `${place}/p2p/${base36Id(peer)}`.toUpperCase()
}

/** `12D3KooW…` as `k51…`: the same peer ID as a CID. */
function base36Id(peer: string): string {
  let value = 0n
  for (const letter of peer) value = value * 58n + BigInt(base58.indexOf(letter))
  const zeros = /^1*/u.exec(peer)?.[0].length ?? 0
  const length = zeros + Math.ceil(value.toString(16).length / 2)
  return `k${((CID_OF_PEER << BigInt(8 * length)) + value).toString(36)}`
}
