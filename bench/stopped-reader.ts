/**
 * Goal 9: how much a sender has taken and holds, or may hold, for a reader that
 * stops reading: over the duplex of src/wire, and in a session of the chat whose
 * other side takes messages and answers nothing. Counted is everything that was
 * taken and not read, wherever it is: the buffers of this process, the system's
 * and the reader's, so that the sender's own can only be less.
 *
 * Run: npm run bench -- stopped-reader [--rounds 3] [--json FILE] [--smoke]
 */

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { chat, type ChatServiceInit } from '../src/chat-protocol/index.ts'
import { hostOptions } from '../src/node/host.ts'
import { streamDuplex } from '../src/wire/index.ts'
import { Report, reportOptions } from './report.ts'

const { values } = parseArgs({ options: { ...reportOptions, rounds: { type: 'string', default: '3' } } })
const rounds = values.smoke ? 1 : Number(values.rounds)
/** Enough for the windows to have grown as far as they do. */
const readFirstBytes = values.smoke ? 1 << 20 : 64 << 20
const pieceBytes = 16 * 1_024
const textBytes = 16 * 1_024
/** Nothing more is taken after so long without anything being taken. */
const quietMs = values.smoke ? 100 : 500
const protocol = '/stopped-reader-bench/1.0.0'
const mebibyte = 1 << 20

const report = new Report()
const duplexes: number[] = []
const sessions: number[] = []
for (let round = 0; round < rounds; round++) {
  duplexes.push(await heldByDuplex())
  sessions.push(await heldBySession())
}
const duplex = report.figure('src/wire’s duplex: taken and not read', 'MiB', duplexes)
const session = report.figure('a session of the chat: taken and not answered', 'MiB', sessions)
report.goal('stoppedReader', duplex === undefined || session === undefined ? undefined : Math.max(duplex, session))
report.finish()

async function startHost(protocolInit: ChatServiceInit) {
  const limits = { maxConnections: 100, maxPendingInboundConnections: 100, discovery: [], gater: {} }
  const key = await generateKeyPair('Ed25519')
  const node = await createLibp2p({
    ...hostOptions({ key, host: '127.0.0.1', port: 0, ...limits }),
    services: { chat: chat(protocolInit) }
  })
  await node.start()
  return node
}

function answers(onMessages: ChatServiceInit['onMessages']): ChatServiceInit {
  return {
    kindOf: async () => ({ kind: 'parley' }),
    helloFor: async () => ({ log: '00'.repeat(8) }),
    onHello: async () => undefined,
    onMessages,
    onPlainText: async () => undefined,
    onReceipts: async () => undefined,
    paceOf: () => 'contact'
  }
}

/** The reader reads until the windows are large, and then no more. */
async function heldByDuplex(): Promise<number> {
  const [reader, sender] = await Promise.all([startHost(answers(async () => [])), startHost(answers(async () => []))])
  let readBytes = 0
  let takenBytes = 0
  await reader.handle(protocol, async (stream) => {
    for await (const bytes of streamDuplex(stream).source) {
      readBytes += bytes.byteLength
      if (readBytes < readFirstBytes) continue
      // What this source has handed over is read; it is never asked again.
      await new Promise(() => undefined)
    }
  })
  const stream = await sender.dialProtocol(reader.getMultiaddrs(), protocol)
  const piece = new Uint8Array(pieceBytes)
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      takenBytes += pieceBytes
      yield piece
    }
  }
  // It ends with the nodes.
  streamDuplex(stream)
    .sink(endless())
    .catch(() => undefined)
  await untilQuiet(() => takenBytes)
  await Promise.all([sender.stop(), reader.stop()])
  return (takenBytes - readBytes) / mebibyte
}

async function heldBySession(): Promise<number> {
  const [reader, sender] = await Promise.all([
    startHost(answers(async () => new Promise(() => undefined))),
    startHost(answers(async () => []))
  ])
  const connection = await sender.dial(multiaddr(reader.getMultiaddrs().map(String)[0] ?? ''))
  const open = await sender.services.chat.open(connection)
  let takenBytes = 0
  const send = async (): Promise<void> => {
    for (let seq = 1; ; seq++) {
      const id = randomBytes(16).toString('hex')
      const text = 'x'.repeat(textBytes)
      await open.send([{ id, log: '00'.repeat(8), seq, sentAtMs: 0, text }])
      takenBytes += textBytes
    }
  }
  send().catch(() => undefined)
  await untilQuiet(() => takenBytes)
  const heldBytes = takenBytes
  // Its callbacks never return, so the reader can't be stopped: only cut.
  for (const one of sender.getConnections()) one.abort(new Error('measured'))
  await sender.stop()
  return heldBytes / mebibyte
}

async function untilQuiet(taken: () => number): Promise<void> {
  let before = -1
  while (before !== taken()) {
    before = taken()
    await sleep(quietMs)
  }
}
// The readers that never return hold this process.
process.exit()
