/**
 * What the processes of the wire's fault tests say to each other, and the node
 * that each of them runs: real libp2p over TCP on loopback, nothing else.
 */

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { noise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Libp2p, Libp2pOptions } from 'libp2p'
import { boundedYamux } from '../../src/transport/index.ts'

export const PROTOCOL = '/wire-test/1.0.0'

/** What a reader saw of one stream. */
export interface ReadReport {
  readonly readBytes: number
  readonly sha256: string
  readonly seconds: number
  readonly maxHeldBytes: number
  /** The peak resident memory of the process, above what it was when the stream was opened. */
  readonly rssRiseBytes: number
  /** Null when the stream ended as it should. */
  readonly loss: { readonly name: string; readonly loss: string; readonly causeName: string } | null
}

/** What a sender saw. */
export interface SendReport {
  readonly sentBytes: number
  /** How many times `send()` said false. */
  readonly refusals: number
  readonly status: string
}

export type ReaderMessage =
  | { readonly type: 'listening'; readonly address: string }
  | { readonly type: 'read'; readonly report: ReadReport }

export interface ReaderInit {
  readonly bytesPerSecond: number
}

export type SenderInit =
  | { readonly kind: 'obedient' | 'heedless'; readonly address: string; readonly totalBytes: number }
  /** Breaks Yamux's rules on purpose: many frames past the window, or one frame of 4 GiB. */
  | { readonly kind: 'overrun' | 'huge-frame'; readonly address: string; readonly totalBytes: number }

export function startNode(options: Pick<Libp2pOptions, 'addresses' | 'streamMuxers'> = {}): Promise<Libp2p> {
  return createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux()],
    ...options
  })
}

/** Starts one of the scripts beside this file as a process of its own. */
export function startProcess(script: 'wire-reader.ts' | 'wire-sender.ts', init: ReaderInit | SenderInit): ChildProcess {
  return fork(join(import.meta.dirname, script), [JSON.stringify(init)])
}

/** The next message of a process, which only its own script writes. @throws when the process ends first. */
export async function messageOf<T>(child: ChildProcess): Promise<T> {
  const cutOff = new AbortController()
  try {
    return await Promise.race([
      once(child, 'message', cutOff).then(([message]) => message as T),
      once(child, 'exit', cutOff).then(([code]) => {
        throw new Error(`The process ended with ${code} before it said anything`)
      })
    ])
  } finally {
    cutOff.abort()
  }
}

/** For the scripts: tells the test, and waits until the message has left. */
export async function tell(message: ReaderMessage | SendReport): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })
}

/** For the scripts: what the test asked for. */
export function initOf(): unknown {
  return JSON.parse(process.argv[2] ?? '')
}
