// What liars are made of: the options of a bare node on loopback, and one stream
// of the directory protocol as a directory serves it. What is said on it is the
// liar's affair.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import {
  decodeClientFrame,
  encodeDirectoryFrame,
  type ClientFrame,
  type DirectoryFrame
} from '../../src/directory/directory-frames.ts'
import { runFrames, type FrameQueue } from '../../src/wire/index.ts'
import { yamuxInit } from '../../src/transport/index.ts'
import { patientConnections } from '../patience.ts'

export const bareNodeInit = {
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux(yamuxInit)],
  connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 1_000, ...patientConnections },
  connectionMonitor: { enabled: false }
}

export function welcomeTo(network: string): Extract<DirectoryFrame, { type: 'welcome' }> {
  return { type: 'welcome', network, leaseMs: 60_000, refreshAfterMs: 30_000 }
}

/** Welcomes a client and hands on its frames, one after the other, until the stream ends, however it does. */
export async function serveClient(
  stream: Stream,
  network: string,
  outgoing: FrameQueue<DirectoryFrame>,
  onFrame: (frame: ClientFrame) => Promise<void>
): Promise<{ readonly isBroken: boolean }> {
  outgoing.offer(welcomeTo(network))
  try {
    await runFrames<ClientFrame, DirectoryFrame>({
      stream,
      codec: { decode: decodeClientFrame, encode: encodeDirectoryFrame },
      outgoing,
      maxFrameBytes: 128 * 1024,
      onFrames: async (frames) => {
        for (const frame of frames) await onFrame(frame)
      }
    })
    return { isBroken: false }
  } catch {
    return { isBroken: true }
  }
}
