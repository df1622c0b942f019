// Normalisation of hostile text: what is sorted is bounded.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_MARKS_ON_A_LETTER, normalForm } from '../../src/lib/index.ts'

/** Marks of the lowest and of the highest class: one of them changes places with any other character that is sorted. */
const lowest = '\u0334'
const highest = '\u0345'

function isSorted(character: string): boolean {
  const [pulled, pushed] = [`${character}${lowest}`, `${highest}${character}`].map((text) => text.normalize('NFKD'))
  return pulled?.startsWith(lowest) === true || (pushed?.endsWith(highest) === true && !pushed.startsWith(highest))
}

test('no character is sorted past more others than one letter bears', () => {
  const unbounded: string[] = []
  for (let code = 0; code < 0x110000; code++) {
    const character = code >= 0xd800 && code < 0xe000 ? '' : String.fromCodePoint(code)
    if (character === '' || !isSorted(character)) continue
    const kept = normalForm(`a${character.repeat(100)}`, 'NFKD')
    if (kept !== `a${character.repeat(MAX_MARKS_ON_A_LETTER)}`.normalize('NFKD')) unbounded.push(code.toString(16))
  }
  expect(unbounded).toEqual([])
})

test('text of any script is normalised as JavaScript does it', () => {
  for (const text of ['རྒྷྲྱུཾ', 'בְּרֵאשִׁ֖ית', 'ที่นี่', 'क्‍ष्मी', 'ﾊﾞﾅﾅ', 'ﬁ ế 각', '👨‍👩‍👧‍👦 1️⃣']) {
    for (const form of ['NFC', 'NFKD'] as const) expect(normalForm(text, form)).toBe(text.normalize(form))
  }
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(normalForm(text, 'NFKD')).toBe(text.normalize('NFKD'))
    })
  )
})
