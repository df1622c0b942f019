// Attacks on the WebSocket of a directory: its opening handshake, and its frames. What is
// behind these is Noise, as on TCP.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attack, AttackContext } from '../attack.ts'
import { again, pour, rawSocket } from '../raw-link.ts'

/** More than the handshakes of a directory have places for. */
const slowAtOnce = 1_200
const slowByteEveryMs = 100

const request = Buffer.from(
  [
    'GET / HTTP/1.1',
    'Host: directory.example',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
    ''
  ].join('\r\n')
)

const mask = Buffer.alloc(4)
/** A binary message of one byte. */
const frameOfOneByte = Buffer.concat([Buffer.from([0x82, 0x81]), mask, Buffer.from('a')])
const emptyPing = Buffer.concat([Buffer.from([0x89, 0x80]), mask])
const unmasked = Buffer.concat([Buffer.from([0x82, 0x40]), Buffer.alloc(0x40)])

async function webSocket(context: AttackContext): Promise<Socket | undefined> {
  return rawSocket(context, { port: context.target.wsPort })
}

/** A socket after the other: the opening handshake, and then these bytes for as long as they are taken. */
async function afterUpgrade(context: AttackContext, bytes: () => Uint8Array): Promise<void> {
  context.identity(context.source)
  await again(context, async () => {
    const socket = await webSocket(context)
    if (socket === undefined) return
    socket.write(request)
    await once(socket, 'data', { signal: AbortSignal.any([context.signal, AbortSignal.timeout(5_000)]) })
    socket.resume()
    await pour(context, socket, bytes())
    socket.destroy()
  })
}

/** Many of them in one write: the system would make a packet of each. */
function many(frame: Uint8Array): Uint8Array {
  return Buffer.concat(Array.from({ length: 4_096 }, () => frame))
}

export const webSocketAttacks: readonly Attack[] = [
  {
    name: 'websocket-request-without-end',
    does: 'asks for a WebSocket with a header that never ends',
    against: ['directory'],
    run: async (context) =>
      again(context, async () => {
        const socket = await webSocket(context)
        if (socket === undefined) return
        socket.write('GET / HTTP/1.1\r\nX: ')
        await pour(context, socket, Buffer.alloc(16 * 1024, 'a'))
      })
  },
  {
    name: 'websocket-requests-slowly',
    does: 'asks for 1,200 WebSockets at a time, a byte each 100 ms',
    against: ['directory'],
    named: true,
    needsFreshVictim: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      context.identity(context.source)
      await Promise.all(
        Array.from({ length: slowAtOnce }, async () =>
          again(context, async () => {
            const socket = await webSocket(context)
            for (const byte of request) {
              if (socket === undefined || socket.destroyed || context.signal.aborted) break
              context.sent(1)
              socket.write(Buffer.of(byte))
              await sleep(slowByteEveryMs)
            }
          })
        )
      )
    }
  },
  {
    name: 'websocket-garbage',
    does: 'opens WebSockets and sends random bytes for frames',
    against: ['directory'],
    named: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => afterUpgrade(context, () => randomBytes(16 * 1024))
  },
  {
    name: 'websocket-frames-of-one-byte',
    does: 'opens WebSockets and sends frames of one byte each',
    against: ['directory'],
    named: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => afterUpgrade(context, () => many(frameOfOneByte))
  },
  {
    name: 'websocket-pings',
    does: 'opens WebSockets and sends pings of theirs without end',
    against: ['directory'],
    inSample: true,
    named: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => afterUpgrade(context, () => many(emptyPing))
  },
  {
    name: 'websocket-unmasked',
    does: 'opens WebSockets and sends frames without a mask',
    against: ['directory'],
    named: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => afterUpgrade(context, () => many(unmasked))
  }
]
