import { peerIdFromString } from '@libp2p/peer-id'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { elected, preferredOpener } from '../../src/wire/election.ts'
import type { Opener } from '../../src/wire/election.ts'

const [smaller, larger] = [
  '12D3KooWCtp1AcgBnzq3K9tb1r7MyMbuKjyk8KyfLw7tSGkwCXuy',
  '12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK'
].map((id) => peerIdFromString(id))

test('streams of the peer with the smaller ID go before those of the other', () => {
  if (smaller === undefined || larger === undefined) throw new Error('two IDs')
  expect(preferredOpener(smaller, larger)).toBe('us')
  expect(preferredOpener(larger, smaller)).toBe('them')
})

test('both sides elect the same stream, whichever they saw first', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.constantFrom<Opener>('us', 'them'), (here, there, preferred) => {
      const seenHere = [
        { stream: 1, openedBy: 'us' },
        { stream: 2, openedBy: 'them' }
      ] as const
      const seenThere = [
        { stream: 1, openedBy: 'them' },
        { stream: 2, openedBy: 'us' }
      ] as const
      const oneHere = elected(here ? seenHere : seenHere.toReversed(), preferred)
      const oneThere = elected(there ? seenThere : seenThere.toReversed(), preferred === 'us' ? 'them' : 'us')
      expect(oneHere?.stream).toBe(oneThere?.stream)
      expect(oneHere?.openedBy).toBe(preferred)
    })
  )
})

test('without a stream of the preferred side the first of the other is elected, and none of none', () => {
  expect(elected([{ openedBy: 'them', id: 1 } as const, { openedBy: 'them', id: 2 } as const], 'us')?.id).toBe(1)
  expect(elected([], 'us')).toBeUndefined()
})
