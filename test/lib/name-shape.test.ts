// Whether one name may be taken for another: all that a reader can't tell apart,
// and as little else as possible.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { looksAlike, nameShape } from '../../src/lib/index.ts'

const alike = (one: string, other: string): boolean => looksAlike(nameShape(one), nameShape(other))

describe('names that may be taken for victor', () => {
  test.each([
    ['zero for o', 'vict0r'],
    ['one for i', 'v1ctor'],
    ['a braille pattern without a dot', 'victor\u2800'],
    ['a zero-width space', 'vic\u200btor'],
    ['a Hangul filler', '\u3164victor\u115f'],
    ['an accent', 'víctor'],
    ['a stroke through a letter', 'vic\u0336tor'],
    ['a full stop', 'victor.'],
    ['a check mark', 'victor ✔'],
    ['an emoji', '🔥victor🔥'],
    ['spaces', ' v i c t o r '],
    ['underscores', '_victor_'],
    ['a Cherokee letter', 'vᎥctor'],
    ['an i without a dot', 'vıctor'],
    ['a capital I', 'vIctor'],
    ['an l among capitals', 'VlCTOR'],
    ['capitals', 'VICTOR'],
    ['a stroke', 'v|ctor'],
    ['an exclamation mark', 'v!ctor'],
    ['small capitals', 'ᴠɪᴄᴛᴏʀ'],
    ['mathematical letters', '𝓿𝓲𝓬𝓽𝓸𝓻'],
    ['fullwidth letters', 'ｖｉｃｔｏｒ'],
    ['letters in circles', 'ⓥⓘⓒⓣⓞⓡ'],
    ['letters on dark circles', '🅥🅘🅒🅣🅞🅡'],
    ['letters on dark squares', '🆅🅸🅲🆃🅾🆁'],
    ['Cyrillic letters', 'ѵісtоr'],
    ['Greek letters', 'νictοr']
  ])('by %s', (_, name) => {
    expect(alike(name, 'victor')).toBe(true)
    expect(alike('victor', name)).toBe(true)
    expect(alike(name, 'victoria')).toBe(false)
  })

  test.each([
    ['alice', 'aIice'],
    ['alice', 'a1ice'],
    ['ALICE', 'aIice'],
    ['paul', 'pau|'],
    ['carmen', 'carrnen'],
    ['wanda', 'vvanda'],
    ['sam', '$am'],
    ['bob', 'вов'],
    ['Bob', 'ВОВ'],
    ['hanna', 'h@nna'],
    ['Strauss', 'Strauß'],
    ['أحمد', 'احمد']
  ])('nor can %s and %s be told apart', (one, other) => expect(alike(one, other)).toBe(true))
})

/** Common first names of many languages, and names as people give them to machines. */
const names = [
  ...'Ada Adam Agnes Ali Alan Albert Alex Alice Alina Amir Ana Anders Andrea Andrew Anita Anja Anna Anne Anton Ara'.split(
    ' '
  ),
  ...'Ben Bella Bernd Bert Bettina Bill Björn Bob Boris Brian Carl Carla Carlos Carmen Cem Chen Chloe Clara Claudia'.split(
    ' '
  ),
  ...'Dan Dana Daniel David Dara Denis Diego Dieter Dora Eli Elena Elia Ella Elsa Emil Emily Emma Eric Erik Esther Eva'.split(
    ' '
  ),
  ...'Felix Fiona Frank Fritz Gabi Georg Gina Greta Gustav Hanna Hannes Hans Heike Heinz Helen Helga Hugo Ian Ida Igor'.split(
    ' '
  ),
  ...'Ilse Ina Ines Ingo Inge Ira Irene Iris Isa Ivan Jack Jakob Jan Jana Jane Jean Jens Jim Joan Joe John Jon Jose Juan'.split(
    ' '
  ),
  ...'Kai Karl Kate Katja Kim Klaus Kurt Lan Lara Lars Lea Lena Leo Leon Lia Lisa Lise Lola Lorenz Luca Lucia Luis Luna'.split(
    ' '
  ),
  ...'Mara Marc Maria Mark Marta Martin Mary Max Maya Mia Milan Mila Milla Mina Mohamed Mona Nadia Nele Nina Noah Nora'.split(
    ' '
  ),
  ...'Ole Olga Omar Oscar Otto Pablo Paul Paula Peter Petra Pia Quentin Rainer Ralf Rob Robert Rosa Ruth Sam Sara Silke'.split(
    ' '
  ),
  ...'Simon Sofia Sven Tanja Tim Tina Tom Tomas Uli Ulla Ute Uwe Vera Victor Viktor Vincent Walter Wanda Xaver Yara Zoe'.split(
    ' '
  ),
  ...'Анна Антон Борис Вера Виктор Галина Дарья Дмитрий Ева Елена Иван Ирина Кирилл Лена Маша Миша Нина Ольга Павел Рита'.split(
    ' '
  ),
  ...'Αλέξης Γιάννης Δήμητρα Ελένη Κώστας Μαρία Νίκος Σοφία'.split(' '),
  ...'محمد محمود أحمد فاطمة علي عمر ليلى سارة حسن حسين خالد'.split(' '),
  ...'דוד דנה יעל משה נועה רחל שרה תמר'.split(' '),
  ...'अमित अनिता रमा राम रवि रीता सीता सुनील'.split(' '),
  ...'田中 中田 山田 山本 本山 さくら さくな かな がな はる ばる ぱる'.split(' '),
  ...'김민수 김민서 이지은 이지운 박서준 최유리'.split(' '),
  ...'สมชาย สมหญิง มานี มานะ'.split(' '),
  ...'node1 node2 node3 node4 node5 node6 node7 node8 node9 peer-a peer-b build-01 build-02 🔥 🐟 👍 *** ---'.split(' ')
]

describe('two names', () => {
  test('that people have are told apart, every pair of them', () => {
    const shapes = names.map((name) => ({ name, shape: nameShape(name) }))
    const taken = shapes.flatMap(({ name, shape }, at) =>
      shapes.slice(at + 1).flatMap((other) => (looksAlike(shape, other.shape) ? [`${name} ${other.name}`] : []))
    )
    // A pair that even Unicode says can't be told apart would stand here.
    expect(taken).toEqual([])
  })

  test('that differ in what is seen are told apart', () => {
    const pairs = [
      ['Bob', 'Rob'],
      ['Anna', 'Hanna'],
      ['Lise', 'Ilse'],
      ['LISE', 'ILSE'],
      ['Ian', 'Lan'],
      ['Elia', 'Ella'],
      ['Al', 'Ai'],
      ['peer6', 'peer8'],
      ['agent1', 'agent7']
    ]
    for (const [one = '', other = ''] of pairs)
      expect(`${one} ${other} ${alike(one, other)}`).toBe(`${one} ${other} false`)
  })

  test('look alike in both directions, each is like itself, and any text has a shape', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...names))
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(alike(one, one)).toBe(true)
        expect(alike(one, other)).toBe(alike(other, one))
        expect(alike(one.toWellFormed().toUpperCase().normalize('NFD'), one.toUpperCase())).toBe(true)
      })
    )
  })
})
