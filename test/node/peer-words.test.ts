import { describe, expect, test } from 'vitest'
import { formatAddress, parseAddress } from '../../src/node/address.ts'
import { readPeerWords, type KnownPeers } from '../../src/node/peer-words.ts'
import { shortId } from '../../src/node/short-id.ts'

const anna = '12D3KooWAnnaaaaaH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'
const bert = '12D3KooWBertttttH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'
const bertha = '12D3KooWBertttttxyz3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'
const self = '12D3KooWSe1fffffH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'

const known: KnownPeers = {
  self,
  contacts: [{ peer: anna, name: 'anna' }],
  roster: [
    { peer: bert, name: 'bert' },
    { peer: bertha, name: 'anna' },
    { peer: self, name: 'me' }
  ],
  others: [],
  numbers: [bert, bertha]
}

function read(text: string, options = { trustName: true }): unknown {
  return readPeerWords(text.split(' '), known, options)
}

test('a roster number is the strongest, and only where numbers are given', () => {
  expect(read('2')).toEqual({ kind: 'peer', peer: bertha, by: 'number' })
  const { numbers: _numbers, ...unnumbered } = known
  expect(() => readPeerWords(['2'], unnumbered, { trustName: true })).toThrow(/at the prompt only/)
})

test('a peer ID, a unique beginning of it and its short form name it', () => {
  for (const text of [anna, anna.slice(0, 12), shortId(anna)]) {
    expect(read(text)).toEqual({ kind: 'peer', peer: anna, by: 'id' })
  }
})

