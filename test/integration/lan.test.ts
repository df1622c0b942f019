// Two peers on a LAN without any directory: they see each other, lose each
// other and find each other again, and a conversation outlives a cable that is
// cut. Real commands in network namespaces; where there can be none, it says so.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JsonParley, patienceMs, randomNetwork, type ParleyEvent } from '../fault/json-parley.ts'
import { Lan, whyNoNamespaces, type NetHost } from '../netns/lan.ts'
import { untilListening } from '../netns/listening.ts'
import { HostProgram } from '../netns/host-program.ts'

/** What a roster promises on a LAN: a peer is seen, gone and lost within these times. */
const seenWithinMs = 2_000
const goneWithinMs = 1_000
const lostWithinMs = 15_000
const cutForMs = 20_000
/** The same port on both: each finds itself behind the other's loopback address, and must not be misled by that. */
const port = 4001

const whyNot = await whyNoNamespaces()
let lan: Lan | undefined
let network = ''
let running: JsonParley[] = []

beforeEach(({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  network = randomNetwork()
})

afterEach(async () => {
  await Promise.all(running.map(async (one) => one.stop()))
  running = []
  await lan?.remove()
  lan = undefined
})

test('peers on a LAN see each other by name in under 2 s, and a QUIT in under 1 s', { timeout: 90_000 }, async () => {
  const [anna, berta] = await twoHosts()
  const annaPeer = await parley(anna, 'anna')
  await annaPeer.ready()
  const bertaPeer = await parley(berta, 'berta')
  const listeningAtMs = await untilListening(bertaPeer.pid, port, patienceMs)
  const [annaSaw, bertaSaw] = await Promise.all([sees(annaPeer, 'berta'), sees(bertaPeer, 'anna')])

  const quitAtMs = performance.now()
  const ended = bertaPeer.quit()
  const goneAtMs = await losesAfter(annaPeer, 'berta', quitAtMs)
  expect(await ended).toBe(0)

  report({
    'listening, from the start of the process': listeningAtMs - bertaPeer.startedAtMs,
    'the newcomer is seen, from its listening': annaSaw - listeningAtMs,
    'the newcomer sees, from its listening': bertaSaw - listeningAtMs,
    'both, from the start of the process': Math.max(annaSaw, bertaSaw) - bertaPeer.startedAtMs,
    'QUIT is seen': goneAtMs - quitAtMs
  })
  expect(Math.max(annaSaw, bertaSaw) - listeningAtMs).toBeLessThan(seenWithinMs)
  expect(goneAtMs - quitAtMs).toBeLessThan(goneWithinMs)
  expect(rosterOf(annaPeer)).toEqual([])
})

test(
  'a conversation outlives a cable that is cut for 20 s, with nothing lost or doubled',
  { timeout: 180_000 },
  async () => {
    const [annaHost, bertaHost] = await twoHosts()
    const [anna, berta] = await Promise.all([parley(annaHost, 'anna'), parley(bertaHost, 'berta')])
    await Promise.all([sees(anna, 'berta'), sees(berta, 'anna')])
    await anna.do({ do: 'chat', peer: 'berta', trustName: true })
    await berta.do({ do: 'chat', peer: 'anna', trustName: true })
    const toBerta = new Talk(anna, await berta.peerId(), 'anna')
    const toAnna = new Talk(berta, await anna.peerId(), 'berta')
    const bothSay = async (count: number): Promise<void> => {
      await Promise.all([toBerta.say(count), toAnna.say(count)])
    }
    await bothSay(10)
    await Promise.all([toBerta.arrivedAt(berta), toAnna.arrivedAt(anna)])

    const cutAtMs = performance.now()
    await bertaHost.cut()
    const lost = Promise.all([losesAfter(anna, 'berta', cutAtMs), losesAfter(berta, 'anna', cutAtMs)])
    while (performance.now() - cutAtMs < cutForMs) {
      await bothSay(1)
      await sleep(500)
    }
    const lostAtMs = Math.max(...(await lost))
    expect(toBerta.texts.length).toBeGreaterThan(20)
    expect(berta.textsFrom(await anna.peerId())).toHaveLength(10)

    const repairedAtMs = performance.now()
    await bertaHost.repair()
    const foundAtMs = Math.max(
      ...(await Promise.all([seesAfter(anna, 'berta', repairedAtMs), seesAfter(berta, 'anna', repairedAtMs)]))
    )
    await bothSay(10)
    await Promise.all([toBerta.arrivedAt(berta), toAnna.arrivedAt(anna)])
    await Promise.all([toBerta.allDelivered(), toAnna.allDelivered()])
    const allThereAtMs = performance.now()

    report({
      'the cut is noticed by both': lostAtMs - cutAtMs,
      'found again after the repair': foundAtMs - repairedAtMs,
      'all messages there after the repair': allThereAtMs - repairedAtMs
    })
    expect(lostAtMs - cutAtMs).toBeLessThan(lostWithinMs)
    expect(berta.textsFrom(await anna.peerId())).toEqual(toBerta.texts)
    expect(anna.textsFrom(await berta.peerId())).toEqual(toAnna.texts)
    expect(rosterOf(anna)).toEqual(['berta'])
    expect(rosterOf(berta)).toEqual(['anna'])
  }
)

test('a machine without a route for multicast is told why it finds nobody', { timeout: 60_000 }, async () => {
  lan = await Lan.create({ hosts: 1, multicast: false })
  const alone = await parley(lan.host(0), 'anna')
  const notice = await alone.until('notice', () => alone.events.find(({ event }) => event === 'notice'))
  expect(notice['code']).toBe('no-multicast')
  expect(notice['text']).toContain('ip route add 224.0.0.0/4 dev')
  expect(rosterOf(alone)).toEqual([])
})

test('what a stranger on the LAN claims of others makes nobody dial them', { timeout: 90_000 }, async () => {
  lan = await Lan.create({ hosts: 3 })
  const [victim, attacker, bystander] = [lan.host(0), lan.host(1), lan.host(2)]
  const ports = ['4101', '4102', '4103', '4104']
  const programs: HostProgram[] = []
  try {
    const bothered = new HostProgram(bystander, 'counting-listener.ts', [bystander.address, ...ports])
    const ownPorts = new HostProgram(victim, 'counting-listener.ts', ['127.0.0.1', ...ports])
    programs.push(bothered, ownPorts)
    await expect.poll(() => [bothered.count('listening'), ownPorts.count('listening')]).toEqual([4, 4])
    const anna = await parley(victim, 'anna')
    await anna.ready()
    const made = await Promise.all(
      Array.from({ length: 50 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString())
    )
    const claims = ['127.0.0.1', bystander.address].flatMap((host) => ports.map((one) => `/ip4/${host}/tcp/${one}`))
    const hash = createHash('sha256').update(network).digest('hex').slice(0, 16)
    programs.push(
      new HostProgram(attacker, 'forged-sightings.ts', [
        `_parley-p-${hash}._udp.local`,
        made.join(','),
        claims.join(',')
      ])
    )
    const forMs = 10_000
    await sleep(forMs)
    process.stdout.write(
      `  dials at a bystander: ${bothered.count('connection')}, at own loopback ports: ${ownPorts.count('connection')}\n`
    )
    expect([bothered.count('connection'), ownPorts.count('connection')]).toEqual([0, 0])
    // And who is really there is found all the while.
    const berta = await parley(bystander, 'berta')
    await Promise.all([sees(anna, 'berta'), sees(berta, 'anna')])
  } finally {
    for (const program of programs) program.stop()
  }
})

/** What one side says to the other, and what becomes of it. */
class Talk {
  readonly texts: string[] = []
  readonly #from: JsonParley
  readonly #to: string
  readonly #name: string
  readonly #ids: string[] = []

  constructor(from: JsonParley, to: string, name: string) {
    this.#from = from
    this.#to = to
    this.#name = name
  }

  async say(count: number): Promise<void> {
    for (let said = 0; said < count; said++) {
      const text = `${this.#name} ${this.texts.length + 1}`
      this.texts.push(text)
      const { message } = await this.#from.do({ do: 'send', peer: this.#to, text })
      this.#ids.push(idOf(message))
    }
  }

  async arrivedAt(other: JsonParley): Promise<void> {
    await other.untilTexts(await this.#from.peerId(), this.texts.length)
  }

  async allDelivered(): Promise<void> {
    await this.#from.until('delivery of each message', () => {
      const delivered = new Set(
        this.#from.events.flatMap((one) =>
          one.event === 'delivery' && one['state'] === 'delivered' ? [String(one['id'])] : []
        )
      )
      return this.#ids.every((id) => delivered.has(id)) ? true : undefined
    })
  }
}

