/**
 * A js-libp2p chat peer for interoperability tests, on the Noise and Yamux packages
 * under their original names. It speaks /chat/1.0.0 in the manner of the chat example
 * that js-libp2p publishes: each text with its newline in one length-prefixed frame, and
 * no identify service. One program runs it through JSON lines on standard input and
 * output; it knows nothing of Parley.
 *
 *     node peer.js listen [--key rsa|ed25519] [--as-example]
 *     node peer.js dial MULTIADDR [--key rsa|ed25519] [--as-example]
 *
 * With --as-example the end of a stream is what it is in the example: an error that nobody
 * handles, which ends the program.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

import { CHAT_PROTOCOL, Conversation } from './conversation.js'
import { emit } from './events.js'

/** Long enough for two cores that are busy with other peers of a test. */
const dialTimeoutMs = 20_000

/** @param {string} type */
async function generateKey(type) {
  switch (type) {
    case 'rsa':
      return generateKeyPair('RSA', 2048)
    case 'ed25519':
      return generateKeyPair('Ed25519')
    default:
      throw new Error(`unknown key type ${type}: it is rsa or ed25519`)
  }
}

/** @param {string} keyType */
async function startNode(keyType) {
  return createLibp2p({
    privateKey: await generateKey(keyType),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
}

/**
 * Carries out commands until standard input ends.
 *
 * @param {Conversation} conversation
 */
async function obey(conversation) {
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line)
    if (command.send !== undefined) {
      conversation.send([command.send])
    } else if (command.sendMany !== undefined) {
      conversation.send(command.sendMany)
    } else if (command.raw !== undefined) {
      conversation.sendRaw(Buffer.from(command.raw, 'base64'))
    } else if (command.close === true) {
      conversation.close()
    }
  }
}

async function run() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { key: { type: 'string', default: 'ed25519' }, 'as-example': { type: 'boolean', default: false } }
  })
  const [mode, destination] = positionals
  if (mode !== 'listen' && (mode !== 'dial' || destination === undefined)) {
    throw new Error('usage: peer.js listen | dial MULTIADDR  [--key rsa|ed25519] [--as-example]')
  }

  const node = await startNode(values.key)
  const conversation = new Conversation({ asExample: values['as-example'] })
  if (mode === 'listen') {
    await node.handle(CHAT_PROTOCOL, (stream) => conversation.adopt(stream, 'inbound'))
  }
  emit({
    event: 'listening',
    address: String(node.getMultiaddrs()[0]),
    peerId: String(node.peerId)
  })
  if (mode === 'dial') {
    // Like the example, a dialer serves no chat protocol of its own: the other side can
    // only answer on the stream that is opened here.
    const signal = AbortSignal.timeout(dialTimeoutMs)
    conversation.adopt(await node.dialProtocol(multiaddr(destination), CHAT_PROTOCOL, { signal }), 'outbound')
  }
  await obey(conversation)
  await node.stop()
}

try {
  await run()
} catch (error) {
  emit({ event: 'error', message: String(error) })
  process.exit(1)
}
