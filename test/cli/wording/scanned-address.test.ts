import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { renderUnicodeCompact } from 'uqr'
import { expect, test } from 'vitest'
import { scannedAddress } from '../../../src/cli/wording/scanned-address.ts'
import { parseAddress } from '../../../src/node/index.ts'

test.each(['Ed25519', 'secp256k1', 'RSA'] as const)('a peer with a key of %s is read as it was', async (type) => {
  const key = type === 'RSA' ? await generateKeyPair(type, 2_048) : await generateKeyPair(type)
  const peer = peerIdFromPrivateKey(key).toString()
  for (const place of ['/ip4/203.0.113.7/tcp/4001', '/ip6/2001:db8::7/tcp/65535']) {
    const scanned = scannedAddress(`${place}/p2p/${peer}`)
    expect(scanned).toMatch(/^[A-Z0-9/:.]+$/u)
    expect(parseAddress([scanned])?.toString()).toBe(`${place}/p2p/${peer}`)
  }
})

test.each(['12D3KooWRUXFFChK1yHz65oLduuu8YraYP5B28XFrgFMBhc5xE69', '/dns4/x/tcp/1/p2p/12D3', ''])(
  '%j stays as it is',
  (text) => {
    expect(scannedAddress(text)).toBe(text)
  }
)

test('any IPv4 address with its peer ID fits below the title of a list in 80×24', () => {
  const address = '/ip4/255.255.255.255/tcp/65535/p2p/12D3KooWRUXFFChK1yHz65oLduuu8YraYP5B28XFrgFMBhc5xE69'
  const rows = renderUnicodeCompact(scannedAddress(address)).split('\n')
  expect([rows.length, rows[0]?.length]).toEqual([18, 35])
})
