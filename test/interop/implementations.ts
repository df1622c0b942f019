/**
 * The foreign implementations as data: which dialect each speaks, how its peer is
 * started, and with which identity keys it takes part in the matrix.
 */
import { join } from 'node:path'

import type { Dialect } from './corpus.ts'
import type { PeerProgram } from './peer-process.ts'
import type { ToolchainName } from './prepare.ts'

const here = import.meta.dirname

export interface Implementation {
  readonly name: string
  readonly toolchain: ToolchainName
  readonly dialect: Dialect
  readonly program: PeerProgram
  readonly keys: readonly ('rsa' | 'ed25519')[]
  /** Whether it shows a message that is empty, or drops it. */
  readonly showsEmptyTexts: boolean
}

export const goPeer: Implementation = {
  name: 'go-libp2p',
  toolchain: 'go',
  dialect: 'lines',
  program: { command: join(here, 'go/bin/chat-peer'), args: [] },
  // Its chat example makes RSA keys; libp2p.New without a key makes Ed25519.
  keys: ['rsa', 'ed25519'],
  showsEmptyTexts: false
}

export const pyPeer: Implementation = {
  name: 'py-libp2p',
  toolchain: 'python',
  dialect: 'lines',
  program: { command: join(here, 'py/.venv/bin/python'), args: [join(here, 'py/chat_peer.py')] },
  // With an RSA key it signs a peer record that js-libp2p can't read, and js-libp2p then
  // rejects all that identify brought: such a peer has identify, and yet no agent is known.
  keys: ['ed25519', 'rsa'],
  showsEmptyTexts: false
}

export const jsPeer: Implementation = {
  name: 'js-libp2p on the original packages',
  toolchain: 'js-original',
  dialect: 'framed text',
  program: { command: process.execPath, args: [join(here, 'js-original/peer.js')] },
  keys: ['ed25519'],
  showsEmptyTexts: true
}

/** As published, with the packages of its time. */
export const js2Peer: Implementation = {
  name: 'js-libp2p 2.x',
  toolchain: 'js-2',
  dialect: 'framed text',
  program: { command: process.execPath, args: [join(here, 'js-2/peer.js')] },
  keys: ['ed25519'],
  showsEmptyTexts: true
}

/** Relays alone: how it is started, and what it needs. */
export interface RelayImplementation {
  readonly name: string
  readonly toolchain: ToolchainName
  readonly program: PeerProgram
}

export const rustRelay: RelayImplementation = {
  name: 'rust-libp2p',
  toolchain: 'rust',
  program: { command: join(here, 'rust/bin/release/relay-peer'), args: [] }
}

export const implementations: readonly Implementation[] = [goPeer, pyPeer, jsPeer]
