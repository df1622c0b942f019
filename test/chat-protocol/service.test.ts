/** The Parley dialect between two services: what arrives, when receipts go out, and what a lost stream means. */
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { until } from '../eventually.ts'
import { untilStill } from '../wire/turns.ts'
import { PeerUndecidedError, SessionClosedError, TextTooLongError } from '../../src/chat-protocol/index.ts'
import type { ChatMessage, Disposition, PeerKind } from '../../src/chat-protocol/index.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import {
  connect,
  hex,
  lengthPrefixed,
  makePeerId,
  message,
  rawOpen,
  rawPeer,
  startService,
  stopAll,
  talking
} from './harness.ts'
import type { ServiceEnd } from './harness.ts'

afterEach(stopAll)

describe('a session', () => {
  test('messages arrive in order and are receipted as stored', async () => {
    const { a, b, session } = await talking()
    const sent = ['one', 'two', 'três ☃'].map((text) => message(text))
    await session.send(sent)
    await until(() => a.app.receipted('stored').length === 3, 'three receipts')
    expect(b.app.messages).toEqual(sent)
    expect(a.app.receipted('stored').toSorted()).toEqual(sent.map(({ id }) => id).toSorted())
  })

  test('messages that are handed over together leave together', async () => {
    const service = await startService()
    const raw = await rawPeer()
    const { remote } = connect(service, raw)
    const stream = await rawOpen(remote)
    stream.write(lengthPrefixed(encodeFrame({ kind: 'hello', log: hex(8) })))
    await until(() => service.service.session(raw.peerId) !== undefined, 'the session')
    let reads = 0
    stream.stream.addEventListener('message', () => void reads++)
    await service.service.session(raw.peerId)?.send(Array.from({ length: 200 }, (_, n) => message(`number ${n}.`)))
    await until(() => stream.text.includes('number 199.'), 'the last one')
    expect(reads).toBeLessThan(5)
  })

  test('the listener can speak first', async () => {
    const { a, b } = await talking()
    await b.service.session(a.peerId)?.send([message('hello')])
    await until(() => a.app.messages.length === 1, 'the message')
  })

  test('a reply tells which message it answers', async () => {
    const { b, session } = await talking()
    const sent = message('yes', { replyTo: hex(16) })
    await session.send([sent])
    await until(() => b.app.messages.length === 1, 'the message')
    expect(b.app.messages).toEqual([sent])
  })

  test('no receipt goes out before the messages are stored', async () => {
    const { a, b, session } = await talking()
    const disk = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    b.app.store = async (messages) => {
      reached.resolve()
      await disk.promise
      return messages.map(() => ({ kind: 'stored' }))
    }
    await session.send([message('important')])
    await reached.promise
    // The other direction works meanwhile, so a receipt would have come through by now.
    await b.service.session(a.peerId)?.send([message('unrelated')])
    await until(() => a.app.messages.length === 1, 'a message the other way')
    expect(a.app.receipts).toEqual([])
    disk.resolve()
    await until(() => a.app.receipts.length === 1, 'the receipt')
  })

  test('a store that fails cuts the stream and receipts nothing', async () => {
    const { a, b, session } = await talking()
    b.app.store = async () => await Promise.reject(new Error('disk full'))
    await session.send([message('lost for now')])
    await until(() => a.app.events.includes('close') && b.app.closes.length === 1, 'both sides to see the end')
    expect(a.app.receipts).toEqual([])
    expect(b.app.closes[0]?.message).toBe('disk full')
  })

  test('each disposition reaches the sender as what it is', async () => {
    const { a, b, session } = await talking()
    const fates: Record<string, Disposition> = {
      a: { kind: 'stored' },
      b: { kind: 'held' },
      c: { kind: 'refused', reason: 'no-room', retryAfterMs: 5000 }
    }
    b.app.store = async (messages) => messages.map(({ text }) => fates[text] ?? { kind: 'stored' })
    const sent = [message('a'), message('b'), message('c')]
    await session.send(sent)
    await until(() => a.app.receipts.length === 2 && a.app.refusals.length === 1, 'three answers')
    expect(a.app.receipted('stored')).toEqual([sent[0]?.id])
    expect(a.app.receipted('held')).toEqual([sent[1]?.id])
    expect(a.app.refusals[0]).toMatchObject({ reason: 'no-room', retryAfterMs: 5000, ids: [sent[2]?.id] })
  })

  test('held messages are acknowledged as stored later', async () => {
    const { a, b, session } = await talking()
    b.app.store = async (messages) => messages.map(() => ({ kind: 'held' }))
    const sent = message('hi, stranger')
    await session.send([sent])
    await until(() => a.app.receipted('held').length === 1, 'held')
    b.service.session(a.peerId)?.acknowledge([sent.id], 'stored')
    await until(() => a.app.receipted('stored').length === 1, 'stored')
    expect(a.app.receipted('stored')).toEqual([sent.id])
  })

  test('enter, typing and bye are told, and bye left keeps the stream', async () => {
    const { a, b, session } = await talking()
    session.enter()
    session.typing()
    await session.bye('left')
    await until(() => b.app.events.includes('bye left'), 'bye')
    expect(b.app.events).toEqual(['open parley', 'enter', 'typing', 'bye left'])
    await session.send([message('back again')])
    await until(() => a.app.receipts.length === 1, 'a receipt on the same session')
  })

  test('quit closes both sides without a failure, after what was queued', async () => {
    const { a, b, session } = await talking()
    await session.send([message('last words')])
    await session.bye('quit')
    await until(() => b.app.closes.length === 1, 'the end over there')
    expect(b.app.events).toEqual(['open parley', 'bye quit', 'close'])
    expect(b.app.messages.map(({ text }) => text)).toEqual(['last words'])
    expect([...a.app.closes, ...b.app.closes]).toEqual([undefined, undefined])
    await expect(session.send([message('too late')])).rejects.toBeInstanceOf(SessionClosedError)
  })

  test('Hello tells what is held, and is heard before the session opens', async () => {
    const a = await startService()
    const b = await startService()
    a.app.held = { log: hex(8), seq: 41 }
    b.service.addEventListener('session:open', () => b.app.events.push(`after ${b.app.hellos.length} hello`))
    await a.service.open(connect(a, b).local)
    await until(() => b.app.hellos.length === 1 && b.app.events.length === 2, 'the session')
    expect(b.app.hellos).toEqual([a.app.held])
    expect(a.app.hellos).toEqual([undefined])
    expect(b.app.events).toEqual(['open parley', 'after 1 hello'])
  })
})

