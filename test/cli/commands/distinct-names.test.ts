// Names of the history as text shows them, where two peers have the same.
import { expect, test } from 'vitest'
import { distinctNames } from '../../../src/cli/commands/history.ts'
import { type HistorySource } from '../../../src/cli/control/running-profile.ts'
import { shortId } from '../../../src/node/settings.ts'

const [bob, impostor, carol] = ['12D3KooWAAAAAAAAbob', '12D3KooWBBBBBBBBimp', '12D3KooWCCCCCCCCcar']
const names = new Map([
  [bob, 'bob'],
  [impostor, 'bob'],
  [carol, 'carol']
])

function source(peers: readonly string[]): HistorySource {
  const conversations = peers.map((peer) => ({ peer }))
  return {
    history: { conversations: async () => conversations },
    name: (peer: string) => names.get(peer) ?? ''
  } as unknown as HistorySource // Nothing else of it is asked for.
}

test('where two have one name the ID stands with it, and nowhere else', async () => {
  const name = await distinctNames(source([bob, impostor, carol]))
  expect([bob, impostor, carol].map(name)).toEqual([`bob (${shortId(bob)})`, `bob (${shortId(impostor)})`, 'carol'])
})

test('a name that only one peer has needs no ID', async () => {
  const name = await distinctNames(source([bob, carol]))
  expect([bob, carol].map(name)).toEqual(['bob', 'carol'])
})
