import { expect, test } from 'vitest'
import { SearchPlan } from '../../src/share/index.ts'

const found = (...files: readonly string[]) => ({
  hits: files.map((file) => ({ path: `a/${file}`, sizeBytes: 1, modifiedAtMs: 1, file })),
  hasMore: false
})
const peers = Array.from({ length: 20 }, (_, at) => `peer-${at}`)
const many = Array.from({ length: 20 }, (_, at) => `file-${at}`)

test('three are asked first, and nobody else when they have enough', () => {
  const plan = new SearchPlan(peers)
  expect(plan.next()).toEqual(['peer-0', 'peer-1', 'peer-2'])
  plan.answered('peer-1', found(...many))
  expect(plan.next()).toEqual([])
  expect(plan.isOver).toBe(false)
  plan.answered('peer-0', found())
  plan.failed('peer-2')
  expect([plan.isOver, plan.answers, plan.failures, plan.hasMore]).toEqual([true, 2, 1, true])
})

test('more are asked until all were, a bounded number at a time', () => {
  const plan = new SearchPlan(peers)
  const asked: string[] = []
  let most = 0
  for (let waiting = [...plan.next()]; waiting.length > 0;) {
    most = Math.max(most, waiting.length)
    const peer = waiting.shift() ?? ''
    asked.push(peer)
    plan.answered(peer, found('same'))
    waiting.push(...plan.next())
  }
  expect(asked.toSorted()).toEqual(peers.toSorted())
  expect(most).toBeLessThanOrEqual(8)
  expect([plan.isOver, plan.hasMore]).toEqual([true, false])
})

test('one file of several peers is one hit with its sources; what differs in size is not the same', () => {
  const plan = new SearchPlan(['a', 'b', 'c'])
  plan.next()
  plan.answered('a', found('x', 'y'))
  plan.answered('b', found('x', 'x'))
  plan.answered('c', { hits: [{ path: 'z', sizeBytes: 2, modifiedAtMs: 1, file: 'x' }], hasMore: false })
  expect(plan.files()).toEqual([
    {
      file: 'x',
      sizeBytes: 1,
      sources: [
        { peer: 'a', path: 'a/x' },
        { peer: 'b', path: 'a/x' }
      ]
    },
    { file: 'y', sizeBytes: 1, sources: [{ peer: 'a', path: 'a/y' }] },
    { file: 'x', sizeBytes: 2, sources: [{ peer: 'c', path: 'z' }] }
  ])
})

test('a peer that answers first, with a wrong size, hides no file of others', () => {
  const plan = new SearchPlan(['liar', 'a', 'b'])
  plan.next()
  plan.answered('liar', { hits: [{ path: 'x', sizeBytes: 2, modifiedAtMs: 1, file: 'x' }], hasMore: false })
  plan.answered('a', found('x'))
  plan.answered('b', found('x'))
  expect(plan.files()[0]).toMatchObject({ sizeBytes: 1, sources: [{ peer: 'a' }, { peer: 'b' }] })
})

test('what was not asked is not counted, and no peer is counted twice', () => {
  const plan = new SearchPlan(['a'])
  plan.next()
  plan.answered('b', found('x'))
  plan.answered('a', found())
  plan.answered('a', found('x'))
  expect([plan.files(), plan.answers]).toEqual([[], 1])
})
