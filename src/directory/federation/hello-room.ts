// What of a Hello fits into its frame, whatever others have told: somebody may
// make up directories with the longest heartbeats and addresses that there are.
// Knows sizes, and nothing of what they say.
import { FELLOW_BYTES, HELLO_BYTES } from './constants.ts'
import type { FederationFrame, WireDigest, WireFellow } from './federation-frames.ts'

/** @returns the Hello with what comes first in either list; the rest is left out */
export function fitted<T extends Extract<FederationFrame, { type: 'hello' }>>(hello: T): T {
  const fellows = hello.fellows.map(withShortAddresses)
  const left = HELLO_BYTES - fellows.reduce((sum, fellow) => sum + fellowBytes(fellow), 0)
  return { ...hello, fellows, digests: hello.digests.slice(0, countThatFit(hello.digests.map(digestBytes), left)) }
}

function withShortAddresses(fellow: WireFellow): WireFellow {
  const sizes = fellow.addresses.map(({ bytes }) => bytes.byteLength + 4)
  return { ...fellow, addresses: fellow.addresses.slice(0, countThatFit(sizes, FELLOW_BYTES)) }
}

function countThatFit(sizes: readonly number[], roomBytes: number): number {
  let bytes = 0
  const end = sizes.findIndex((size) => (bytes += size) > roomBytes)
  return end === -1 ? sizes.length : end
}

function fellowBytes({ addresses }: WireFellow): number {
  return addresses.reduce((sum, { bytes }) => sum + bytes.byteLength + 4, 64)
}

/** A peer ID, a digest and numbers beside the heartbeat. */
function digestBytes({ heartbeat }: WireDigest): number {
  return 160 + (heartbeat?.byteLength ?? 0)
}
