/**
 * What an identity does at a directory that it visits once: it registers with its signed record, looks at the roster or
 * not, and signs that it leaves or not. It is given a connection, over whatever, and leaves the end of that to the caller.
 */
import type { Connection, Ed25519PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { decodeDirectoryFrame, encodeClientFrame, type ClientFrame } from '../../src/directory/directory-frames.ts'
import { DIRECTORY_PROTOCOL, DirectoryRefusedError } from '../../src/directory/index.ts'
import { nextSeq, sealRecord } from '../../src/presence/index.ts'
import { FrameQueue, runFrames, toError } from '../../src/wire/index.ts'

/** The network of all soak runs. */
export const network = 'soak'

const maxFrameBytes = 128 * 1024
/** An announcement, a question for the roster and a farewell. */
const maxQueueBytes = 16 * 1024
const addresses = [multiaddr('/ip4/192.168.1.20/tcp/40123'), multiaddr('/ip6/fd00::20/tcp/40123')]

export interface Visit {
  readonly connection: Connection
  readonly key: Ed25519PrivateKey
  readonly isWatching: boolean
  readonly saysGoodbye: boolean
  readonly signal: AbortSignal
}

/** @returns when the directory has dealt with all of it */
export async function visitDirectory({ connection, key, isWatching, saysGoodbye, signal }: Visit): Promise<void> {
  const stream = await connection.newStream(DIRECTORY_PROTOCOL, { signal })
  const outgoing = new FrameQueue<ClientFrame>({ maxBytes: maxQueueBytes, sizeOf: () => 1_024 })
  const registered = Promise.withResolvers<void>()
  const hasRoster = Promise.withResolvers<void>()
  const ended = runFrames({
    stream,
    codec: { decode: decodeDirectoryFrame, encode: encodeClientFrame },
    outgoing,
    maxFrameBytes,
    onFrames: async (frames) => {
      for (const frame of frames) {
        if (frame?.type === 'refuse') throw new DirectoryRefusedError(frame.reason, frame.retryAfterMs)
        if (frame?.type === 'welcome' && frame.acceptedSeq !== undefined) registered.resolve()
        if (frame?.type === 'snapshot' && frame.last) hasRoster.resolve()
      }
    }
  })
  const failed = ended.then(
    () => Promise.reject(new Error('the directory has closed the stream')),
    (error: unknown) => Promise.reject(toError(error))
  )
  let seq = 0n
  const sealed = async (withdrawn: boolean): Promise<Uint8Array<ArrayBuffer>> => {
    const issuedAtMs = Date.now()
    seq = nextSeq(seq, issuedAtMs)
    const presence = { seq, issuedAtMs, nickname: 'newcomer', status: '', addresses, capabilities: ['chat/1'], network }
    return new Uint8Array((await sealRecord({ ...presence, withdrawn }, key)).envelope)
  }
  outgoing.offer({ type: 'announce', envelope: await sealed(false) })
  await Promise.race([registered.promise, failed])
  if (isWatching) {
    outgoing.offer({ type: 'watch', query: '', offset: 0, limit: 0 })
    await Promise.race([hasRoster.promise, failed])
  }
  if (saysGoodbye) {
    outgoing.offer({ type: 'withdraw', envelope: await sealed(true) })
    outgoing.end()
  } else stream.abort(new Error('gone without a word'))
  // The directory ends its half behind what it has read; one that it has changes for at that moment it resets.
  await failed.catch(() => undefined)
}

/** Of each eight identities one looks at the roster, and one leaves without a word. */
export function habits(identity: number): Pick<Visit, 'isWatching' | 'saysGoodbye'> {
  return { isWatching: identity % 8 === 0, saysGoodbye: identity % 8 !== 1 }
}
