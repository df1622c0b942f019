/**
 * Goal 9: how much a sender holds for a reader that stops reading. Over the
 * duplex of src/wire that is the piece in its hands, what waits in the stream
 * and what waits in its sockets. In a session of the chat whose other side takes
 * messages and answers nothing everything counts that it has taken and has no
 * answer to, wherever it is, so that its own buffers can only be less.
 *
 * Run: npm run bench -- stopped-reader [--rounds 3] [--json FILE] [--smoke]
 */

import { randomBytes } from 'node:crypto'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { chat, type ChatServiceInit } from '../src/chat-protocol/index.ts'
import { hostOptions } from '../src/transport/host.ts'
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
const unread: number[] = []
const duplexes: number[] = []
const sessions: number[] = []
for (let round = 0; round < rounds; round++) {
  const { heldBytes, unreadBytes } = await heldByDuplex()
  duplexes.push(heldBytes / mebibyte)
  unread.push(unreadBytes / mebibyte)
  sessions.push(await heldBySession())
}
const duplex = report.figure('src/wire’s duplex: held by the sender', 'MiB', duplexes)
report.figure('src/wire’s duplex: taken and not read, in both processes and the system', 'MiB', unread)
const session = report.figure('a session of the chat: taken and not answered', 'MiB', sessions)
report.goal('stoppedReader', duplex === undefined || session === undefined ? undefined : Math.max(duplex, session))
report.finish()

async function startHost(protocolInit: ChatServiceInit) {
  const limits = { discovery: [], gater: {} }
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
    onPlainText: async () => true,
    onReceipts: async () => undefined,
    paceOf: () => 'contact'
  }
}

/** The reader reads until the windows are large, and then no more. */
async function heldByDuplex(): Promise<{ readonly heldBytes: number; readonly unreadBytes: number }> {
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
  const heldBytes = pieceBytes + stream.writeBufferLength + inSockets()
  const unreadBytes = takenBytes - readBytes
  await Promise.all([sender.stop(), reader.stop()])
  return { heldBytes, unreadBytes }
}

/** What the sockets of this process, both ends', have not given to the system. */
function inSockets(): number {
  // Not in the types of Node, as it is for looking at a process from inside.
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): unknown[] }
  return handles().reduce<number>((sum, handle) => sum + (handle instanceof Socket ? handle.writableLength : 0), 0)
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
