import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Roster } from '../../../src/presence/index.ts'
import type { RosterEntry } from '../../../src/presence/index.ts'
import { SortedRoster, difference } from '../../../src/directory/server/sorted-roster.ts'
import { identity, sealedBy } from '../../presence/records.ts'

async function entry(n: number, nickname: string, seq = 1n): Promise<RosterEntry> {
  const roster = new Roster()
  const who = await identity(n)
  roster.announce(await sealedBy(who, { nickname, seq }), { source: 'A', nowMs: 0 })
  const found = roster.get(who.id)
  if (found === undefined) throw new Error('not on the roster')
  return found
}

const everybody = await Promise.all(['bob', 'Ada', 'ada', 'Zoë', ''].map((name, n) => entry(n, name)))
const versions = [...everybody, ...(await Promise.all(everybody.map((_, n) => entry(n, `other${n}`, 2n))))]
const names = (entries: readonly RosterEntry[]) => entries.map(({ record }) => record.record.nickname)

const inOrder = (entries: readonly RosterEntry[]) => new SortedRoster(entries).entries

describe('what a watcher sees', () => {
  it('is found by a name in any case of any language, with or without invisible characters', async () => {
    const found = await Promise.all(['Straße', 'Işık', 'an\u00adna'].map((name, n) => entry(n, name)))
    const view = new SortedRoster(found)
    const seen = ['STRASSE', 'ışık', 'ANNA'].map((query) => names(view.page({ query, offset: 0, limit: 0 }).entries))
    expect(seen).toEqual([['Straße'], ['Işık'], ['an\u00adna']])
  })

  it('is in the order of names, whatever their case', () => {
    expect(names(inOrder(everybody)).map((name) => name.toLowerCase())).toEqual(['', 'ada', 'ada', 'bob', 'zoë'])
    expect(inOrder(everybody.toReversed())).toEqual(inOrder(everybody))
  })

  it('is a page of what matches, with the number of all that match', () => {
    const view = new SortedRoster(everybody)
    const page = view.page({ query: 'A', offset: 1, limit: 1 })
    expect([page.total, names(page.entries).map((name) => name.toLowerCase())]).toEqual([2, ['ada']])
    expect(view.page({ query: 'ZOË', offset: 0, limit: 0 }).total).toBe(1)
    expect(view.page({ query: '', offset: 9, limit: 5 })).toMatchObject({ entries: [], total: 5 })
    const peer = everybody[0]?.peer ?? ''
    expect(view.page({ query: peer.slice(0, 20), offset: 0, limit: 0 }).entries).toContain(everybody[0])
  })

  it('is after any changes what it would be if it were made anew, and has a new version when it differs', () => {
    const ranges = ['', 'a', 'O', 'zz', 'b'].flatMap((query) => [
      { query, offset: 0, limit: 0 },
      { query, offset: 1, limit: 2 }
    ])
    const change = fc.record({ n: fc.nat(everybody.length - 1), to: fc.constantFrom('gone', 'first', 'second') })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const view = new SortedRoster(everybody.slice(0, 2))
        const held = new Map(everybody.slice(0, 2).map((one) => [one.peer, one]))
        for (const { n, to } of changes) {
          const before = ranges.map((range) => view.page(range))
          const next = to === 'gone' ? undefined : versions[to === 'first' ? n : n + everybody.length]
          const peer = everybody[n]?.peer ?? ''
          if (next === undefined) held.delete(peer)
          else held.set(peer, next)
          view.update(peer, next)
          const fresh = new SortedRoster([...held.values()])
          for (const [i, range] of ranges.entries()) {
            const { version, ...page } = view.page(range)
            const { version: _version, ...wanted } = fresh.page(range)
            expect(page).toEqual(wanted)
            const was = before[i]
            if (version === was?.version) expect(page).toEqual({ entries: was.entries, total: was.total })
          }
        }
      })
    )
  })

  it('is brought from any state to any other by the difference between them', () => {
    const view = fc
      .uniqueArray(fc.constantFrom(...versions), { selector: ({ peer }) => peer })
      .map((entries) => inOrder(entries))
    fc.assert(
      fc.property(view, view, (before, after) => {
        const { entries, removed } = difference(before, after)
        const held = new Map(before.map((one) => [one.peer, one.record]))
        for (const one of entries) held.set(one.peer, one.record)
        for (const one of removed) held.delete(one.peer)
        expect(held).toEqual(new Map(after.map((one) => [one.peer, one.record])))
        expect(entries.every((one) => !before.includes(one))).toBe(true)
      })
    )
  })
})
