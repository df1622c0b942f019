import { TypedEventEmitter } from '@libp2p/interface'
import type { Connection, Libp2pEvents, Logger, PeerId } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { recordExchange } from '../../src/directory/index.ts'
import { identity } from './records.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('keeps nothing of a peer that hangs up before it has answered', async () => {
  const [self, other] = [await identity(1), await identity(2)]
  const events = new TypedEventEmitter<Libp2pEvents>()
  const connections: Connection[] = []
  const service = recordExchange({ network: 'test', ownEnvelope: () => new Uint8Array() })({
    peerId: self.peer,
    logger: { forComponent: () => quiet },
    events,
    connectionManager: { getConnections: () => connections },
    registrar: { handle: async () => undefined, unhandle: async () => undefined }
  })
  await service.start()
  events.safeDispatchEvent('connection:open', { detail: hangsUp(other.peer) })
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  await service.stop()
})

const silent = (): void => undefined
const quiet: Logger = Object.assign(silent, {
  enabled: false,
  error: silent,
  trace: silent,
  newScope: (): Logger => quiet
})

/** A connection that is lost while the protocol is agreed on. */
function hangsUp(remotePeer: PeerId): Connection {
  const connection = {
    remotePeer,
    status: 'open',
    newStream: async () => {
      connection.status = 'closed'
      throw new Error('the connection is lost')
    }
  }
  // The smallest part of a connection that the question is put to.
  return connection as unknown as Connection
}
