/** The example of the specification is what this program writes and reads. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { isSigned, SIGHTING_NONCE_BYTES, sightingTag, signSighting } from '../../../src/direct/stun/index.ts'
import { decodeAnswer, decodeRequest, encodeAnswer, encodeRequest } from '../../../src/direct/stun/stun-message.ts'
import { identity } from '../../presence/records.ts'

const spec = await readFile(new URL('../../../docs/spec/direct-1.0.0.md', import.meta.url), 'utf8')

/** The hexadecimal columns of an example, before the remarks. */
function example(name: string): string {
  const [, block = ''] = new RegExp('```hex ' + name + '\\n([^`]+)```').exec(spec) ?? []
  return block
    .split('\n')
    .map((line) => line.split(/ {2,}/)[0] ?? '')
    .join('')
    .replaceAll(' ', '')
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

test('the request and the answer are these bytes', async () => {
  const [peer, directory] = [await identity(1), await identity(2)]
  const owner = { peer: peer.peer, nonce: Uint8Array.from({ length: SIGHTING_NONCE_BYTES }, (_, i) => i) }
  const tag = sightingTag(owner)
  const transaction = bytesOf('b7e7a701bc34d686fa87dfae')
  expect(hex(encodeRequest({ transaction, tag }))).toBe(example('request'))
  expect(decodeRequest(bytesOf(example('request')))).toEqual({ transaction, tag })

  const place = { address: '203.0.113.7', port: 40_000 }
  const proof = await signSighting({ tag, timeMs: 1_000_000n, ...place }, directory.key)
  expect(hex(encodeAnswer({ transaction, ...place, proof }))).toBe(example('answer'))
  const answer = decodeAnswer(bytesOf(example('answer')))
  expect(answer).toEqual({ transaction, ...place, proof })
  expect(await isSigned({ ...place, directory: directory.peer, proof }, owner)).toBe(true)
})
