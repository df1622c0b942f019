// Two peers on a LAN without any directory: they see each other, lose each
// other and find each other again, and a conversation outlives a cable that is
// cut. Real commands in network namespaces; where there can be none, it says so.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JsonParley, randomNetwork, type ParleyEvent } from '../fault/json-parley.ts'
import { Lan, whyNoNamespaces, type NetHost } from '../netns/lan.ts'
import { HostProgram } from '../netns/host-program.ts'

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

test('peers on a LAN see each other by name, and a QUIT', async () => {
  const [anna, berta] = await twoHosts()
  const annaPeer = await parley(anna, 'anna')
  await annaPeer.ready()
  const bertaPeer = await parley(berta, 'berta')
  await Promise.all([sees(annaPeer, 'berta'), sees(bertaPeer, 'anna')])

  const quitAtMs = performance.now()
  const ended = bertaPeer.quit()
  await losesAfter(annaPeer, 'berta', quitAtMs)
  expect(await ended).toBe(0)
  expect(rosterOf(annaPeer)).toEqual([])
})

test('a conversation outlives a cable that is cut until both have noticed, with nothing lost or doubled', async () => {
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
  const noticed = new AbortController()
  const lost = Promise.all([losesAfter(anna, 'berta', cutAtMs), losesAfter(berta, 'anna', cutAtMs)])
  const noted = lost.then(() => noticed.abort())
  while (!noticed.signal.aborted) {
    await bothSay(1)
    await sleep(250)
  }
  await noted
  await bothSay(5)
  expect(berta.textsFrom(await anna.peerId())).toHaveLength(10)

  const repairedAtMs = performance.now()
  await bertaHost.repair()
  await Promise.all([seesAfter(anna, 'berta', repairedAtMs), seesAfter(berta, 'anna', repairedAtMs)])
  await bothSay(10)
  await Promise.all([toBerta.arrivedAt(berta), toAnna.arrivedAt(anna)])
  await Promise.all([toBerta.allDelivered(), toAnna.allDelivered()])
  expect(berta.textsFrom(await anna.peerId())).toEqual(toBerta.texts)
  expect(anna.textsFrom(await berta.peerId())).toEqual(toAnna.texts)
  expect(rosterOf(anna)).toEqual(['berta'])
  expect(rosterOf(berta)).toEqual(['anna'])
})

test.each([
  ['whose default route leads elsewhere, as with a VPN', { hosts: 2, defaultRoute: 'vpn' }],
  ['whose default route leads elsewhere, on IPv4 alone', { hosts: 2, defaultRoute: 'vpn', ipv6: false }],
  ['without any router', { hosts: 2, defaultRoute: 'none' }],
  ['without any router, on IPv4 alone', { hosts: 2, defaultRoute: 'none', ipv6: false }],
  ['without IPv4', { hosts: 2, defaultRoute: 'none', ipv4: false }]
] as const)('peers see each other on a LAN of machines %s', async (_, init) => {
  lan = await Lan.create(init)
  const [anna, berta] = await Promise.all([parley(lan.host(0), 'anna'), parley(lan.host(1), 'berta')])
  await Promise.all([sees(anna, 'berta'), sees(berta, 'anna')])
  expect([anna, berta].flatMap(({ events }) => events.filter(({ event }) => event === 'notice'))).toEqual([])
})

test('a machine whose network comes later finds others as soon as it does, and says both', async () => {
  lan = await Lan.create({ hosts: 2, defaultRoute: 'none' })
  const [host, other] = [lan.host(0), lan.host(1)]
  await host.setCard('down')
  const [anna, berta] = await Promise.all([parley(host, 'anna'), parley(other, 'berta')])
  const alone = await lanNotice(anna, 'no-multicast')
  expect(alone).toMatchObject({ works: false, text: expect.stringMatching(/is on no network that can multicast\.$/u) })
  await host.setCard('up')
  await Promise.all([sees(anna, 'berta'), sees(berta, 'anna')])
  expect(await lanNotice(anna, 'multicast')).toMatchObject({ works: true })
})

