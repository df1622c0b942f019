/**
 * One of two processes between which bytes are moved in one of the ways of
 * pipe-kinds.ts: it dials, sends so many messages or bytes, and waits for the
 * other side's word that all have come. When the pipe breaks the process ends,
 * so that nobody waits for the answer. Knows no goal and no table.
 */

import { makeEnd, type Pipe, type PipeKind, type PipeRole } from './pipe-kinds.ts'

export interface PipeInit {
  readonly kind: PipeKind
  readonly role: PipeRole
}

export type PipeOrder =
  | { readonly do: 'dial'; readonly address: string }
  /** Messages of so many bytes, each written alone, or gathered in writes of `batchBytes`. */
  | { readonly do: 'send'; readonly count: number; readonly sizeBytes: number; readonly batchBytes?: number }
  /** So many new connections one after the other, from the dial to the answer to the first message. */
  | { readonly do: 'dials'; readonly address: string; readonly count: number }
  | { readonly do: 'cpu' }

export interface PipeAnswer {
  readonly ms: readonly number[]
}

const headerBytes = 8
const firstMessageBytes = 64

// The parent is bench/bench-process.ts, which writes this argument.
const init = JSON.parse(process.argv[2] ?? '') as PipeInit
const end = await makeEnd(init.kind, init.role, counting)
let pipe: Pipe | undefined
let answered = Promise.withResolvers<void>()
/** Why the pipe is gone. */
let broken: Error | undefined
// It may break while no answer is waited for.
answered.promise.catch(() => undefined)

process.on('message', (order: PipeOrder) => {
  void obey(order).then((answer) => process.send?.(answer))
})
process.once('disconnect', () => process.exit())
process.send?.({ address: end.address })

async function obey(order: PipeOrder): Promise<PipeAnswer> {
  switch (order.do) {
    case 'dial':
      pipe = await end.dial(order.address, {
        bytes: () => answered.resolve(),
        gone: (why) => {
          broken = why
          answered.reject(why)
        }
      })
      return { ms: [] }
    case 'send':
      if (pipe === undefined) throw new Error('not dialled')
      return { ms: [await secondsToAnswer(pipe, order)] }
    case 'dials': {
      const ms: number[] = []
      for (let i = 0; i < order.count; i++) ms.push(await firstAnswer(order.address))
      return { ms }
    }
    case 'cpu': {
      const { user, system } = process.cpuUsage()
      return { ms: [(user + system) / 1_000] }
    }
  }
}

async function firstAnswer(address: string): Promise<number> {
  const startedAtMs = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const one = await end.dial(address, { bytes: () => resolve(), gone: reject })
  await one.send(pieces({ count: 1, sizeBytes: firstMessageBytes }))
  await promise
  const ms = performance.now() - startedAtMs
  await one.close()
  return ms
}

async function secondsToAnswer(to: Pipe, order: Extract<PipeOrder, { do: 'send' }>): Promise<number> {
  if (broken !== undefined) throw broken
  const { promise, reject } = (answered = Promise.withResolvers<void>())
  const startedAtMs = performance.now()
  // A pipe that is gone says so, and may leave the sender waiting for room.
  to.send(pieces(order)).catch(reject)
  await promise
  return performance.now() - startedAtMs
}

function* pieces(order: {
  readonly count: number
  readonly sizeBytes: number
  readonly batchBytes?: number
}): Generator<Uint8Array> {
  const { count, sizeBytes, batchBytes = sizeBytes } = order
  const perPiece = Math.max(1, Math.floor(batchBytes / sizeBytes))
  const header = Buffer.alloc(headerBytes)
  header.writeDoubleBE(count * sizeBytes)
  yield header
  const message = Buffer.alloc(sizeBytes, 'a message ')
  for (let sent = 0; sent < count; sent += perPiece) {
    const messages = Math.min(perPiece, count - sent)
    if (messages === 1) {
      yield message
      continue
    }
    // Gathering them is a part of what it costs.
    const piece = Buffer.allocUnsafe(messages * sizeBytes)
    for (let i = 0; i < messages; i++) message.copy(piece, i * sizeBytes)
    yield piece
  }
}

/** Says one byte when all has come that was announced. */
function counting(answer: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
  const header = Buffer.alloc(headerBytes)
  let inHeader = 0
  let leftBytes = 0
  return (bytes) => {
    let at = 0
    while (at < bytes.byteLength) {
      if (leftBytes === 0) {
        header[inHeader++] = bytes[at++] ?? 0
        if (inHeader === headerBytes) leftBytes = header.readDoubleBE()
        continue
      }
      const taken = Math.min(leftBytes, bytes.byteLength - at)
      at += taken
      leftBytes -= taken
      if (leftBytes > 0) continue
      inHeader = 0
      answer(Uint8Array.of(1))
    }
  }
}
