/** The plain dialects against a foreign program written by hand: both directions, both speaking orders. */
import { afterEach, describe, expect, test } from 'vitest'
import { HelloMissingError, PeerIsParleyError } from '../../src/chat-protocol/index.ts'
import type { PeerKind, PlainDialect } from '../../src/chat-protocol/index.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import { connect, hex, lengthPrefixed, message, rawOpen, rawPeer, startService, stopAll, until } from './harness.ts'

afterEach(stopAll)

const go: PeerKind = { kind: 'foreign', agent: 'github.com/somebody/chat@' }
const programs: {
  readonly name: string
  readonly kind: PeerKind
  readonly dialect: PlainDialect
  encode(text: string): Buffer
}[] = [
  { name: 'lines with identify', kind: go, dialect: 'lines', encode: (text) => Buffer.from(`${text}\n`) },
  {
    name: 'framed text without identify',
    kind: { kind: 'foreign', agent: undefined },
    dialect: 'framed-text',
    encode: (text) => lengthPrefixed(`${text}\n`)
  },
  {
    name: 'framed text with identify',
    kind: { kind: 'foreign', agent: 'js-libp2p/3.3.11' },
    dialect: 'framed-text',
    encode: (text) => lengthPrefixed(`${text}\n`)
  }
]

// 0x68 0x0a looks like the length and the tag of a Hello; 32 to 126 bytes look like a length; "A" is 65.
const texts = ['h', 'hé ☃ 日本', 'A'.repeat(65), 'B' + 'x'.repeat(99), '\n'.trim() + ' spaced ', 'y'.repeat(10_000)]

for (const { name, kind, dialect, encode } of programs) {
  describe(name, () => {
    async function start() {
      const end = await startService()
      end.app.kind = kind
      const foreign = await rawPeer()
      return { end, foreign, ...connect(end, foreign) }
    }

    test('it dials and speaks first; the answer comes on its stream', async () => {
      const { end, foreign, remote } = await start()
      const stream = await rawOpen(remote)
      for (const text of texts) stream.write(encode(text))
      await until(() => end.app.texts.length === texts.length, 'all texts')
      expect(end.app.texts).toEqual(texts.map((text) => ({ text, dialect })))
      const session = end.service.session(foreign.peerId)
      expect(session?.dialect).toBe(dialect)
      await session?.send([message('hello yourself')])
      await until(() => stream.bytes.length > 0, 'the answer')
      expect(stream.bytes).toEqual(encode('hello yourself'))
      expect(foreign.streams).toEqual([])
    })

    test('it dials and says nothing; this side speaks first', async () => {
      const { end, foreign, remote } = await start()
      const stream = await rawOpen(remote)
      await until(() => end.service.session(foreign.peerId) !== undefined, 'a session')
      await end.service.session(foreign.peerId)?.send([message('anybody?')])
      await until(() => stream.bytes.length > 0, 'the text')
      expect(stream.bytes).toEqual(encode('anybody?'))
      stream.write(encode('h'))
      await until(() => end.app.plain.length === 1, 'the answer')
      expect(end.app.plain).toEqual(['h'])
    })

    test('it is dialled and this side speaks first', async () => {
      const { end, foreign, local } = await start()
      const session = await end.service.open(local)
      await session.send([message('good morning')])
      await until(() => (foreign.streams[0]?.bytes.length ?? 0) > 0, 'the text')
      expect(foreign.streams[0]?.bytes).toEqual(encode('good morning'))
      foreign.streams[0]?.write(encode('A'.repeat(65)))
      await until(() => end.app.plain.length === 1, 'the answer')
      expect(end.app.plain).toEqual(['A'.repeat(65)])
    })

    test('it is dialled and speaks first', async () => {
      const { end, foreign, local } = await start()
      const session = await end.service.open(local)
      foreign.streams[0]?.write(encode('welcome'))
      await until(() => end.app.plain.length === 1, 'the text')
      await session.send([message('thanks')])
      await until(() => (foreign.streams[0]?.bytes.length ?? 0) > 0, 'the answer')
      expect(foreign.streams[0]?.bytes).toEqual(encode('thanks'))
    })

    test('a text in pieces is one text, and empty ones are dropped', async () => {
      const { end, remote } = await start()
      const stream = await rawOpen(remote)
      const bytes = Buffer.concat([encode('in two'), encode(''), encode('pieces')])
      for (const byte of bytes) stream.write(Uint8Array.of(byte))
      await until(() => end.app.texts.length === 2, 'both texts')
      expect(end.app.plain).toEqual(['in two', 'pieces'])
    })

    test('invalid UTF-8 is replaced, not refused', async () => {
      const { end, remote } = await start()
      const stream = await rawOpen(remote)
      const wrong = Buffer.from([0x61, 0xff, 0x62, 0x0a])
      stream.write(dialect === 'lines' ? wrong : lengthPrefixed(wrong))
      await until(() => end.app.texts.length === 1, 'the text')
      expect(end.app.plain).toEqual(['a\uFFFDb'])
    })

    test('EXIT closes the stream', async () => {
      const { end, foreign, local } = await start()
      const session = await end.service.open(local)
      await session.send([message('bye')])
      const closed = session.bye('left')
      await until(() => foreign.streams[0]?.stream.remoteWriteStatus === 'closed', 'the end of the stream')
      await foreign.streams[0]?.stream.close()
      await closed
      expect(end.app.events).toEqual([`open ${dialect}`, 'close'])
      expect(end.app.closes).toEqual([undefined])
    })

    test('a text beyond the limit cuts the stream after the ones before it', async () => {
      const { end, remote } = await start()
      const stream = await rawOpen(remote)
      stream.write(Buffer.concat([encode('fine'), encode('x'.repeat(65_536)), encode('y'.repeat(65_600))]))
      await until(() => end.app.closes.length === 1, 'the end')
      expect(end.app.plain.map((text) => text.length)).toEqual([4, 65_536])
      expect(end.app.closes[0]?.message).toMatch(/655\d\d/)
      await until(() => stream.over, 'the reset')
    })

    test('a Hello overrides what was known, in the place, and for ever', async () => {
      const { end, foreign, remote } = await start()
      const stream = await rawOpen(remote)
      stream.write(lengthPrefixed(encodeFrame({ kind: 'hello', log: hex(8) })))
      await until(() => end.service.session(foreign.peerId)?.dialect === 'parley', 'a Parley session')
      await until(() => stream.bytes.includes(Buffer.from('Parley')), 'a Hello back')
      stream.write(lengthPrefixed(encodeFrame({ kind: 'message', message: message('real') })))
      await until(() => end.app.messages.length === 1, 'the message')
      stream.stream.abort(new Error('gone'))
      await until(() => end.service.session(foreign.peerId) === undefined, 'the end')
      const again = await rawOpen(remote)
      again.write(encode('plain text from the same peer'))
      await until(() => again.over, 'the stream to be cut')
      expect(end.app.texts).toEqual([])
    })

    test('a Hello after plain text was sent cuts the stream, and the next one speaks Parley', async () => {
      const { end, foreign, local } = await start()
      const session = await end.service.open(local)
      await session.send([message('plain')])
      foreign.streams[0]?.write(lengthPrefixed(encodeFrame({ kind: 'hello', log: hex(8) })))
      await until(() => end.app.closes.length === 1, 'the end')
      expect(end.app.closes[0]).toBeInstanceOf(PeerIsParleyError)
      const opening = end.service.open(local)
      await until(() => foreign.streams.length === 2, 'the second stream')
      foreign.streams[1]?.write(lengthPrefixed(encodeFrame({ kind: 'hello', log: hex(8) })))
      expect((await opening).dialect).toBe('parley')
    })
  })
}

