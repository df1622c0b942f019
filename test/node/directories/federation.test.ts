// Directories that share one roster: real directory nodes and peers on loopback.
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { node } from '../../directory/nodes.ts'
import { until } from '../../eventually.ts'
import { DIRECTORY_PROTOCOL } from '../../../src/directory/index.ts'
import { DIRECTORY_LOST_MS, OLD_EPOCH_MS } from '../../../src/directory/federation/state/known-directory.ts'
import type { ChatNode } from '../../../src/node/index.ts'
import type { DirectoryNode } from '../../../src/node/server/index.ts'
import { names, Network, placeOf } from '../network.ts'

/** The peers on a directory's roster, with the directories at which each is attached. */
function roster(directory: DirectoryNode): Record<string, readonly string[]> {
  return Object.fromEntries(directory.roster().map(({ nickname, via }) => [nickname, via.map((one) => one.directory)]))
}

function has(directory: DirectoryNode, ...wanted: readonly string[]): boolean {
  return Object.keys(roster(directory)).toSorted().join() === wanted.toSorted().join()
}

async function at(network: Network, name: string, ...directories: readonly DirectoryNode[]): Promise<ChatNode> {
  return network.peer(name, { directory: directories.map(placeOf) })
}

/** Three directories; the outer two know only the one in the middle by name. */
async function three(network: Network): Promise<[DirectoryNode, DirectoryNode, DirectoryNode]> {
  const b = await network.directory()
  const a = await network.directory(0, { join: [placeOf(b)] })
  const c = await network.directory(0, { join: [placeOf(b)] })
  await until(() => [a, b, c].every((one) => one.federationPeers().length === 2), 'all to be joined with all')
  return [a, b, c]
}

/** Everything that a directory's terminal would show. */
function terminal(directory: DirectoryNode): string[] {
  const lines: string[] = []
  for (const event of ['ready', 'left', 'lost'] as const) {
    directory.addEventListener(event, ({ detail }) => lines.push(`${event} ${detail.nickname}`))
  }
  for (const event of ['directory-joined', 'directory-left', 'directory-lost', 'directory-refused'] as const) {
    directory.addEventListener(event, ({ detail }) => lines.push(`${event} ${detail.shortId}`))
  }
  return lines
}

/** The states of a roster from now on, recorded at each change. */
function watched(client: ChatNode): string[] {
  const seen = [names(client).toSorted().join(' ')]
  client.events.addEventListener('roster', () => {
    const now = names(client).toSorted().join(' ')
    if (seen.at(-1) !== now) seen.push(now)
  })
  return seen
}

test.concurrent('a peer that is announced at one directory is on the rosters of all, with the directory at which it is attached', async () => {
  await using network = await Network.create()
  const [a, b, c] = await three(network)
  const anna = await at(network, 'anna', a)
  await until(() => has(a, 'anna') && has(b, 'anna') && has(c, 'anna'), 'anna everywhere')
  expect(roster(c)).toEqual({ anna: [a.peerId] })
  const carl = await at(network, 'carl', c)
  await until(() => names(anna).includes('carl') && names(carl).includes('anna'), 'both to see each other')
  await anna.stop()
  await until(() => has(b, 'carl') && has(c, 'carl'), 'anna to have left everywhere')
})

test.concurrent('a terminal shows the peers that are attached there, and the federation peers', async () => {
  await using network = await Network.create()
  const a = await network.directory()
  const lines = terminal(a)
  const b = await network.directory(0, { join: [placeOf(a)] })
  await until(() => a.federationPeers().length === 1, 'b')
  const anna = await at(network, 'anna', a)
  const bert = await at(network, 'bert', b)
  await until(() => has(a, 'anna', 'bert'), 'both')
  await Promise.all([anna.stop(), bert.stop()])
  await until(() => has(a), 'nobody')
  await b.stop()
  await until(() => a.federationPeers().length === 0, 'b to be gone')
  expect(lines).toEqual([`directory-joined ${b.shortId}`, 'ready anna', 'left anna', `directory-left ${b.shortId}`])
})

test.concurrent('a directory that is ending, and waits for its clients to leave, reports nobody as lost', async ({
  onTestFinished
}) => {
  await using network = await Network.create()
  const a = await network.directory()
  const b = await network.directory(0, { join: [placeOf(a)] })
  await until(() => a.federationPeers().length === 1, 'b')
  const client = await node({}, { onTestFinished })
  const stays = await client.dialProtocol(multiaddr(`/ip4/127.0.0.1/tcp/${a.port}`), DIRECTORY_PROTOCOL)
  const welcomed = Promise.withResolvers<void>()
  stays.addEventListener('message', () => welcomed.resolve(), { once: true })
  await welcomed.promise
  const lines = terminal(a)
  await Promise.all([a.stop(), b.stop()])
  expect(lines).toEqual([])
})

