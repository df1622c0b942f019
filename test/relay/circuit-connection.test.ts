import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test, vi } from 'vitest'
import { CircuitConnection } from '../../src/relay/client/circuit-connection.ts'
import { StreamLostError } from '../../src/wire/index.ts'

afterEach(() => void vi.useRealTimers())

test('a closed circuit leaves no stream half open, and says once that it closed', async () => {
  const [stream] = await streamPair()
  const circuit = new CircuitConnection({
    stream,
    remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'),
    direction: 'outbound',
    log: stream.log
  })
  let closes = 0
  circuit.addEventListener('close', () => closes++)
  vi.useFakeTimers()
  await circuit.close()
  expect([circuit.status, stream.status]).toEqual(['closed', 'open'])
  vi.advanceTimersByTime(5_000)
  expect([circuit.status, stream.status]).toEqual(['closed', 'aborted'])
  expect(closes).toBe(1)
})

test('a circuit over a stream that is already gone is refused: its end would go unnoticed', async () => {
  const [stream] = await streamPair()
  stream.abort(new Error('the relay died'))
  const init = { remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'), direction: 'inbound', log: stream.log } as const
  expect(() => new CircuitConnection({ stream, ...init })).toThrow(StreamLostError)
})