describe('when nothing is known of the peer', () => {
  test('its first bytes decide: framed text', async () => {
    const end = await startService()
    end.app.kind = { kind: 'undecided' }
    const foreign = await rawPeer()
    const stream = await rawOpen(connect(end, foreign).remote)
    stream.write(lengthPrefixed('whole text\n'))
    await until(() => end.app.texts.length === 1, 'the text')
    expect(end.app.texts).toEqual([{ text: 'whole text', dialect: 'framed-text' }])
    await end.service.session(foreign.peerId)?.send([message('ok')])
    await until(() => stream.bytes.equals(lengthPrefixed('ok\n')), 'the answer')
  })

  test('its first bytes decide: lines', async () => {
    const end = await startService()
    end.app.kind = { kind: 'undecided' }
    const stream = await rawOpen(connect(end, await rawPeer()).remote)
    stream.write('just a line\n')
    await until(() => end.app.texts.length === 1, 'the text')
    expect(end.app.texts).toEqual([{ text: 'just a line', dialect: 'lines' }])
  })

  test('nothing is sent, and there is no session, before it has spoken', async () => {
    const end = await startService()
    end.app.kind = { kind: 'undecided' }
    const foreign = await rawPeer()
    const stream = await rawOpen(connect(end, foreign).remote)
    await until(() => end.app.asked.length === 1, 'the question')
    expect(end.service.session(foreign.peerId)).toBeUndefined()
    expect(stream.bytes.length).toBe(0)
  })

  test('bytes that came before the answer are kept until it is there', async () => {
    const end = await startService()
    const answer = Promise.withResolvers<PeerKind>()
    end.app.kind = answer.promise
    const stream = await rawOpen(connect(end, await rawPeer()).remote)
    stream.write('early\nbirds\n')
    await until(() => end.app.asked.length === 1, 'the question')
    expect(end.app.texts).toEqual([])
    answer.resolve(go)
    await until(() => end.app.texts.length === 2, 'the texts')
    expect(end.app.plain).toEqual(['early', 'birds'])
  })
})

test('a peer known to speak Parley is never read as plain text', async () => {
  const end = await startService()
  const foreign = await rawPeer()
  const stream = await rawOpen(connect(end, foreign).remote)
  stream.write('I pretend to be a simple program\n')
  await until(() => stream.over, 'the stream to be cut')
  expect(end.app.texts).toEqual([])
  const opening = end.service.open(connect(end, foreign).local)
  const failure = expect(opening).rejects.toBeInstanceOf(HelloMissingError)
  await until(() => foreign.streams.length === 1, 'the stream')
  foreign.streams[0]?.write('downgrade me\n')
  await failure
})

test('a stranger in a plain dialect is slowed instead of refused', async () => {
  const end = await startService()
  end.app.kind = go
  end.app.pace = 'stranger'
  const stream = await rawOpen(connect(end, await rawPeer()).remote)
  stream.write('spam\n'.repeat(510))
  await until(() => end.app.texts.length >= 500, 'the burst')
  expect(end.app.texts.length).toBeLessThan(508)
  await until(() => end.app.texts.length === 510, 'the rest, later')
})
