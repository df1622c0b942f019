/**
 * Two ends of one stream over real Yamux and a connection in memory. The stream
 * pair of @libp2p/utils has a muxer without windows, so it can show how streams
 * end, but not how a remote is held back.
 */

import type { Stream } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { boundedYamux } from '../../../src/transport/index.ts'

export interface YamuxPair extends AsyncDisposable {
  readonly local: Stream
  readonly remote: Stream
  /** Closes the connection without ending the stream. */
  closeConnection(): Promise<void>
}

export async function yamuxPair(): Promise<YamuxPair> {
  const connections = multiaddrConnectionPair()
  const [localMuxer, remoteMuxer] = connections.map((connection) => boundedYamux()().createStreamMuxer(connection))
  if (localMuxer === undefined || remoteMuxer === undefined) {
    throw new Error('A connection has two ends')
  }
  const arrived = new Promise<Stream>((resolve) => {
    remoteMuxer.addEventListener('stream', (event) => resolve(event.detail), { once: true })
  })
  const local = await localMuxer.createStream({ protocol: '/test/1.0.0' })
  const remote = await arrived
  return {
    local,
    remote,
    closeConnection: async () => connections[1].close(),
    async [Symbol.asyncDispose]() {
      for (const muxer of [localMuxer, remoteMuxer]) {
        muxer.abort(new Error('the test is over'))
      }
      for (const connection of connections) {
        connection.abort(new Error('the test is over'))
      }
    }
  }
}
