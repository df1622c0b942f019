import { describe, expect, test } from 'vitest'
import type { RosterRow } from '../../src/node/chat-events.ts'
import { MAX_REMEMBERED_SHAPES, MAX_TOLD_NAMESAKES, NAMESAKE_NOTICE_RATE } from '../../src/node/constants.ts'
import { KnownNames, NamesakeWatch, NameShapes } from '../../src/node/known-names.ts'
import type { Contact } from '../../src/storage/index.ts'
import { row } from '../cli/fake-node.ts'

function contact(peer: string, name: string, verified = false): Contact {
  return { peer, name, sinceMs: 1, addresses: [], ...(verified ? { verified: { sinceMs: 2 } } : {}) }
}

describe('whose name somebody uses', () => {
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

  test('of names with one key only the one that looks alike is meant', () => {
    const known = new KnownNames({ contacts: [contact('lise-id', 'Lise'), contact('ilse-id', 'Ilse')] })
    expect(known.ownerOf('other-id', 'llse')).toMatchObject({ peer: 'ilse-id' })
    expect(known.ownerOf('other-id', 'L1se')).toMatchObject({ peer: 'lise-id' })
    expect(known.ownerOf('ilse-id', 'Ilse')).toBeUndefined()
  })

  test('shapes of more names than are remembered are worked out again, and names compare as before', () => {
    const shapes = new NameShapes()
    const known = new KnownNames({ contacts: [bob], shapes })
    for (let i = 0; i < MAX_REMEMBERED_SHAPES + 10; i++) shapes.of(`peer ${i}`)
    expect(known.ownerOf('other-id', 'b0b')).toMatchObject({ peer: 'bob-id' })
  })

  test('each letter that looks like a Latin one has its own', () => {
    const known = new KnownNames({ contacts: [contact('own', 'aeopcyxijsdhlqw aivopu')] })
    expect(known.ownerOf('other', 'аеорсухіјѕԁһӏԛԝ αινορυ')).toMatchObject({ peer: 'own' })
    const capitals = new KnownNames({ contacts: [contact('own', 'ABEKMHOPCTYXIJSQW ABEZHIKMNOPTYX')] })
    expect(capitals.ownerOf('other', 'АВЕКМНОРСТУХІЈЅԚԜ ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ')).toMatchObject({ peer: 'own' })
    expect(known.ownerOf('other', 'вов')).toBeUndefined()
  })

  test('another name, and none, is nobody’s', () => {
    expect(names.ownerOf('other-id', 'bert')).toBeUndefined()
    expect(names.ownerOf('other-id', '')).toBeUndefined()
  })

  test('one’s own name is one’s own, unless one has no name there', () => {
    expect(names.ownerOf('other-id', 'Anna')).toMatchObject({ peer: 'own-id', own: true })
    expect(names.ownerOf('own-id', 'anna')).toBeUndefined()
    expect(new KnownNames({ contacts: [] }).ownerOf('other-id', 'anna')).toBeUndefined()
  })

  test('of two contacts with one name the first is its owner, until one is verified; when both are, neither is marked', () => {
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

  test('a contact that takes the name of another contact is a namesake like any other', () => {
    const known = new KnownNames({ contacts: [bob, contact('carl-id', 'carl')] })
    expect(known.ownerOf('carl-id', 'bob')).toMatchObject({ peer: 'bob-id' })
    expect(known.ownerOf('carl-id', 'carl')).toBeUndefined()
  })
})

describe('namesakes', () => {
  const owner = { peer: 'bob-id', name: 'bob', shortId: 'bob-id', verified: true, own: false }
  const namesake = (peer: string, fields: Partial<RosterRow> = {}): RosterRow =>
    row('bob', { peer, sameNameAs: owner, ...fields })

  test('are told once for each new key, with both keys', () => {
    const watch = new NamesakeWatch(0)
    const [notice, ...more] = watch.look([namesake('one')], 0)
    expect(notice).toMatchObject({ code: 'key-changed', by: 'name', peer: 'one', was: 'bob-id', verified: true })
    expect(notice?.text).toContain('bob (bobID) is not your verified contact bob (bob-id): it has another key.')
    expect(more).toEqual([])
    expect(watch.look([namesake('one')], 1)).toEqual([])
    expect(watch.look([namesake('two')], 1)).toHaveLength(1)
  })

  test('are not told when they are blocked, were chosen, or use one’s own name, or nobody’s', () => {
    const own = namesake('two', { sameNameAs: { ...owner, own: true } })
    const chosen = namesake('three', { contact: true, sameNameAs: { ...owner, verified: false } })
    const watch = new NamesakeWatch(0)
    expect(watch.look([namesake('one', { blocked: true }), own, chosen, row('bob')], 0)).toEqual([])
    expect(watch.look([namesake('three', { contact: true })], 0)).toHaveLength(1)
  })

  test('in masses are told at a pace, and those left out when there is room', () => {
    const watch = new NamesakeWatch(0)
    const crowd = Array.from({ length: 100 }, (_, i) => namesake(`peer${i}`))
    expect(watch.look(crowd, 0)).toHaveLength(NAMESAKE_NOTICE_RATE.burst)
    expect(watch.look(crowd, 1000)).toEqual([])
    expect(watch.look(crowd, 1000 / NAMESAKE_NOTICE_RATE.perSecond)).toHaveLength(1)
  })

  test('are forgotten, the oldest first, when there are too many to remember', () => {
    const watch = new NamesakeWatch(0)
    const stepMs = 1000 / NAMESAKE_NOTICE_RATE.perSecond
    for (let i = 0; i <= MAX_TOLD_NAMESAKES; i++) expect(watch.look([namesake(`p${i}`)], i * stepMs)).toHaveLength(1)
    const laterMs = (MAX_TOLD_NAMESAKES + 10) * stepMs
    expect(watch.look([namesake('p2')], laterMs)).toEqual([])
    expect(watch.look([namesake('p0')], laterMs)).toHaveLength(1)
  })
})