test.concurrent('when the directory in the middle dies, the others go on without it', async () => {
  await using network = await Network.create()
  const [a, b, c] = await three(network)
  await b.stop()
  await at(network, 'anna', a)
  await until(() => has(c, 'anna'), 'anna at the other end')
})

test.concurrent('attachments end soon after their directory, and at once for peers that are attached elsewhere', async () => {
  await using network = await Network.create()
  const [a, b, c] = await three(network)
  const anna = await at(network, 'anna', a, c)
  const bert = await at(network, 'bert', b)
  await until(() => roster(b)['anna']?.length === 2 && names(bert).includes('anna'), 'anna at two directories')
  const seen = watched(bert)
  const startMs = performance.now()
  await a.stop()
  await until(() => roster(b)['anna']?.length === 1, 'the attachment to end')
  expect(performance.now() - startMs).toBeGreaterThan(2_000)
  expect(seen).toEqual([names(bert).toSorted().join(' ')])
  await anna.stop()
  await until(() => has(b, 'bert'), 'anna to have left')
})

test.concurrent('no peer flickers when a directory restarts with its key', async () => {
  await using network = await Network.create()
  const [a, b] = await three(network)
  await at(network, 'anna', a)
  const bert = await at(network, 'bert', b)
  await until(() => names(bert).includes('anna'), 'anna')
  let [again, seen, awayMs] = [a, watched(bert), Infinity]
  // Its attachments stand this long; on a busy machine the restart may take longer.
  while (awayMs > DIRECTORY_LOST_MS) {
    await until(() => names(bert).includes('anna'), 'anna')
    seen = watched(bert)
    const stoppedAtMs = performance.now()
    await again.stop()
    again = await network.directory(a.port, { join: [placeOf(b)] })
    expect(again.peerId).toBe(a.peerId)
    await until(() => has(again, 'anna', 'bert'), 'both at the new one')
    awayMs = performance.now() - stoppedAtMs
  }
  // Time passes until no statement of the old life counts.
  await new Promise((resolve) => setTimeout(resolve, OLD_EPOCH_MS + 1_000))
  expect(seen.map((one) => one.split(' ').includes('anna'))).not.toContain(false)
  expect(roster(b)).toEqual({ anna: [a.peerId], bert: [b.peerId] })
})

test.concurrent('two halves that have lived apart become one roster', async () => {
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
  await until(() => [a, b, c, d, e].every((one) => has(one, ...all)), 'one roster')
  await anna.stop()
  await until(() => [a, b, c, d, e].every((one) => has(one, 'bert', 'carl', 'dora')), 'anna to have left')
})

test.concurrent('a directory of another network is refused, and both sides report it once', async () => {
  await using network = await Network.create()
  await using other = await Network.create()
  const a = await network.directory()
  const lines = terminal(a)
  const b = await other.directory()
  const c = await other.directory(0, { join: [placeOf(a), placeOf(b)] })
  const theirs = terminal(c)
  const refusedThere = (): string[] => theirs.filter((line) => line.startsWith('directory-refused'))
  await until(() => lines.length > 0 && refusedThere().length > 0, 'the refusal on both sides')
  await until(() => c.federationPeers().length === 1, 'the directory of its own network')
  expect(lines).toEqual([`directory-refused ${c.shortId}`])
  expect(refusedThere()).toEqual([`directory-refused ${a.shortId}`])
  expect(a.federationPeers()).toEqual([])
})

test.concurrent('a directory that should join itself, or another one twice, is joined with each other one once', async () => {
  await using network = await Network.create()
  const a = await network.directory()
  const port = a.port
  const b = await network.directory(0, {
    join: [placeOf(a), String(port), `/ip4/127.0.0.1/tcp/${port}/p2p/${a.peerId}`]
  })
  await until(() => b.federationPeers().length === 1, 'a')
  // Meanwhile the other attempts have ended too.
  await at(network, 'anna', a)
  await at(network, 'bert', b)
  await until(() => has(a, 'anna', 'bert') && has(b, 'anna', 'bert'), 'both at both')
  expect([a.federationPeers(), b.federationPeers()]).toEqual([[b.peerId], [a.peerId]])
  await b.stop()
  const again = await network.directory(b.port, { join: [placeOf(b), placeOf(a)] })
  await until(() => again.federationPeers().length === 1 && a.federationPeers().length === 1, 'each other')
})
