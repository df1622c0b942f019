import { describe, expect, test } from 'vitest'
import type { RosterRow } from '../../../src/node/api/chat-events.ts'
import {
  MAX_NAMESAKES_LOOKED_AT,
  MAX_REMEMBERED_SHAPES,
  MAX_REPORTED_NAMESAKES,
  NAMESAKE_NOTICE_RATE,
  KnownNames,
  NamesakeWatch,
  NamesAround,
  NameShapes,
  readContactName
} from '../../../src/node/peers/known-names.ts'
import { shortId } from '../../../src/lib/index.ts'
import type { Contact } from '../../../src/storage/index.ts'
import { row } from '../../cli/fake-node.ts'

function contact(peer: string, name: string, verified = false): Contact {
  return { peer, name, sinceMs: 1, addresses: [], ...(verified ? { verified: { sinceMs: 2 } } : {}) }
}

describe('the owner of a name', () => {
  const bob = contact('bob-id', 'Bob')
  const names = new KnownNames({ contacts: [bob], self: { peer: 'own-id', nickname: 'anna' } })

  test.each(['Bob', 'bob', 'BOB', 'Ｂｏｂ', 'B\u200bo\u202eb', 'b\u043eb', '\u0412\u041e\u0412', '\u0392\u03bfb'])(
    '%s is the name of the contact, whoever else has it',
    (name) => {
      expect(names.ownerOf('other-id', name)).toMatchObject({
        peer: 'bob-id',
        name: 'Bob',
        verified: false,
        own: false
      })
      expect(names.ownerOf('bob-id', name)).toBeUndefined()
    }
  )

  test.each(['vict0r', 'v1ctor', 'victor\u2800', 'víctor', 'victor.', 'vᎥctor', 'vıctor', 'vIctor'])(
    '%s may be taken for victor, and is marked',
    (name) => {
      const known = new KnownNames({ contacts: [contact('victor-id', 'victor')] })
      expect(known.ownerOf('other-id', name)).toMatchObject({ peer: 'victor-id', name: 'victor' })
    }
  )

  test('is found letter by letter, not by a name’s key alone', () => {
    const known = new KnownNames({ contacts: [contact('lise-id', 'Lise'), contact('ilse-id', 'Ilse')] })
    expect(known.ownerOf('other-id', 'llse')).toMatchObject({ peer: 'ilse-id' })
    expect(known.ownerOf('other-id', 'L1se')).toMatchObject({ peer: 'lise-id' })
    expect(known.ownerOf('ilse-id', 'Ilse')).toBeUndefined()
  })

  test('is the same when a name’s shape was forgotten and is computed again', () => {
    const shapes = new NameShapes()
    const known = new KnownNames({ contacts: [bob], shapes })
    for (let i = 0; i < MAX_REMEMBERED_SHAPES + 10; i++) shapes.of(`peer ${i}`)
    expect(known.ownerOf('other-id', 'b0b')).toMatchObject({ peer: 'bob-id' })
  })

  test('is the contact whose short ID stands in the name', () => {
    const peer = '12D3KooWAnnaaaaaH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'
    const known = new KnownNames({ contacts: [contact(peer, 'anna')] })
    for (const name of ['Ada (AnnaaaaaH4L3)', 'xAnnaaaaaH4L3', peer]) {
      expect(known.ownerOf('other-id', name), name).toMatchObject({ peer, name: 'anna' })
    }
    // With a Cyrillic а and Н, fullwidth, split by a space, with a mark, and with a stroke.
    for (const name of [
      'Ada (Annаaaaa\u041d4L3)',
      'Ａｎｎａａａａａ𝖧４L3',
      'Annaaa aaH4L3',
      'Ann\u0301aaaaaH4L3',
      'AnnaaaaaH4Ⅼ3'
    ]) {
      expect(known.ownerOf('other-id', name), name).toMatchObject({ peer, name: 'anna' })
    }
    expect(known.ownerOf('other-id', 'Ada (AnnaaaaaH4L)')).toBeUndefined()
    expect(known.ownerOf(peer, 'anna (AnnaaaaaH4L3)')).toBeUndefined()
  })

  test('is a renamed contact for both its names', () => {
    const known = new KnownNames({ contacts: [{ ...contact('bob-id', 'Mill'), claimedName: 'bob' }] })
    expect(known.ownerOf('other-id', 'b0b')).toMatchObject({ peer: 'bob-id', name: 'Mill' })
    expect(known.ownerOf('other-id', 'mill')).toMatchObject({ peer: 'bob-id', name: 'Mill' })
    expect(known.ownerOf('bob-id', 'bob')).toBeUndefined()
  })

  test('does not depend on case, whatever the letters look like', () => {
    for (const [name, other] of [
      ['Νίκος', 'νίκος'],
      ['Μαρία', 'ΜΑΡΊΑ'],
      ['Μαρία', 'μαρια'],
      ['Əli', 'əli'],
      ['Ɓello', 'ɓello'],
      ['Işık', 'isik']
    ] as const) {
      const known = new KnownNames({ contacts: [contact('own', name)] })
      expect(known.ownerOf('other', other), other).toMatchObject({ peer: 'own' })
    }
  })

  test('is found for each letter that looks like a Latin one', () => {
    const known = new KnownNames({ contacts: [contact('own', 'aeopcyxijsdhlqw aivopu')] })
    expect(known.ownerOf('other', 'аеорсухіјѕԁһӏԛԝ αινορυ')).toMatchObject({ peer: 'own' })
    const capitals = new KnownNames({ contacts: [contact('own', 'ABEKMHOPCTYXIJSQW ABEZHIKMNOPTYX')] })
    expect(capitals.ownerOf('other', 'АВЕКМНОРСТУХІЈЅԚԜ ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ')).toMatchObject({ peer: 'own' })
    expect(known.ownerOf('other', 'вов')).toBeUndefined()
  })

  test('does not exist for another name, or an empty one', () => {
    expect(names.ownerOf('other-id', 'bert')).toBeUndefined()
    expect(names.ownerOf('other-id', '')).toBeUndefined()
  })

  test('is the user for the own name, unless the node only looks', () => {
    expect(names.ownerOf('other-id', 'Anna')).toMatchObject({ peer: 'own-id', own: true })
    expect(names.ownerOf('own-id', 'anna')).toBeUndefined()
    expect(new KnownNames({ contacts: [] }).ownerOf('other-id', 'anna')).toBeUndefined()
  })

  test('is the first of two contacts with one name, else the verified one; if both are verified, neither is marked', () => {
    const twin = { ...contact('twin-id', 'bob'), sinceMs: 9 }
    const unverified = new KnownNames({ contacts: [twin, bob] })
    expect(unverified.ownerOf('twin-id', 'bob')).toMatchObject({ peer: 'bob-id', verified: false })
    expect(unverified.ownerOf('bob-id', 'Bob')).toBeUndefined()
    const both = new KnownNames({ contacts: [contact('twin-id', 'bob', true), contact('bob-id', 'Bob', true)] })
    expect([both.ownerOf('twin-id', 'bob'), both.ownerOf('bob-id', 'bob')]).toEqual([undefined, undefined])
    const checked = { ...contact('bob-id', 'Bob', true), sinceMs: 20 }
    for (const contacts of [
      [checked, twin],
      [twin, checked]
    ]) {
      const known = new KnownNames({ contacts })
      expect(known.ownerOf('twin-id', 'bob')).toMatchObject({ peer: 'bob-id', verified: true })
      expect(known.ownerOf('bob-id', 'bob')).toBeUndefined()
      expect(known.ownerOf('other-id', 'bob')).toMatchObject({ peer: 'bob-id' })
    }
  })

  test('does not change when another contact takes the name: that one is a namesake', () => {
    const known = new KnownNames({ contacts: [bob, contact('carl-id', 'carl')] })
    expect(known.ownerOf('carl-id', 'bob')).toMatchObject({ peer: 'bob-id' })
    expect(known.ownerOf('carl-id', 'carl')).toBeUndefined()
  })
})