test('where another program keeps the port of mDNS, the interface and the reason are named, until it ends', async () => {
  lan = await Lan.create({ hosts: 2, defaultRoute: 'none' })
  const [host, other] = [lan.host(0), lan.host(1)]
  const keeper = new HostProgram(host, 'port-keeper.ts', ['5353'])
  try {
    await expect.poll(() => keeper.count('kept')).toBe(1)
    const [anna, berta] = await Promise.all([parley(host, 'anna'), parley(other, 'berta')])
    expect(await lanNotice(anna, 'no-multicast')).toMatchObject({
      works: false,
      text: 'Peers on the LAN at eth0 cannot be found: another program holds UDP port 5353 exclusively.'
    })
    expect(await anna.status()).toMatchObject({
      lan: [{ interface: 'eth0', works: false, why: 'another program holds UDP port 5353 exclusively' }]
    })
    keeper.stop()
    await Promise.all([sees(anna, 'berta'), sees(berta, 'anna')])
    expect(await anna.status()).toMatchObject({ lan: [{ interface: 'eth0', works: true, why: null }] })
  } finally {
    keeper.stop()
  }
})

test('who types a code on a LAN without a directory meets its maker, once and with the right words', async () => {
  lan = await Lan.create({ hosts: 3, defaultRoute: 'none' })
  const [anna, berta, carla] = await Promise.all([
    parley(lan.host(0), 'anna'),
    parley(lan.host(1), 'berta'),
    parley(lan.host(2), 'carla')
  ])
  await Promise.all([anna, berta, carla].map(async (one) => one.ready()))
  await Promise.all([sees(berta, 'anna'), sees(carla, 'anna')])
  const made = await anna.do({ do: 'invite' })
  expect(made).toMatchObject({ invitation: { directories: [], end: null } })
  const { code, number } = made['invitation'] as { readonly code: string; readonly number: number }
  expect(await carla.answerTo({ do: 'chat', peer: `${number}-zoo-zone-zero` })).toMatchObject({
    code: 'invitation',
    message: expect.stringContaining('the words are not those of its maker')
  })
  expect(await berta.do({ do: 'chat', peer: code })).toMatchObject({ peer: await anna.peerId(), by: 'code' })
  await anna.until('who came', () => anna.events.find(({ event, what }) => event === 'invitation' && what === 'came'))
  expect(await carla.answerTo({ do: 'chat', peer: code })).toMatchObject({
    message: expect.stringContaining('the code was already used')
  })
  const tries = anna.events.filter(({ event }) => event === 'invitation').map(({ what }) => what)
  expect(tries).toEqual(['failed', 'came'])
})

test('who gets another address is found at it, and says so', async () => {
  lan = await Lan.create({ hosts: 2, defaultRoute: 'none' })
  const [anna, berta] = await Promise.all([parley(lan.host(0), 'anna'), parley(lan.host(1), 'berta')])
  await Promise.all([sees(anna, 'berta'), sees(berta, 'anna')])
  await lan.host(1).readdress('10.77.0.99/24')
  await anna.until('the new address', () =>
    anna.events.find(({ event, changed }) => event === 'roster' && JSON.stringify(changed).includes('10.77.0.99'))
  )
  await berta.until('its own word', () =>
    berta.events.find(({ event, addresses }) => event === 'self' && JSON.stringify(addresses).includes('10.77.0.99'))
  )
})

test('a public address of an own card is announced: in the record, which directories get too, and to its owner', async () => {
  lan = await Lan.create({ hosts: 2, defaultRoute: 'none', ipv4: false })
  const [campus, other] = [lan.host(0), lan.host(1)]
  await Promise.all([
    campus.readdress('8.8.8.8/24', { beside: true }),
    campus.readdress('2a00:1450::8/64', { beside: true }),
    other.readdress('8.8.8.9/24', { beside: true })
  ])
  const [anna, berta] = await Promise.all([parley(campus, 'anna'), parley(other, 'berta')])
  await sees(berta, 'anna')
  const own = [`/ip4/8.8.8.8/tcp/${port}`, `/ip6/2a00:1450::8/tcp/${port}`]
  const ready = await anna.ready()
  const row = JSON.stringify(berta.events.filter(({ event }) => event === 'ready' || event === 'roster'))
  for (const address of own) {
    expect(JSON.stringify(ready['addresses'])).toContain(address)
    expect(row).toContain(address)
  }
})

