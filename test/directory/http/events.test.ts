// The roster as a stream of events: at once, gathered, resumed, and never at the
// cost of a reader that is slow.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import { eventualMs } from '../../patience.ts'
import { identity } from '../../presence/records.ts'
import { ask, EventReader, rawConnection, shown } from './harness.ts'

const people = await Promise.all(Array.from({ length: 40 }, async (_, i) => identity(i + 1)))
const [anna, bob, carol] = people
if (anna === undefined || bob === undefined || carol === undefined) throw new TypeError('there are forty')

test('a reader gets the roster, then each change, with an id on each', async () => {
  const { roster, port } = await shown()
  roster.join(anna, 'anna')
  const reader = new EventReader(port)
  const snapshot = await reader.next('snapshot')
  expect(snapshot.id).toMatch(/^[0-9a-f]{12}-\d+$/u)
  expect(snapshot.data).toMatchObject({ network: 'test', directory: 'directory-1', more: false })
  if (snapshot.data['total'] === 0) await reader.next('changes')
  roster.join(bob, 'bob')
  const joined = await reader.next('changes')
  expect(joined.data).toMatchObject({ total: 2, gone: [], peers: [{ nickname: 'bob' }], recent: [{ what: 'joined' }] })
  expect(joined.id).not.toBe(snapshot.id)
  roster.leave(anna)
  expect((await reader.next('changes')).data).toMatchObject({ total: 1, gone: [anna.id], recent: [{ what: 'left' }] })
  roster.lose(bob)
  expect((await reader.next('changes')).data).toMatchObject({ total: 0, gone: [bob.id], recent: [{ what: 'lost' }] })
})

test('the first change is not kept back to be gathered with later ones', async () => {
  const { roster, port } = await shown({ coalesceMs: 2 * eventualMs })
  const reader = new EventReader(port)
  await reader.next('snapshot')
  roster.join(bob, 'bob')
  expect((await reader.next('changes')).data).toMatchObject({ total: 1 })
})

test('changes after the first are gathered', async () => {
  const { roster, port } = await shown({ coalesceMs: 60 })
  const reader = new EventReader(port)
  await reader.next('snapshot')
  for (const who of people) {
    roster.join(who, `peer of ${who.id}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const total = async (): Promise<unknown> => (await reader.next('changes')).data['total']
  while ((await total()) !== people.length);
  const changes = reader.events.filter(({ event }) => event === 'changes')
  expect(changes.length).toBeLessThan(6)
  expect(changes[0]?.data['total']).toBeLessThan(people.length)
})

test('a renewal, and a connection that came back, are no change', async () => {
  const { roster, port } = await shown()
  roster.join(anna, 'anna')
  const reader = new EventReader(port)
  await reader.next('snapshot')
  roster.emit(
    'change',
    roster.roster().map((entry) => ({ kind: 'changed', entry, was: entry }))
  )
  roster.join(bob, 'bob')
  for (;;) {
    const { data } = await reader.next('changes')
    const names = Array.isArray(data['peers']) ? data['peers'].map(({ nickname }) => nickname) : []
    if (names.includes('bob')) {
      expect(names).toEqual(names.includes('anna') ? ['anna', 'bob'] : ['bob'])
      return
    }
    expect(names).toEqual(['anna'])
  }
})

test('a reader that comes back goes on where it was', async () => {
  const { roster, port } = await shown()
  const first = new EventReader(port)
  await first.next('snapshot')
  roster.join(anna, 'anna')
  const { id = '' } = await first.next('changes')
  first.close()
  roster.join(bob, 'bob')
  for (const again of [
    new EventReader(port, '/api/events', { 'last-event-id': id }),
    new EventReader(port, `/api/events?after=${id}`)
  ]) {
    expect(await again.next()).toMatchObject({ event: 'changes', data: { peers: [{ nickname: 'bob' }], total: 2 } })
  }
})

test.each(['0123456789ab-1', 'nonsense', '-', '%0d%0a', '9'.repeat(5_000)])(
  'the id %s of nobody knows gets a snapshot',
  async (id) => {
    const { port } = await shown()
    const reader = new EventReader(port, `/api/events?after=${id}`)
    expect((await reader.next()).event).toBe('snapshot')
  }
)

test('a reader that missed more than is kept gets a snapshot', async () => {
  const { roster, port } = await shown({ limits: { logBatches: 2 }, coalesceMs: 1 })
  const first = new EventReader(port)
  const { id = '' } = await first.next('snapshot')
  for (const who of people.slice(0, 5)) {
    roster.join(who, 'somebody')
    await first.next('changes')
  }
  const again = new EventReader(port, `/api/events?after=${id}`)
  expect(await again.next()).toMatchObject({ event: 'snapshot', data: { total: 5 } })
})

test('a large roster comes in pages, and only the last has an id', async () => {
  const { roster, port } = await shown()
  for (const who of people) roster.join(who, 'n'.repeat(64), { status: 's'.repeat(3_000) })
  await eventually(async () => {
    const { body } = await ask(port, '/api/roster?limit=1')
    expect(JSON.parse(body)).toMatchObject({ total: people.length })
  })
  const reader = new EventReader(port)
  const pages = [await reader.next('snapshot')]
  while (pages.at(-1)?.data['more'] === true) pages.push(await reader.next('page'))
  expect(pages.length).toBeGreaterThan(1)
  expect(pages.map(({ id }) => id === undefined)).toEqual(pages.map((_, i) => i < pages.length - 1))
  const peers = pages.flatMap(({ data }) => (Array.isArray(data['peers']) ? data['peers'] : []))
  expect(new Set(peers.map(({ peer }) => peer))).toEqual(new Set(people.map(({ id }) => id)))
})

test('a sign of life comes when nothing else does', async () => {
  const { port } = await shown({ beatMs: 20 })
  const beganAtMs = Date.now()
  const reader = new EventReader(port)
  await reader.next('snapshot')
  expect((await reader.next('beat')).data['now']).toBeGreaterThan(beganAtMs - 5_000)
})

test('a reader that takes nothing is dropped, and costs the others nothing', async () => {
  const drops: number[] = []
  const metrics = {
    contentType: 'text/plain',
    text: async () => '',
    answered: () => undefined,
    streams: () => undefined,
    evicted: () => undefined,
    streamDropped: () => void drops.push(1)
  }
  const { roster, port } = await shown({ stallMs: 300, coalesceMs: 1, metrics })
  const quick = new EventReader(port)
  await quick.next('snapshot')
  const slow = await rawConnection(port)
  slow.write('GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await once(slow, 'data')
  slow.pause()
  const memoryBefore = process.memoryUsage().arrayBuffers
  // More than the buffers of two sockets hold.
  const status = 'x'.repeat(3_000)
  for (let round = 0; drops.length === 0 && round < 400; round++) {
    for (const who of people) roster.join(who, `name ${round}`, { status })
    await quick.next('changes')
  }
  await expect.poll(() => drops).toEqual([1])
  expect(process.memoryUsage().arrayBuffers - memoryBefore).toBeLessThan(32 * 1024 * 1024)
  roster.join(anna, 'the last word')
  for (;;) {
    const { data } = await quick.next('changes')
    if (JSON.stringify(data['peers']).includes('the last word')) break
  }
})
