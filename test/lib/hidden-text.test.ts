// What a reader sees of a text.
import { describe, expect, test } from 'vitest'
import { isVisible, MAX_MARKS_ON_A_LETTER, withoutHidden } from '../../src/lib/index.ts'

describe('a name', () => {
  test.each([
    '',
    ' \u00a0\u3000',
    '\u200b',
    '\u3164',
    '\u115f\u1160',
    '\u2800\u2800',
    '\u2060\ufeff',
    '\u00ad',
    '\ufe0f',
    '\u0301',
    '\u{e0041}\u{e0042}',
    '\u202e',
    '\ue000'
  ])('of %j shows nothing', (name) => expect(isVisible(name)).toBe(false))

  test.each(['a', '.', '🔥', '日', 'ا', '\u2801', ' x', '\u200bx', '\u{1f3f4}'])('of %j is seen', (name) =>
    expect(isVisible(name)).toBe(true)
  )
})

test('every mark of Unicode is cut where there are too many of it', () => {
  const kept: string[] = []
  for (let code = 0; code < 0x110000; code++) {
    const character = String.fromCodePoint(code)
    if (!/\p{M}/u.test(character)) continue
    const length = Array.from(withoutHidden(`a${character.repeat(20)}`)).length
    if (length > 1 + MAX_MARKS_ON_A_LETTER) kept.push(code.toString(16))
  }
  expect(kept).toEqual([])
})

describe('marks on a letter', () => {
  const most = 'a' + '\u0301'.repeat(MAX_MARKS_ON_A_LETTER)

  test('are kept up to what a script writes, and no more', () => {
    expect(withoutHidden(most)).toBe(most)
    expect(withoutHidden('a' + '\u0301'.repeat(32_700))).toBe(most)
  })

  test('do not go on behind what hides between them', () => {
    expect(withoutHidden('a' + '\u0301\u200b\u0302\u200d'.repeat(5000))).toHaveLength(1 + MAX_MARKS_ON_A_LETTER)
  })

  test('of real text stay: Tibetan, Hebrew, Thai, Indic, emoji', () => {
    for (const text of ['རྒྷྲྱུཾ', 'בְּרֵאשִׁ֖ית', 'ที่นี่', 'क्‍ष्मी', '👨‍👩‍👧‍👦 ❤️‍🔥 1️⃣']) expect(withoutHidden(text)).toBe(text)
  })
})
