// Every form in which a peer can be named, and every way to name it wrongly,
// with the real commands: the words that come back, the exit code, and that it
// never takes long.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { mplex } from '@libp2p/mplex'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { eventually } from '../eventually.ts'
import {
  alikeIdentities,
  hasIpv6Loopback,
  ownOutwardHost,
  startSilentServer,
  startWebServer,
  writeIdentity
} from '../processes/neighbours.ts'
import type { HostedParley } from '../processes/hosted-parley.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import type { ParleyRun } from '../processes/parley-run.ts'
import { freePort, freePorts } from '../processes/ports.ts'
import { TestBed, type Finished } from '../processes/test-bed.ts'

/** All interfaces, for addresses other than 127.0.0.1; who may come is settled by the random network. */
const everywhere = { PARLEY_HOST: '' }

type ForeignParts = Pick<Libp2pOptions, 'connectionEncrypters' | 'streamMuxers'>

interface Peer<Run extends ParleyRun> {
  readonly port: number
  readonly peer: string
  readonly process: Run
}

let bed: TestBed
let directoryPort: number
let anna: Peer<HostedParley>
/** Two peers whose IDs begin alike, both called twin. */
let twins: { readonly prefix: string; readonly peers: readonly string[] }
let withDirectory: NodeJS.ProcessEnv

beforeAll(async () => {
  bed = await TestBed.make()
  directoryPort = await freePort()
  await bed.hostDirectory(directoryPort)
  withDirectory = { PARLEY_DIRECTORY: String(directoryPort) }
  anna = await hostPeer('anna', await freePort(), { env: everywhere })
  const { keys, prefix } = await alikeIdentities()
  const peers = await Promise.all(
    keys.map(async (key) => {
      const home = bed.home()
      await writeIdentity(home, key)
      return (await hostPeer('twin', await freePort(), { home })).peer
    })
  )
  twins = { prefix, peers }
})
afterAll(async () => bed[Symbol.asyncDispose]())

interface PeerOptions {
  readonly home?: string
  readonly env?: NodeJS.ProcessEnv
}

/** A peer that takes messages from everyone. */
async function hostPeer(name: string, port: number, options: PeerOptions = {}): Promise<Peer<HostedParley>> {
  return ready(port, await bed.host(welcoming(name, port), { name, ...within(options) }))
}

/** Such a peer in a process of its own, which can be killed. */
async function startPeer(name: string, port: number, options: PeerOptions = {}): Promise<Peer<ParleyProcess>> {
  return ready(port, await bed.start(welcoming(name, port), { name, ...within(options) }))
}

function welcoming(name: string, port: number): readonly string[] {
  return ['--json', '--name', name, '--port', String(port), '--accept', 'all']
}

function within({ home, env = {} }: PeerOptions): PeerOptions {
  return { env: { ...withDirectory, ...env }, ...(home === undefined ? {} : { home }) }
}

async function ready<Run extends ParleyRun>(port: number, process: Run): Promise<Peer<Run>> {
  return { port, peer: String((await process.event('ready'))['peer']), process }
}

async function send(
  peer: string,
  text: string,
  options: { home?: string; args?: readonly string[] } = {}
): Promise<Finished> {
  const { args = [], ...rest } = options
  return bed.command(['send', ...args, '--', peer, text], { name: `send ${peer}`, env: withDirectory, ...rest })
}

