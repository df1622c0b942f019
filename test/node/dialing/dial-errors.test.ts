// What is said of a node that answers and can't be talked to. The nodes are those
// of js-libp2p, each with another package in place of one that Parley needs.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { mplex } from '@libp2p/mplex'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { explainDialError } from '../../../src/node/dialing/dial-errors.ts'
import { UnreachableError } from '../../../src/node/api/errors.ts'
import { commonServices, hostOptions } from '../../../src/transport/host.ts'
import { addressDialer, Dialer, type DialerInit } from '../../../src/node/dialing/dialer.ts'
import { eventually } from '../../eventually.ts'
import { eventualMs } from '../../patience.ts'

type Parts = Pick<Libp2pOptions, 'connectionEncrypters' | 'streamMuxers'>

const foreign: readonly (readonly [string, Parts, RegExp])[] = [
  [
    'TLS only',
    { connectionEncrypters: [tls()], streamMuxers: [yamux()] },
    /a libp2p node that speaks TLS and does not/u
  ],
  [
    'plaintext only',
    { connectionEncrypters: [plaintext()], streamMuxers: [yamux()] },
    /a libp2p node that speaks plaintext and does not speak Noise, which Parley needs/u
  ],
  [
    'mplex only',
    { connectionEncrypters: [noise()], streamMuxers: [mplex()] },
    /a libp2p node that does not speak Yamux, which Parley needs \(it speaks mplex only, perhaps\)/u
  ]
]

let dialer: Dialer
/** One that has less patience, for what never answers, and knows one address of each peer. */
let hasty: Dialer
const hastyMs = 123
const deaf = '/dns4/deaf.example/tcp/4001'

beforeAll(async () => {
  const libp2p = await createLibp2p({
    ...hostOptions({ key: await generateKeyPair('Ed25519'), host: '127.0.0.1', port: 0, discovery: [], gater: {} }),
    services: { ...commonServices, dialer: addressDialer() }
  })
  await libp2p.start()
  const init: DialerInit = {
    libp2p: () => libp2p,
    addressDialer: () => libp2p.services.dialer,
    addressesOf: () => [],
    isBlocked: () => false,
    isContact: () => false
  }
  dialer = new Dialer(init)
  hasty = new Dialer({
    ...init,
    addressTimeoutMs: hastyMs,
    addressesOf: () => [{ addresses: [deaf], from: 'user' }]
  })
  return async () => libp2p.stop()
})

test.each(foreign)('a libp2p node that speaks %s is named as that', async (_, parts, said) => {
  const error = await dialError(await foreignNode(parts))
  expect(error).toBeInstanceOf(UnreachableError)
  expect(error.message).toMatch(said)
  expect(error.message).not.toMatch(/web server/u)
})

test('a node that agrees on a muxer after the encryption, and has none of ours, is named as that too', () => {
  const refused = Object.assign(new Error('UnsupportedProtocolError: Protocol selection failed'), {
    name: 'MuxerUnavailableError'
  })
  const explained = explainDialError(refused, multiaddr('/ip4/127.0.0.1/tcp/1'), { timeoutMs: 1 })
  expect(explained.message).toMatch(/a libp2p node that does not speak Yamux/u)
})

test('a libp2p node that refuses every encryption by name is one without Noise, and is asked no longer', async () => {
  let connections = 0
  const address = await server((socket) => {
    connections++
    socket.write('\u0013/multistream/1.0.0\n')
    socket.on('data', () => socket.write('\u0003na\n'))
  })
  expect((await dialError(address)).message).toMatch(/a libp2p node that does not speak Noise, which Parley needs/u)
  expect(connections).toBe(2)
})

test('the question for the encryption ends at a server that floods, and the error stays as it is', async () => {
  const address = await server((socket) => {
    socket.write('\u0013/multistream/1.0.0\n\u0003na\n')
    socket.once('data', () => socket.write(Buffer.alloc(1_000_000, '\u0003na\n')))
  })
  expect((await dialError(address)).message).toMatch(/does not speak Noise/u)
})

test.each(['HTTP/1.1 400 Bad Request\r\n\r\n', 'SSH-2.0-OpenSSH_9.9\r\n'])(
  'a server of another kind is none: %j',
  async (greeting) => {
    const address = await server((socket) => void socket.write(greeting))
    expect((await dialError(address)).message).toMatch(/is not a libp2p node \(perhaps a web server\)/u)
  }
)