describe('namesakes', () => {
  const owner = { peer: 'bob-id', name: 'bob', shortId: 'bob-id', verified: true, own: false }
  const namesake = (peer: string, fields: Partial<RosterRow> = {}): RosterRow =>
    row('bob', { peer, sameNameAs: owner, ...fields })

  test('are reported once for each new key, with both keys', () => {
    const watch = new NamesakeWatch(0)
    const [notice, ...more] = watch.look([namesake('one')], 0)
    expect(notice).toMatchObject({ code: 'key-changed', by: 'name', peer: 'one', was: 'bob-id', verified: true })
    expect(notice?.text).toContain('bob (bobID) is not your verified contact bob (bob-id): it has another key.')
    expect(more).toEqual([])
    expect(watch.look([namesake('one')], 1)).toEqual([])
    expect(watch.look([namesake('two')], 1)).toHaveLength(1)
  })

  test('are not reported when they are blocked, were chosen, use the user’s own name, or no known name', () => {
    const own = namesake('two', { sameNameAs: { ...owner, own: true } })
    const chosen = namesake('three', { contact: true, sameNameAs: { ...owner, verified: false } })
    const watch = new NamesakeWatch(0)
    expect(watch.look([namesake('one', { blocked: true }), own, chosen, row('bob')], 0)).toEqual([])
    expect(watch.look([namesake('three', { contact: true })], 0)).toHaveLength(1)
  })

  test('are reported at a pace when there are many, the rest later', () => {
    const watch = new NamesakeWatch(0)
    const crowd = Array.from({ length: 100 }, (_, i) => namesake(`peer${i}`))
    expect(watch.look(crowd, 0)).toHaveLength(NAMESAKE_NOTICE_RATE.burst)
    expect(watch.look(crowd, 1000)).toEqual([])
    expect(watch.look(crowd, 1000 / NAMESAKE_NOTICE_RATE.perSecond)).toHaveLength(1)
  })

  test('are forgotten, the oldest first, when there are too many', () => {
    const watch = new NamesakeWatch(0)
    const stepMs = 1000 / NAMESAKE_NOTICE_RATE.perSecond
    for (let i = 0; i <= MAX_REPORTED_NAMESAKES; i++)
      expect(watch.look([namesake(`p${i}`)], i * stepMs)).toHaveLength(1)
    const laterMs = (MAX_REPORTED_NAMESAKES + 10) * stepMs
    expect(watch.look([namesake('p2')], laterMs)).toEqual([])
    expect(watch.look([namesake('p0')], laterMs)).toHaveLength(1)
  })
})

