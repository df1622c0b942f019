// Finds the encryption that a libp2p node without Noise speaks, for the error that the
// user sees. It asks by multistream-select on a connection of its own, and closes that
// at the first yes.
import { connect, type Socket } from 'node:net'
import type { HostPort } from './address.ts'

/** The error may come this much later, so that it can name the encryption. */
const ENCRYPTION_PROBE_TIMEOUT_MS = 2_000

/** Its answers are a few short lines. */
const MAX_ENCRYPTION_PROBE_BYTES = 1_024

/** The other encryptions that libp2p specifies, the likeliest first, with the names that people know. */
const encryptions: ReadonlyMap<string, string> = new Map([
  ['/tls/1.0.0', 'TLS'],
  ['/plaintext/2.0.0', 'plaintext'],
  ['/secio/1.0.0', 'SECIO']
])

const HEADER = '/multistream/1.0.0'
const REFUSED = 'na'

/**
 * Never fails: without an answer the error of the dial names no encryption.
 *
 * @returns the name of an encryption that the node speaks; undefined when it names none that is known
 */
export async function otherEncryption(place: HostPort, options: { signal: AbortSignal }): Promise<string | undefined> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(ENCRYPTION_PROBE_TIMEOUT_MS)])
  const socket = connect({ ...place, signal })
  try {
    return await ask(socket)
  } catch {
    return undefined // it hung up, was too late or said something else
  } finally {
    socket.destroy()
  }
}

async function ask(socket: Socket): Promise<string | undefined> {
  const proposals = [...encryptions.keys()]
  let received = Buffer.alloc(0)
  socket.write(Buffer.concat([message(HEADER), message(proposals[0] ?? '')]))
  for await (const chunk of socket) {
    if (!Buffer.isBuffer(chunk)) return undefined
    received = Buffer.concat([received, chunk])
    if (received.byteLength > MAX_ENCRYPTION_PROBE_BYTES) return undefined
    for (;;) {
      const line = firstMessage(received)
      if (line === undefined) break
      received = received.subarray(line.byteLength)
      if (line.text === HEADER) continue
      if (line.text !== REFUSED) return encryptions.get(line.text)
      proposals.shift()
      const [next] = proposals
      if (next === undefined) return undefined
      socket.write(message(next))
    }
  }
  return undefined
}

/** A line of multistream-select behind its length, which is one byte for these lines. */
function message(text: string): Buffer {
  const line = Buffer.from(`${text}\n`)
  return Buffer.concat([Buffer.from([line.byteLength]), line])
}

function firstMessage(bytes: Buffer): { readonly text: string; readonly byteLength: number } | undefined {
  const [length = 0] = bytes
  const byteLength = 1 + length
  if (bytes.byteLength < byteLength) return undefined
  return { text: bytes.subarray(1, byteLength).toString('latin1').trimEnd(), byteLength }
}
