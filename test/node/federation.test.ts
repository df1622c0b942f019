// Directories that share one roster: real directory nodes and peers on loopback.
import { expect, test } from 'vitest'
import type { ChatNode, DirectoryNode } from '../../src/node/index.ts'
import { until } from '../directory/nodes.ts'
import { Network, placeOf } from './network.ts'

/** Who is on the roster of a directory, with the directories at which each is attached. */
function roster(directory: DirectoryNode): Record<string, readonly string[]> {
  return Object.fromEntries(directory.roster().map(({ nickname, via }) => [nickname, via.map((one) => one.directory)]))
}

function on(directory: DirectoryNode, ...names: readonly string[]): boolean {
  return Object.keys(roster(directory)).toSorted().join() === names.toSorted().join()
}

async function at(network: Network, name: string, directory: DirectoryNode): Promise<ChatNode> {
  return network.peer(name, { directory: [placeOf(directory)] })
}

test('a peer that is announced at one directory is on the rosters of all that were joined', async () => {
  await using network = await Network.create()
  const a = await network.directory()
  const b = await network.directory(0, { join: [placeOf(a)] })
  const c = await network.directory(0, { join: [placeOf(b)] })
  await until(() => a.fellows().length === 2 && c.fellows().length === 2, 'all to know all')
  const startMs = performance.now()
  await at(network, 'anna', a)
  await until(() => on(a, 'anna'), 'anna at a')
  const aMs = performance.now()
  await until(() => on(b, 'anna') && on(c, 'anna'), 'anna everywhere')
  console.log('a', aMs - startMs, 'b, c', performance.now() - aMs)
  expect(roster(c)).toEqual({ anna: [a.peerId] })
})
