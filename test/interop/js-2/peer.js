/**
 * A chat peer on js-libp2p 2.x for interoperability tests. It reads and writes as the chat
 * example of that version does, with nobody who looks after what its two pipes reject
 * with: an error in one of them ends the program, as there. One program runs it through
 * JSON lines on standard input and output; it knows nothing of Parley.
 *
 *     node peer.js listen [--key rsa|ed25519]
 *     node peer.js dial MULTIADDR [--key rsa|ed25519]
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import * as lp from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { createLibp2p } from 'libp2p'

const CHAT_PROTOCOL = '/chat/1.0.0'

/** Long enough for two cores that are busy with other peers of a test. */
const dialTimeoutMs = 20_000

/** @param {Record<string, unknown> & { event: string }} event */
function emit(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

/** What is typed, for whichever stream asks first: the example's streams share standard input. */
class Typed {
  /** @type {Uint8Array[]} */
  #lines = []
  /** @type {Array<(line: Uint8Array) => void>} */
  #askers = []

  /** @param {string} text */
  add(text) {
    const line = new TextEncoder().encode(`${text}\n`)
    const asker = this.#askers.shift()
    if (asker === undefined) this.#lines.push(line)
    else asker(line)
  }

  async *lines() {
    for (;;) {
      const line = this.#lines.shift()
      yield line ?? (await new Promise((resolve) => this.#askers.push(resolve)))
    }
  }
}

/**
 * @param {import('@libp2p/interface').Stream} stream
 * @param {'inbound' | 'outbound'} direction
 * @param {Typed} typed
 */
function adopt(stream, direction, typed) {
  emit({ event: 'stream', direction })
  void pipe(typed.lines(), (source) => lp.encode(source), stream.sink)
  void pipe(
    stream.source,
    (source) => lp.decode(source),
    // Its packages are installed for its own runs only, so the type is named here.
    async (/** @type {AsyncIterable<{ subarray(): Uint8Array }>} */ source) => {
      for await (const message of source) {
        const text = new TextDecoder().decode(message.subarray())
        emit({ event: 'text', text: text.replace(/\n$/, '') })
      }
      emit({ event: 'closed' })
    }
  )
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { key: { type: 'string', default: 'ed25519' } }
})
const [mode, destination] = positionals
if (mode !== 'listen' && (mode !== 'dial' || destination === undefined)) {
  throw new Error('usage: peer.js listen | dial MULTIADDR  [--key rsa|ed25519]')
}

const typed = new Typed()
const node = await createLibp2p({
  privateKey: values.key === 'rsa' ? await generateKeyPair('RSA', 2048) : await generateKeyPair('Ed25519'),
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()]
})
if (mode === 'listen') await node.handle(CHAT_PROTOCOL, ({ stream }) => adopt(stream, 'inbound', typed))
emit({ event: 'listening', address: String(node.getMultiaddrs()[0]), peerId: String(node.peerId) })
if (mode === 'dial') {
  const signal = AbortSignal.timeout(dialTimeoutMs)
  adopt(await node.dialProtocol(multiaddr(destination), CHAT_PROTOCOL, { signal }), 'outbound', typed)
}
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  for (const text of command.sendMany ?? [command.send]) typed.add(text)
}
await node.stop()
