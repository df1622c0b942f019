// Directories that share one roster: real directory nodes and peers on loopback.
import { expect, test } from 'vitest'
import type { ChatNode, DirectoryNode } from '../../src/node/index.ts'
import { until } from '../directory/nodes.ts'
import { names, Network, placeOf } from './network.ts'

/** Who is on the roster of a directory, with the directories at which each is attached. */
function roster(directory: DirectoryNode): Record<string, readonly string[]> {
  return Object.fromEntries(directory.roster().map(({ nickname, via }) => [nickname, via.map((one) => one.directory)]))
}

function has(directory: DirectoryNode, ...wanted: readonly string[]): boolean {
  return Object.keys(roster(directory)).toSorted().join() === wanted.toSorted().join()
}

async function at(network: Network, name: string, ...directories: readonly DirectoryNode[]): Promise<ChatNode> {
  return network.peer(name, { directory: directories.map(placeOf) })
}

/** Three directories of which only the one in the middle was named by the others. */
async function three(network: Network): Promise<[DirectoryNode, DirectoryNode, DirectoryNode]> {
  const b = await network.directory()
  const a = await network.directory(0, { join: [placeOf(b)] })
  const c = await network.directory(0, { join: [placeOf(b)] })
  await until(() => [a, b, c].every((one) => one.fellows().length === 2), 'all to be joined with all')
  return [a, b, c]
}

/** Everything that a directory's terminal would show. */
function terminal(directory: DirectoryNode): string[] {
  const lines: string[] = []
  for (const event of ['ready', 'left', 'lost'] as const) {
    directory.addEventListener(event, ({ detail }) => lines.push(`${event} ${detail.nickname}`))
  }
  for (const event of ['directory-joined', 'directory-lost', 'directory-refused'] as const) {
    directory.addEventListener(event, ({ detail }) => lines.push(`${event} ${detail.shortId}`))
  }
  return lines
}

/** The states of a roster from now on, looked at each time that anything changes. */
function watched(client: ChatNode): string[] {
  const seen = [names(client).toSorted().join(' ')]
  client.addEventListener('roster', () => {
    const now = names(client).toSorted().join(' ')
    if (seen.at(-1) !== now) seen.push(now)
  })
  return seen
}

test('a peer that is announced at one directory is on the rosters of all, and says where it is attached', async () => {
  await using network = await Network.create()
  const [a, b, c] = await three(network)
  const anna = await at(network, 'anna', a)
  await until(() => has(a, 'anna') && has(b, 'anna') && has(c, 'anna'), 'anna everywhere', 1_000)
  expect(roster(c)).toEqual({ anna: [a.peerId] })
  const carl = await at(network, 'carl', c)
  await until(() => names(anna).includes('carl') && names(carl).includes('anna'), 'both to see each other', 1_000)
  await anna.stop()
  await until(() => has(b, 'carl') && has(c, 'carl'), 'anna to have left everywhere', 1_000)
})

test('a terminal tells of the peers that are attached there, and of fellow directories', async () => {
  await using network = await Network.create()
  const a = await network.directory()
  const lines = terminal(a)
  const b = await network.directory(0, { join: [placeOf(a)] })
  await until(() => a.fellows().length === 1, 'b')
  const anna = await at(network, 'anna', a)
  const bert = await at(network, 'bert', b)
  await until(() => has(a, 'anna', 'bert'), 'both')
  await Promise.all([anna.stop(), bert.stop()])
  await until(() => has(a), 'nobody')
  await b.stop()
  await until(() => a.fellows().length === 0, 'b to be gone')
  expect(lines).toEqual([`directory-joined ${b.shortId}`, 'ready anna', 'left anna', `directory-lost ${b.shortId}`])
})

test('when the directory in the middle dies, the others go on without it', async () => {
  await using network = await Network.create()
  const [a, b, c] = await three(network)
  await b.stop()
  await at(network, 'anna', a)
  await until(() => has(c, 'anna'), 'anna at the other end', 1_000)
})

