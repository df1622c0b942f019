import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  BadCodeError,
  formatCode,
  formatCodeLink,
  parseCode,
  randomWords,
  WORDS_OF_MANY,
  WORDS_OF_ONE
} from '../../src/invite/code.ts'
import { CODE_WORDS } from '../../src/invite/words.ts'

const code = { number: 7, words: ['oak', 'pilot', 'river'] }

test('2,048 words, each with four first letters of its own, so that a code has the bits that it promises', () => {
  expect(CODE_WORDS).toHaveLength(2_048)
  expect(new Set(CODE_WORDS.map((word) => word.slice(0, 4))).size).toBe(2_048)
})

test.each(['7-oak-pilot-river', '7 oak pilot river', '  7-OAK-Pilot river ', '7-oak-pilo-rive', '07-oak-pilot-river'])(
  '%j is the code',
  (typed) => {
    expect(parseCode(typed)).toEqual({ code, directory: undefined })
  }
)

test.each([
  'bob',
  '7',
  'oak-pilot-river',
  '7-oak-pilot',
  '7-oak-pilot-river-zoo-zone',
  '127.0.0.1 4001',
  '192.168.1.7:4001',
  '123456-oak-pilot-river',
  '0-oak-pilot-river',
  '2 pac the rapper',
  '7-oak-pilot-river@127.0.0.1:8000',
  `7-oak-pilot-${'r'.repeat(200)}`
])('%j is no code, but may be a name or an address', (typed) => {
  expect(parseCode(typed)).toBeUndefined()
})

test('beginnings alone are a code, where each begins one word', () => {
  expect(parseCode('7 pilo rive zoo')?.code.words).toEqual(['pilot', 'river', 'zoo'])
  expect(parseCode('7 pilo rive abst')?.code.words).toEqual(['pilot', 'river', 'abstract'])
})

test('an unknown word is refused with the one that was probably meant', () => {
  expect(() => parseCode('7-oak-pilot-rivr')).toThrow(new BadCodeError('rivr', ['river']))
  expect(() => parseCode('7-oak-pilot-rivr')).toThrow('"rivr" is not a word of the code list: did you mean river?')
  expect(parseCode('7-oak-pilot-act')?.code.words).toEqual(['oak', 'pilot', 'act'])
  expect(() => parseCode('7-oak-pilot-qqqqqq')).toThrow(BadCodeError)
})

test('a beginning that several words have is not guessed', () => {
  expect(() => parseCode('7-oak-pilot-riv')).toThrow('did you mean rival or river?')
  expect(() => parseCode('7-oak-pilot-abs')).toThrow('did you mean absent or absorb or abstract or absurd?')
})

test('the text of a QR code holds the code and where its number is known', () => {
  const link = formatCodeLink(code, '[2001:db8::7]:8000')
  expect(link).toBe('parley:7-oak-pilot-river@[2001:db8::7]:8000')
  expect(parseCode(link)).toEqual({ code, directory: '[2001:db8::7]:8000' })
  expect(parseCode(formatCodeLink(code, undefined))).toEqual({ code, directory: undefined })
})

test('what is made is read again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99_999 }), fc.constantFrom(WORDS_OF_ONE, WORDS_OF_MANY), (number, count) => {
      const made = { number, words: randomWords(count) }
      expect(parseCode(formatCode(made))?.code).toEqual(made)
    })
  )
})

test('any text is read as a code, as a mistyped one, or as none', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        parseCode(`7-${text}`)
      } catch (error) {
        expect(error).toBeInstanceOf(BadCodeError)
      }
    })
  )
})
