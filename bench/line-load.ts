/**
 * A process full of clients of a server that speaks in lines, for the bench of a
 * join: each says its line when it connects, and notes when a line
 * came that holds the word. Knows neither IRC nor Twisted.
 */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { nowMs } from './bench-process.ts'

export type LineOrder =
  | {
      readonly do: 'connect'
      readonly port: number
      readonly count: number
      /** What each says; `%` stands for its number. */
      readonly hello: string
      /** It is in when a line with this has come; empty: at once. */
      readonly ready: string
      readonly firstNumber: number
    }
  /** Everybody notes the next line that holds this. */
  | { readonly do: 'listen'; readonly word: string }
  /** The last client says this. */
  | { readonly do: 'say'; readonly line: string }
  | { readonly do: 'arrivals' }

export type LineAnswer = { readonly atMs: readonly number[] }

interface Client {
  readonly socket: Socket
  arrivedAtMs: number | undefined
}

const clients: Client[] = []
const connectTimeoutMs = 30_000
let word = ''

process.on('message', (order: LineOrder) => {
  void obey(order).then((answer) => process.send?.(answer))
})
process.once('disconnect', () => process.exit())
process.send?.({ ready: true })

async function obey(order: LineOrder): Promise<LineAnswer> {
  switch (order.do) {
    case 'connect':
      // One after the other, as a server has a queue for newcomers.
      for (let i = 0; i < order.count; i++) await join(order, order.firstNumber + i)
      return { atMs: [] }
    case 'listen':
      word = order.word
      for (const client of clients) client.arrivedAtMs = undefined
      return { atMs: [] }
    case 'say': {
      const atMs = nowMs()
      clients.at(-1)?.socket.write(`${order.line}\r\n`)
      return { atMs: [atMs] }
    }
    case 'arrivals':
      return { atMs: clients.flatMap(({ arrivedAtMs }) => arrivedAtMs ?? []) }
  }
}

async function join(order: Extract<LineOrder, { do: 'connect' }>, number: number): Promise<void> {
  const socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const client: Client = { socket, arrivedAtMs: undefined }
  const isIn = Promise.withResolvers<void>()
  let isReady = order.ready === ''
  if (isReady) isIn.resolve()
  let rest = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    rest += text
    const end = rest.lastIndexOf('\n')
    if (end < 0) return
    const lines = rest.slice(0, end)
    rest = rest.slice(end + 1)
    if (!isReady && lines.includes(order.ready)) {
      isReady = true
      isIn.resolve()
    }
    if (word !== '' && client.arrivedAtMs === undefined && lines.includes(word)) client.arrivedAtMs = nowMs()
    for (const line of lines.split('\n')) if (line.startsWith('PING')) socket.write(`PONG${line.slice(4)}\r\n`)
  })
  socket.on('error', () => isIn.reject(new Error('a client was cut off')))
  if (order.hello !== '') socket.write(order.hello.replaceAll('%', String(number)))
  clients.push(client)
  const late = setTimeout(() => isIn.reject(new Error(`client ${number} was not let in: ${rest}`)), connectTimeoutMs)
  await isIn.promise.finally(() => clearTimeout(late))
}
