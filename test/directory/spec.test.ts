import { readFile } from 'node:fs/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { sourceConstants } from '../../scripts/source-constants.ts'
import {
  decodeClientFrame,
  decodeDirectoryFrame,
  encodeClientFrame,
  encodeDirectoryFrame
} from '../../src/directory/directory-frames.ts'
import { openRecord } from '../../src/presence/index.ts'
import { recordFrameCodec } from '../../src/presence/record-stream.ts'
import { encodeFrames } from '../../src/wire/index.ts'
import { identity, sealedBy } from '../presence/records.ts'

const page = (name: string) => readFile(new URL(`../../docs/spec/${name}`, import.meta.url), 'utf8')
const recordSpec = await page('record-1.0.0.md')
const directorySpec = await page('directory-1.0.0.md')

/** The bytes of an example: the hexadecimal columns of its lines, before the remark. */
function example(spec: string, name: string): Uint8Array {
  const block = new RegExp('```hex ' + name + '\\n([^`]+)```').exec(spec)?.[1] ?? ''
  const hex = block
    .split('\n')
    .map((line) => line.split(/ {2,}/)[0] ?? '')
    .join('')
    .replaceAll(' ', '')
  return Buffer.from(hex, 'hex')
}

async function framed(bytes: Uint8Array): Promise<Uint8Array> {
  for await (const frame of encodeFrames({ maxFrameBytes: 1 << 20 })([[bytes]])) return frame.subarray()
  return new Uint8Array()
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('the specifications', () => {
  it('give a Record frame as this program makes it and reads it', async () => {
    const ada = await identity(1)
    const { envelope } = await sealedBy(ada, {
      seq: 1_700_000_000_000n,
      issuedAtMs: 1_700_000_000_000,
      nickname: 'ada',
      status: '',
      addresses: [multiaddr('/ip4/192.0.2.7/tcp/4001')],
      capabilities: [],
      network: 'parley'
    })
    const bytes = example(recordSpec, 'record')
    expect(hex(await framed(recordFrameCodec.encode({ type: 'record', envelope })))).toBe(hex(bytes))
    const frame = recordFrameCodec.decode(bytes.subarray(2))
    const { record } = await openRecord(frame?.envelope ?? new Uint8Array())
    expect([record.nickname, record.peer.toString(), record.addresses.map(String)]).toEqual([
      'ada',
      ada.id,
      ['/ip4/192.0.2.7/tcp/4001']
    ])
  })

  it('give the frames of a directory as this program makes and reads them', async () => {
    const welcome = {
      type: 'welcome',
      network: 'parley',
      leaseMs: 60_000,
      refreshAfterMs: 25_000,
      acceptedSeq: 1_700_000_000_000n
    } as const
    const watch = { type: 'watch', query: 'ad', offset: 0, limit: 20 } as const
    const refuse = { type: 'refuse', reason: 'too-fast', retryAfterMs: 1_000 } as const
    expect(hex(await framed(encodeDirectoryFrame(welcome)))).toBe(hex(example(directorySpec, 'welcome')))
    expect(hex(await framed(encodeDirectoryFrame(refuse)))).toBe(hex(example(directorySpec, 'refuse')))
    expect(hex(await framed(encodeClientFrame(watch)))).toBe(hex(example(directorySpec, 'watch')))
    const lookup = { type: 'lookup', peer: (await identity(1)).peer } as const
    expect(hex(await framed(encodeClientFrame(lookup)))).toBe(hex(example(directorySpec, 'lookup')))
    expect(String(decodeClientFrame(example(directorySpec, 'lookup').subarray(1))?.type)).toBe('lookup')
    expect(decodeDirectoryFrame(example(directorySpec, 'welcome').subarray(1))).toEqual(welcome)
    expect(decodeDirectoryFrame(example(directorySpec, 'refuse').subarray(1))).toEqual(refuse)
    expect(decodeClientFrame(example(directorySpec, 'watch').subarray(1))).toEqual(watch)
  })

  it('name only limits that there are', () => {
    const named = `${recordSpec}${directorySpec}`.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:\.\w+)?`/g)
    const known = new Set(sourceConstants().map(({ name }) => name))
    expect([...named].map(([, name]) => name ?? '').filter((name) => !known.has(name))).toEqual([])
  })
})