test('a few letters of a short ID name the only one who has them, but less than any name does', () => {
  expect(read('Anna')).toEqual({ kind: 'peer', peer: anna, by: 'contact' })
  expect(read('Annaa')).toEqual({ kind: 'peer', peer: anna, by: 'id' })
  expect(read('Annaa', { trustName: false })).toEqual({ kind: 'peer', peer: anna, by: 'id' })
  expect(() => read('Ann')).toThrow(
    /no peer called "Ann".*if it is the beginning of an ID, give 4 letters of it or more/
  )
  expect(() => read('Xyz')).toThrow(/^(?!.*beginning).*no peer called "Xyz".*check the name/)
  expect(() => read('Bertt')).toThrow(/can mean bert \(12D3KooWBert.*anna \(12D3KooWBert/)
  expect(() => read('Se1f')).toThrow(/yourself/)
})

test("a few letters of a stranger's ID are no better than its nickname", () => {
  const alone: KnownPeers = { ...known, roster: [{ peer: bert, name: 'bert' }] }
  expect(readPeerWords(['Bertt'], alone, { trustName: true })).toMatchObject({ peer: bert, by: 'id' })
  expect(() => readPeerWords(['Bertt'], alone, { trustName: false })).toThrow(/who is not a contact.*BertttttH4L3, or/)
})

test('a number is never a few letters of an ID', () => {
  const odd: KnownPeers = { ...known, roster: [{ peer: anna.replace('Anna', '4111'), name: 'odd' }] }
  expect(() => readPeerWords(['4111'], odd, { trustName: true })).toThrow(/no peer is called "4111"/)
})

describe('a whole peer ID that nobody has', () => {
  const one = '12D3KooWRuMa9Eh2Nbn7CSbFbWJ3REyUd8dTYt8FVhwSfVcdC17F'
  const other = '12D3KooWPKXP6T6dBxTP941cjTLnApFNkEumGpUX35EqGnvgC16b'
  const mistyped = `${one.slice(0, -1)}G`
  const contact: KnownPeers = { self: other, contacts: [{ peer: one, name: 'anna' }], roster: [], others: [] }

  test('is refused when it begins like that of somebody who is known, who is named', () => {
    for (const words of [mistyped, `/ip4/10.0.0.1/tcp/4001/p2p/${mistyped}`]) {
      const lookalike = new RegExp(`that of anna begins like it, ${one}`, 'u')
      expect(() => readPeerWords([words], contact, { trustName: true })).toThrow(lookalike)
    }
  })

  test('is refused when it begins like the own one', () => {
    const own: KnownPeers = { self: one, contacts: [], roster: [], others: [] }
    expect(() => readPeerWords([mistyped], own, { trustName: true })).toThrow(/your own begins like it, 12D3KooWRuMa/u)
  })

  test('is somebody whom nobody has seen yet, or is taken as it is once it has been seen', () => {
    expect(readPeerWords([other], { ...contact, self: anna }, { trustName: false })).toMatchObject({ peer: other })
    const seen: KnownPeers = { ...contact, roster: [{ peer: mistyped, name: 'odd' }] }
    expect(readPeerWords([mistyped], seen, { trustName: false })).toMatchObject({ peer: mistyped })
  })
})

test('a beginning that several IDs share is refused and names them', () => {
  expect(() => read('12D3KooWBert')).toThrow(/bert \(12D3KooWBert.*anna \(12D3KooWBert/)
  expect(() => read('Berttttt')).toThrow(/can mean/)
})

test('what all IDs begin with names nobody', () => {
  expect(() => read('12D3KooW')).toThrow(/no peer called/)
})

test("a stranger's nickname never shadows a contact's name", () => {
  expect(read('anna')).toEqual({ kind: 'peer', peer: anna, by: 'contact' })
})

test('a nickname that is not a contact is refused unless it is trusted', () => {
  expect(read('bert')).toEqual({ kind: 'peer', peer: bert, by: 'nickname' })
  expect(() => read('bert', { trustName: false })).toThrow(/--trust-name/)
})

test.each(['me', self, shortId(self)])('oneself, as %s, is refused', (text) => {
  expect(() => read(text)).toThrow(/yourself/)
})

test.each([
  ['/ip4/10.0.0.1/tcp/4001', '/ip4/10.0.0.1/tcp/4001'],
  ['/dns4/host.example/tcp/4001', '/dns4/host.example/tcp/4001'],
  ['/dnsaddr/host.example', '/dnsaddr/host.example'],
  ['10.0.0.1:4001', '/ip4/10.0.0.1/tcp/4001'],
  ['[::1]:4001', '/ip6/::1/tcp/4001'],
  ['::1 4001', '/ip6/::1/tcp/4001'],
  ['localhost:4001', '/dns/localhost/tcp/4001'],
  ['localhost 4001', '/dns/localhost/tcp/4001']
])('%s is the address %s', (text, address) => {
  const meaning = readPeerWords(text.split(' '), known, { trustName: false })
  expect(meaning.kind === 'address' && meaning.address.toString()).toBe(address)
})

test.each([
  ['/ip4/999.1.1.1/tcp/1', /is not an address/],
  ['/ip4/10.0.0.1', /needs a host and a TCP port/],
  ['/ip4/10.0.0.1/udp/4/quic-v1', /is an address of QUIC, and Parley dials TCP/],
  ['/ip4/10.0.0.1/tcp/4/ws', /is an address of WebSocket/],
  ['/dns4/host.example/tcp/443/wss', /is an address of WebSocket/],
  [`/ip4/10.0.0.1/tcp/4/p2p/${anna}/p2p-circuit`, /is an address of a relay/],
  ['/ip4/10.0.0.1/sctp/4', /is an address of \/sctp/],
  [`/ip4/10.0.0.1/tcp/4/p2p/${self.slice(0, -1)}`, /the peer ID behind \/p2p\/ is mistyped or cut off/],
  ['http://127.0.0.1:8180/', /it is the address of a web page/],
  ['192.0.2.2:36679:1', /more than one colon/],
  ['fe80::1:4001', /write \[fe80::1:4001\]:PORT/],
  ['anna:b:4001', /more than one colon/],
  ['10.0.0.1:0', /ports go from 1 to 65535/],
  ['10.0.0.1:99999', /ports go from 1 to 65535/],
  ['10.0.0.1 99999', /ports go from 1 to 65535/],
  ['10.0.0.1', /a port is missing/],
  ['::1', /write \[::1\]:PORT/],
  ['[::1]', /write \[::1\]:PORT/],
  ['999.1.1.1:80', /no IPv4 address/],
  ['localhost', /add the port: localhost:PORT/],
  ['nobody', /no peer called "nobody"/]
])('%s is refused with what to do', (text, message) => {
  expect(() => read(text)).toThrow(message)
})

test('a contact that calls itself like an address does not take what was meant for the address', () => {
  const place = '192.168.1.7:4001'
  const posing: KnownPeers = { ...known, contacts: [{ peer: anna, name: place }] }
  expect(readPeerWords([place], posing, { trustName: false })).toMatchObject({ kind: 'address' })
})

test('a contact whose name only looks like an address is found by it', () => {
  const odd: KnownPeers = { ...known, contacts: [{ peer: anna, name: 'anna:home' }] }
  expect(readPeerWords(['anna:home'], odd, { trustName: false })).toEqual({ kind: 'peer', peer: anna, by: 'contact' })
})

test.each(['[fe80::1%eth0]:4001', '[2001:db8::1]:4001', '192.0.2.7:4001', 'example.org:4001'])(
  'an address is shown as it can be typed: %s',
  (typed) => {
    const address = parseAddress([typed])
    expect(address === undefined ? undefined : formatAddress(address)).toBe(typed)
  }
)

test('a multiaddr of two places is none', () => {
  expect(() => parseAddress(['/ip4/192.0.2.7/tcp/4/ip4/192.0.2.8/tcp/5'])).toThrow('two places')
})
