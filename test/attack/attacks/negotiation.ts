// Attacks before and during the agreement on protocols: what anybody can do who
// reaches the port, without a key or with a throw-away one.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attack, AttackContext } from '../attack.ts'
import { again, flags, frameTypes, header, pour, rawSocket, onLinks } from '../raw-link.ts'

const chunkBytes = 64 * 1024
/** Bytes of a length that never ends: each says that another one follows. */
const endlessLength = new Uint8Array(chunkBytes).fill(0x80)
const proposal = line('/multistream/1.0.0')
/** More handshakes than a node runs at a time, and a pace at which none of them stalls. */
const dripsAtOnce = 64
const dripMs = 700

/** A line of multistream-select: its length, the text, a newline. */
function line(text: string): Uint8Array {
  const bytes = Buffer.from(`${text}\n`)
  return bytes.byteLength < 0x80
    ? Buffer.concat([Buffer.of(bytes.byteLength), bytes])
    : Buffer.concat([Buffer.of((bytes.byteLength & 0x7f) | 0x80, bytes.byteLength >> 7), bytes])
}

/** Sockets that are opened and given these bytes, again and again. */
async function sockets(context: AttackContext, bytes: Uint8Array, reads: boolean): Promise<void> {
  await again(context, async () => {
    const socket = await rawSocket(context)
    if (socket === undefined) return
    if (reads) socket.resume()
    await pour(context, socket, bytes)
  })
}

/** A data frame of Yamux on this stream. */
function data(stream: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([header({ type: frameTypes.data, stream, length: bytes.byteLength }), bytes])
}

export const negotiationAttacks: readonly Attack[] = [
  {
    name: 'endless-length-before-noise',
    does: 'sends a length that never ends on a bare socket',
    against: ['chat', 'directory'],
    inSample: true,
    named: true,
    run: async (context) => sockets(context, endlessLength, true)
  },
  {
    name: 'endless-length-in-a-stream',
    does: 'sends a length that never ends in a stream whose protocol is being agreed on',
    against: ['chat', 'directory'],
    inSample: true,
    named: true,
    run: async (context) =>
      onLinks(context, async (link) => {
        const stream = link.newStream()
        link.send(header({ type: frameTypes.windowUpdate, flags: flags.syn, stream }))
        const frame = data(stream, endlessLength)
        await link.pour(() => frame)
      })
  },
  {
    name: 'endless-length-in-identify-push',
    does: 'agrees on identify push and sends a length that never ends',
    against: ['chat'],
    named: true,
    run: async (context) =>
      onLinks(context, async (link) => {
        const stream = link.newStream()
        link.send(header({ type: frameTypes.windowUpdate, flags: flags.syn, stream }))
        link.send(data(stream, Buffer.concat([proposal, line('/ipfs/id/push/1.0.0')])))
        await sleep(100)
        const frame = data(stream, endlessLength)
        await link.pour(() => frame)
      })
  },
  {
    name: 'endless-proposals-before-noise',
    does: 'proposes one unknown protocol after another on a bare socket',
    against: ['chat', 'directory'],
    named: true,
    run: async (context) => {
      const lines = Buffer.concat(Array.from({ length: 500 }, (_, index) => line(`/unknown/${index}`)))
      await again(context, async () => {
        const socket = await rawSocket(context)
        if (socket === undefined) return
        socket.resume()
        socket.write(proposal)
        await pour(context, socket, lines)
      })
    }
  },
  {
    name: 'endless-proposals-in-a-stream',
    does: 'proposes one unknown protocol after another in a stream, and reads no answer',
    against: ['chat', 'directory'],
    run: async (context) =>
      onLinks(context, async (link) => {
        link.stopReading()
        const stream = link.newStream()
        link.send(header({ type: frameTypes.windowUpdate, flags: flags.syn, stream }))
        link.send(data(stream, proposal))
        const frame = data(stream, Buffer.concat(Array.from({ length: 500 }, (_, index) => line(`/unknown/${index}`))))
        await link.pour(() => frame)
      })
  },
  {
    name: 'random-bytes-before-noise',
    does: 'sends random bytes on bare sockets',
    against: ['chat', 'directory'],
    run: async (context) => sockets(context, randomBytes(chunkBytes), true)
  },
  {
    name: 'web-requests',
    does: 'sends HTTP requests to the port of libp2p',
    against: ['chat', 'directory'],
    run: async (context) => sockets(context, Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), true)
  },
  {
    name: 'broken-noise',
    does: 'agrees on Noise and sends random bytes as its messages',
    against: ['chat', 'directory'],
    run: async (context) =>
      again(context, async () => {
        const socket = await rawSocket(context)
        if (socket === undefined) return
        socket.resume()
        const message = randomBytes(65_535)
        const opening = Buffer.concat([proposal, line('/noise'), Buffer.of(0xff, 0xff), message])
        context.sent(opening.byteLength)
        socket.write(opening)
        await sleep(5)
        socket.destroy()
      })
  },
  {
    name: 'noise-cut-in-half',
    does: 'announces a message of Noise of the greatest length and sends its first byte',
    against: ['chat', 'directory'],
    run: async (context) => {
      const opening = Buffer.concat([proposal, line('/noise'), Buffer.of(0xff, 0xff, 0x01)])
      await again(context, async () => {
        const socket = await rawSocket(context)
        if (socket === undefined) return
        context.sent(opening.byteLength)
        socket.write(opening)
        await sleep(5)
      })
    }
  },
  {
    name: 'one-byte-a-second',
    does: 'sends the agreement on Noise one byte a second on as many sockets as it gets',
    against: ['chat', 'directory'],
    run: async (context) => {
      const bytes = Buffer.concat([proposal, line('/noise')])
      await again(context, async () => {
        const socket = await rawSocket(context)
        if (socket === undefined) return
        let at = 0
        const drip = setInterval(() => {
          if (socket.destroyed || at >= bytes.byteLength) clearInterval(drip)
          else socket.write(bytes.subarray(at, ++at))
          context.sent(1)
        }, 1_000)
        socket.once('close', () => clearInterval(drip))
        await sleep(10)
      })
    }
  },
  {
    name: 'handshakes-kept-in-progress',
    does: 'begins as many handshakes as it gets, and keeps each of them from stalling by a byte now and then',
    against: ['chat', 'directory'],
    inSample: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      const opening = Buffer.concat([proposal, line('/noise'), Buffer.of(0x00, 0xff)])
      await Promise.all(
        Array.from({ length: dripsAtOnce }, async () =>
          again(context, async () => {
            const socket = await rawSocket(context)
            if (socket === undefined) return
            socket.resume()
            context.sent(opening.byteLength)
            socket.write(opening)
            while (!socket.destroyed && !context.signal.aborted) {
              await sleep(dripMs)
              context.sent(1)
              if (!socket.destroyed) socket.write(Buffer.of(0))
            }
          })
        )
      )
    }
  }
]
