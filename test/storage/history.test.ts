import { afterEach, describe, expect, test } from 'vitest'
import { accepted, closeStores, entryTexts, incoming, peer, storeKinds, texts } from './stores.ts'

afterEach(closeStores)

describe.each(storeKinds)('the history in a store in $kind', ({ open }) => {
  test('history is paged both ways without gaps or duplicates', async () => {
    const store = await open()
    await store.addIncoming(
      peer,
      Array.from({ length: 25 }, (_, n) => incoming(n)),
      accepted
    )
    await store.addIncoming('another', [incoming(99)], accepted)
    const last = await store.page(peer, { limit: 10 })
    const middle = await store.page(peer, { limit: 10, before: last[0]?.position ?? 0 })
    const first = await store.page(peer, { limit: 10, before: middle[0]?.position ?? 0 })
    const all = [...first, ...middle, ...last]
    expect(entryTexts(all)).toEqual(Array.from({ length: 25 }, (_, n) => `text ${n}`))
    expect(await store.page(peer, { limit: 10, after: first.at(-1)?.position ?? 0 })).toEqual(middle)
    expect(await store.page(peer, { limit: 0 })).toEqual([])
  })

  test('a span of time includes its beginning and excludes its end', async () => {
    const store = await open()
    for (let n = 1; n <= 9; n++) await store.addIncoming(peer, [incoming(n)], { ...accepted, storedAtMs: n * 10 })
    const span = { peer, sinceMs: 30, untilMs: 70 }
    expect(entryTexts(await store.log({ ...span, limit: 9 }))).toEqual(['text 3', 'text 4', 'text 5', 'text 6'])
    expect(entryTexts(await store.log({ ...span, limit: 2 }))).toEqual(['text 5', 'text 6'])
    expect(entryTexts(await store.log({ peer, limit: 1 }))).toEqual(['text 9'])
    expect(await store.log({ peer: 'nobody', limit: 1 })).toEqual([])
  })

  test('an export holds every message once, in batches, and goes on from a position', async () => {
    const store = await open()
    const many = Array.from({ length: 1_200 }, (_, n) => incoming(n))
    await store.addIncoming(peer, many.slice(0, 700), accepted)
    await store.addOutgoing({ peer: 'another', text: 'mine', sentAtMs: 0 })
    await store.addIncoming(peer, many.slice(700), accepted)
    const whole: string[] = []
    let batches = 0
    let half = 0
    for await (const batch of store.export()) {
      batches++
      whole.push(...entryTexts(batch))
      half ||= batch.at(-1)?.position ?? 0
    }
    expect(whole).toEqual([
      ...many.slice(0, 700).map(({ text }) => text),
      'mine',
      ...many.slice(700).map(({ text }) => text)
    ])
    expect(batches).toBeGreaterThan(1)
    const rest: string[] = []
    for await (const batch of store.export({ peer, after: half })) rest.push(...entryTexts(batch))
    expect(rest).toEqual(whole.slice(whole.length - 701).filter((text) => text !== 'mine'))
  })

  test('unread counts messages since the mark, and conversations are listed newest first', async () => {
    const store = await open()
    await store.addIncoming(peer, [incoming(1), incoming(2)], accepted)
    await store.addOutgoing({ peer: 'another', text: 'mine', sentAtMs: 0 })
    expect(await store.conversations()).toMatchObject([
      { peer: 'another', unread: 0, last: { message: { text: 'mine' } } },
      { peer, unread: 2, last: { message: { text: 'text 2' } } }
    ])
    await store.markRead(peer)
    expect(await store.unread(peer)).toBe(0)
    await store.addIncoming(peer, [incoming(3)], accepted)
    await store.addOutgoing({ peer, text: 'mine', sentAtMs: 0 })
    expect(await store.unread(peer)).toBe(1)
    expect((await store.conversations()).map((summary) => summary.peer)).toEqual([peer, 'another'])
  })

  test('forgotten messages are gone, and their ids stay known with their last state', async () => {
    const store = await open()
    await store.addIncoming(peer, [incoming(1)], accepted)
    await store.addIncoming(peer, [incoming(2)], { state: 'held', lan: false, storedAtMs: 0 })
    const own = await store.addOutgoing({ peer, text: 'mine', sentAtMs: 0 })
    await store.addIncoming('another', [incoming(1)], accepted)
    expect(await store.search('text', { peer, limit: 9 })).toHaveLength(1)
    expect(await store.forget(peer)).toBe(3)
    expect(await store.history(peer, { limit: 9, includeHeld: true })).toEqual([])
    expect(await store.search('text', { peer, limit: 9 })).toEqual([])
    expect(await store.unreceipted(peer, { limit: 9 })).toEqual([])
    expect(await store.outgoing(peer, own.id)).toBeUndefined()
    expect(await store.heldMessages()).toEqual([])
    const again = await store.addIncoming(peer, [incoming(1), incoming(2), incoming(3)], accepted)
    expect(again.map(({ known, message }) => [known, message.state])).toEqual([
      [true, 'accepted'],
      [true, 'held'],
      [false, 'accepted']
    ])
    expect(texts(await store.history(peer, { limit: 9 }))).toEqual(['text 3'])
    expect(texts(await store.history('another', { limit: 9 }))).toEqual(['text 1'])
    expect((await store.addOutgoing({ peer, text: 'next', sentAtMs: 0 })).seq).toBe(2)
    expect(await store.forget('nobody')).toBe(0)
  })

  test('retention deletes old messages, but no waiting ones', async () => {
    let nowMs = 1
    const store = await open(() => nowMs)
    const delivered = await store.addOutgoing({ peer, text: 'delivered', sentAtMs: 0 })
    await store.setDelivery(peer, [delivered.id], 'delivered')
    await store.addOutgoing({ peer, text: 'pending', sentAtMs: 0 })
    await store.addIncoming(peer, [incoming(1)], { ...accepted, storedAtMs: 1 })
    await store.addIncoming('stranger', [incoming(2)], { state: 'held', lan: false, storedAtMs: 1 })
    nowMs = 5
    await store.addIncoming(peer, [incoming(3)], { ...accepted, storedAtMs: 5 })
    expect(await store.unread(peer)).toBe(2)
    expect(await store.deleteOlderThan(5)).toBe(2)
    expect(await store.unread(peer)).toBe(1)
    expect(texts(await store.history(peer, { limit: 9 }))).toEqual(['pending', 'text 3'])
    expect(texts(await store.held({ textLength: 9 }))).toEqual(['text 2'])
    expect((await store.addIncoming(peer, [incoming(1)], accepted))[0]?.known).toBe(true)
  })

  test('a page ends at the given bytes of text, and has at least one message', async () => {
    const store = await open()
    const said = Array.from({ length: 6 }, (_, n) => `${n}é`.padEnd(100, 'é'))
    for (const [n, text] of said.entries()) await store.addIncoming(peer, [{ ...incoming(n), text }], accepted)
    const maxBytes = 2 * Buffer.byteLength(said[0] ?? '')
    const of = (entries: readonly { message: { text: string } }[]) => entries.map(({ message }) => message.text)
    expect(of(await store.page(peer, { limit: 9, maxBytes }))).toEqual(said.slice(-2))
    expect(of(await store.page(peer, { limit: 9, after: 0, maxBytes }))).toEqual(said.slice(0, 2))
    expect(of(await store.page(peer, { limit: 9, maxBytes: 1 }))).toEqual(said.slice(-1))
    expect(of((await store.news({ after: 0, limit: 9, maxBytes })).entries)).toEqual(said.slice(0, 2))
  })

  test('news after a position is paged to its end, and held messages are skipped', async () => {
    const store = await open()
    await store.addIncoming(peer, [incoming(1)], accepted)
    await store.addIncoming('stranger', [incoming(2)], { state: 'held', lan: false, storedAtMs: 0 })
    const first = await store.news({ after: 0, limit: 9 })
    expect(first.entries).toHaveLength(1)
    const nothing = await store.news({ after: first.next, limit: 9 })
    expect(nothing).toEqual({ entries: [], next: await store.newestPosition() })
    await store.acceptHeld('stranger')
    await store.addOutgoing({ peer, text: 'later', sentAtMs: 0 })
    const later = await store.news({ after: nothing.next, limit: 9 })
    expect(later.entries.map(({ message }) => message.text)).toEqual(['later'])
  })
})
