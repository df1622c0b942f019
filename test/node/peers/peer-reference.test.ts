import { describe, expect, test } from 'vitest'
import { multiaddr } from '@multiformats/multiaddr'
import { formatAddress, parseAddress } from '../../../src/node/dialing/address.ts'
import { readPeerReference, type KnownPeers, type PeerReference } from '../../../src/node/peers/peer-reference.ts'
import { shortId } from '../../../src/lib/short-id.ts'

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
  return readPeerReference(text.split(' '), known, options)
}

test.each([
  ['Straße', 'STRASSE'],
  ['Işık', 'ışik'],
  ['İnci', 'inci'],
  ['an\u200bna', 'anna'],
  ['wonder\u00adful', 'Wonderful'],
  ['می\u200cترا', 'میترا']
])('a contact called %j is meant by %j, and the other way round', (name, typed) => {
  for (const [called, written] of [
    [name, typed],
    [typed, name]
  ] as const) {
    const contacts = [{ peer: anna, name: called }]
    expect(readPeerReference([written], { ...known, contacts }, { trustName: false })).toMatchObject({ peer: anna })
  }
})

test('two contacts whose names differ only in invisible characters are told apart', () => {
  const contacts = [
    { peer: anna, name: 'Carl' },
    { peer: bert, name: 'Ca\u200brl' }
  ]
  expect(() => readPeerReference(['carl'], { ...known, contacts }, { trustName: true })).toThrow(/Carl \(.*Ca.*rl \(/u)
  expect(readPeerReference(['Carl'], { ...known, contacts }, { trustName: true })).toMatchObject({ peer: anna })
})

test('a roster number is the strongest, and only where numbers are given', () => {
  expect(read('2')).toEqual({ kind: 'peer', peer: bertha, by: 'number' })
  const { numbers: _numbers, ...unnumbered } = known
  expect(() => readPeerReference(['2'], unnumbered, { trustName: true })).toThrow(/at the prompt only/)
})

test('a label as the screen shows it names its peer, and only with the name that this one has', () => {
  expect(read(`bert (${shortId(bert)})`)).toEqual({ kind: 'peer', peer: bert, by: 'id' })
  expect(read(`! anna (${shortId(bertha)})`)).toEqual({ kind: 'peer', peer: bertha, by: 'id' })
  expect(() => read(`anna (${shortId(bert)})`)).toThrow(/no peer called/u)
  expect(() => read(`bert (${shortId(bert).slice(0, 2)})`)).toThrow(/no peer called/u)
})

test('a peer that calls itself by the label of another is not found by it', () => {
  const label = `bert (${shortId(bert)})`
  const named = { ...known, contacts: [{ peer: anna, name: label }] }
  expect(readPeerReference([label], named, { trustName: true })).toMatchObject({ peer: bert })
})

test('the CID of a peer names it by the ID that everything else uses', () => {
  const peer = '12D3KooWGjMaFKMeTVNvbXYZ6mEnB9hKMgd6gWDTwKvxHPA1eWxQ'
  const cid = 'bafzaajaiaejcazvzhnpz62rvuqgwvygne2io6trlv2h52mh2mh72flva3kpxonuj'
  expect(read(cid)).toEqual({ kind: 'peer', peer, by: 'id' })
})

test('a peer ID, a unique beginning of it and its short form name it', () => {
  for (const text of [anna, shortId(anna), anna.slice(0, -3)]) {
    expect(read(text)).toEqual({ kind: 'peer', peer: anna, by: 'id' })
  }
  expect(read(anna.slice(0, 12))).toEqual({ kind: 'peer', peer: anna, by: 'beginning' })
})

test('a few letters of a short ID name the only peer with them, unless they are a name', () => {
  expect(read('Anna')).toEqual({ kind: 'peer', peer: anna, by: 'contact' })
  expect(read('Annaa')).toEqual({ kind: 'peer', peer: anna, by: 'beginning' })
  expect(read('Annaa', { trustName: false })).toEqual({ kind: 'peer', peer: anna, by: 'beginning' })
  expect(() => read('Ann')).toThrow(
    /no peer called "Ann".*if it is the beginning of an ID, give 4 letters of it or more/
  )
  expect(() => read('Xyz')).toThrow(/^(?!.*beginning).*no peer called "Xyz".*check the name/)
  expect(() => read('Bertt')).toThrow(/can mean bert \(12D3KooWBert.*anna \(12D3KooWBert/)
  expect(() => read('Se1f')).toThrow(/yourself/)
})

test('the error for a mistyped name suggests the nearest one with its ID, a contact before a stranger', () => {
  const peers: KnownPeers = {
    ...known,
    contacts: [{ peer: anna, name: 'Robert from work' }],
    roster: [
      { peer: bert, name: 'Robert' },
      { peer: bertha, name: 'carla' }
    ],
    others: []
  }
  const near = (text: string): PeerReference => readPeerReference([text], peers, { trustName: true })
  expect(() => near('robert f')).toThrow(`did you mean Robert from work (${shortId(anna)})? Check the name`)
  expect(() => near('Robret')).toThrow(`did you mean Robert (${shortId(bert)})?`)
  expect(() => near('crala')).toThrow(`did you mean carla (${shortId(bertha)})?`)
  expect(() => near('zebra')).toThrow(/^(?!.*did you mean).*check the name/)
})

test('the error quotes only the beginning of a message that was typed in place of a peer', () => {
  expect(() => read(`so ${'x'.repeat(300)}`)).toThrow(`no peer called "so ${'x'.repeat(37)}…" is`)
})

test("a few letters of a stranger's ID are trusted no more than its nickname", () => {
  const alone: KnownPeers = { ...known, roster: [{ peer: bert, name: 'bert' }] }
  expect(readPeerReference(['Bertt'], alone, { trustName: true })).toMatchObject({ peer: bert, by: 'beginning' })
  expect(() => readPeerReference(['Bertt'], alone, { trustName: false })).toThrow(/not a contact.*BertttttH4L3, or/)
})

test('a number never means a few letters of an ID', () => {
  const odd: KnownPeers = { ...known, roster: [{ peer: anna.replace('Anna', '4111'), name: 'odd' }] }
  expect(() => readPeerReference(['4111'], odd, { trustName: true })).toThrow(/no peer is called "4111"/)
})

describe('a whole peer ID that no known peer has', () => {
  const one = '12D3KooWRuMa9Eh2Nbn7CSbFbWJ3REyUd8dTYt8FVhwSfVcdC17F'
  const other = '12D3KooWPKXP6T6dBxTP941cjTLnApFNkEumGpUX35EqGnvgC16b'
  const mistyped = `${one.slice(0, -1)}G`
  const contact: KnownPeers = { self: other, contacts: [{ peer: one, name: 'anna' }], roster: [], others: [] }

  test('is refused when it begins like that of a known peer, and the error names that peer', () => {
    for (const words of [mistyped, `/ip4/10.0.0.1/tcp/4001/p2p/${mistyped}`]) {
      const lookalike = new RegExp(`that of anna begins like it, ${one}`, 'u')
      expect(() => readPeerReference([words], contact, { trustName: true })).toThrow(lookalike)
    }
  })

  test('is refused when it begins like the own one', () => {
    const own: KnownPeers = { self: one, contacts: [], roster: [], others: [] }
    expect(() => readPeerReference([mistyped], own, { trustName: true })).toThrow(
      /your own begins like it, 12D3KooWRuMa/u
    )
  })

  test('is accepted if it is like no other, and if a peer with it has appeared', () => {
    expect(readPeerReference([other], { ...contact, self: anna }, { trustName: false })).toMatchObject({ peer: other })
    const seen: KnownPeers = { ...contact, roster: [{ peer: mistyped, name: 'odd' }] }
    expect(readPeerReference([mistyped], seen, { trustName: false })).toMatchObject({ peer: mistyped })
  })
})

test('a beginning that several IDs share is refused, and the error lists them', () => {
  expect(() => read('12D3KooWBert')).toThrow(/bert \(12D3KooWBert.*anna \(12D3KooWBert/)
  expect(() => read('Berttttt')).toThrow(/can mean/)
})

test('the letters that all IDs begin with name no peer', () => {
  expect(() => read('12D3KooW')).toThrow(/no peer called/)
})

test("a stranger's nickname never shadows a contact's name", () => {
  expect(read('anna')).toEqual({ kind: 'peer', peer: anna, by: 'contact' })
})

test('a nickname that is not a contact is refused unless it is trusted', () => {
  expect(read('bert')).toEqual({ kind: 'peer', peer: bert, by: 'nickname' })
  expect(() => read('bert', { trustName: false })).toThrow(/--trust-name/)
})

test.each(['me', self, shortId(self)])('the own peer, as %s, is refused', (text) => {
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
  const meaning = readPeerReference(text.split(' '), known, { trustName: false })
  expect(meaning.kind === 'address' && meaning.address.toString()).toBe(address)
})

test.each([
  ['/ip4/999.1.1.1/tcp/1', /is not an address/],
  ['/ip4/10.0.0.1', /needs a host and a TCP port/],
  ['/dns/host\u0000.example/tcp/1', /not a host name/],
  ['/dnsaddr/host_example.-x', /not a host name/],
  ['/dns/host.example/tcp/1/dns/other.example', /it holds two addresses/],
  ['/ip4/10.0.0.1/udp/4/quic-v1', /is an address of QUIC, and Parley dials TCP/],
  ['/ip4/10.0.0.1/udp/4/ws', /is an address of WebSocket/],
  ['wss://', /is written wss:\/\/HOST/],
  ['wss://host.example/?q', /is written wss:\/\/HOST/],
  [`/ip4/10.0.0.1/tcp/4/p2p/${anna}/p2p-circuit`, /is an address of a relay/],
  ['/ip4/10.0.0.1/sctp/4', /is an address of \/sctp/],
  [`/ip4/10.0.0.1/tcp/4/p2p/${self.slice(0, -1)}`, /the peer ID behind \/p2p\/ is mistyped or cut off/],
  [anna.slice(0, -1).replace('Anna', 'Bnna'), /no known peer ID begins with .*: it is mistyped or cut off/],
  [anna.replace('Anna', '0nna'), /it is not a whole one: it is mistyped or cut off/],
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
  ['999.1.1.1:80', /is not an IPv4 address/],
  ['localhost', /add the port: localhost:PORT/],
  ['nobody', /no peer called "nobody"/]
])('%s is refused with what to do', (text, message) => {
  expect(() => read(text)).toThrow(message)
})

test('a contact whose name is an address never goes before that address', () => {
  const place = '192.168.1.7:4001'
  const posing: KnownPeers = { ...known, contacts: [{ peer: anna, name: place }] }
  expect(readPeerReference([place], posing, { trustName: false })).toMatchObject({ kind: 'address' })
})

test('a contact whose name only looks like an address is found by it', () => {
  const odd: KnownPeers = { ...known, contacts: [{ peer: anna, name: 'anna:home' }] }
  expect(readPeerReference(['anna:home'], odd, { trustName: false })).toEqual({
    kind: 'peer',
    peer: anna,
    by: 'contact'
  })
})

test.each(['[fe80::1%eth0]:4001', '[2001:db8::1]:4001', '192.0.2.7:4001', 'example.org:4001'])(
  'an address is shown as it can be typed: %s',
  (typed) => {
    const address = parseAddress([typed])
    expect(address === undefined ? undefined : formatAddress(address)).toBe(typed)
  }
)

test('a multiaddr with two places is refused', () => {
  expect(() => parseAddress(['/ip4/192.0.2.7/tcp/4/ip4/192.0.2.8/tcp/5'])).toThrow('two addresses')
})

test('a name that could mean another peer is refused where it has to be certain, with the IDs of both', () => {
  const claimed: KnownPeers = {
    ...known,
    contacts: [{ peer: anna, name: 'Anna of the mill', claimedName: 'anna' }],
    roster: [{ peer: bert, name: '\u0430nna' }]
  }
  const certain = (text: string) => readPeerReference([text], claimed, { trustName: true, certain: true })
  expect(() => certain('\u0430nna')).toThrow(
    new RegExp(`${shortId(anna)}.*${shortId(bert)}|${shortId(bert)}.*${shortId(anna)}`, 'u')
  )
  expect(readPeerReference(['\u0430nna'], claimed, { trustName: true })).toMatchObject({ peer: bert })
  expect(certain('Anna of the mill')).toMatchObject({ peer: anna })
  expect(certain(shortId(bert))).toMatchObject({ peer: bert })
})

test('the name that a contact claims is refused where nicknames are not trusted, and the error gives the right name', () => {
  const renamed: KnownPeers = {
    ...known,
    contacts: [{ peer: bert, name: 'Mill', claimedName: 'bert' }],
    roster: [{ peer: bert, name: 'bert' }]
  }
  expect(() => readPeerReference(['bert'], renamed, { trustName: false })).toThrow(
    /your contact Mill calls itself.*name it Mill/u
  )
})

test('a link-local address needs its interface, in each notation, and the error says so', () => {
  const zoned = '/ip6zone/eth0/ip6/fe80::1/tcp/4001'
  for (const words of [['[fe80::1%eth0]:4001'], ['fe80::1%eth0', '4001'], [zoned]]) {
    expect(parseAddress(words)?.toString()).toBe(zoned)
  }
  expect(formatAddress(multiaddr(zoned))).toBe('[fe80::1%eth0]:4001')
  for (const words of [['[fe80::1]:4001'], ['fe80::1', '4001'], ['/ip6/fe80::1/tcp/4001']]) {
    expect(() => parseAddress(words)).toThrow(/the interface is missing .*: write \[fe80::1%eth0\]:4001/u)
  }
})
