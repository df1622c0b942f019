import { expect, test } from 'vitest'
import { PaceQueue, RelayPace, RELAY_PIECE_BYTES } from '../../src/relay/server/relay-pace.ts'

const piece = RELAY_PIECE_BYTES

/** A queue whose pieces say when they passed. */
function queue(perSecond: number, ofPeer = { burst: 1_000 * piece, perSecond: 1_000 * piece }) {
  const paced = new PaceQueue(perSecond, 0, ofPeer)
  const passed: string[] = []
  const add = (peer: string, holder = peer, bytes = piece): void =>
    paced.add({ peer, holder, bytes, go: () => passed.push(peer) })
  return { paced, passed, add }
}

test('what the limits allow passes at once, and nothing is left to wait for', () => {
  const { paced, passed, add } = queue(Infinity)
  add('anna')
  add('bob')
  expect(paced.pass(0)).toBe(Infinity)
  expect(passed).toEqual(['anna', 'bob'])
})

test('a newcomer waits for one piece of another holder at most, however much that one has waiting', () => {
  const { paced, passed, add } = queue(piece)
  for (let n = 0; n < 10; n++) add('greedy')
  expect(paced.pass(0)).toBe(1_000)
  add('anna')
  expect(paced.pass(1_000)).toBe(2_000)
  paced.pass(2_000)
  expect(passed).toEqual(['greedy', 'greedy', 'anna'])
})

test('a line does not wait behind a large piece that waits for the rate of all, of its own holder or another', () => {
  const { paced, passed, add } = queue(piece)
  add('greedy', 'one house')
  add('greedy', 'one house')
  expect(paced.pass(0)).toBe(1_000)
  add('anna', 'one house', 100)
  add('carl', 'elsewhere', 100)
  // In 10 ms 163 bytes pass.
  expect(paced.pass(10)).toBe(13)
  expect(passed).toEqual(['greedy', 'anna'])
  expect(paced.pass(13)).toBe(1_013)
  expect(passed).toEqual(['greedy', 'anna', 'carl'])
  paced.pass(1_013)
  expect(passed).toEqual(['greedy', 'anna', 'carl', 'greedy'])
})

test('small pieces of one holder, however many, keep a large one waiting for a moment only', () => {
  const { paced, passed, add } = queue(128 * 1_024)
  for (let n = 0; n < 8; n++) add('full bucket', 'elsewhere')
  paced.pass(0)
  add('anna')
  let nowMs = 0
  while (!passed.includes('anna')) {
    add('small', 'crowd', 1_024)
    paced.pass(++nowMs)
  }
  // What may overtake at once takes a second of the rate of all, of which the crowd has half from then on.
  expect(nowMs).toBeGreaterThan(1_000)
  expect(nowMs).toBeLessThan(1_500)
})

test('small pieces of many holders together overtake with half of the rate of all, shared among them', () => {
  const { paced, passed, add } = queue(128 * 1_024)
  for (let n = 0; n < 8; n++) add('full bucket', 'elsewhere')
  paced.pass(0)
  const holders = Array.from({ length: 8 }, (_, n) => `crowd ${n}`)
  const again = (holder: string): void => (holder === 'anna' ? add('anna') : add(holder, holder, 1_024))
  for (const holder of ['anna', ...holders]) again(holder)
  passed.length = 0
  for (let nowMs = 1; nowMs <= 10_000; nowMs++) {
    const before = passed.length
    paced.pass(nowMs)
    for (const holder of passed.slice(before)) again(holder)
  }
  const counts = Map.groupBy(passed, (one) => one)
  const kib = (holder: string): number => (counts.get(holder)?.length ?? 0) * (holder === 'anna' ? 16 : 1)
  // In ten seconds 1,280 KiB pass: the half that is left takes turns by pieces, of which those of anna are two thirds.
  expect(kib('anna')).toBeGreaterThan(350)
  for (const holder of holders) expect(kib(holder)).toBeGreaterThan(80)
})

test('many peers of one holder share its turn', () => {
  const { paced, passed, add } = queue(piece)
  for (let n = 0; n < 5; n++) add(`sybil${n}`, '203.0.113.7')
  add('anna', '198.51.100.1')
  for (let second = 0; second < 3; second++) paced.pass(second * 1_000)
  expect(passed).toEqual(['sybil0', 'anna', 'sybil1'])
})

test('two sybils that relay to each other, both ways, get no more than the share of their network', () => {
  const { paced, passed, add } = queue(piece)
  for (let n = 0; n < 5; n++) {
    add('sybil1', '203.0.113.7')
    add('sybil2', '203.0.113.7')
    add('anna', '198.51.100.1')
    add('bob', '192.0.2.44')
  }
  for (let second = 0; second < 9; second++) paced.pass(second * 1_000)
  const share = (...peers: string[]): number => passed.filter((one) => peers.includes(one)).length
  expect([share('sybil1', 'sybil2'), share('anna'), share('bob')]).toEqual([3, 3, 3])
})

test('a peer that has used up its own rate holds nobody else back, not even of its holder', () => {
  const { paced, passed, add } = queue(Infinity, { burst: piece, perSecond: piece })
  add('greedy', 'one house')
  add('greedy', 'one house')
  add('anna', 'one house')
  expect(paced.pass(0)).toBe(1_000)
  expect(passed).toEqual(['greedy', 'anna'])
  paced.pass(1_000)
  expect(passed).toEqual(['greedy', 'anna', 'greedy'])
})

test('a rate below one piece a second lets pieces pass all the same', () => {
  const { paced, passed, add } = queue(1)
  add('anna')
  expect(paced.pass(0)).toBe(Infinity)
  expect(passed).toEqual(['anna'])
})

test('the piece of a circuit that has ended takes no turn from others', async () => {
  let nowMs = 0
  const pace = new RelayPace(piece, () => nowMs)
  const of = { peer: 'anna', to: 'bob', holder: 'one house', bytes: piece }
  const ended = new AbortController()
  await pace.take({ ...of, signal: ended.signal })
  const ofEnded = pace.take({ ...of, signal: ended.signal })
  ended.abort(new Error('the circuit ended'))
  await expect(ofEnded).rejects.toThrow('the circuit ended')
  nowMs = 1_000
  await pace.take({ ...of, signal: new AbortController().signal })
  pace.stop()
})

test('tiny pieces of many senders together come to a peer more slowly than it allows', async () => {
  let nowMs = 0
  const pace = new RelayPace(Infinity, () => nowMs)
  const { signal } = new AbortController()
  const tiny = (peer: string, to: string) => pace.take({ peer, to, holder: peer, bytes: 1, signal })
  for (let n = 0; n < 512; n++) await Promise.all([tiny('anna', 'bob'), tiny('carl', 'bob')])
  let hasPassed = false
  const next = tiny('anna', 'bob').then(() => (hasPassed = true))
  await tiny('anna', 'dora')
  expect(hasPassed).toBe(false)
  nowMs = 1_000
  await next
  pace.stop()
})

test('at the end everything passes', () => {
  const { paced, passed, add } = queue(piece)
  for (const peer of ['anna', 'bob', 'carl']) add(peer)
  paced.pass(0)
  paced.release()
  expect(passed.toSorted()).toEqual(['anna', 'bob', 'carl'])
  expect(paced.pass(0)).toBe(Infinity)
})
