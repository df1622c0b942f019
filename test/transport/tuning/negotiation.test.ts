import { multiaddrConnectionPair } from '@libp2p/utils'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MAX_IDENTIFY_MESSAGE_BYTES,
  MAX_NEGOTIATION_MESSAGE_BYTES,
  MAX_NEGOTIATION_MESSAGES
} from '../../../src/wire/budgets.ts'
import type { MisbehaviourError } from '../../../src/wire/errors.ts'
import { agreesToProposal, guardNegotiation } from '../../../src/transport/tuning/negotiation.ts'
import { turn, until } from '../../wire/turns.ts'

const HEADER = '/multistream/1.0.0'

/** A message of multistream-select behind its length. */
function message(text: string): Uint8Array {
  const bytes = Buffer.from(`${text}\n`)
  const length = bytes.byteLength
  return Buffer.concat([length < 0x80 ? Buffer.of(length) : Buffer.of((length & 0x7f) | 0x80, length >> 7), bytes])
}

/** A connection on which the negotiation of `/chat/1.0.0` is guarded, and what came through. */
function guarded(protocols: readonly string[] = ['/chat/1.0.0']) {
  const [remote, local] = multiaddrConnectionPair()
  const breaches: MisbehaviourError[] = []
  const received: number[] = []
  guardNegotiation(
    local,
    (text) => protocols.includes(text),
    (error) => breaches.push(error)
  )
  local.addEventListener('message', ({ data }) => received.push(...data.subarray()))
  return { remote, local, breaches, received }
}

describe('the guard of a negotiation', () => {
  test('lets an agreement and all that follows it through, however it is split', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3_000 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        async (rest, cuts) => {
          const { remote, breaches, received } = guarded()
          const bytes = Buffer.concat([message(HEADER), message('ls'), message('/other'), message('/chat/1.0.0'), rest])
          const places = [...cuts.map((cut) => cut % bytes.length), bytes.length].toSorted((a, b) => a - b)
          let from = 0
          for (const place of places) {
            if (place > from) remote.send(bytes.subarray(from, place))
            from = place
          }
          await until(() => received.length === bytes.length)
          expect(breaches).toEqual([])
          expect(Buffer.from(received).equals(bytes)).toBe(true)
        }
      ),
      { numRuns: 50 }
    )
  })

  test.each([
    ['a length prefix that never ends', new Uint8Array(64).fill(0x80), 'sent a length prefix of more than 2 bytes'],
    [
      'a message that is too long',
      Uint8Array.of(0x81, 0x08),
      `announced a message of ${MAX_NEGOTIATION_MESSAGE_BYTES + 1} bytes; the limit is ${MAX_NEGOTIATION_MESSAGE_BYTES}`
    ]
  ])('ends at %s, also behind messages that are right, and lets none of it through', async (_what, bytes, what) => {
    const { remote, breaches, received } = guarded()
    const before = Buffer.concat([message(HEADER), message('/other')])
    remote.send(before)
    await turn()
    remote.send(bytes)
    remote.send(bytes)
    await turn()
    expect(breaches.map((error) => [error.breach, error.what])).toEqual([['negotiation', what]])
    expect(Buffer.from(received).equals(before)).toBe(true)
  })

  test('ends a dialog that never comes to an agreement', async () => {
    const { remote, breaches, received } = guarded()
    const allowed = Array.from({ length: MAX_NEGOTIATION_MESSAGES - 2 }, () => message('ls'))
    const bytes = Buffer.concat([message(HEADER), ...allowed])
    remote.send(bytes)
    await until(() => received.length === bytes.length)
    expect(breaches).toEqual([])
    remote.send(message('ls'))
    await until(() => breaches.length === 1)
  })

  test.each(['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0'])('goes on with the lengths of %s', async (protocol) => {
    const { remote, breaches } = guarded([protocol])
    const identity = new Uint8Array(MAX_IDENTIFY_MESSAGE_BYTES)
    const prefix = Uint8Array.of(0x80, 0x40)
    remote.send(Buffer.concat([message(HEADER), message(protocol), prefix, identity, prefix, identity]))
    await turn()
    expect(breaches).toEqual([])
    remote.send(new Uint8Array(8).fill(0x80))
    await turn()
    expect(breaches).toMatchObject([{ breach: 'length-prefix', what: 'sent a length prefix of more than 2 bytes' }])
  })

  test('looks at what came before the guard, too', async () => {
    const [remote, local] = multiaddrConnectionPair()
    remote.send(new Uint8Array(8).fill(0x80))
    await turn()
    const breaches: MisbehaviourError[] = []
    guardNegotiation(
      local,
      () => false,
      (error) => breaches.push(error)
    )
    expect(breaches).toHaveLength(1)
  })

  test('of a negotiation that this side began ends at the answer to the last proposal and at no other', async () => {
    const [remote, local] = multiaddrConnectionPair()
    const breaches: MisbehaviourError[] = []
    guardNegotiation(local, agreesToProposal(local), (error) => breaches.push(error))
    local.addEventListener('message', () => undefined)
    local.send(Buffer.concat([message(HEADER), message('/first')]))
    remote.send(Buffer.concat([message(HEADER), message('na')]))
    await turn()
    local.send(message('/second'))
    remote.send(message('/second'))
    // What the protocol says then is no length prefix of a negotiation.
    remote.send(new Uint8Array(64).fill(0x80))
    await turn()
    expect(breaches).toEqual([])
  })

  test('of a negotiation that this side began goes on behind an answer that nobody proposed', async () => {
    const [remote, local] = multiaddrConnectionPair()
    const breaches: MisbehaviourError[] = []
    guardNegotiation(local, agreesToProposal(local), (error) => breaches.push(error))
    local.addEventListener('message', () => undefined)
    local.send(Buffer.concat([message(HEADER), message('/first')]))
    remote.send(Buffer.concat([message(HEADER), message('/third'), new Uint8Array(64).fill(0x80)]))
    await turn()
    expect(breaches).toHaveLength(1)
  })
})
