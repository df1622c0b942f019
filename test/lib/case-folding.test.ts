// Which texts are one text when names and words are compared. The mappings of
// Unicode are scripts/unicode/case-folding.txt.
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { folded } from '../../src/lib/index.ts'
import { caseFolded } from '../../src/lib/unicode/case-folding.ts'

/** By Unicode's CaseFolding.txt, the mappings C and F. */
const mappings: ReadonlyMap<string, string> = new Map(
  [
    ...readFileSync('scripts/unicode/case-folding.txt', 'utf8').matchAll(
      /^([\dA-F]+); [CF]; ([\dA-F]+(?: [\dA-F]+)*)$/gmu
    )
  ].map(([, from = '', to = '']) => [
    String.fromCodePoint(Number.parseInt(from, 16)),
    String.fromCodePoint(...to.split(' ').map((code) => Number.parseInt(code, 16)))
  ])
)

test('characters are alike exactly where Unicode’s full case folding has it so, and the i without a dot is an i', () => {
  const differing: string[] = []
  const byMapping = new Map<string, string>()
  const byFold = new Map<string, string>()
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code)
    // Not what the runtime's version of Unicode does not have yet.
    if (/\p{Cn}|\p{Cs}/u.test(character) || character === 'ı') continue
    const mapped = mappings.get(character) ?? character
    const fold = caseFolded(character)
    if ((byMapping.get(mapped) ?? fold) !== fold) differing.push(`${character}: alike by the mappings alone`)
    if ((byFold.get(fold) ?? mapped) !== mapped) differing.push(`${character}: alike by the fold alone`)
    byMapping.set(mapped, fold)
    byFold.set(fold, mapped)
  }
  expect(mappings.size).toBeGreaterThan(1_500)
  expect(differing).toEqual([])
  expect(caseFolded('ı')).toBe('i')
})

test.each([
  ['a German sharp s and its capitals', ['Straße', 'STRASSE', 'STRAẞE', 'strasse']],
  ['the letters of Turkish', ['IŞIK', 'ışık', 'işik', 'İŞİK', 'Işık']],
  ['a Turkish name', ['İnci', 'inci', 'INCI', 'ıncı']],
  ['Greek with its final letter', ['Σίσυφος', 'ΣΊΣΥΦΟΣ', 'σίσυφοσ']],
  ['ligatures', ['ﬁne oﬃce', 'FINE OFFICE']],
  ['Armenian', ['և', 'ԵՒ']],
  ['Cherokee', ['ᎣᏏᏲ', 'ꭳꮟᏺ']],
  ['full-width letters', ['Ａｎｎａ', 'anna']],
  ['accents of one and of two characters', ['Zo\u00eb', 'ZOE\u0308']],
  ['a soft hyphen', ['wonder\u00adful', 'wonderful']],
  ['a zero-width space', ['an\u200bna', 'anna']],
  ['joiners', ['می\u200cخواهم', 'می\u200dخواهم', 'میخواهم']],
  ['a byte order mark', ['\ufeffanna', 'anna']],
  ['bidi controls', ['\u202eanna\u202c', 'anna']],
  ['a family with and without joiners', ['👨\u200d👩\u200d👧', '👨👩👧']],
  ['a heart as text and as an emoji', ['❤', '❤\ufe0f']]
])('%s', (_, [first = '', ...others]) => {
  for (const other of others) expect(folded(other)).toBe(folded(first))
})

test.each([
  ['an accent', 'Zoë', 'Zoe'],
  ['Arabic numbers, whose signs are seen', '\u0600١', '١'],
  ['a space', 'anna b', 'annab']
])('%s makes a difference', (_, one, other) => {
  expect(folded(one)).not.toBe(folded(other))
})

test('folding what is folded changes nothing, and case never makes a difference', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const fold = folded(text)
      expect(folded(fold)).toBe(fold)
      expect(folded(text.toUpperCase())).toBe(fold)
    })
  )
})
