import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { messageBytes } from '../../src/storage/sqlite/schema.ts'
import { accepted, closeStores, entryTexts, incoming, peer, storeKinds, texts } from './stores.ts'

afterEach(closeStores)

describe.each(storeKinds)('the store in $kind', ({ open }) => {
  test('own messages are numbered one after the other in one log for each peer', async () => {
    const store = await open()
    const one = await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
    const two = await store.addOutgoing({ peer, text: 'two', sentAtMs: 0 })
    const other = await store.addOutgoing({ peer: 'another', text: 'three', sentAtMs: 0 })
    expect([one.seq, two.seq, other.seq]).toEqual([1, 2, 1])
    expect(two.log).toBe(one.log)
    expect(other.log).not.toBe(one.log)
    expect(await store.ownPosition(peer)).toEqual({ log: one.log, seq: 2, sentSeq: 0 })
  })

  test('receipts for what was read to be sent change it as it is then', async () => {
    const store = await open()
    const entries = await store.addAllOutgoing(
      peer,
      ['one', 'two', 'three', 'four'].map((text) => ({ text, sentAtMs: 7 }))
    )
    const ids = entries.map(({ message }) => message.id)
    const read = async () => (await store.unreceipted(peer, { limit: 9 })).map(({ message }) => message)
    await read()
    await store.startNewLog(peer)
    const [one, two, three, four] = await read()
    expect([one, two, three, four].map((message) => message?.seq)).toEqual([1, 2, 3, 4])
    expect(one?.log).not.toBe(entries[0]?.message.log)
    await store.cancel(peer, [ids[1] ?? ''])
    await store.setDelivery(peer, [ids[2] ?? ''], 'held')
    await store.setSeen(peer, [ids[3] ?? ''], 5)
    await store.retry(peer, [ids[1] ?? ''])
    await read()
    const delivered = await store.setDelivery(peer, ids, 'delivered')
    expect(new Set(delivered)).toEqual(
      new Set([one, two, three].map((message) => ({ ...message, state: 'delivered' })))
    )
    expect(await read()).toEqual([])
    expect((await store.history(peer, { limit: 9 })).map(({ id }) => id)).toEqual(ids)
    expect(await store.outgoing(peer, ids[3] ?? '')).toEqual({ ...four, state: 'delivered', seenAtMs: 5 })
  })

  test('own messages of one batch are neighbours in the outbox, and change like others', async () => {
    const store = await open()
    await store.addOutgoing({ peer, text: 'zero', sentAtMs: 0 })
    const entries = await store.addAllOutgoing(
      peer,
      ['one', 'two', 'three', 'four'].map((text) => ({ text, sentAtMs: 7 }))
    )
    const first = entries[0]?.position ?? 0
    expect(entries.map(({ position }) => position)).toEqual([first, first + 1, first + 2, first + 3])
    expect(entries.map(({ message }) => message.seq)).toEqual([2, 3, 4, 5])
    expect(await store.unreceipted(peer, { after: first - 1, limit: 9 })).toEqual(entries)
    expect(await store.unreceipted(peer, { after: first + 1, limit: 1 })).toEqual([entries[2]])
    const [one, two, three, four] = entries.map(({ message }) => message)
    await store.addIncoming(peer, [incoming(1)], accepted)
    const ids = [one, two, four].map((message) => message?.id ?? '')
    const delivered = await store.setDelivery(peer, [...ids, 'of nobody'], 'delivered')
    const expected = [one, two, four].map((message) => ({ ...message, state: 'delivered' }))
    expect(delivered).toEqual(expected)
    expect(await store.setDelivery(peer, ids, 'delivered')).toEqual([])
    expect(await store.setDelivery('another', [three?.id ?? ''], 'delivered')).toEqual([])
    expect(entryTexts(await store.unreceipted(peer, { limit: 9 }))).toEqual(['zero', 'three'])
    const states = (await store.history(peer, { limit: 9 })).map(({ text, state }) => `${text} ${state}`)
    expect(states).toEqual([
      'zero pending',
      'one delivered',
      'two delivered',
      'three pending',
      'four delivered',
      'text 1 accepted'
    ])
  })

  test('a receipt for a message that was cancelled or forgotten meanwhile applies to its present state', async () => {
    const store = await open()
    const entries = await store.addAllOutgoing(
      peer,
      ['one', 'two'].map((text) => ({ text, sentAtMs: 7 }))
    )
    const [one, two] = entries.map(({ message }) => message.id)
    await store.cancel(peer, [one ?? ''])
    expect(await store.setDelivery(peer, [one ?? ''], 'held')).toMatchObject([{ text: 'one', state: 'held' }])
    await store.forget(peer)
    expect(await store.setDelivery(peer, [one ?? '', two ?? ''], 'delivered')).toEqual([])
  })

  test('queries about an unknown peer store nothing', async () => {
    const store = await open()
    expect(await store.ownPosition('a stranger who said Hello')).toBeUndefined()
    expect(await store.heldPosition('a stranger who said Hello')).toBeUndefined()
    await store.markRead('a stranger who said Hello')
    const { log } = await store.addOutgoing({ peer: 'a stranger who said Hello', text: 'one', sentAtMs: 0 })
    expect(await store.ownPosition('a stranger who said Hello')).toEqual({ log, seq: 1, sentSeq: 0 })
  })

  test('own messages added at the same time are stored in the order of the calls', async () => {
    const store = await open()
    const asked = Array.from({ length: 100 }, async (_, n) => store.addOutgoing({ peer, text: `${n}`, sentAtMs: n }))
    const stored = await Promise.all(asked)
    expect(stored.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
    expect(texts(await store.history(peer, { limit: 1_000 }))).toEqual(texts(stored))
  })

  test('a read sees the writes called before it', async () => {
    const store = await open()
    const written = store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
    expect(texts(await store.history(peer, { limit: 9 }))).toEqual(['one'])
    await written
  })

  test('a message of any text is read as it was stored', async () => {
    const store = await open(() => 7)
    const text = 'a\0b \u{1F44D}🏽 日本語 "quoted" \u202Eright to left'
    const replyTo = '0123456789abcdef0123456789abcdef'
    const sent = await store.addOutgoing({ peer, text, sentAtMs: 5, replyTo })
    expect(sent).toMatchObject({ peer, text, sentAtMs: 5, storedAtMs: 7, replyTo, state: 'pending', direction: 'out' })
    expect(await store.outgoing(peer, sent.id)).toEqual(sent)
    expect(await store.history(peer, { limit: 1 })).toEqual([sent])
    const [came] = await store.addIncoming(peer, [{ ...incoming(1), id: replyTo, text, replyTo: sent.id }], accepted)
    expect(await store.history(peer, { limit: 1 })).toEqual([came?.message])
  })

  test('a new log begins with the pending messages, in the order of the outbox, and changes nothing else', async () => {
    const store = await open()
    const words = ['delivered', 'held', 'failed', 'tried again', 'waiting']
    const added = []
    for (const text of words) added.push(await store.addOutgoing({ peer, text, sentAtMs: 5, replyTo: 'ab'.repeat(16) }))
    const [delivered, held, failed, again, waiting] = added.map(({ id }) => id)
    await store.setDelivery(peer, [delivered ?? ''], 'delivered')
    await store.setDelivery(peer, [held ?? ''], 'held')
    await store.cancel(peer, [failed ?? '', again ?? ''])
    await store.retry(peer, [again ?? ''])
    const before = new Map((await store.history(peer, { limit: 9 })).map((message) => [message.id, message]))
    await store.startNewLog(peer)
    const { log } = (await store.ownPosition(peer)) ?? { log: '' }
    expect(log).not.toBe(added[0]?.log)
    const numbered = new Map([waiting, again].map((id, index) => [id, { log, seq: index + 1 }]))
    const after = [...before].map(([id, message]) => ({ ...message, ...numbered.get(id) }))
    expect(await store.history(peer, { limit: 9 })).toEqual(after)
    expect(await store.ownPosition(peer)).toEqual({ log, seq: 2, sentSeq: 0 })
    expect(await store.addOutgoing({ peer, text: 'new', sentAtMs: 0 })).toMatchObject({ log, seq: 3 })
    // A message that failed before is never sent under its old number.
    expect(await store.retry(peer, [failed ?? ''])).toMatchObject([{ id: failed, log, seq: 4 }])
    const { log: _log, seq: _seq, ...rest } = before.get(failed ?? '') ?? { log, seq: 0 }
    expect(await store.outgoing(peer, failed ?? '')).toMatchObject({ sentAtMs: 5, text: 'failed', log, seq: 4 })
    expect(rest).toMatchObject({ state: 'failed' })
    const waits = (await store.unreceipted(peer, { limit: 9 })).map(({ message }) => message)
    expect(waits.map(({ text }) => text)).toEqual(['held', 'waiting', 'tried again', 'new', 'failed'])
    expect(await store.ownPosition(peer)).toEqual({ log, seq: 4, sentSeq: 0 })
  })

  test('a backlog longer than a slice is renumbered as a whole', async () => {
    const store = await open()
    const count = 1_200
    const all = Array.from({ length: count }, async (_, n) => store.addOutgoing({ peer, text: `${n}`, sentAtMs: n }))
    await Promise.all(all)
    await store.startNewLog(peer)
    const { log } = (await store.ownPosition(peer)) ?? { log: '' }
    const waits = (await store.unreceipted(peer, { limit: Infinity })).map(({ message }) => message)
    expect(waits.map((message) => [message.text, message.log, message.seq])).toEqual(
      waits.map((_, n) => [`${n}`, log, n + 1])
    )
    expect(waits).toHaveLength(count)
  })

  test('the sent position counts the present log only', async () => {
    const store = await open()
    await store.noteSent(peer, [{ log: 'aaaaaaaaaaaaaaaa', seq: 5 }])
    expect(await store.ownPosition(peer)).toBeUndefined()
    const [one, two] = [
      await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 }),
      await store.addOutgoing({ peer, text: 'two', sentAtMs: 0 })
    ]
    await store.noteSent(peer, [one, { log: 'aaaaaaaaaaaaaaaa', seq: 5 }])
    expect(await store.ownPosition(peer)).toEqual({ log: one.log, seq: 2, sentSeq: 1 })
    await store.noteSent(peer, [two])
    await store.noteSent(peer, [one])
    expect(await store.ownPosition(peer)).toEqual({ log: one.log, seq: 2, sentSeq: 2 })
    await store.startNewLog(peer)
    expect(await store.ownPosition(peer)).toMatchObject({ seq: 2, sentSeq: 0 })
  })

  test('messages that leave at once are noted as sent when they are stored, also in a new log', async () => {
    const store = await open()
    const [one] = await store.addAllOutgoing(peer, [{ text: 'waits', sentAtMs: 0 }])
    expect(await store.ownPosition(peer)).toMatchObject({ seq: 1, sentSeq: 0 })
    const entries = await store.addAllOutgoing(
      peer,
      ['two', 'three'].map((text) => ({ text, sentAtMs: 0 })),
      { leave: true }
    )
    expect(await store.ownPosition(peer)).toMatchObject({ seq: 3, sentSeq: 3 })
    await store.noteSent(
      peer,
      [...(one === undefined ? [] : [one]), ...entries].map(({ message }) => message)
    )
    expect(await store.ownPosition(peer)).toMatchObject({ seq: 3, sentSeq: 3 })
    await store.startNewLog(peer)
    await store.addAllOutgoing(peer, [{ text: 'four', sentAtMs: 0 }], { leave: true })
    expect(await store.ownPosition(peer)).toMatchObject({ seq: 4, sentSeq: 4 })
  })

  test('the position held of a sender’s log is the highest, in any order of arrival', async () => {
    const store = await open()
    expect(await store.heldPosition(peer)).toBeUndefined()
    await store.addIncoming(peer, [incoming(3), incoming(1), incoming(2)], accepted)
    expect(await store.heldPosition(peer)).toEqual({ log: 'log', seq: 3 })
    await store.addIncoming(peer, [{ ...incoming(4), log: 'new', seq: 1 }], accepted)
    expect(await store.heldPosition(peer)).toEqual({ log: 'new', seq: 1 })
  })

  test('messages that arrive repeatedly in any batches are in the history once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.integer({ min: 0, max: 20 }))), async (batches) => {
        const store = await open()
        for (const batch of batches) await store.addIncoming(peer, batch.map(incoming), accepted)
        const expected = [...new Set(batches.flat())].map((n) => `text ${n}`)
        expect(texts(await store.history(peer, { limit: 1_000 }))).toEqual(expected)
        await closeStores()
      }),
      { numRuns: 30 }
    )
  })

  test('the same id from two peers, or in two directions, is two messages', async () => {
    const store = await open()
    const own = await store.addOutgoing({ peer, text: 'mine', sentAtMs: 0 })
    const same = { ...incoming(1), id: own.id }
    const [first] = await store.addIncoming(peer, [same], accepted)
    const [second] = await store.addIncoming('another', [same], accepted)
    expect([first?.known, second?.known]).toEqual([false, false])
    expect(await store.outgoing(peer, own.id)).toEqual(own)
  })

  test('in any batches each id is new once', async () => {
    const store = await open()
    const id = fc.oneof(
      fc.nat(30).map((n) => `0199${'0'.repeat(26)}${String(n).padStart(2, '0')}`),
      fc.constantFrom('no hex digits', 'abcdef0123456789')
    )
    let sender = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(id, { minLength: 1, maxLength: 6 }), { maxLength: 8 }), async (batches) => {
        const from = `${sender++}`
        const seen = new Set<string>()
        for (const batch of batches) {
          const messages = batch.map((one, n) => ({ id: one, log: 'log', seq: n, sentAtMs: 0, text: one }))
          const results = await store.addIncoming(from, messages, accepted)
          expect(results.map(({ message }) => message.text)).toEqual(batch)
          for (const [index, { known }] of results.entries()) {
            expect(known).toBe(seen.has(batch[index] ?? ''))
            seen.add(batch[index] ?? '')
          }
        }
        expect(await store.history(from, { limit: 100 })).toHaveLength(seen.size)
      }),
      { numRuns: 60 }
    )
  })

  test('a duplicate keeps the state and the text of the first', async () => {
    const store = await open()
    await store.addIncoming(peer, [incoming(1)], { state: 'held', lan: false, storedAtMs: 0 })
    const [again] = await store.addIncoming(peer, [{ ...incoming(1), text: 'other' }], accepted)
    expect(again).toMatchObject({ known: true, message: { state: 'held', text: 'text 1' } })
    expect(await store.knownIncoming(peer, ['id1', 'id2'])).toEqual(new Set(['id1']))
  })

  test('delivered messages stay so, and a failed message can be tried again', async () => {
    const store = await open()
    const { id } = await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
    await store.setDelivery(peer, [id], 'failed', 'too old')
    expect(await store.outgoing(peer, id)).toMatchObject({ state: 'failed', reason: 'too old' })
    await store.setDelivery(peer, [id], 'pending')
    expect(await store.outgoing(peer, id)).not.toHaveProperty('reason')
    await store.setDelivery(peer, [id], 'delivered')
    expect(await store.setDelivery(peer, [id], 'held')).toEqual([])
    expect(await store.outgoing(peer, id)).toMatchObject({ state: 'delivered' })
  })

  test('a message tried again goes to the end of the outbox', async () => {
    const store = await open()
    const one = await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
    await store.addOutgoing({ peer, text: 'two', sentAtMs: 0 })
    const [sentLast] = (await store.unreceipted(peer, { limit: 9 })).slice(-1)
    expect(await store.retry(peer, [one.id])).toEqual([])
    await store.setDelivery(peer, [one.id], 'failed', 'no answer')
    expect(texts(await store.retry(peer, [one.id]))).toEqual(['one'])
    const after = await store.unreceipted(peer, { after: sentLast?.position ?? 0, limit: 9 })
    expect(entryTexts(after)).toEqual(['one'])
    expect(entryTexts(await store.unreceipted(peer, { limit: 9 }))).toEqual(['two', 'one'])
  })

  test('a cancelled message is out of the outbox, and a receipt that still comes counts', async () => {
    const store = await open()
    const { id } = await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
    expect(await store.peersWithPending()).toEqual([peer])
    expect(await store.cancel(peer, [id])).toMatchObject([{ state: 'failed', reason: 'cancelled' }])
    expect(await store.cancel(peer, [id])).toEqual([])
    expect(await store.unreceipted(peer, { limit: 9 })).toEqual([])
    expect(await store.peersWithPending()).toEqual([])
    expect(await store.setDelivery(peer, [id], 'delivered')).toMatchObject([{ state: 'delivered' }])
  })

  test('pending messages that are too old fail with the reason, and held ones do not', async () => {
    let nowMs = 10
    const store = await open(() => nowMs)
    const old = await store.addOutgoing({ peer, text: 'old', sentAtMs: 0 })
    const held = await store.addOutgoing({ peer, text: 'held', sentAtMs: 0 })
    await store.setDelivery(peer, [held.id], 'held')
    nowMs = 20
    await store.addOutgoing({ peer, text: 'new', sentAtMs: 0 })
    const failed = await store.failPending({ waitingBeforeMs: 20, reason: 'too old', limit: 9 })
    expect(failed).toEqual([{ ...old, state: 'failed', reason: 'too old' }])
    expect(entryTexts(await store.unreceipted(peer, { limit: 9 }))).toEqual(['held', 'new'])
  })

  test('an expired message that is tried again has its full time, and keeps its id and number', async () => {
    let nowMs = 10
    const store = await open(() => nowMs)
    const old = await store.addOutgoing({ peer, text: 'old', sentAtMs: 0 })
    await store.failPending({ waitingBeforeMs: 20, reason: 'too old', limit: 9 })
    nowMs = 30
    expect(await store.retry(peer, [old.id])).toEqual([old])
    expect(await store.failPending({ waitingBeforeMs: 30, reason: 'too old', limit: 9 })).toEqual([])
    expect(await store.outgoing(peer, old.id)).toEqual(old)
    expect(await store.failPending({ waitingBeforeMs: 31, reason: 'too old', limit: 9 })).toMatchObject(
      [old.id].map((id) => ({ id }))
    )
  })

  test('a seen message is delivered, and keeps the time when it was first seen', async () => {
    const store = await open()
    const { id } = await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
    expect(await store.setSeen(peer, [id], 5)).toMatchObject([{ state: 'delivered', seenAtMs: 5 }])
    expect(await store.setSeen(peer, [id], 6)).toEqual([])
    expect(await store.setDelivery(peer, [id], 'delivered')).toEqual([])
    expect(await store.outgoing(peer, id)).toMatchObject({ state: 'delivered', seenAtMs: 5 })
    expect(await store.unreceipted(peer, { limit: 9 })).toEqual([])
  })

  test('held messages are in no history until they are accepted', async () => {
    const store = await open()
    await store.addIncoming(peer, [incoming(1), incoming(2)], { state: 'held', lan: true, storedAtMs: 0 })
    await store.addIncoming('another', [incoming(3)], { state: 'held', lan: false, storedAtMs: 1 })
    expect(await store.history(peer, { limit: 9 })).toEqual([])
    expect(await store.conversations()).toEqual([])
    expect(texts(await store.history(peer, { limit: 9, includeHeld: true }))).toEqual(['text 1', 'text 2'])
    expect(await store.heldMessages()).toEqual([
      { peer, lan: true },
      { peer, lan: true },
      { peer: 'another', lan: false }
    ])
    expect(texts(await store.held({ textLength: 9 }))).toEqual(['text 3', 'text 2'])
    expect(texts(await store.acceptHeld(peer))).toEqual(['text 1', 'text 2'])
    expect(await store.history(peer, { limit: 1 })).toMatchObject([{ text: 'text 2', state: 'accepted' }])
    expect(await store.heldMessages()).toEqual([{ peer: 'another', lan: false }])
  })

  test('held messages keep the newest name of their sender, until they are accepted or deleted', async () => {
    const store = await open()
    const held = { state: 'held', lan: false, storedAtMs: 0 } as const
    const names = async (): Promise<unknown> =>
      (await store.held({ textLength: 0 })).map((one) => [one.peer, one.senderName])
    await store.addIncoming(peer, [incoming(1)], { ...held, senderName: 'mal' })
    await store.addIncoming(peer, [incoming(2)], held)
    expect(await names()).toEqual([[peer, 'mal']])
    await store.addIncoming(peer, [incoming(3)], { ...held, senderName: 'mallory' })
    await store.addIncoming('another', [incoming(4)], { ...held, storedAtMs: 1 })
    expect(await names()).toEqual([
      ['another', undefined],
      [peer, 'mallory']
    ])
    await store.nameSender('another', 'eve')
    await store.nameSender('nobody', 'eve')
    expect(await names()).toEqual([
      ['another', 'eve'],
      [peer, 'mallory']
    ])
    await store.acceptHeld(peer)
    await store.nameSender(peer, 'mallory')
    await store.forget('another')
    await store.addIncoming(peer, [incoming(5)], { ...held, storedAtMs: 2 })
    await store.addIncoming('another', [incoming(6)], held)
    expect(await names()).toEqual([
      [peer, undefined],
      ['another', undefined]
    ])
    await store.nameSender(peer, 'mallory')
    await store.evictHeld([peer])
    await store.addIncoming(peer, [incoming(7)], held)
    expect(await names()).toContainEqual([peer, undefined])
  })

  test('held messages keep their origin, in the order of arrival', async () => {
    const store = await open()
    const held = { state: 'held', lan: false, storedAtMs: 0 } as const
    await store.addIncoming(peer, [incoming(1)], { ...held, origin: '203.0.113.7' })
    await store.addIncoming('another', [incoming(1), incoming(2)], { ...held, origin: '2001:db8:0:1::/64' })
    await store.addIncoming(peer, [incoming(2)], held)
    expect(await store.heldMessages()).toEqual([
      { peer, lan: false, origin: '203.0.113.7' },
      { peer: 'another', lan: false, origin: '2001:db8:0:1::/64' },
      { peer: 'another', lan: false, origin: '2001:db8:0:1::/64' },
      { peer, lan: false }
    ])
  })

  test('an evicted message leaves its id, which is reported once, and nothing else', async () => {
    const store = await open()
    await store.addIncoming(peer, [incoming(1), incoming(2)], { state: 'held', lan: false, storedAtMs: 0 })
    expect(await store.evictHeld([peer, 'nobody'])).toBe(2)
    expect(await store.heldMessages()).toEqual([])
    expect(await store.history(peer, { limit: 9, includeHeld: true })).toEqual([])
    expect(await store.unread(peer)).toBe(0)
    expect(await store.knownIncoming(peer, ['id1'])).toEqual(new Set())
    expect(await store.takeEvicted('another', ['id1'])).toEqual(new Set())
    expect(await store.takeEvicted(peer, ['id1', 'id3'])).toEqual(new Set(['id1']))
    expect(await store.takeEvicted(peer, ['id1', 'id2'])).toEqual(new Set(['id2']))
  })

  test('evicting leaves the history with the peer unchanged', async () => {
    const store = await open()
    await store.addIncoming(peer, [incoming(1)], accepted)
    await store.addOutgoing({ peer, text: 'mine', sentAtMs: 0 })
    await store.addIncoming(peer, [incoming(2)], { state: 'held', lan: false, storedAtMs: 0 })
    expect(await store.evictHeld([peer])).toBe(1)
    expect(texts(await store.history(peer, { limit: 9, includeHeld: true }))).toEqual(['text 1', 'mine'])
    expect(await store.knownIncoming(peer, ['id1', 'id2'])).toEqual(new Set(['id1']))
  })

  test('accepting a peer forgets its evicted ids', async () => {
    const store = await open()
    await store.addIncoming(peer, [incoming(1)], { state: 'held', lan: false, storedAtMs: 0 })
    await store.evictHeld([peer])
    await store.acceptHeld(peer)
    expect(await store.takeEvicted(peer, ['id1'])).toEqual(new Set())
  })

  test('messages above a peer’s quota are refused if they are new', async () => {
    const store = await open()
    const one = await store.addIncoming(peer, [incoming(1), incoming(2)], { ...accepted, maxIncomingBytes: 1 })
    expect(one.map(({ known, refused }) => [known, refused])).toEqual([
      [false, undefined],
      [false, 'over-quota']
    ])
    const again = await store.addIncoming(peer, [incoming(1), incoming(2)], { ...accepted, maxIncomingBytes: 1 })
    expect(again.map(({ known, refused }) => [known, refused])).toEqual([
      [true, undefined],
      [false, 'over-quota']
    ])
    expect(texts(await store.history(peer, { limit: 9 }))).toEqual(['text 1'])
    expect(await store.knownIncoming(peer, ['id2'])).toEqual(new Set())
  })

  test('the files of a message stay with it, through every state, and count for its peer’s quota', async () => {
    const store = await open()
    const files = [
      { file: 'ab'.repeat(32), name: 'photo "1".jpg', sizeBytes: 2 ** 40 },
      { file: 'cd'.repeat(32), name: '', sizeBytes: 0 }
    ]
    const sent = await store.addOutgoing({ peer, text: 'two files', sentAtMs: 5, files })
    expect(sent.files).toEqual(files)
    expect((await store.unreceipted(peer, { limit: 9 }))[0]?.message.files).toEqual(files)
    expect((await store.setDelivery(peer, [sent.id], 'delivered'))[0]?.files).toEqual(files)
    const held = { state: 'held', lan: false, storedAtMs: 7 } as const
    await store.addIncoming(peer, [{ ...incoming(1), files }], held)
    expect((await store.acceptHeld(peer))[0]?.files).toEqual(files)
    const history = await store.history(peer, { limit: 9 })
    expect(history.map((message) => message.files)).toEqual([files, files])
    const plain = messageBytes(incoming(1))
    const bytes = messageBytes({ ...incoming(1), files })
    expect(bytes).toBeGreaterThan(plain + 100)
    expect((await store.use({ limit: 9 })).peers).toEqual([{ peer, bytes }])
    await store.deleteOlderThan(1_000)
    expect((await store.use({ limit: 9 })).peers).toEqual([])
  })

  test('after any sequence of arrival, acceptance, eviction, forgetting and retention, a peer’s use is the sum of its messages', async () => {
    const store = await open()
    const step = fc.record({
      what: fc.constantFrom('take', 'hold', 'accept', 'evict', 'forget', 'retire'),
      from: fc.constantFrom('a', 'b'),
      texts: fc.array(fc.string({ unit: 'binary', maxLength: 9 }), { minLength: 1, maxLength: 5 })
    })
    let round = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        round++
        let n = 0
        for (const { what, from, texts: said } of steps) {
          const sender = `${from} ${round}`
          const messages = said.map((text) => ({ id: `${n}`, log: 'log', seq: n, sentAtMs: 0, text: `${text} ${n++}` }))
          if (what === 'take') await store.addIncoming(sender, messages, { ...accepted, storedAtMs: n })
          if (what === 'hold') await store.addIncoming(sender, messages, { state: 'held', lan: false, storedAtMs: n })
          if (what === 'accept') await store.acceptHeld(sender)
          if (what === 'evict') await store.evictHeld([sender])
          if (what === 'forget') await store.forget(sender)
          if (what === 'retire') await store.deleteOlderThan(n - 3)
          const { peers } = await store.use({ limit: 1000 })
          for (const one of [`a ${round}`, `b ${round}`]) {
            const kept = await store.history(one, { limit: 1000, includeHeld: true })
            const bytes = kept.reduce((sum, { text }) => sum + messageBytes({ text }), 0)
            expect(peers.find(({ peer: whose }) => whose === one)?.bytes ?? 0).toBe(bytes)
          }
        }
        for (const from of ['a', 'b']) await store.forget(`${from} ${round}`)
      }),
      { numRuns: 40 }
    )
  })
})
