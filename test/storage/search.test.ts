import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { holdsPhrases, phrasesOf, wordsOf } from '../../src/storage/search-words.ts'
import { closeStores, storeKinds } from './stores.ts'

const peer = 'somebody'
afterEach(closeStores)

describe.each(storeKinds)('search in the store of kind $kind', ({ open }) => {
  test.each([
    ['a word', 'see you tomorrow', 'tomorrow'],
    ['another case', 'see you Tomorrow', 'tOMORROW'],
    ['several words in any order', 'see you tomorrow', 'tomorrow see'],
    ['a phrase in quotes', 'see you tomorrow', '"you tomorrow"'],
    ['an accent that was not typed', 'at the café', 'cafe'],
    ['an accent that was typed', 'at the cafe', 'café'],
    ['an accent as a character of its own', 'cafe\u0301', 'caf\u00E9'],
    ['Greek with its final letter', 'ο λόγος', 'ΛΟΓΟΣ'],
    ['a part of Japanese text', 'これは日本語です', '本語'],
    ['one Chinese character', '明天见', '天'],
    ['a part of a Korean word', '안녕하세요', '하세'],
    ['a part of Thai text', 'สวัสดีครับ', 'ครับ'],
    ['Japanese beside Latin', 'Node24を使う', 'node24'],
    ['half-width letters for full-width ones', 'ＡＢＣ', 'abc'],
    ['a word with an apostrophe', "don't go", "don't"],
    ['an address', 'mail anna@example.org now', 'anna@example.org'],
    ['a pictograph', 'well done👍🏽 indeed', '👍'],
    ['words that are operators elsewhere', 'this AND that OR not NEAR', 'AND OR NOT NEAR'],
    ['signs that are syntax elsewhere', 'a*b (c) "d" ^e col:f', '"a*b" (c) ^e col:f -']
  ])('finds %s', async (_, text, words) => {
    const store = await open()
    const { id } = await store.addOutgoing({ peer, text, sentAtMs: 0 })
    await store.addOutgoing({ peer, text: 'something else, 別の, 다른', sentAtMs: 0 })
    expect((await store.search(words, { limit: 9 })).map(({ message }) => message.id)).toEqual([id])
  })

  test.each(['', '   ', '"', '""', '!?', '***', '()', '-', ':', '\0', "'"])(
    '%j finds nothing and fails nothing',
    async (words) => {
      const store = await open()
      await store.addOutgoing({ peer, text: `some text ${words}`, sentAtMs: 0 })
      expect(await store.search(words, { limit: 9 })).toEqual([])
    }
  )

  test('a phrase is found only where its words stand together', async () => {
    const store = await open()
    await store.addOutgoing({ peer, text: 'one two three', sentAtMs: 0 })
    expect(await store.search('"one three"', { limit: 9 })).toEqual([])
    expect(await store.search('one three', { limit: 9 })).toHaveLength(1)
  })

  test('the newest come first, page after page, from one peer or from all', async () => {
    const store = await open()
    for (let n = 0; n < 30; n++) {
      await store.addOutgoing({ peer: n % 3 === 0 ? peer : 'another', text: `word ${n}`, sentAtMs: n })
    }
    const first = await store.search('word', { limit: 20 })
    const second = await store.search('word', { limit: 20, before: first.at(-1)?.position ?? 0 })
    const found = [...first, ...second].map(({ message }) => message.text)
    expect(found).toEqual(Array.from({ length: 30 }, (_, n) => `word ${29 - n}`))
    const withPeer = await store.search('word', { peer, limit: 3 })
    expect(withPeer.map(({ message }) => message.text)).toEqual(['word 27', 'word 24', 'word 21'])
    expect(await store.search('word', { peer: 'nobody', limit: 3 })).toEqual([])
  })

  test('what is found is what looking through all messages finds, whatever is asked and wherever one goes on', async () => {
    const word = fc.constantFrom('a', 'b', 'c', 'c1', 'é')
    const text = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '))
    const from = fc.constantFrom(peer, 'another', 'a third')
    const phrase = text.map((words) => `"${words}"`)
    const query = fc.record({
      words: fc.array(fc.oneof(word, phrase), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(' ')),
      limit: fc.integer({ min: 1, max: 9 }),
      who: fc.option(from),
      before: fc.integer({ min: 1, max: 41 })
    })
    const message = fc.record({ from, text, isHeld: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 20, maxLength: 40 }),
        fc.array(query, { minLength: 10, maxLength: 10 }),
        fc.option(from),
        async (messages, queries, forgotten) => {
          const store = await open()
          for (const [index, { from: sender, text: said, isHeld }] of messages.entries()) {
            const incoming = { id: `id ${index}`, log: 'log', seq: index + 1, sentAtMs: 0, text: said }
            const state = isHeld ? 'held' : 'accepted'
            await store.addIncoming(sender, [incoming], { state, lan: false, storedAtMs: 0 })
          }
          // So that all of it is indexed before a part is forgotten.
          await store.search('a', { limit: 1 })
          if (forgotten !== null) await store.forget(forgotten)
          const left = messages
            .map((one, index) => ({ ...one, position: index + 1 }))
            .filter((one) => !one.isHeld && one.from !== forgotten)
            .toReversed()
          for (const { words, limit, who, before } of queries) {
            const scanned = left
              .filter((one) => one.position < before && (who === null || one.from === who))
              .filter((one) => holdsPhrases(wordsOf(one.text), phrasesOf(words)))
            const found = await store.search(words, { limit, before, ...(who === null ? {} : { peer: who }) })
            expect(found.map(({ position }) => position)).toEqual(scanned.slice(0, limit).map((one) => one.position))
          }
          await closeStores()
        }
      ),
      { numRuns: 40 }
    )
  })

  test('a stranger’s request is found only when it is accepted', async () => {
    const store = await open()
    const request = { id: 'id', log: 'log', seq: 1, sentAtMs: 0, text: 'hello there' }
    await store.addIncoming(peer, [request], { state: 'held', lan: false, storedAtMs: 0 })
    expect(await store.search('hello', { limit: 9 })).toEqual([])
    await store.acceptHeld(peer)
    expect(await store.search('hello', { limit: 9 })).toHaveLength(1)
  })

  test('whatever is asked, nothing fails', async () => {
    const store = await open()
    await store.addOutgoing({ peer, text: 'some text', sentAtMs: 0 })
    const words = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
    await fc.assert(fc.asyncProperty(words, async (query) => void (await store.search(query, { limit: 9 }))))
  })
})

test('any text is found by its own words', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const quoted = text.replaceAll('"', ' ')
      expect(phrasesOf(`"${quoted}"`)).toEqual(wordsOf(quoted).length === 0 ? [] : [wordsOf(quoted)])
    })
  )
})

test('folding a folded word changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const words = wordsOf(text)
      expect(wordsOf(words.join(' '))).toEqual(words)
    })
  )
})
