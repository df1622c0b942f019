/** The plain dialects against a foreign program written by hand: both directions, both speaking orders. */
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { until } from '../eventually.ts'
import { untilStill } from '../wire/turns.ts'
import {
  CallerOnlyError,
  ChatUnsupportedError,
  HelloMissingError,
  PeerIsParleyError
} from '../../src/chat-protocol/index.ts'
import type { PeerKind, PlainDialect } from '../../src/chat-protocol/index.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import { connect, hex, lengthPrefixed, message, rawOpen, rawPeer, startService, stopAll } from './harness.ts'

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

    test('EXIT keeps the stream, which goes on in both directions', async () => {
      const { end, foreign, local } = await start()
      const session = await end.service.open(local)
      await session.send([message('before')])
      await session.bye('left')
      foreign.streams[0]?.write(encode('still here'))
      await until(() => end.app.plain.length === 1, 'the text')
      expect(await end.service.open(local)).toBe(session)
      await session.send([message('again')])
      await until(() => foreign.streams[0]?.text.includes('again') === true, 'the answer')
      expect(foreign.streams).toHaveLength(1)
      expect(end.app.events).toEqual([`open ${dialect}`])
    })

    for (const spoken of [true, false]) {
      test(`QUIT closes this half, without waiting and without a reset, when the peer ${spoken ? 'has' : 'has not'} spoken`, async () => {
        const { end, foreign, local } = await start()
        const session = await end.service.open(local)
        if (spoken) foreign.streams[0]?.write(encode('hello'))
        if (spoken) await until(() => end.app.plain.length === 1, 'the text')
        await session.send([message('bye')])
        const stream = foreign.streams[0]?.stream
        await session.bye('quit')
        await end.service.stop?.()
        await until(() => stream?.remoteWriteStatus === 'closed', 'the end of what is written')
        expect(foreign.streams[0]?.bytes).toEqual(encode('bye'))
        expect(stream?.status).toBe('open')
        expect(end.app.events).toEqual([`open ${dialect}`, 'close'])
        expect(end.app.closes).toEqual([undefined])
      })
    }

    test('a text beyond the limit is skipped and told, and the stream goes on', async () => {
      const { end, foreign, remote } = await start()
      const stream = await rawOpen(remote)
      for (const size of [4, 65_536, 65_600, 200_000, 5]) stream.write(encode('x'.repeat(size)))
      await until(() => end.app.texts.length === 3, 'the texts around it')
      expect(end.app.plain.map((text) => text.length)).toEqual([4, 65_536, 5])
      const lineEnd = dialect === 'lines' ? 0 : 1
      expect(end.app.unkept).toEqual([
        { why: 'too-long', sizeBytes: 65_600 + lineEnd },
        { why: 'too-long', sizeBytes: 200_000 + lineEnd }
      ])
      await end.service.session(foreign.peerId)?.send([message('still here')])
      await until(() => stream.bytes.length > 0, 'the answer')
      expect(end.app.closes).toEqual([])
    })

    test('what there is no room for is not read until there is, and nothing is lost', async () => {
      const { end, local, remote } = await start()
      const room = Promise.withResolvers<void>()
      let asked = 0
      end.app.keepText = async () => {
        asked++
        if (end.app.texts.length >= 2) await room.promise
        return true
      }
      const stream = await rawOpen(remote)
      const many = Array.from({ length: 2_000 }, (_, index) => `${index} ${'z'.repeat(1_000)}`)
      for (const text of many) stream.write(encode(text))
      await until(() => asked === 3 && local.streams[0]?.readStatus === 'paused', 'the stream to be left unread')
      expect(end.app.texts).toHaveLength(2)
      room.resolve()
      await until(() => end.app.texts.length === many.length, 'all texts')
      expect(end.app.plain).toEqual(many)
      expect(end.app.unkept).toEqual([])
    })

    test('what a peer left behind that went before there was room is counted', async () => {
      const { end, remote } = await start()
      end.app.keepText = async (lost) => {
        if (end.app.texts.length < 2) return true
        if (!lost.aborted) await new Promise((resolve) => lost.addEventListener('abort', resolve))
        return false
      }
      const stream = await rawOpen(remote)
      stream.write(Buffer.concat(Array.from({ length: 7 }, (_, index) => encode(`text ${index}`))))
      await until(() => end.app.texts.length === 2, 'what there is room for')
      stream.stream.abort(new Error('gone'))
      await until(() => end.app.unkept.length === 1, 'the count')
      expect(end.app.unkept).toEqual([{ why: 'no-room', texts: 5 }])
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

test('whole frames from a program that nobody knows are framed text, also when lines were taken for granted', async () => {
  const end = await startService()
  end.app.kind = { kind: 'foreign', agent: 'somebodys-chat/1.0.0' }
  const foreign = await rawPeer()
  const { remote } = connect(end, foreign)
  const stream = await rawOpen(remote)
  await until(() => end.service.session(foreign.peerId)?.dialect === 'lines', 'a session')
  stream.write(lengthPrefixed('hello\n'))
  await until(() => end.app.texts.length === 1, 'the text')
  expect(end.app.texts).toEqual([{ text: 'hello', dialect: 'framed-text' }])
  await end.service.session(foreign.peerId)?.send([message('hello yourself')])
  await until(() => stream.bytes.equals(lengthPrefixed('hello yourself\n')), 'the answer, in frames')
})

describe('/chat/1.1.0', () => {
  const js: PeerKind = { kind: 'foreign', agent: 'js-libp2p/3.3.11' }

  test('is lines, for a peer that dials and one that is dialled', async () => {
    const end = await startService()
    end.app.kind = js
    const foreign = await rawPeer(['/chat/1.1.0'])
    const { local, remote } = connect(end, foreign)
    const stream = await rawOpen(remote, '/chat/1.1.0')
    stream.write('hello\n')
    await until(() => end.app.texts.length === 1, 'the text')
    expect(end.app.texts).toEqual([{ text: 'hello', dialect: 'lines' }])
    stream.stream.abort(new Error('gone'))
    await until(() => end.service.session(foreign.peerId) === undefined, 'the end')
    const session = await end.service.open(local)
    await session.send([message('hello yourself')])
    await until(() => foreign.streams[0]?.text === 'hello yourself\n', 'the line')
  })

  test('is asked for only where /chat/1.0.0 is not served', async () => {
    const end = await startService()
    end.app.kind = js
    const foreign = await rawPeer(['/chat/1.1.0', '/chat/1.0.0'])
    await end.service.open(connect(end, foreign).local)
    expect(foreign.streams[0]?.stream.protocol).toBe('/chat/1.0.0')
  })
})

test('a program that has called and cannot be called is told apart from one that is no chat', async () => {
  const end = await startService()
  end.app.kind = go
  const foreign = await rawPeer([])
  const { local, remote } = connect(end, foreign)
  await expect(end.service.open(local)).rejects.toBeInstanceOf(ChatUnsupportedError)
  const stream = await rawOpen(remote)
  stream.write('hello\n')
  await until(() => end.app.texts.length === 1, 'the text')
  stream.stream.abort(new Error('gone'))
  await until(() => end.service.session(foreign.peerId) === undefined, 'the end')
  await expect(end.service.open(local)).rejects.toBeInstanceOf(CallerOnlyError)
})

test('a stranger in a plain dialect is slowed instead of refused', async () => {
  const end = await startService()
  end.app.kind = go
  end.app.pace = 'stranger'
  const foreign = await rawPeer()
  // No time passes, in which it would be allowed more: the stream itself counts, too.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  onTestFinished(() => clock.mockRestore())
  const stream = await rawOpen(connect(end, foreign).remote)
  stream.write('spam\n'.repeat(510))
  // The stream itself counted as one.
  await until(() => end.app.texts.length >= 499, 'the burst')
  await untilStill(() => end.app.texts.length)
  expect(end.app.texts).toHaveLength(499)
  clock.mockRestore()
  await until(() => end.app.texts.length === 510, 'the rest, later')
})
