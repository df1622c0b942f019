import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Roster } from '../../src/directory/index.ts'
import type { RosterEntry } from '../../src/directory/index.ts'
import { difference, inOrder, pageOf } from '../../src/directory/watch-view.ts'
import { identity, sealedBy } from './records.ts'

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

describe('what a watcher sees', () => {
  it('is in the order of names, whatever their case', () => {
    expect(names(inOrder(everybody)).map((name) => name.toLowerCase())).toEqual(['', 'ada', 'ada', 'bob', 'zoë'])
    expect(inOrder(everybody.toReversed())).toEqual(inOrder(everybody))
  })

  it('is a page of what matches, with the number of all that match', () => {
    const ordered = inOrder(everybody)
    const page = pageOf(ordered, { query: 'A', offset: 1, limit: 1 })
    expect([page.total, names(page.entries).map((name) => name.toLowerCase())]).toEqual([2, ['ada']])
    expect(pageOf(ordered, { query: 'ZOË', offset: 0, limit: 0 }).total).toBe(1)
    expect(pageOf(ordered, { query: '', offset: 9, limit: 5 })).toEqual({ entries: [], total: 5 })
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
