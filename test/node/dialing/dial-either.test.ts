import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { UnreachableError } from '../../../src/node/api/errors.ts'
import { dialEither } from '../../../src/node/dialing/dial-either.ts'

const [tcp, ws] = [multiaddr('/dns/directory.example/tcp/8000'), multiaddr('/dns/directory.example/tcp/443/tls/ws')]

/** A connection that is of this address, and whether it was closed. */
function connectionTo(address: Multiaddr): Connection & { isClosed: boolean } {
  const connection = { remoteAddr: address, isClosed: false, close: async () => void (connection.isClosed = true) }
  return connection as unknown as Connection & { isClosed: boolean }
}

function unreachable(message: string, code: string): UnreachableError {
  return new UnreachableError(message, { cause: Object.assign(new Error(code), { code }) })
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

const { signal } = new AbortController()

test('the WebSocket is not asked for while the TCP port answers soon', async () => {
  const asked: string[] = []
  const dial = async (address: Multiaddr): Promise<Connection> => {
    asked.push(address.toString())
    return connectionTo(address)
  }
  expect((await dialEither(dial, [tcp, ws], { signal, afterMs: 60_000 })).remoteAddr).toBe(tcp)
  expect(asked).toEqual([tcp.toString()])
})

test('the WebSocket is used at once where the TCP port refuses', async () => {
  const dial = async (address: Multiaddr): Promise<Connection> => {
    if (address === tcp) throw unreachable('nothing listens', 'ECONNREFUSED')
    return connectionTo(address)
  }
  expect((await dialEither(dial, [tcp, ws], { signal, afterMs: 60_000 })).remoteAddr).toBe(ws)
})

test('the dial of a TCP port that is silent ends when the WebSocket has answered', async () => {
  let ended = false
  const dial = async (address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection> => {
    if (address === ws) return connectionTo(address)
    return untilAborted(options.signal).finally(() => (ended = true))
  }
  expect((await dialEither(dial, [tcp, ws], { signal, afterMs: 1 })).remoteAddr).toBe(ws)
  await Promise.resolve()
  await expect.poll(() => ended).toBe(true)
})

test('a second connection that comes late is closed', async () => {
  const late = connectionTo(tcp)
  const { promise, resolve } = Promise.withResolvers<Connection>()
  const dial = async (address: Multiaddr): Promise<Connection> => (address === ws ? connectionTo(address) : promise)
  await dialEither(dial, [tcp, ws], { signal, afterMs: 1 })
  resolve(late)
  await expect.poll(() => late.isClosed).toBe(true)
})

test('where neither answers the error is that of the TCP port, and of the WebSocket where that says more', async () => {
  const failing =
    (of: Error) =>
    async (address: Multiaddr): Promise<Connection> => {
      throw address === tcp ? unreachable('nothing listens at directory.example:8000', 'ECONNREFUSED') : of
    }
  const both = async (of: Error): Promise<Connection> => dialEither(failing(of), [tcp, ws], { signal })
  await expect(both(unreachable('no way', 'EHOSTUNREACH'))).rejects.toThrow(
    /^nothing listens at directory.example:8000$/u
  )
  await expect(both(unreachable('wss://directory.example/ answered 404', 'NONE'))).rejects.toThrow(
    'nothing listens at directory.example:8000; wss://directory.example/ answered 404'
  )
})

test('a caller that gives up ends both', async () => {
  const end = new AbortController()
  const dial = async (_address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection> =>
    untilAborted(options.signal)
  const dialling = dialEither(dial, [tcp, ws], { signal: end.signal, afterMs: 1 })
  end.abort(new Error('given up'))
  await expect(dialling).rejects.toThrow('given up')
})