describe('the name that the user gives a contact', () => {
  const [bob, eve] = [
    '12D3KooWBobbbbbbH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP',
    '12D3KooWEveeeeeH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFQ'
  ]
  const self = { peer: '12D3KooWAnnaaaaaH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFR', nickname: 'anna' }
  const known = {
    contacts: [
      { peer: bob, name: 'Robert', claimedName: 'bob', addresses: [], sinceMs: 1 },
      { peer: eve, name: 'eve', addresses: [], sinceMs: 2 }
    ],
    self
  }

  test.each([
    'Robert',
    'ＲＯＢＥＲＴ',
    'R0bert',
    'Rob\u200bert',
    '🅡🅞🅑🅔🅡🅣',
    'Rоbеrt',
    'ℛobert',
    shortId(bob),
    `eve (${shortId(bob)})`
  ])('%s reads as another contact', (name) => {
    expect(() => readContactName(name, eve, known)).toThrow(/^your contact Robert \(\w+\) has that name or ID/u)
  })

  test.each(['anna', 'Ａｎｎａ', 'Аnnа'])('%s reads as the user', (name) => {
    expect(() => readContactName(name, eve, known)).toThrow(/^you have that name or ID, or one that looks like it/u)
  })

  test('a contact may get any other name: its own in another form, and what a renamed contact calls itself', () => {
    for (const name of ['Eve', 'Ｅｖｅ', 'bob', 'Ilse']) expect(readContactName(name, eve, known)).toBe(name)
    expect(readContactName(' ', eve, known)).toBeUndefined()
  })
})

describe('two visible peers whose names look alike', () => {
  test('are each other’s namesakes, in either order, until one has gone', () => {
    const around = new NamesAround(new NameShapes())
    expect(around.set('first', 'victor')).toEqual([])
    expect(around.namesakeOf('first', 'victor')).toBeUndefined()
    expect(around.set('second', 'v1ctor')).toEqual(['first'])
    expect(around.namesakeOf('first', 'victor')).toBe('second')
    expect(around.namesakeOf('second', 'v1ctor')).toBe('first')
    expect(around.set('second', 'v1ctor')).toEqual([])
    expect(around.set('second', 'wanda')).toEqual(['first'])
    expect(around.namesakeOf('first', 'victor')).toBeUndefined()
    around.set('second', 'Victor')
    expect(around.delete('second')).toEqual(['first'])
    expect(around.delete('second')).toEqual([])
  })

  test('are compared letter by letter, not by their keys alone', () => {
    const around = new NamesAround(new NameShapes())
    around.set('lise', 'Lise')
    around.set('ilse', 'Ilse')
    expect(around.namesakeOf('lise', 'Lise')).toBeUndefined()
  })

  test('are reported once, also in capitals that look like other letters', () => {
    const around = new NamesAround(new NameShapes())
    around.set('small', 'νίκος')
    expect(around.set('capital', 'Νίκος')).toEqual(['small'])
    expect(around.namesakeOf('small', 'νίκος')).toBe('capital')
    around.set('lise', 'Lise')
    expect(around.set('LISE', 'LISE')).toEqual(['lise'])
    expect(around.delete('LISE')).toEqual(['lise'])
    expect(around.delete('capital')).toEqual(['small'])
    expect(around.namesakeOf('small', 'νίκος')).toBeUndefined()
  })

  test('are all marked in a crowd under one name, at a bounded cost', () => {
    const around = new NamesAround(new NameShapes())
    const marked = Array.from({ length: 1000 }, (_, n) => around.set(`peer ${n}`, 'bob'))
    // The first two are reported to each other; later ones change nothing for those before.
    expect(marked.flat()).toEqual(['peer 0'])
    for (let n = 0; n < 1000; n += 99) expect(around.namesakeOf(`peer ${n}`, 'bob')).toMatch(/^peer [01]$/u)
    const unlike = new NamesAround(new NameShapes())
    for (let n = 0; n < MAX_NAMESAKES_LOOKED_AT; n++) unlike.set(`peer ${n}`, 'Lise')
    unlike.set('last', '1lse')
    expect(unlike.namesakeOf('other', 'Ilse')).toBeUndefined()
  })

  test('do not include invisible names', () => {
    const around = new NamesAround(new NameShapes())
    around.set('one', '\u200b')
    around.set('other', '')
    expect(around.namesakeOf('one', '\u200b')).toBeUndefined()
  })
})
