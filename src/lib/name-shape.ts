// Names as people see them: whether one may be taken for another. On top of the
// skeleton of UTS #39 it takes no notice of case, accents, spaces, punctuation
// and characters that nobody sees, and reads digits as the letters that they
// stand for in "v1ct0r". It knows nothing of who has which name.
//
// The keys of a shape are coarse: names that may look alike share one, and so do
// some that don't ("Lise" and "Ilse", as I looks like l). So letters are compared
// one by one as well. A name in other case may not look alike at all ("Νίκος" and
// "νίκος": N and v), and is read as the same name: spelling is compared too.
import { caseFolded, decomposedFold } from './unicode/case-folding.ts'
import { prototypeOf } from './unicode/confusables.ts'

export interface NameShape {
  /** Names that look alike share a key; not all that share one look alike. None for a name that shows nothing. */
  readonly keys: readonly string[]
  /** One character for each letter that is seen. */
  readonly letters: readonly string[]
  /** Without case, accents and signs; empty for a name of nothing but signs. */
  readonly spelling: string
}

export function nameShape(name: string): NameShape {
  const letters = lettersOf(name)
  const spelling = Array.from(withoutAccents(decomposedFold(name.toWellFormed())))
    .filter((one) => letterOrDigit.test(one))
    .join('')
  const keys = new Set([sightKey(letters), spelling])
  keys.delete('')
  return { keys: [...keys], letters, spelling }
}

/** What a text looks like, with letters that may be taken for each other as one: that of a part is a part of it. */
export function lookOf(text: string): string {
  return sightKey(lettersOf(text))
}

function sightKey(letters: readonly string[]): string {
  return letters.map((letter) => keyLetters.get(letter) ?? letter).join('')
}

/** True when a reader may take one name for the other. Of two names that are spelt the same it is true as well. */
export function looksAlike(a: NameShape, b: NameShape): boolean {
  if (a.spelling !== '' && a.spelling === b.spelling) return true
  if (a.letters.length !== b.letters.length) return false
  return a.letters.every((letter, at) => isAlike(letter, b.letters[at] ?? ''))
}

/** Invisible characters, and U+2800, a braille pattern without a dot. */
const unseen = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\u2800]/gu
/** Letters of these scripts are the same with an accent; in others marks are vowels, or another letter. */
const accented = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}\p{N}|]/u
const mark = /\p{M}/u
const letterOrDigit = /[\p{L}\p{N}\p{M}|$]/u
/** What stands around a name: an emoji, a full stop, a check mark that is none of Parley's. */
const around = /^[^\p{L}\p{N}|$]+|[^\p{L}\p{N}\p{M}|$]+$/gu
const lowerCase = /\p{Ll}/u
const upperCase = /\p{Lu}/u
/** Signs that are read as a letter inside a name; around it they are no part of it. */
const signLetters: ReadonlyMap<string, string> = new Map([
  ['@', 'a'],
  ['$', 's'],
  ['!', '|']
])

/** Small capitals, which have no capital letter, and to which UTS #39 maps Cyrillic letters of that form. */
const smallCapitals: ReadonlyMap<string, string> = pairs('ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢĸ', 'abcdefghijklmnoprstuvwyzk')

/** Letters on a dark circle (🅐) or square (🅰): Unicode gives them no compatibility form. */
const darkLetters: ReadonlyMap<string, string> = new Map(
  [0x1f150, 0x1f170].flatMap((first) =>
    Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ', (letter, at) => [String.fromCodePoint(first + at), letter] as const)
  )
)

/** Digits as letters. 6 and 8 both stand for b, and are not like each other. */
const digitLetters: ReadonlyMap<string, string> = pairs('023456789', 'ozeasbtbg')

/** An upright stroke: the digit 1, `|`, and an I or l that the letters around make one. */
const stroke = '|'
const strokes = new Set(['i', 'I', 'l', 'L', '1', stroke])
const keyLetters: ReadonlyMap<string, string> = new Map([
  ...digitLetters,
  ...Array.from(strokes, (letter) => [letter, 'l'] as const)
])

function pairs(from: string, to: string): ReadonlyMap<string, string> {
  return new Map(Array.from(from, (letter, at) => [letter, to.charAt(at)]))
}

/** Of strokes any two but i and l, which differ by the dot, and L beside i or I: "Lan" does not look like "Ian". */
function isAlike(a: string, b: string): boolean {
  if (a === b) return true
  if (strokes.has(a) && strokes.has(b)) {
    const [one, other] = [a, b].toSorted()
    return !((one === 'i' && other === 'l') || (one === 'I' && other === 'L') || (one === 'L' && other === 'i'))
  }
  return digitLetters.get(a) === b || digitLetters.get(b) === a
}

/** In lower case, but for I and L: in which case they stand decides what they look like. */
function lettersOf(name: string): readonly string[] {
  const seen = Array.from(name.toWellFormed().normalize('NFD').replace(unseen, ''), shown).join('').normalize('NFD')
  // A name of nothing but signs is what it is.
  const core = seen.replace(around, '') || seen
  const characters = Array.from(withoutAccents(core))
  const isName = letterOrDigit.test(core)
  const kept = isName
    ? characters.flatMap((one) => (letterOrDigit.test(one) ? one : (signLetters.get(one) ?? [])))
    : characters
  const isCapitals = isInCapitals(kept)
  const folded = kept.map((letter, at) => {
    if (letter === '$') return 's'
    if (letter === 'L') return letter
    // Between small letters I is l, and between capitals l is I.
    if (letter === 'I') return lowerCase.test(kept[at - 1] ?? '') ? stroke : letter
    if (letter === 'l') return isCapitals ? stroke : letter
    return foldedLetter(letter)
  })
  return Array.from(folded.join('').replaceAll('m', 'rn').replaceAll('vv', 'w'))
}

/** As UTS #39 has it; ASCII stays, and what is an ASCII letter or digit in another style becomes that. */
function shown(character: string): string {
  if (character <= '\u007f') return character
  const plain = darkLetters.get(character) ?? character.normalize('NFKD')
  if (isAsciiWord.test(plain)) return plain
  const prototype = prototypeOf(character)
  // A letter that looks like a digit is not one that stands for a letter.
  if (/\d/u.test(prototype)) return character
  if (prototype === character) return plain === character ? (smallCapitals.get(character) ?? character) : plain
  return Array.from(prototype, (one) => (one === 'l' ? stroke : (smallCapitals.get(one) ?? one))).join('')
}

const isAsciiWord = /^[A-Za-z\d]+$/u

function withoutAccents(text: string): string {
  let isAccented = true
  let bare = ''
  for (const character of text) {
    if (!mark.test(character)) isAccented = accented.test(character)
    else if (isAccented) continue
    bare += character
  }
  return bare
}

function isInCapitals(letters: readonly string[]): boolean {
  const capitals = letters.filter((letter) => upperCase.test(letter)).length
  return capitals > 1 && letters.every((letter) => letter === 'l' || !lowerCase.test(letter))
}

/** The small letter may look like another than the capital did. */
function foldedLetter(letter: string): string {
  return Array.from(caseFolded(letter), (one) => (one <= '\u007f' ? one : shown(one))).join('')
}
