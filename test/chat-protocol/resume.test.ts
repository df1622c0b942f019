/** Streams that are lost, replaced, or two at once: with an outbox above that resends on every session:open. */
import type { PeerId, Stream } from '@libp2p/interface'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../eventually.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import {
  Outbox,
  RawStream,
  connect,
  greet,
  lengthPrefixed,
  makePeerId,
  message,
  rawOpen,
  startService,
  stopAll
} from './harness.ts'
import type { ServiceEnd } from './harness.ts'

afterEach(stopAll)

/** A service and a raw peer with the smaller ID, on whose stream both send, and the stream that the service opened. */
async function twoStreams(): Promise<{
  readonly service: ServiceEnd
  readonly mine: { readonly peerId: PeerId; readonly raw: RawStream }
  readonly theirs: RawStream
}> {
  const [rawId, serviceId] = [await makePeerId(), await makePeerId()].toSorted((x, y) =>
    x.toString() < y.toString() ? -1 : 1
  )
  if (rawId === undefined) throw new Error('no id')
  const service = await startService(serviceId)
  const accepted: RawStream[] = []
  const end = { peerId: rawId, accept: (stream: Stream) => void accepted.push(new RawStream(stream)) }
  const { local, remote } = connect(service, end)
  const opening = service.service.open(local)
  await until(() => accepted.length === 1, 'the stream of the service')
  const [theirs] = accepted
  if (theirs === undefined) throw new Error('no stream')
  await greet(theirs)
  await opening
  const raw = await rawOpen(remote)
  await greet(raw)
  await until(() => service.app.hellos.length === 2, 'both Hellos')
  return { service, mine: { peerId: rawId, raw }, theirs }
}

describe('a lost stream', () => {
  test('what has no receipt is sent again with its id when the session comes back', async () => {
    const a = await startService()
    const b = await startService()
    const outbox = new Outbox(a)
    const { local } = connect(a, b)
    await a.service.open(local)
    const disk = Promise.withResolvers<void>()
    b.app.store = async () => {
      await disk.promise
      throw new Error('killed before the commit')
    }
    const sent = [message('first'), message('second')]
    await outbox.send(b, sent)
    disk.resolve()
    await until(() => a.app.events.at(-1) === 'close', 'the loss')
    b.app.store = async (messages) => messages.map(() => ({ kind: 'stored' }))
    await a.service.open(local)
    await until(() => outbox.waiting.size === 0, 'all receipts')
    expect(b.app.messages).toEqual(sent)
  })

  test('when the stream in use is lost and the other lives, the session ends and begins again at once', async () => {
    const { service, mine, theirs } = await twoStreams()
    const outbox = new Outbox(service)
    const text = message('which way?')
    outbox.waiting.set(text.id, text)
    await service.service.session(mine.peerId)?.send([text])
    await until(() => mine.raw.text.includes('which way?'), 'the message on the stream of the smaller peer ID')
    expect(theirs.text).not.toContain('which way?')
    mine.raw.stream.abort(new Error('cable'))
    await until(() => theirs.text.includes('which way?'), 'the message again, on the other stream')
    expect(service.app.events).toEqual(['open parley', 'close', 'open parley'])
  })

  test('a receipt goes on the stream that brought the message, also where this side sends on the other', async () => {
    const { service, mine, theirs } = await twoStreams()
    const brought = message('who stores me?')
    theirs.write(lengthPrefixed(encodeFrame({ kind: 'message', message: brought })))
    const receipt = Buffer.from(encodeFrame({ kind: 'receipt', state: 'stored', ids: [brought.id], ranges: [] }))
    await until(() => theirs.bytes.includes(receipt), 'the receipt on the stream of the message')
    const text = message('sent on the other')
    await service.service.session(mine.peerId)?.send([text])
    await until(() => mine.raw.text.includes(text.text), 'a message on the stream in use')
    expect(mine.raw.bytes.includes(Buffer.from(brought.id, 'hex'))).toBe(false)
  })

  test('losing a stream that carried nothing is not told', async () => {
    const service = await startService()
    const raw = { peerId: await makePeerId(), accept: () => {} }
    const { remote } = connect(service, raw)
    const first = await rawOpen(remote)
    await greet(first)
    const second = await rawOpen(remote)
    await greet(second)
    await until(() => first.over, 'the replaced stream to be aborted')
    expect(service.app.events).toEqual(['open parley'])
    second.write(lengthPrefixed(encodeFrame({ kind: 'message', message: message('on the new one') })))
    await until(() => service.app.messages.length === 1, 'the message')
  })
})

describe('a newer Hello of the same opener', () => {
  test('replaces the old stream: the session resumes, and what was sent there is sent again', async () => {
    const service = await startService()
    const raw = { peerId: await makePeerId(), accept: () => {} }
    const { remote } = connect(service, raw)
    const outbox = new Outbox(service)
    const first = await rawOpen(remote)
    await greet(first)
    const text = message('are you there?')
    outbox.waiting.set(text.id, text)
    await until(() => service.service.session(raw.peerId) !== undefined, 'the session')
    await service.service.session(raw.peerId)?.send([text])
    await until(() => first.text.includes('are you there?'), 'the message on the first stream')
    const second = await rawOpen(remote)
    await greet(second)
    await until(() => second.text.includes('are you there?'), 'the message on the second stream')
    expect(service.app.events).toEqual(['open parley', 'resumed parley'])
    await until(() => first.over, 'the old stream to be aborted')
  })
})
