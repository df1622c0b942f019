import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { phrasesOf, wordsOf, type Phrase } from '../../../src/storage/search/search-words.ts'
import { MAX_COMPLETIONS } from '../../../src/storage/search/index-words.ts'
import { closeStores, storeKinds } from '../stores.ts'

const peer = 'somebody'
afterEach(closeStores)

/** Whether a text with these words holds every phrase: what a search must find. */
function holdsPhrases(words: readonly string[], phrases: readonly Phrase[]): boolean {
  return phrases.every((phrase) => words.some((_, start) => standsAt(words, start, phrase)))
}

function standsAt(words: readonly string[], start: number, phrase: Phrase): boolean {
  return phrase.words.every((wanted, offset) => {
    const found = words[start + offset]
    const mayGoOn = phrase.isBeginning && offset === phrase.words.length - 1
    return mayGoOn ? found?.startsWith(wanted) === true : found === wanted
  })
}

describe.each(storeKinds)('search in a store in $kind', ({ open }) => {
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
    ['a German sharp s by its capitals', 'an der Straße', 'STRASSE'],
    ['capitals by a German sharp s', 'AN DER STRASSE', 'straße'],
    ['Turkish capitals', 'IŞIK var', 'ışık'],
    ['Turkish small letters', 'ışık var', 'IŞIK'],
    ['a Turkish capital with its dot', 'İnci geldi', 'inci'],
    ['a word with a soft hyphen', 'a wonder\u00adful day', 'wonderful'],
    ['a word with a zero-width space', 'a wonder\u200bful day', 'wonderful'],
    ['a Persian word with its joiner', 'می\u200cخواهم', 'میخواهم'],
    ['a word that is asked with invisible characters', 'a wonderful day', 'won\u200dder\ufeffful'],
    ['one person of a family', 'we are 👨\u200d👩\u200d👧', '👩'],
    ['a heart by its other form', 'with ❤\ufe0f', '❤'],
    ['the beginning of a word', 'see you tomorrow', 'tomo'],
    ['the beginning of the last word', 'see you tomorrow', 'see tomo'],
    ['the beginning of a phrase that goes on', 'mail anna@example.org now', 'anna@exam'],
    ['the beginning of a quoted phrase', 'see you tomorrow', '"see you" tom'],
    ['the beginning of a word in another case', 'an der Straße', 'STRASS'],
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

  test.each([
    ['a word that a space ends', 'tomo '],
    ['a word that is not the last', 'tomo see'],
    ['a quoted word', '"tomo"'],
    ['a single letter, which half of all messages have', 't'],
    ['the middle of a word', 'morrow']
  ])('%s is no beginning', async (_, words) => {
    const store = await open()
    await store.addOutgoing({ peer, text: 'see you tomorrow', sentAtMs: 0 })
    expect(await store.search(words, { limit: 9 })).toEqual([])
  })

  test('results come newest first, page after page, from one peer or all', async () => {
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

  test.each([MAX_COMPLETIONS, MAX_COMPLETIONS + 1])(
    'a beginning of %d words finds all of them, in order',
    async (count) => {
      const store = await open()
      const texts = Array.from({ length: count }, (_, n) => `see station${n === 0 ? '' : n} then`)
      await store.addAllOutgoing(
        peer,
        texts.flatMap((text) => [
          { text, sentAtMs: 0 },
          { text: 'see the stat', sentAtMs: 0 }
        ])
      )
      await store.addOutgoing({ peer: 'another', text: 'see station', sentAtMs: 0 })
      const search = async (words: string, limit = 999): Promise<readonly string[]> =>
        (await store.search(words, { peer, limit })).map(({ message }) => message.text)
      expect(await search('station')).toEqual(texts.toReversed())
      expect(await search('see@station')).toEqual(texts.toReversed())
      expect(await search('then station')).toEqual(texts.toReversed())
      expect(await search('station', 2)).toEqual(texts.toReversed().slice(0, 2))
      expect(await search('the@station')).toEqual([])
    }
  )

  test('a search finds exactly what a scan of all messages finds, on every page', async () => {
    const word = fc.constantFrom('a', 'b', 'c', 'c1', 'c12', 'é', 'ée')
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
          // Indexes everything before a part is forgotten.
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

  test('a stranger’s request is found only once it is accepted', async () => {
    const store = await open()
    const request = { id: 'id', log: 'log', seq: 1, sentAtMs: 0, text: 'hello there' }
    await store.addIncoming(peer, [request], { state: 'held', lan: false, storedAtMs: 0 })
    expect(await store.search('hello', { limit: 9 })).toEqual([])
    await store.acceptHeld(peer)
    expect(await store.search('hello', { limit: 9 })).toHaveLength(1)
  })

  test('no query fails', async () => {
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
      const words = wordsOf(quoted)
      expect(phrasesOf(`"${quoted}"`)).toEqual(words.length === 0 ? [] : [{ words, isBeginning: false }])
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