async function twoHosts(): Promise<[NetHost, NetHost]> {
  lan = await Lan.create({ hosts: 2 })
  return [lan.host(0), lan.host(1)]
}

async function parley(host: NetHost, name: string): Promise<JsonParley> {
  const args = ['--port', `${port}`, '--name', name]
  const started = await JsonParley.spawn({ wrapper: host.wrapper, secluded: false, network, args })
  running.push(started)
  return started
}

/** When this one first saw the other on its roster. */
async function sees(who: JsonParley, nickname: string): Promise<number> {
  return seesAfter(who, nickname, 0)
}

async function seesAfter(who: JsonParley, nickname: string, afterMs: number): Promise<number> {
  const { atMs } = await who.until(`${nickname} on the roster`, () =>
    who.events.find(
      (one) =>
        one.atMs > afterMs &&
        ((one.event === 'ready' && names(one['roster']).includes(nickname)) ||
          (one.event === 'roster' && names(one['joined']).includes(nickname)))
    )
  )
  return atMs
}

async function losesAfter(who: JsonParley, nickname: string, afterMs: number): Promise<number> {
  const { atMs } = await who.until(`${nickname} gone from the roster`, () =>
    who.events.find((one) => one.atMs > afterMs && one.event === 'roster' && names(one['left']).includes(nickname))
  )
  return atMs
}

/** The nicknames that are on its roster, as told by all its events. */
function rosterOf(who: JsonParley): readonly string[] {
  const present = new Set<string>()
  for (const one of who.events) {
    for (const name of one.event === 'ready' ? names(one['roster']) : names(one['joined'])) present.add(name)
    for (const name of names(one['left'])) present.delete(name)
  }
  return [...present]
}

function names(rows: ParleyEvent[string]): readonly string[] {
  if (!Array.isArray(rows)) return []
  return rows.map((row: unknown) =>
    typeof row === 'object' && row !== null && 'nickname' in row ? String(row.nickname) : ''
  )
}

function idOf(message: unknown): string {
  return typeof message === 'object' && message !== null && 'id' in message ? String(message.id) : ''
}

/** Measured times belong in the log of a test run, pass or fail. */
function report(times: Readonly<Record<string, number>>): void {
  for (const [what, ms] of Object.entries(times)) process.stdout.write(`  ${what}: ${Math.round(ms)} ms\n`)
}
