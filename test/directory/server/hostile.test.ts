import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { until } from '../../eventually.ts'
import { DIRECTORY_PROTOCOL } from '../../../src/directory/index.ts'
import { directory } from '../../../src/directory/server/index.ts'
import { RECORD_PROTOCOL, recordExchange } from '../../../src/presence/index.ts'
import type { DirectoryService } from '../../../src/directory/server/index.ts'
import type { RecordService } from '../../../src/presence/index.ts'
import { encodeFrames } from '../../../src/wire/index.ts'
import { node } from '../nodes.ts'
import { identity, sealedBy } from '../../presence/records.ts'

const self = await identity(50)
const own = await sealedBy(self)

/** A node that serves both protocols, and a stranger connected to it. */
async function scene() {
  const libp2p = await node<{ directory: DirectoryService; record: RecordService }>(
    {
      directory: directory({ network: 'test' }),
      record: recordExchange({ network: 'test', ownEnvelope: () => own.envelope })
    },
    { privateKey: self.key }
  )
  const stranger = await node({}, { privateKey: (await identity(51)).key })
  const connection = await stranger.dial(libp2p.getMultiaddrs())
  const told: unknown[] = []
  libp2p.services.record.on('record', (event) => told.push(event))
  libp2p.services.directory.on('change', (event) => told.push(event))
  return { libp2p, connection, told }
}

describe('a node among hostile ones', () => {
  it('outlives any bytes on its streams, and tells nothing of them', async () => {
    const { libp2p, connection, told } = await scene()
    const frame = fc.uint8Array({ maxLength: 200 })
    const bytes = fc.oneof(frame, fc.array(frame, { maxLength: 5 }))
    for (const sample of fc.sample(bytes, 150)) {
      for (const protocol of [DIRECTORY_PROTOCOL, RECORD_PROTOCOL]) {
        const stream = await connection.newStream(protocol)
        try {
          if (sample instanceof Uint8Array) stream.send(sample)
          else for await (const framed of encodeFrames({ maxFrameBytes: 1_000 })([sample])) stream.send(framed)
          await stream.close()
        } catch (error) {
          // The other side was quicker to reset the stream.
          expect(error).toBeInstanceOf(Error)
        }
        stream.abort(new Error('enough'))
      }
    }
    const served = () => libp2p.getConnections().flatMap(({ streams }) => streams)
    await until(() => served().length === 0, 'no stream is left')
    expect([told, libp2p.services.directory.roster()]).toEqual([[], []])
  })

  it('resets at once a stream that announces a frame over its limit', async () => {
    const { connection } = await scene()
    for (const protocol of [DIRECTORY_PROTOCOL, RECORD_PROTOCOL]) {
      const stream = await connection.newStream(protocol)
      stream.send(new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x08])) // 2 GB
      await until(() => stream.status === 'reset', 'the stream is reset')
    }
  })

  it('resets a stream that carries a client frame larger than any client needs', async () => {
    const { connection } = await scene()
    const stream = await connection.newStream(DIRECTORY_PROTOCOL)
    for await (const framed of encodeFrames({ maxFrameBytes: 1 << 17 })([[new Uint8Array(5_000)]])) stream.send(framed)
    await until(() => stream.status === 'reset', 'the stream is reset')
  })
})
