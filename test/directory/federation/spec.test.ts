import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { sourceConstants } from '../../../scripts/source-constants.ts'
import {
  decodeFederationFrame,
  decodeGossip,
  encodeFederationFrame,
  encodeGossip
} from '../../../src/directory/federation-frames.ts'
import { openStatement, sealStatement } from '../../../src/directory/statement.ts'
import { identity } from '../../presence/records.ts'

const spec = await readFile(new URL('../../../docs/spec/federation-1.0.0.md', import.meta.url), 'utf8')

/** The bytes of an example: the hexadecimal columns of its lines, before the remark. */
function example(name: string): string {
  const block = new RegExp('```hex ' + name + '\\n([^`]+)```').exec(spec)?.[1] ?? ''
  return block
    .split('\n')
    .map((line) => line.split(/ {2,}/)[0] ?? '')
    .join('')
    .replaceAll(' ', '')
}

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const [ada, north] = await Promise.all([identity(1), identity(2)])
const epoch = 1_700_000_000_000n

describe('the specification of the federation', () => {
  it('gives a message of gossip as this program makes it and reads it', async () => {
    const said = { network: 'parley', epoch, counter: 7n, peer: ada.peer, seq: 1_700_000_000_000n, attached: false }
    const { envelope } = await sealStatement(said, north.key)
    const bytes = encodeGossip({ updates: [{ statement: envelope, forMs: 0 }], withdrawals: [] })
    expect(hex(bytes)).toBe(example('gossip'))
    const [update] = decodeGossip(bytesOf(example('gossip'))).updates
    const { statement } = await openStatement(update?.statement ?? new Uint8Array())
    expect(statement).toEqual({ ...said, directory: north.peer })
  })

  it('gives a question as this program makes it and reads it', () => {
    const ask = { type: 'ask', directory: north.peer, epoch, afterCounter: 6n } as const
    const bytes = encodeFederationFrame(ask)
    expect(bytes.byteLength.toString(16) + hex(bytes)).toBe(example('ask'))
    expect(decodeFederationFrame(bytesOf(example('ask').slice(2)))).toEqual(ask)
  })

  it('names only limits that there are', () => {
    const known = new Set([...sourceConstants('directory'), ...sourceConstants('presence')].map(({ name }) => name))
    const named = [...spec.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:\.\w+)?`/g)].map(([, name]) => name ?? '')
    expect(named.filter((name) => !known.has(name))).toEqual([])
    expect(named.length).toBeGreaterThan(30)
  })
})
