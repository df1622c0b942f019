// Attacks on the HTTP side of a directory.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attack, AttackContext } from '../attack.ts'
import { again, pour, rawSocket } from '../raw-link.ts'

const halfOpenRequests = 540
const eventStreamsOfOneAddress = 64
const addresses = 4

function request(path: string, headers: readonly string[] = []): Buffer {
  return Buffer.from([`GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, '', ''].join('\r\n'))
}

/** So many sockets at a time to the page, each given some bytes and left as it is. */
async function hold(
  context: AttackContext,
  bytes: Uint8Array,
  count: number,
  sources: readonly string[]
): Promise<void> {
  for (const source of sources) context.identity(source)
  const perSource = Math.ceil(count / sources.length)
  await Promise.all(
    sources.flatMap((source) =>
      Array.from({ length: perSource }, async () =>
        again(context, async () => {
          const socket = await rawSocket(context, { source, port: context.target.httpPort })
          if (socket === undefined) {
            await sleep(100)
            return
          }
          socket.resume()
          context.sent(bytes.byteLength)
          socket.write(bytes)
          await new Promise<void>((resolve) => socket.once('close', () => resolve()))
        })
      )
    )
  )
}

async function requests(context: AttackContext, bytes: Uint8Array, reads: boolean): Promise<void> {
  await again(context, async () => {
    const socket = await rawSocket(context, { port: context.target.httpPort })
    if (socket === undefined) return
    if (reads) socket.resume()
    await pour(context, socket, bytes)
  })
}

/** Neighbours of the attacker's address. */
function sourcesOf({ source }: AttackContext): readonly string[] {
  const last = Number(source.split('.').at(-1))
  return Array.from({ length: addresses }, (_, index) => source.replace(/\d+$/u, String(last + index)))
}

export const pageAttacks: readonly Attack[] = [
  {
    name: 'half-open-requests',
    does: 'begins 540 HTTP requests and ends none of them',
    against: ['directory'],
    inSample: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) =>
      hold(context, Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: '), halfOpenRequests, [context.source])
  },
  {
    name: 'event-streams-of-four-addresses',
    does: 'opens all event streams that there are, from four addresses',
    against: ['directory'],
    inSample: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) =>
      hold(context, request('/api/events'), addresses * eventStreamsOfOneAddress, sourcesOf(context))
  },
  {
    name: 'headers-without-end',
    does: 'sends one HTTP header after another',
    against: ['directory'],
    run: async (context) => requests(context, Buffer.from(`X-${'a'.repeat(200)}: ${'b'.repeat(200)}\r\n`), true)
  },
  {
    name: 'requests-in-a-row',
    does: 'asks for the roster again and again on one connection and reads no answer',
    against: ['directory'],
    run: async (context) =>
      requests(context, Buffer.concat(Array.from({ length: 50 }, () => request('/api/roster'))), false)
  },
  {
    name: 'requests-of-garbage',
    does: 'sends bytes to the page that are no HTTP',
    against: ['directory'],
    run: async (context) => requests(context, Buffer.alloc(4_096, 0xfe), true)
  }
]
