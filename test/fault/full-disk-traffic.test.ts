// What a full disk at the receiver costs the network and the people: a few tries after ever longer waits, on a connection
// that stays, each of no more than may be under way without a receipt; and one notice. When there is room all arrives, once and in order. Real
// processes, whose bytes are counted on a network card of their own: mounts and namespaces need root on Linux.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Lan, whyNoNamespaces, type NetHost } from '../netns/lan.ts'
import { MAX_UNCONFIRMED_BYTES } from '../../src/chat-protocol/send-window.ts'
import { FULL_DISK_BACKOFF } from '../../src/node/messaging/disk-room.ts'
import { JsonParley, randomNetwork, type ParleyEvent } from './json-parley.ts'
import { canMount, fillUp, makeRoom, mountSmallDisk, unmountAll } from './mounts.ts'

/** Before the wait grows beyond twice the first one's longest. */
const tries = 4
const longerWaitMs = 2 * FULL_DISK_BACKOFF.firstMs
const texts = 100
/** Together more than may be under way, so that each try has as much to send as it may. */
const textLength = 20_000
/** A handshake, frames, and what the protocols below add. */
const bytesOfATry = 1.3 * MAX_UNCONFIRMED_BYTES

const whyNot = canMount() ? await whyNoNamespaces() : 'mount needs root'
let lan: Lan
let folder: string
let running: JsonParley[]

beforeEach(async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  lan = await Lan.create({ hosts: 2 })
  folder = await mkdtemp(join(tmpdir(), 'parley-traffic-'))
  running = []
})

afterEach(async () => {
  if (whyNot !== undefined) return
  await Promise.all(running.map(async (parley) => parley.stop()))
  unmountAll()
  await rm(folder, { recursive: true })
  await lan.remove()
})

test('a full disk at the receiver makes few tries, little traffic and one notice; with room all arrives once', async () => {
  const [annaHost, bertaHost] = [lan.host(0), lan.host(1)]
  const home = join(folder, 'berta')
  mountSmallDisk(home, '3m')
  const network = randomNetwork()
  const start = async (name: string, host: NetHost, ...args: readonly string[]): Promise<JsonParley> => {
    const place = { home: join(folder, name), wrapper: host.wrapper, secluded: false }
    const parley = await JsonParley.start({ ...place, network, args: ['--host', host.address, '--no-mdns', ...args] })
    running.push(parley)
    return parley
  }
  const [anna, berta] = await Promise.all([
    start('anna', annaHost),
    start('berta', bertaHost, '--accept', 'all', '--min-free', 'none')
  ])
  const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
  await anna.do({ do: 'open', peer: await berta.address() })
  await anna.do({ do: 'send', peer: bertaId, text: 'before' })
  await anna.untilDelivered(1)

  fillUp(home)
  const sentBefore = await sentBytes(annaHost)
  const said = Array.from({ length: texts }, (_, n) => `${n} ${'x'.repeat(textLength)}`)
  anna.tell(said.map((text) => ({ do: 'send', peer: bertaId, text })))
  const refusals = (): readonly ParleyEvent[] => anna.events.filter(({ event }) => event === 'refused')
  // The third wait is the first that can be so long.
  await anna.until('a longer wait', () => refusals().find(({ retryAfterMs }) => Number(retryAfterMs) > longerWaitMs))
  expect((await sentBytes(annaHost)) - sentBefore).toBeLessThan(tries * bytesOfATry)
  expect(anna.conversationStates(bertaId)).not.toContain('waiting')
  expect(berta.events.filter(({ event }) => event === 'notice')).toEqual([
    expect.objectContaining({ code: 'disk', text: expect.stringMatching(/is full.*make room/u) })
  ])

  makeRoom(home, '64m')
  await anna.untilDelivered(1 + texts)
  const arrived = await berta.textsWith(annaId, 'accepted')
  expect(arrived.map(beginning)).toEqual(['before', ...said].map(beginning))
})

/** All that differs, for a failure that can be read. */
const beginning = (text: unknown): string => String(text).slice(0, 10)

/** What has left by the card of a host since it was made. */
async function sentBytes({ wrapper: [ip = '', ...inNamespace] }: NetHost): Promise<number> {
  const counter = ['cat', '/sys/class/net/eth0/statistics/tx_bytes']
  const { stdout } = await promisify(execFile)(ip, [...inNamespace, ...counter])
  return Number(stdout)
}