describe('limits', () => {
  test('64 KiB pass; a byte more is refused before anything is sent, with the limit named', async () => {
    const { a, b, session } = await talking()
    await session.send([message('x'.repeat(65_536))])
    await until(() => a.app.receipts.length === 1, 'the receipt')
    const refused = session.send([message('fine'), message('x'.repeat(65_535) + 'é')])
    await expect(refused).rejects.toMatchObject({ name: 'TextTooLongError', sizeBytes: 65_537, limitBytes: 65_536 })
    await expect(refused).rejects.toBeInstanceOf(TextTooLongError)
    expect(b.app.messages).toHaveLength(1)
  })

  test('send waits while too much is unconfirmed, and goes on with the receipts', async () => {
    const { b, session } = await talking()
    const disk = Promise.withResolvers<void>()
    let stored = 0
    b.app.store = async (messages) => {
      await disk.promise
      stored += messages.length
      return messages.map(() => ({ kind: 'stored' }))
    }
    const log = hex(8)
    const many = Array.from({ length: 5000 }, (_, index) => message('m', { log, seq: index + 1 }))
    let accepted = false
    const sending = session.send(many).then(() => (accepted = true))
    const first = b.app.messages.length
    await session.send([]) // does not wait behind the others
    expect({ accepted, first }).toEqual({ accepted: false, first: 0 })
    disk.resolve()
    await sending
    await until(() => stored === 5000, 'all of them')
  })

  test('both sides can send more than the window at once without standing still', async () => {
    const { a, b, session } = await talking()
    const batch = (): ChatMessage[] => Array.from({ length: 60 }, () => message('z'.repeat(60_000)))
    await Promise.all([session.send(batch()), b.service.session(a.peerId)?.send(batch())])
    await until(() => a.app.messages.length === 60 && b.app.messages.length === 60, 'all messages')
    await until(() => a.app.receipted('stored').length === 60, 'all receipts')
  })

  test('a send that waits is ended by its signal, and by the end of the session', async () => {
    const { b, session } = await talking()
    const disk = Promise.withResolvers<Disposition[]>()
    b.app.store = async () => await disk.promise
    // Longer than the first window: nothing else fits beside it.
    await session.send([message('y'.repeat(60_000))])
    const controller = new AbortController()
    const cancelled = session.send([message('z'.repeat(60_000))], { signal: controller.signal })
    controller.abort(new Error('changed my mind'))
    await expect(cancelled).rejects.toThrow('changed my mind')
    const waiting = session.send([message('z'.repeat(60_000))])
    const gone = expect(waiting).rejects.toBeInstanceOf(SessionClosedError)
    const stopped = b.service.stop?.()
    await gone
    disk.resolve([])
    await stopped
  })

  test('a stranger beyond the burst is refused by rate with a time to wait; a contact never is', async () => {
    const { a, b, session } = await talking()
    b.app.pace = 'stranger'
    // No time passes, in which it would be allowed more.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    onTestFinished(() => clock.mockRestore())
    await session.send(Array.from({ length: 600 }, () => message('spam')))
    await until(() => a.app.receipted('stored').length + refusedCount(a) === 600, 'an answer to each')
    clock.mockRestore()
    expect(b.app.messages).toHaveLength(500)
    for (const { reason, retryAfterMs } of a.app.refusals) {
      expect(reason).toBe('rate')
      expect(retryAfterMs).toBeGreaterThan(0)
    }
    b.app.pace = 'contact'
    const before = b.app.messages.length
    await session.send(Array.from({ length: 600 }, () => message('news')))
    await until(() => b.app.messages.length === before + 600, 'all of a contact')
  })
})