describe('a peer is reached by', () => {
  const forms: readonly (readonly [string, () => string])[] = [
    ['HOST:PORT', () => `127.0.0.1:${anna.port}`],
    ['a host name and its port', () => `localhost:${anna.port}`],
    ['a multiaddr without a peer ID', () => `/ip4/127.0.0.1/tcp/${anna.port}`],
    ['a multiaddr with its peer ID', () => `/ip4/127.0.0.1/tcp/${anna.port}/p2p/${anna.peer}`],
    ['a multiaddr with a host name', () => `/dns4/localhost/tcp/${anna.port}`],
    ['its peer ID, found on the roster', () => anna.peer],
    ['a unique beginning of its peer ID', () => anna.peer.slice(0, 20)],
    ['the short ID that stands on the roster', () => anna.peer.slice('12D3KooW'.length).slice(0, 12)]
  ]
  const forms6: typeof forms = [
    ['[v6]:PORT', () => `[::1]:${anna.port}`],
    ['a multiaddr with an IPv6 address', () => `/ip6/::1/tcp/${anna.port}/p2p/${anna.peer}`]
  ]

  test.concurrent.each(hasIpv6Loopback() ? [...forms, ...forms6] : forms)('%s', async (form, peer) => {
    const finished = await send(peer(), `by ${form}`)
    expectEnd(finished, exitCodes.ok, /^Delivered to .+\.$/mu)
    await anna.process.event('message', ({ text }) => text === `by ${form}`)
  })

  test("its nickname, once it is a contact; before that only with the user's word for it", async () => {
    const home = bed.home()
    const untrusted = await send('anna', 'to a stranger', { home })
    expectEnd(untrusted, exitCodes.peerNotFound, new RegExp(`not a contact.*${anna.peer}.*--trust-name`, 'u'))
    expectEnd(await send('anna', 'on trust', { home, args: ['--trust-name'] }), exitCodes.ok, /Delivered to anna/u)
    expectEnd(await send('Anna', 'to a contact', { home }), exitCodes.ok, /Delivered to anna/u)
    const texts = anna.process.events().map(({ text }) => text)
    expect(texts).toContain('to a contact')
    expect(texts).not.toContain('to a stranger')
  })

  test('two words, HOST PORT, in `chat`', async () => {
    const chat = await bed.host(['chat', '127.0.0.1', String(anna.port), '--plain'], { env: withDirectory })
    await chat.shows(/^Conversation with anna /u)
    chat.type('by two words')
    await anna.process.event('message', ({ text }) => text === 'by two words')
    chat.type('/quit')
    expect((await chat.ended()).code).toBe(exitCodes.ok)
  })

  test('every form that the prompt takes, roster numbers among them', async () => {
    const prompt = await bed.host(['--plain'], { name: 'the prompt', env: withDirectory })
    const row = await prompt.shows(/^ *(\d+) +anna /u)
    const number = row.match[1] ?? ''
    const typed = [
      number,
      anna.peer,
      anna.peer.slice(0, 20),
      `127.0.0.1:${anna.port}`,
      `127.0.0.1 ${anna.port}`,
      `/ip4/127.0.0.1/tcp/${anna.port}/p2p/${anna.peer}`,
      'anna'
    ]
    for (const form of typed) {
      prompt.type(form)
      await prompt.shows(/^Conversation with anna /u)
      prompt.type(`by ${form} at the prompt`)
      await anna.process.event('message', ({ text }) => text === `by ${form} at the prompt`)
      prompt.type('EXIT')
      await prompt.shows(/^Peer \(/u)
    }
  })
})

/** Where a machine has no name server, nobody can say whether there is such a name. */
const unresolved = /nobody\.invalid:4001 (?:does not resolve: check its spelling|could not be looked up)/u

describe('a peer is not reached by', () => {
  const badForms: readonly (readonly [string, string, number, RegExp])[] = [
    ['an address with a wrong number', '/ip4/999.1.1.1/tcp/1', exitCodes.usage, /999\.1\.1\.1.*looks like \/ip4\//u],
    ['a host with four wrong numbers', '999.1.1.1:4001', exitCodes.usage, /999\.1\.1\.1 is not an IPv4 address/u],
    ['port 0', '127.0.0.1:0', exitCodes.usage, /port is 0; ports go from 1 to 65535/u],
    ['port 0 in a multiaddr', '/ip4/127.0.0.1/tcp/0', exitCodes.usage, /port is 0; ports go from 1 to 65535/u],
    ['port 99999', '127.0.0.1:99999', exitCodes.usage, /port is 99999; ports go from 1 to 65535/u],
    ['port 99999 in a multiaddr', '/ip4/127.0.0.1/tcp/99999', exitCodes.usage, /99999.*looks like \/ip4\//u],
    ['an IP address without a port', '127.0.0.1', exitCodes.usage, /port is missing: write 127\.0\.0\.1:PORT/u],
    ['an IPv6 address without a port', '[::1]', exitCodes.usage, /port is missing: write \[::1\]:PORT/u],
    ['a transport that is not TCP', '/ip4/127.0.0.1/udp/4001/quic-v1', exitCodes.usage, /dials TCP/u],
    ['a host that does not resolve', 'nobody.invalid:4001', exitCodes.unreachable, unresolved]
  ]

  test.concurrent.each(badForms)('%s: %s', async (_, peer, code, message) => {
    expectEnd(await send(peer, 'hello'), code, message)
  })

  // A name may yet come onto the roster, so each of these waits for a while: some wait together.
  const unknown: readonly (readonly [string, string, RegExp])[] = [
    ['a number, which means something at the prompt only', '7', /"7", and roster numbers mean .* prompt only: give /u],
    ['localhost without a port', 'localhost', /no peer is called "localhost"; .* localhost:PORT/u],
    ['a host without a port', 'nobody.invalid', /no peer is called "nobody\.invalid"; .* nobody\.invalid:PORT/u],
    ['a name that nobody has', 'nobody', /no peer called "nobody" .*: check the name, or give its address/u],
    ['what every peer ID begins with', '12D3KooW', /no peer called "12D3KooW"/u]
  ]
  for (const together of [unknown.slice(0, 3), unknown.slice(3)]) {
    describe('what nobody is called', () => {
      test.concurrent.each(together)('%s: %s', async (_, peer, message) => {
        expectEnd(await send(peer, 'hello'), exitCodes.peerNotFound, message)
      })
    })
  }

  test('a port where a web server listens', async () => {
    const server = await startWebServer()
    bed.defer(server.stop)
    const finished = await send(`127.0.0.1:${server.port}`, 'hello')
    expectEnd(finished, exitCodes.unreachable, /is not a libp2p node \(perhaps a web server\): check the port/u)
  })

  const foreign: readonly (readonly [string, ForeignParts, RegExp])[] = [
    [
      'TLS only',
      { connectionEncrypters: [tls()], streamMuxers: [yamux()] },
      /what answers at \S+ is a libp2p node that speaks TLS and does not speak Noise, which Parley needs/u
    ],
    [
      'plaintext only',
      { connectionEncrypters: [plaintext()], streamMuxers: [yamux()] },
      /what answers at \S+ is a libp2p node that speaks plaintext and does not speak Noise, which Parley needs/u
    ],
    [
      'mplex only',
      { connectionEncrypters: [noise()], streamMuxers: [mplex()] },
      /what answers at \S+ is a libp2p node that does not speak Yamux, which Parley needs \(it speaks mplex only/u
    ]
  ]

  test.concurrent.each(foreign)('the port of a libp2p node that speaks %s', async (_, parts, message) => {
    const node = await createLibp2p({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], ...parts })
    bed.defer(async () => node.stop())
    const port = /\/tcp\/(\d+)\//u.exec(String(node.getMultiaddrs()[0]))?.[1] ?? 'none'
    // What it speaks is asked for two seconds at most: a node that has no time to answer is not described.
    await eventually(async () => expectEnd(await send(`127.0.0.1:${port}`, 'hello'), exitCodes.unreachable, message))
  })

  test('a port where something accepts and says nothing', async () => {
    const server = await startSilentServer()
    bed.defer(server.stop)
    const finished = await send(`127.0.0.1:${server.port}`, 'hello')
    expectEnd(finished, exitCodes.unreachable, /nothing answered at 127\.0\.0\.1:\d+ within \d+ s/u)
  })

  test('a port where nothing listens', async () => {
    const finished = await send(`127.0.0.1:${await freePort()}`, 'hello')
    expectEnd(finished, exitCodes.unreachable, /nothing listens at 127\.0\.0\.1:\d+: check the port/u)
  })

  test('a multiaddr with a peer ID where nothing listens', async () => {
    const finished = await send(`/ip4/127.0.0.1/tcp/${await freePort()}/p2p/${await strangersId()}`, 'hello')
    expectEnd(finished, exitCodes.queued, /nothing listens at 127\.0\.0\.1:\d+: check the port/u)
  })

  test('a multiaddr with the peer ID of another peer', async () => {
    const finished = await send(`/ip4/127.0.0.1/tcp/${anna.port}/p2p/${await strangersId()}`, 'for another')
    expectEnd(finished, exitCodes.keyChanged, /\S+ does not answer at .*another peer does, with its own key/u)
    expect(anna.process.events().map(({ text }) => text)).not.toContain('for another')
  })

  test('the own peer ID or the own address', async () => {
    const home = bed.home()
    const port = await freePort()
    const id = await bed.command(['id', '--json'], { home })
    const own: unknown = JSON.parse(id.stdout)
    const peer = typeof own === 'object' && own !== null && 'peer' in own ? String(own.peer) : ''
    expect(peer).toMatch(/^12D3KooW/u)
    const yourself = /is yourself: name another peer/u
    expectEnd(await send(peer, 'hello', { home }), exitCodes.peerNotFound, yourself)
    expectEnd(await send(peer.slice(0, 20), 'hello', { home }), exitCodes.peerNotFound, yourself)
    const args = ['--port', String(port)]
    expectEnd(await send(`127.0.0.1:${port}`, 'hello', { home, args }), exitCodes.peerNotFound, yourself)
    expectEnd(
      await send(`/ip4/127.0.0.1/tcp/${port}/p2p/${peer}`, 'hello', { home, args }),
      exitCodes.peerNotFound,
      yourself
    )
  })

  test('a beginning that two peer IDs share, or a nickname that two peers have', async () => {
    const [one = '', other = ''] = twins.peers
    const both = new RegExp(`(?=.*${one})(?=.*${other}).*give the peer ID, or more of its beginning`, 'u')
    expectEnd(await send(twins.prefix, 'hello'), exitCodes.peerNotFound, both)
    const shown = /"twin" can mean twin \(\S{12}\), twin \(\S{12}\): give the peer ID/u
    expectEnd(await send('twin', 'hello', { args: ['--trust-name'] }), exitCodes.peerNotFound, shown)
  })
})

test("a stranger who takes a contact's name gets nothing that is meant for the contact", async () => {
  const home = bed.home()
  const [port, falsePort] = [await freePort(), await freePort()]
  const dora = await startPeer('dora', port)
  expectEnd(await send(`127.0.0.1:${port}`, 'hello', { home }), exitCodes.ok, /Delivered to/u)
  const impostor = await hostPeer('dora', falsePort)

  expectEnd(await send('dora', 'for dora alone', { home }), exitCodes.ok, /Delivered to dora/u)
  await dora.process.event('message', ({ text }) => text === 'for dora alone')
  const prompt = await bed.host(['--plain'], { home, env: withDirectory })
  const warning = new RegExp(` ${falsePort} .*! not your contact dora \\(\\w{12}\\): another key`, 'u')
  await prompt.shows(warning)
  prompt.type('dora')
  await prompt.shows(/^Conversation with dora /u)
  prompt.type('at the prompt too')
  await dora.process.event('message', ({ text }) => text === 'at the prompt too')

  // And still when the contact is not there: better nobody than the wrong one.
  await dora.process.kill()
  prompt.type('/quit')
  await prompt.ended()
  const away = await send('dora', 'when dora is away', { home, args: ['--wait', '1'] })
  expectEnd(away, exitCodes.queued, /not delivered within 1 s/u)
  expect(impostor.process.events().filter(({ event }) => event === 'message')).toEqual([])
})

test('a key that changes at a remembered address is refused by send and shouted about at the prompt', async () => {
  const host = ownOutwardHost()
  const home = bed.home()
  const port = await freePort()
  const address = `${host}:${port}`
  const env = { ...everywhere, PARLEY_DIRECTORY: '' }
  const first = await startPeer('erik', port, { env })
  expectEnd(await bed.command(['send', '--wait', '60', address, 'hello'], { home }), exitCodes.ok, /Delivered to/u)
  await first.process.kill()
  const second = await hostPeer('erik', port, { env })
  const [was, is] = [first.peer, second.peer].map((peer) => peer.slice('12D3KooW'.length).slice(0, 12))

  const refused = await bed.command(['send', address, 'for the first alone'], { home })
  expectEnd(refused, exitCodes.keyChanged, new RegExp(`${was}.*another key.*${is}`, 'u'))
  expect(second.process.events().filter(({ event }) => event === 'message')).toEqual([])

  const prompt = await bed.host(['--plain'], { home })
  await prompt.shows(/^Peer \(/u)
  prompt.type(address)
  const warning = await prompt.shows(
    new RegExp(`^!!! WARNING: .*${was}.*another key, ${is}.*ask before you trust it`, 'u')
  )
  expect(warning.line.match(/WARNING/gu)).toHaveLength(1)
})

test('at the prompt every bad form is answered with what to do, and the prompt stays', async () => {
  const port = await freePort()
  const [deaf = 0] = await freePorts(1)
  const prompt = await bed.host(['--plain', '--port', String(port)], { name: 'the prompt', env: withDirectory })
  await prompt.shows(/^Peer \(/u)
  const own = /\((\S{12})\), host/u.exec(prompt.stdout)?.[1] ?? 'not shown'
  const answers: readonly (readonly [string, RegExp])[] = [
    ['/ip4/999.1.1.1/tcp/1', /999\.1\.1\.1.*looks like \/ip4\//u],
    ['127.0.0.1:0', /port is 0; ports go from 1 to 65535/u],
    ['127.0.0.1 99999', /port is 99999; ports go from 1 to 65535/u],
    ['77', /no peer is called "77", and the roster has no such number: give /u],
    ['0', /no peer is called "0", and the roster has no such number: give /u],
    ['nobody', /no peer called "nobody" .*: check the name, or give its address/u],
    [own, /is yourself: name another peer/u],
    [`127.0.0.1:${port}`, /is yourself: name another peer/u],
    [twins.prefix, /can mean .*give the peer ID, or more of its beginning/u],
    ['twin', /can mean .*give the peer ID/u],
    ['nobody.invalid:4001', unresolved],
    [`127.0.0.1:${deaf}`, /nothing listens at 127\.0\.0\.1:\d+: check the port/u],
    [`/ip4/127.0.0.1/tcp/${anna.port}/p2p/${await strangersId()}`, /\S+ does not answer at/u]
  ]
  for (const [typed, answer] of answers) {
    prompt.type(typed)
    await prompt.shows(answer)
    prompt.type('EXIT') // one of them may have opened a conversation
    await prompt.shows(/No conversation is open|You have left/u)
  }
  prompt.type('localhost')
  await prompt.shows(/^Port:/u)
  for (const typed of ['0', '99999', 'x']) {
    prompt.type(typed)
    await prompt.shows(
      new RegExp(`^"${typed}" is not a port: type a number from 1 to 65535, or press Enter to go back`, 'u')
    )
  }
  prompt.type(String(anna.port))
  await prompt.shows(/^Conversation with anna /u)
})

/** A valid peer ID that is nobody's here. */
async function strangersId(): Promise<string> {
  const { keys } = await alikeIdentities()
  return writeIdentity(bed.home(), keys[0])
}

/** What was said is on the right stream, and the code is right. */
function expectEnd(finished: Finished, code: number, message: RegExp): void {
  expect(finished.code, finished.told).toBe(code)
  expect(code === exitCodes.ok ? finished.stdout : finished.stderr, finished.told).toMatch(message)
  expect(code === exitCodes.ok ? besidesProgress(finished.stderr) : finished.stdout, finished.told).toBe('')
}

/** What `send` says of a stage that lasts more than half a second is no complaint; on a busy machine any may. */
function besidesProgress(stderr: string): string {
  return stderr.replaceAll(
    /^parley: (?:looking for|connecting to|waiting for the receipt from|another parley has) .* …\n?/gmu,
    ''
  )
}
