// What watchers of the whole roster are told when there are too many peers to
// tell of: all of the directory's own, and a fair part of the others.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RosterEntry } from '../../../src/presence/index.ts'
import { RosterWindow } from '../../../src/directory/server/roster-window.ts'
import { presence, identity } from '../../presence/records.ts'

const { peer: somebody } = await identity(1)
const bytes = 100

const entry = (peer: string, ...sources: readonly string[]): RosterEntry => {
  const record = { ...presence, peer: somebody, withdrawn: false }
  const attachments = sources.map((source) => ({ source, sinceMs: 0, expiresAtMs: Infinity, seq: 1n, lost: false }))
  return { peer, record: { record, envelope: new Uint8Array(bytes), payload: new Uint8Array() }, attachments }
}

/** Room for so many peers of other directories. */
const lab = (peers: number): RosterWindow =>
  new RosterWindow({ own: 'here', maxBytes: peers * bytes, holderOf: (source) => source.split('-')[0] ?? '' })

describe('the window of a roster', () => {
  it('tells of all while they fit', () => {
    const window = lab(10)
    for (let n = 0; n < 10; n++) expect([...window.update(`p${n}`, entry(`p${n}`, 'north'))]).toEqual([`p${n}`])
    expect(window.size).toBe(10)
  })

  it('tells of every own peer, whatever others have', () => {
    const window = lab(3)
    for (let n = 0; n < 50; n++) window.update(`f${n}`, entry(`f${n}`, 'north'))
    for (let n = 0; n < 50; n++) window.update(`o${n}`, entry(`o${n}`, 'here', 'north'))
    expect(Array.from({ length: 50 }, (_, n) => window.has(`o${n}`))).not.toContain(false)
    expect(window.size).toBe(53)
  })

  it('has the largest holder give way, and says whom watchers lose', () => {
    const window = lab(6)
    for (let n = 0; n < 20; n++) window.update(`m${n}`, entry(`m${n}`, n % 2 === 0 ? 'liar-1' : 'liar-2'))
    const moved = [...window.update('bob', entry('bob', 'north'))]
    expect(moved).toHaveLength(2)
    expect(window.has('bob')).toBe(true)
    expect(window.has(moved.find((peer) => peer !== 'bob') ?? '')).toBe(false)
    window.update('ada', entry('ada', 'north'))
    expect([window.has('ada'), window.size]).toEqual([true, 6])
  })

  it('tells of those that waited once there is room, the smallest holder first', () => {
    const window = lab(2)
    window.update('a', entry('a', 'north'))
    window.update('b', entry('b', 'south'))
    for (const peer of ['c', 'd', 'e']) window.update(peer, entry(peer, 'north'))
    expect(window.has('c')).toBe(false)
    expect([...window.update('a', undefined)]).toEqual(['a', 'c'])
    expect([...window.update('b', undefined)]).toEqual(['b', 'd'])
  })

  it('is never over its bound, and names every peer that comes or goes', () => {
    const step = fc.record({
      peer: fc.integer({ min: 0, max: 30 }).map((n) => `p${n}`),
      at: fc.constantFrom<(string | undefined)[]>('here', 'north', 'south', 'liar-1', 'liar-2', undefined)
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const window = lab(8)
        const on = new Map<string, string>()
        let told = new Set<string>()
        for (const { peer, at } of steps) {
          const moved = window.update(peer, at === undefined ? undefined : entry(peer, at))
          if (at === undefined) on.delete(peer)
          else on.set(peer, at)
          const now = new Set([...on.keys()].filter((one) => window.has(one)))
          for (const one of new Set([...told, ...now])) {
            if (told.has(one) !== now.has(one)) expect(moved).toContain(one)
          }
          for (const [one, source] of on) if (source === 'here') expect(window.has(one)).toBe(true)
          const foreign = [...on].filter(([, source]) => source !== 'here')
          expect(foreign.filter(([one]) => window.has(one))).toHaveLength(Math.min(8, foreign.length))
          told = now
        }
      })
    )
  })
})