describe('a host name', () => {
  afterEach(() => void vi.restoreAllMocks())

  test('that no name server answers for is told from a host that does not answer', async () => {
    const within = AbortSignal.timeout.bind(AbortSignal)
    const giveUp = new AbortController()
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => (ms === hastyMs ? giveUp.signal : within(ms)))
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(() => undefined)
    const unanswered =
      /the host name of deaf\.example:4001 could not be looked up, as no name server gave an answer within 0\.123 s/u
    const dialling = dialError(multiaddr(deaf), hasty)
    await eventually(() => expect(lookup).toHaveBeenCalledTimes(1))
    giveUp.abort(new DOMException('too late', 'TimeoutError'))
    expect((await dialling).message).toMatch(unanswered)

    const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    await expect(hasty.connect(peer, { signal: within(eventualMs) })).rejects.toThrow(unanswered)
    expect(lookup).toHaveBeenCalledTimes(2)
  })

  test('that the system has looked up in vain is not called misspelt', async () => {
    lookUpEndsWith('EAI_AGAIN')
    expect((await dialError(multiaddr('/dns4/away.example/tcp/4001'))).message).toMatch(
      /away\.example:4001 could not be looked up, as no name server gave an answer: check the network/u
    )
  })

  test('that does not exist does not resolve', async () => {
    lookUpEndsWith('ENOTFOUND')
    expect((await dialError(multiaddr('/dns4/none.example/tcp/4001'))).message).toMatch(
      /none\.example:4001 does not resolve: check its spelling/u
    )
  })

  test('that was looked up says nothing of a host that does not answer', async () => {
    lookUpEndsWith(undefined)
    const silent = await server(() => undefined)
    const place = multiaddr(silent.toString().replace(/\/ip4\/[^/]+/u, '/dns4/silent.example'))
    expect((await dialError(place, hasty)).message).toMatch(/nothing answered at silent\.example:\d+ within 0\.123 s/u)
  })

  test('that stands for whole addresses fails by its name server, not by a host', () => {
    const place = multiaddr('/dnsaddr/many.example')
    const explained = (failure: object, isLookingUp: boolean): string =>
      explainDialError(Object.assign(new Error('failed'), failure), place, { timeoutMs: 5_000, isLookingUp }).message
    expect(explained({ code: 'ECONNREFUSED' }, true)).toMatch(
      /could not be looked up, as no name server gave an answer:/u
    )
    expect(explained({ name: 'TimeoutError' }, true)).toMatch(/no name server gave an answer within 5 s/u)
    for (const none of [{ code: 'ENOTFOUND' }, { code: 'ENODATA' }, { name: 'NoValidAddressesError' }])
      expect(explained(none, true)).toMatch(/the host name of \/dnsaddr\/many\.example does not resolve/u)
    expect(explained({ code: 'ECONNREFUSED' }, false)).toMatch(/nothing listens at/u)
    const refused = Object.assign(new Error('failed'), { code: 'ECONNREFUSED' })
    const facts = { timeoutMs: 5_000, isLookingUp: true }
    expect(explainDialError(refused, multiaddr(deaf), facts).message).toMatch(/nothing listens at/u)
  })

  /** @param code of the failure; undefined: the name is that of this machine */
  function lookUpEndsWith(code: string | undefined): void {
    const error = code === undefined ? null : Object.assign(new Error(`getaddrinfo ${code}`), { code })
    const lookup = (_host: string, _options: unknown, answer: (...answers: unknown[]) => void): void =>
      queueMicrotask(() => answer(error, error === null ? [{ address: '127.0.0.1', family: 4 }] : undefined))
    vi.spyOn(dns, 'lookup').mockImplementation(lookup as typeof dns.lookup)
  }
})

async function dialError(address: Multiaddr, by = dialer): Promise<Error> {
  try {
    await by.dial(address, { signal: AbortSignal.timeout(eventualMs) })
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error(`${address.toString()} was reached`)
}

async function foreignNode(parts: Parts): Promise<Multiaddr> {
  const node: Libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    ...parts
  })
  onTestFinished(() => node.stop())
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('it listens nowhere')
  return multiaddr(address.toString().replace(/\/p2p\/.*/u, ''))
}

async function server(onConnection: (socket: Socket) => void): Promise<Multiaddr> {
  const sockets = new Set<Socket>()
  const listening = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    listening.close()
  })
  await once(listening, 'listening')
  return multiaddr(`/ip4/127.0.0.1/tcp/${(listening.address() as AddressInfo).port}`)
}
