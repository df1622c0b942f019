/** What anybody may send to the UDP sockets of a directory, and to those of a peer that makes a direct path. */
import { decodeAnswer, decodeRequest, encodeAnswer, encodeRequest } from '../../../src/direct/stun/stun-message.ts'
import { promise, same, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const addresses = ['192.0.2.1', '203.0.113.255', '2001:db8::1', '::', '::ffff:192.0.2.1']

function someMessage(reader: InputReader): Uint8Array {
  const transaction = reader.bytes(12)
  if (reader.flag()) return encodeRequest({ transaction, ...(reader.flag() ? { tag: reader.bytes(16) } : {}) })
  const place = { address: reader.oneOf(addresses), port: reader.below(65_536) }
  return encodeAnswer({ transaction, ...place, ...(reader.flag() ? { proof: reader.bytes(72) } : {}) })
}

const messages: FuzzTarget = {
  name: 'stun-messages',
  reaches: 'datagrams to the UDP ports of a directory, and to those of a peer',
  seeds: () => [
    asIs(encodeRequest({ transaction: new Uint8Array(12) })),
    asIs(encodeRequest({ transaction: new Uint8Array(12), tag: new Uint8Array(16) })),
    asIs(encodeAnswer({ transaction: new Uint8Array(12), address: '192.0.2.1', port: 7 })),
    asIs(encodeAnswer({ transaction: new Uint8Array(12), address: '2001:db8::1', port: 7, proof: new Uint8Array(72) })),
    choices(1, 2, 3)
  ],
  run(input) {
    const bytes = bytesOf(input, someMessage)
    const request = decodeRequest(bytes)
    const answer = decodeAnswer(bytes)
    promise(request === undefined || answer === undefined, 'a message is a request and an answer')
    if (request !== undefined) same(decodeRequest(encodeRequest(request)), request, 'a request, there and back')
    if (answer !== undefined) same(decodeAnswer(encodeAnswer(answer)), answer, 'an answer, there and back')
  }
}

export const targets: readonly FuzzTarget[] = [messages]