test('a peer is dialled at its link-local IPv6 address, in both notations', async () => {
  lan = await Lan.create({ hosts: 2, defaultRoute: 'none' })
  const [host, other] = [lan.host(0), lan.host(1)]
  const anna = await parley(host, 'anna')
  await anna.ready()
  const ip = await host.linkLocal()
  for (const peer of [`[${ip}%eth0]:${port}`, `/ip6zone/eth0/ip6/${ip}/tcp/${port}`]) {
    const berta = await parley(other, 'berta', ['--no-mdns'])
    await berta.do({ do: 'chat', peer })
    const { message } = await berta.do({ do: 'send', peer, text: 'over the link' })
    await berta.until('delivery', () =>
      berta.events.find(({ event, id }) => event === 'delivery' && id === idOf(message))
    )
    await berta.stop()
  }
  expect(JSON.stringify(anna.events)).toContain('over the link')
})

test('a peer that listens at its link-local IPv6 address alone is found there, and nowhere else', async () => {
  lan = await Lan.create({ hosts: 2, defaultRoute: 'none' })
  const [host, other] = [lan.host(0), lan.host(1)]
  const ip = await host.linkLocal()
  const anna = await parley(host, 'anna', ['--host', `${ip}%eth0`])
  const { addresses } = await anna.ready()
  expect(addresses).toEqual([expect.stringContaining(`/ip6zone/eth0/ip6/${ip}/tcp/${port}`)])
  const berta = await parley(other, 'berta')
  await Promise.all([sees(anna, 'berta'), sees(berta, 'anna')])
  await berta.do({ do: 'chat', peer: 'anna', trustName: true })
  const { message } = await berta.do({ do: 'send', peer: 'anna', text: 'over the link' })
  await berta.until('delivery', () =>
    berta.events.find(({ event, id }) => event === 'delivery' && id === idOf(message))
  )
  await expect(berta.do({ do: 'chat', peer: `${host.address}:${port}` })).rejects.toThrow(/nothing listens/u)
})

test('what a stranger on the LAN claims of others makes nobody dial them', async () => {
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
    const forger = new HostProgram(attacker, 'forged-sightings.ts', [
      `_parley-p-${hash}._udp.local`,
      made.join(','),
      claims.join(',')
    ])
    programs.push(forger)
    await expect.poll(() => forger.count('a hundred sent')).toBeGreaterThanOrEqual(3)
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

test('with --mdns-libp2p other programs find Parley, and it finds them: apart from the people until they chat', async () => {
  lan = await Lan.create({ hosts: 3 })
  const anna = await parley(lan.host(0), 'anna', ['--mdns-libp2p', '--accept', 'all'])
  await anna.ready()
  const listener = new HostProgram(lan.host(1), 'chat-example.ts', ['listener'])
  const dialer = new HostProgram(lan.host(2), 'chat-example.ts', ['dialer'])
  try {
    await expect.poll(() => listener.output).toMatch(/^peer \S+$/mu)
    const example = /^peer (\S+)$/mu.exec(listener.output)?.[1] ?? ''
    const programs = async (): Promise<readonly string[]> => peersOf((await anna.do({ do: 'who' }))['programs'])
    await expect.poll(programs).toContain(example)
    expect(peersOf((await anna.do({ do: 'who' }))['roster'])).not.toContain(example)

    await anna.do({ do: 'chat', peer: example })
    await anna.do({ do: 'send', peer: example, text: 'hello example' })
    await expect.poll(() => listener.count('> hello example')).toBe(1)
    expect(await programs()).not.toContain(example)
    expect(peersOf((await anna.do({ do: 'who' }))['roster'])).toContain(example)

    const hello = await anna.until('hello', () =>
      anna.events.find((one) => one.event === 'message' && one['text'] === 'hello from the example')
    )
    await anna.do({ do: 'send', peer: hello['peer'], text: 'hello dialer' })
    await expect.poll(() => dialer.count('> hello dialer')).toBe(1)
  } finally {
    listener.stop()
    dialer.stop()
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

async function parley(host: NetHost, name: string, more: readonly string[] = []): Promise<JsonParley> {
  const args = ['--port', `${port}`, '--name', name, ...more]
  const started = await JsonParley.spawn({ wrapper: host.wrapper, secluded: false, network, args })
  running.push(started)
  return started
}

async function lanNotice(who: JsonParley, code: 'multicast' | 'no-multicast'): Promise<ParleyEvent> {
  return who.until(`the notice ${code}`, () => who.events.find((one) => one.event === 'notice' && one['code'] === code))
}

function peersOf(rows: unknown): readonly string[] {
  return Array.isArray(rows) ? rows.map(({ peer }) => String(peer)) : []
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