describe('opening', () => {
  test('calls at the same time share one attempt, and a live session is returned', async () => {
    const a = await startService()
    const b = await startService()
    const { local } = connect(a, b)
    const [one, two] = await Promise.all([a.service.open(local), a.service.open(local)])
    expect(one).toBe(two)
    expect(await a.service.open(local)).toBe(one)
    expect(a.app.events).toEqual(['open parley'])
  })

  test('both sides opening at once get one session each, on the stream of the smaller peer ID', async () => {
    const ids = [await makePeerId(), await makePeerId()].toSorted((x, y) => (x.toString() < y.toString() ? -1 : 1))
    const small = await startService(ids[0])
    const large = await startService(ids[1])
    const { local, remote } = connect(small, large)
    await Promise.all([small.service.open(local), large.service.open(remote)])
    const send = async (from: ServiceEnd, to: ServiceEnd, text: string): Promise<void> => {
      await from.service.session(to.peerId)?.send([message(text)])
    }
    await Promise.all([send(small, large, 'from small'), send(large, small, 'from large')])
    await until(() => small.app.messages.length === 1 && large.app.messages.length === 1, 'both messages')
    await until(() => small.app.receipts.length === 1 && large.app.receipts.length === 1, 'both receipts')
    expect([...small.app.events, ...large.app.events]).toEqual(['open parley', 'open parley'])
  })

  test('to a peer of unknown kind nothing is said, and the error says so', async () => {
    const [a, peer] = [await startService(), await rawPeer()]
    a.app.kind = { kind: 'undecided' }
    await expect(a.service.open(connect(a, peer).local)).rejects.toBeInstanceOf(PeerUndecidedError)
    await until(() => peer.streams.length === 1 && peer.streams[0]?.over === true, 'what was agreed on is cut')
    expect(peer.streams[0]?.bytes.length).toBe(0)
  })

  test('who has dialled agrees on the stream beside the question, and says Hello after the answer', async () => {
    const [a, peer] = [await startService(), await rawPeer()]
    const answer = Promise.withResolvers<PeerKind>()
    a.app.kind = answer.promise
    const opening = a.service.open(connect(a, peer).local)
    await until(() => peer.streams.length === 1, 'the stream')
    await untilStill(() => peer.streams[0]?.bytes.length ?? 0)
    expect(peer.streams[0]?.bytes.length).toBe(0)
    answer.resolve({ kind: 'parley' })
    await until(() => peer.streams[0]?.text.includes('Parley') === true, 'the Hello')
    peer.streams[0]?.write(lengthPrefixed(encodeFrame({ kind: 'hello', log: hex(8) })))
    expect((await opening).dialect).toBe('parley')
    expect(peer.streams).toHaveLength(1)
  })

  test('who was dialled opens nothing before the answer', async () => {
    const [a, peer] = [await startService(), await rawPeer()]
    const answer = Promise.withResolvers<PeerKind>()
    a.app.kind = answer.promise
    const opening = a.service.open(connect(peer, a).remote)
    await until(() => a.app.asked.length === 1, 'the question')
    await untilStill(() => peer.streams.length)
    expect(peer.streams).toEqual([])
    answer.resolve({ kind: 'undecided' })
    await expect(opening).rejects.toBeInstanceOf(PeerUndecidedError)
    expect(peer.streams).toEqual([])
  })

  test('a stream that turns out not to be needed, as the peer has opened one meanwhile, is cut', async () => {
    const [a, peer] = [await startService(), await rawPeer()]
    const answer = Promise.withResolvers<PeerKind>()
    a.app.kind = answer.promise
    const { local, remote } = connect(a, peer)
    const opening = a.service.open(local)
    const theirs = await rawOpen(remote)
    theirs.write(lengthPrefixed(encodeFrame({ kind: 'hello', log: hex(8) })))
    await until(() => a.service.session(peer.peerId) !== undefined, 'the session on their stream')
    answer.resolve({ kind: 'parley' })
    expect(await opening).toBe(a.service.session(peer.peerId))
    await until(() => peer.streams[0]?.over === true, 'ours is cut')
    expect(a.app.closes).toEqual([])
  })

  test('after stop it is refused, and start makes it work again', async () => {
    const { a, b, connections } = await talking()
    await a.service.stop?.()
    await a.service.stop?.()
    expect(a.app.closes).toEqual([undefined])
    await expect(a.service.open(connections.local)).rejects.toMatchObject({ name: 'ChatNotStartedError' })
    await until(() => b.app.closes.length === 1, 'the end over there')
    await a.service.start?.()
    await a.service.start?.()
    const session = await a.service.open(connections.local)
    await session.send([message('again')])
    await until(() => b.app.messages.length === 1, 'the message')
  })
})

function refusedCount(end: ServiceEnd): number {
  return end.app.refusals.flatMap(({ ids }) => ids).length
}
