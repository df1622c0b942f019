import { RecordEnvelope } from '@libp2p/peer-record'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  MAX_COUNTER,
  statementKind,
  openStatement,
  sealStatement,
  BadStatementError,
  openUpdate,
  openHeartbeat,
  sealHeartbeat
} from '../../src/directory/statement.ts'
import { AttachmentStatement as Pb } from '../../src/directory/pb/federation.ts'
import { encodePeerId } from '../../src/presence/peer-id-bytes.ts'
import { identity, sealedBy } from '../presence/records.ts'
import { MAX_STATEMENT_BYTES } from '../../src/directory/federation-frames.ts'

const [north, ada, bob] = await Promise.all([identity(2), identity(11), identity(12)])
const said = { network: 'test', epoch: 7n, counter: 1n, peer: ada.peer, seq: 5n, attached: true }
const lives = { network: 'test', epoch: 7n, counter: 1n, beat: 3n, digest: new Uint8Array(32).fill(9), count: 1 }

describe('a statement', () => {
  it('keeps no memory but its own: what it was written in is given back', async () => {
    const { envelope, statement } = await sealStatement(said, north.key)
    expect(envelope.buffer.byteLength).toBe(envelope.byteLength)
    const opened = await openStatement(envelope)
    for (const { directory } of [statement, opened.statement]) {
      expect(directory.toMultihash().digest.buffer.byteLength).toBeLessThan(64)
    }
    expect((await sealStatement(said, north.key)).statement.directory).toBe(statement.directory)
  })

  it('opens as it was sealed, whatever it says', async () => {
    const number = fc.bigInt({ min: 1n, max: MAX_COUNTER - 1n })
    await fc.assert(
      fc.asyncProperty(number, number, fc.boolean(), async (epoch, counter, attached) => {
        const { envelope, statement } = await sealStatement({ ...said, epoch, counter, attached }, north.key)
        expect(await openStatement(envelope)).toEqual({ statement, envelope })
        expect(statement).toEqual({ ...said, epoch, counter, attached, directory: north.peer })
      }),
      { numRuns: 30 }
    )
  })

  it('is not believed, or is no other, when a byte of it is', async () => {
    const { envelope } = await sealStatement(said, north.key)
    await fc.assert(
      fc.asyncProperty(fc.nat(envelope.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const forged = envelope.slice()
        forged[at] = (forged[at] ?? 0) ^ flip
        const opened = await openStatement(forged).catch((error: unknown) => error)
        // What protobuf reads the same in spite of it is the same statement, and is passed on as it was signed.
        if (opened instanceof BadStatementError) return
        expect(opened).toMatchObject({ envelope })
      }),
      { numRuns: 150 }
    )
  })

  it('is not believed of a directory whose key did not sign it', async () => {
    const payload = Pb.encode({ ...said, directory: encodePeerId(north.peer), peer: encodePeerId(ada.peer) })
    const forged = await RecordEnvelope.seal(
      { domain: statementKind.domain, codec: statementKind.codec, marshal: () => payload, equals: () => false },
      bob.key
    )
    await expect(openStatement(forged.marshal())).rejects.toMatchObject({ why: 'other-key' })
  })

  it('is no heartbeat, no record, and nothing else', async () => {
    const { envelope } = await sealStatement(said, north.key)
    await expect(openHeartbeat(envelope)).rejects.toMatchObject({ name: 'BadStatementError', why: 'malformed' })
    await expect(openStatement((await sealedBy(ada)).envelope)).rejects.toMatchObject({ why: 'malformed' })
    await expect(openStatement(new Uint8Array(MAX_STATEMENT_BYTES + 1))).rejects.toMatchObject({ why: 'too-large' })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await expect(openStatement(bytes)).rejects.toBeInstanceOf(BadStatementError)
        await expect(openHeartbeat(bytes)).rejects.toBeInstanceOf(BadStatementError)
      }),
      { numRuns: 50 }
    )
  })

  it('is not sealed over a limit', async () => {
    for (const [over, why] of [
      [{ counter: 0n }, 'bad-number'],
      [{ counter: MAX_COUNTER }, 'bad-number'],
      [{ epoch: MAX_COUNTER }, 'bad-number'],
      [{ seq: -1n }, 'bad-number'],
      [{ network: 'x'.repeat(65) }, 'bad-network'],
      [{ network: ' test' }, 'bad-network']
    ] as const) {
      await expect(sealStatement({ ...said, ...over }, north.key)).rejects.toMatchObject({ why })
    }
  })
})

describe('a heartbeat', () => {
  it('opens as it was sealed, and has a whole digest', async () => {
    const sealed = await sealHeartbeat(lives, north.key)
    expect(await openHeartbeat(sealed.envelope)).toEqual(sealed)
    expect(sealed.heartbeat).toEqual({ ...lives, directory: north.peer })
    await expect(sealHeartbeat({ ...lives, digest: new Uint8Array(31) }, north.key)).rejects.toMatchObject({
      why: 'bad-digest'
    })
  })
})

describe('an update', () => {
  const forMs = 9
  it('brings the record that its statement speaks of, of the same network', async () => {
    const record = await sealedBy(ada, { seq: 5n })
    const { envelope: statement } = await sealStatement(said, north.key)
    const opened = await openUpdate({ statement, record: record.envelope, forMs }, { network: 'test' })
    expect([opened.record, opened.forMs]).toEqual([record, 9])
    const again = { network: 'test', newest: () => record }
    expect((await openUpdate({ statement, record: record.envelope, forMs }, again)).record).toBe(record)

    const open = (envelope: Uint8Array, network = 'test') =>
      openUpdate({ statement, record: envelope, forMs }, { network }).catch((error: unknown) => error)
    expect(await open(record.envelope, 'other')).toMatchObject({ why: 'bad-network' })
    expect(await open((await sealedBy(ada, { seq: 5n, network: 'other' })).envelope)).toMatchObject({
      why: 'bad-network'
    })
    expect(await open((await sealedBy(ada, { seq: 4n })).envelope)).toMatchObject({ why: 'other-record' })
    expect(await open((await sealedBy(ada, { seq: 5n, withdrawn: true })).envelope)).toMatchObject({
      why: 'other-record'
    })
    expect(await open((await sealedBy(bob, { seq: 5n })).envelope)).toMatchObject({ name: 'BadRecordError' })
    await expect(openUpdate({ statement, forMs }, { network: 'test' })).rejects.toMatchObject({ why: 'other-record' })
  })

  it('needs no record where it detaches', async () => {
    const { envelope: statement } = await sealStatement({ ...said, attached: false }, north.key)
    expect(await openUpdate({ statement, forMs }, { network: 'test' })).not.toHaveProperty('record')
  })
})