test('what a directory had attached ends soon after it, and at once where its peers are attached elsewhere', async () => {
  await using network = await Network.create()
  const [a, b, c] = await three(network)
  const anna = await at(network, 'anna', a, c)
  const bert = await at(network, 'bert', b)
  await until(() => roster(b)['anna']?.length === 2 && names(bert).includes('anna'), 'anna at two directories')
  const seen = watched(bert)
  const startMs = performance.now()
  await a.stop()
  await until(() => roster(b)['anna']?.length === 1, 'the attachment to end', 4_500)
  expect(performance.now() - startMs).toBeGreaterThan(2_000)
  expect(seen).toEqual([names(bert).toSorted().join(' ')])
  await anna.stop()
  await until(() => has(b, 'bert'), 'anna to have left')
}, 15_000)

test('a directory that is restarted with its key makes nobody flicker', async () => {
  await using network = await Network.create()
  const [a, b] = await three(network)
  await at(network, 'anna', a)
  const bert = await at(network, 'bert', b)
  await until(() => names(bert).includes('anna'), 'anna')
  const seen = watched(bert)
  const { port } = a
  await a.stop()
  const again = await network.directory(port, { join: [placeOf(b)] })
  expect(again.peerId).toBe(a.peerId)
  await until(() => has(again, 'anna', 'bert'), 'both at the new one')
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  expect(seen.map((one) => one.split(' ').includes('anna'))).not.toContain(false)
  expect(roster(b)).toEqual({ anna: [a.peerId], bert: [b.peerId] })
}, 20_000)

test('two halves that have lived apart become one roster', async () => {
  await using network = await Network.create()
  const a = await network.directory()
  const c = await network.directory()
  const b = await network.directory(0, { join: [placeOf(a)] })
  const d = await network.directory(0, { join: [placeOf(c)] })
  const [anna] = await Promise.all([at(network, 'anna', a), at(network, 'bert', b)])
  await Promise.all([at(network, 'carl', c), at(network, 'dora', d)])
  await until(() => has(b, 'anna', 'bert') && has(c, 'carl', 'dora'), 'two rosters')
  const e = await network.directory(0, { join: [placeOf(b), placeOf(d)] })
  const all = ['anna', 'bert', 'carl', 'dora']
  await until(() => [a, b, c, d, e].every((one) => has(one, ...all)), 'one roster', 3_000)
  await anna.stop()
  await until(() => [a, b, c, d, e].every((one) => has(one, 'bert', 'carl', 'dora')), 'anna to have left', 1_000)
})

test('a directory of another network is refused, and said so once on both sides', async () => {
  await using network = await Network.create()
  await using other = await Network.create()
  const a = await network.directory()
  const lines = terminal(a)
  const b = await other.directory()
  const c = await other.directory(0, { join: [placeOf(a), placeOf(b)] })
  const theirs = terminal(c)
  await until(() => lines.length > 0 && c.fellows().length === 1, 'the refusal')
  expect(lines).toEqual([`directory-refused ${c.shortId}`])
  expect(theirs.filter((line) => line.startsWith('directory-refused'))).toEqual([`directory-refused ${a.shortId}`])
  expect(a.fellows()).toEqual([])
})

test('a directory that is told to join itself, or one twice, is joined with each other one once', async () => {
  await using network = await Network.create()
  const a = await network.directory()
  const port = a.port
  const b = await network.directory(0, {
    join: [placeOf(a), String(port), `/ip4/127.0.0.1/tcp/${port}/p2p/${a.peerId}`]
  })
  await until(() => b.fellows().length === 1, 'a')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect([a.fellows(), b.fellows()]).toEqual([[b.peerId], [a.peerId]])
  await b.stop()
  const again = await network.directory(b.port, { join: [placeOf(b), placeOf(a)] })
  await until(() => again.fellows().length === 1 && a.fellows().length === 1, 'each other')
})
