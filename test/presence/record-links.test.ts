import { TypedEventEmitter } from '@libp2p/interface'
import type { Connection, Libp2pEvents, Logger, PeerId } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { recordExchange } from '../../src/presence/index.ts'
import type { RecordService } from '../../src/presence/index.ts'
import { identity } from './records.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('forgets a peer that hangs up before it has answered', async () => {
  const { service, events, other } = await exchange()
  events.safeDispatchEvent('connection:open', { detail: hangsUp(other, 'outbound') })
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  await service.stop()
})

it('forgets a peer that has dialled and hangs up before it was asked', async () => {
  const { service, events, other } = await exchange()
  const connection = hangsUp(other, 'inbound')
  events.safeDispatchEvent('connection:open', { detail: connection })
  expect(vi.getTimerCount()).toBe(1)
  events.safeDispatchEvent('connection:close', { detail: connection })
  expect(vi.getTimerCount()).toBe(0)
  await service.stop()
})

async function exchange(): Promise<{
  service: RecordService
  events: TypedEventEmitter<Libp2pEvents>
  other: PeerId
}> {
  const [self, other] = [await identity(1), await identity(2)]
  const events = new TypedEventEmitter<Libp2pEvents>()
  const service = recordExchange({ network: 'test', ownEnvelope: () => new Uint8Array() })({
    peerId: self.peer,
    logger: { forComponent: () => quiet },
    events,
    connectionManager: { getConnections: () => [] },
    registrar: { handle: async () => undefined, unhandle: async () => undefined }
  })
  await service.start()
  return { service, events, other: other.peer }
}

const silent = (): void => undefined
const quiet: Logger = Object.assign(silent, {
  enabled: false,
  error: silent,
  trace: silent,
  newScope: (): Logger => quiet
})

/** A connection that is lost while the protocol is negotiated. */
function hangsUp(remotePeer: PeerId, direction: Connection['direction']): Connection {
  const connection = {
    remotePeer,
    direction,
    status: 'open',
    newStream: async () => {
      connection.status = 'closed'
      throw new Error('the connection is lost')
    }
  }
  // The smallest part of a connection that a probe uses.
  return connection as unknown as Connection
}
