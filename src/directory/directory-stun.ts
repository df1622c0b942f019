// Where a directory answers STUN, as its Welcome says it. Knows the fields, and neither
// who asks nor what is answered.
import { isPort } from '../lib/index.ts'
import { ipBytes, ipText } from '../wire/index.ts'
import type { DirectoryFrame } from './pb/directory-frames.ts'

/** Where a directory answers STUN requests over UDP. */
export interface DirectoryStun {
  readonly port: number
  readonly otherPort: number
  /** An address of it of the other family than this connection's, where it has one. It may be false. */
  readonly otherAddress?: string
}

/** @returns undefined where there is no STUN, or no port that can be */
export function readStun({
  stunPort = 0,
  stunOtherPort = 0,
  stunOtherAddress
}: Pick<DirectoryFrame.Welcome, 'stunPort' | 'stunOtherPort' | 'stunOtherAddress'>): DirectoryStun | undefined {
  if (!isPort(stunPort) || !isPort(stunOtherPort)) return undefined
  const otherAddress = stunOtherAddress === undefined ? undefined : ipText(stunOtherAddress)
  return { port: stunPort, otherPort: stunOtherPort, ...(otherAddress === undefined ? {} : { otherAddress }) }
}

export function writeStun({ port, otherPort, otherAddress }: DirectoryStun) {
  const bytes = otherAddress === undefined ? undefined : ipBytes(otherAddress)
  return {
    stunPort: port,
    stunOtherPort: otherPort,
    ...(bytes === undefined ? {} : { stunOtherAddress: new Uint8Array(bytes) })
  }
}
