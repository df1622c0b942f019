import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { NoWayThroughError } from '../../../src/direct/index.ts'
import { Backoff } from '../../../src/lib/index.ts'
import { BETTER_PATH_BACKOFF, BetterPaths } from '../../../src/node/messaging/better-paths.ts'

const peer = 'somebody'
const relayed = at('/p2p/12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2/p2p-circuit')
const direct = at('/ip4/11.22.33.44/tcp/4001')
const punched = at('/ip4/11.22.33.44/udp/40123')
const lan = at('/ip4/192.168.1.7/tcp/4001')
const dayMs = 24 * 60 * 60 * 1000

let open: Connection[]
let session: Connection | undefined
let own: Connection | undefined
/** What a dial reaches. */
let reached: Connection | undefined
/** What comes through the routers. */
let through: Connection | undefined
/** How long a dial takes. */
let dialMs: number
/** A punch has no end. */
let isPunchEndless: boolean
let mayDial: boolean
let dials: number
let punches: number[]
let moves: Connection[]
let superseded: number
let logged: unknown[]
let paths: BetterPaths

beforeEach(() => {
  vi.useFakeTimers()
  open = [relayed]
  session = own = relayed
  reached = through = undefined
  dialMs = 0
  punches = []
  isPunchEndless = false
  mayDial = true
  dials = superseded = 0
  moves = []
  logged = []
  paths = new BetterPaths({
    carriers: () => ({ session, own }),
    connection: () => open.at(-1),
    connectBetter: async () => {
      dials++
      if (dialMs > 0) await new Promise((resolve) => setTimeout(resolve, dialMs))
      if (reached === undefined) throw new Error('nothing answers')
      open.push(reached)
      return reached
    },
    punch: async () => {
      punches.push(Date.now())
      if (isPunchEndless) await new Promise(() => undefined)
      if (through === undefined) throw new NoWayThroughError('both-vary')
      open.push(through)
      return through
    },
    mayDial: () => mayDial,
    whyNotStrangers: 'a stranger',
    move: async (connection) => {
      moves.push(connection)
      session = own = connection
    },
    closeSuperseded: () => superseded,
    backoff: () => new Backoff(BETTER_PATH_BACKOFF, () => 0),
    now: Date.now
  })
})

afterEach(async () => {
  await paths.stop()
  vi.useRealTimers()
})

test('a relayed session is dialled directly, and moves to what answers', async () => {
  reached = direct
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect([dials, moves]).toEqual([1, [direct]])
  await vi.advanceTimersByTimeAsync(dayMs)
  expect(dials).toBe(1)
})

test('where no address answers, a path is made through the routers at once', async () => {
  through = punched
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect([dials, punches.length, moves]).toEqual([1, 1, [punched]])
})

test('while addresses are dialled it is made beside them, and what they reach later is used if it is better', async () => {
  through = punched
  reached = lan
  dialMs = 4_000
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(200)
  expect(punches).toHaveLength(0)
  await vi.advanceTimersByTimeAsync(100)
  expect(moves).toEqual([punched])
  await vi.advanceTimersByTimeAsync(4_000)
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(moves).toEqual([punched, lan])
})

test('a dial that succeeds spares it, and so does one that a stranger would learn of', async () => {
  reached = lan
  dialMs = 100
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(punches).toHaveLength(0)
  open = [relayed]
  session = own = relayed
  mayDial = false
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(punches).toHaveLength(0)
})

test('after a direct path is lost, another is looked for at once, whatever failed before', async () => {
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(dayMs)
  through = punched
  await vi.advanceTimersByTimeAsync(BETTER_PATH_BACKOFF.maxMs)
  expect(moves).toEqual([punched])
  open = [relayed]
  session = own = relayed
  punches = []
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(punches).toHaveLength(1)
})

test('without an answer it is dialled less and less often, and again at news, which no flood of news makes frequent', async () => {
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(dayMs)
  const everyFiveMinutes = dayMs / BETTER_PATH_BACKOFF.maxMs
  expect(dials).toBeGreaterThan(everyFiveMinutes)
  expect(dials).toBeLessThan(everyFiveMinutes + 20)

  const before = dials
  for (let i = 0; i < 600; i++) {
    paths.look(peer)
    paths.lookAll()
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(dials - before).toBeGreaterThan(10)
  expect(dials - before).toBeLessThan(40)
})

test('why there is no better path is logged', async () => {
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(logged).toEqual([new Error('nothing answers'), new NoWayThroughError('both-vary')])
})

test('it says why a conversation is still relayed, when that was tried, and when it is tried again', async () => {
  const startMs = Date.now()
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(1_000)
  const why = 'both routers choose another port for each destination (symmetric)'
  expect(paths.whyRelayed(peer)).toEqual({
    why,
    triedAtMs: startMs,
    retryAtMs: startMs + BETTER_PATH_BACKOFF.firstMs
  })
  mayDial = false
  expect(paths.whyRelayed(peer)?.why).toBe('a stranger')
  open.push(direct)
  expect(paths.whyRelayed(peer)).toBeUndefined()
})

test('a connection that the peer has made is used without a dial', async () => {
  mayDial = false
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  open.push(lan)
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect([dials, moves]).toEqual([0, [lan]])
})

test('one that it makes while a try is under way is used at once, without the end of the try', async () => {
  isPunchEndless = true
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(1_000)
  expect([punches.length, moves]).toEqual([1, []])
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(moves).toEqual([])
  open.push(punched)
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(moves).toEqual([punched])
})

test('a session on a direct path moves to the LAN, and never to what is no better', async () => {
  session = own = direct
  open = [direct, at('/ip4/11.22.33.44/tcp/4002')]
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(moves).toEqual([])
  open.push(lan)
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect([dials, moves]).toEqual([0, [lan]])
})

test('a relayed connection that is still in use is looked at until it is not', async () => {
  superseded = 1
  session = own = direct
  open = [direct]
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  superseded = 0
  await vi.advanceTimersByTimeAsync(BETTER_PATH_BACKOFF.maxMs)
  expect(vi.getTimerCount()).toBe(0)
})

test('nothing is looked for without a session, nor after the stop', async () => {
  session = undefined
  paths.look(peer)
  expect(vi.getTimerCount()).toBe(0)
  session = relayed
  paths.look(peer)
  await vi.advanceTimersByTimeAsync(0)
  await paths.stop()
  const before = dials
  await vi.advanceTimersByTimeAsync(dayMs)
  expect(dials).toBe(before)
})

function at(address: string): Connection {
  const log = (_: string, why: unknown): unknown => logged.push(why)
  return { remoteAddr: multiaddr(address), log } as unknown as Connection
}
