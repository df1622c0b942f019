/** Whoever stands between the maker and the guest of a code, or answers in the maker's place, gets a guess and no more. */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { InviteRefusedError } from '../../src/invite/guest.ts'
import { invite } from '../../src/invite/invite-service.ts'
import { INVITE_PROTOCOL, inviteFrames, type InviteFrame } from '../../src/invite/invite-frames.ts'
import { redeemCode } from '../../src/invite/maker-search.ts'
import { FrameStream } from '../../src/wire/index.ts'
import { findNumber, NumberClaims } from '../../src/invite/numbers/number-client.ts'
import { NUMBERS_PROTOCOL, numberFrames } from '../../src/invite/numbers/number-frames.ts'
import { numbers } from '../../src/invite/server/number-service.ts'
import { INVITATION_MS } from '../../src/invite/open-invitations.ts'
import { node } from '../directory/nodes.ts'
import { eventually } from '../eventually.ts'
import { identity, sealedBy } from '../presence/records.ts'
import { testMs } from '../patience.ts'

const network = 'test'
const code = { number: 7, words: ['oak', 'pilot', 'river'] }
const guessed = { number: 7, words: ['oak', 'pilot', 'road'] }
const signal = AbortSignal.timeout(testMs)

async function peer(n: number, nickname: string) {
  const who = await identity(n)
  const { envelope } = await sealedBy(who, { nickname, network })
  const events: string[] = []
  const libp2p = await node(
    {
      invite: invite({
        network,
        ownEnvelope: () => envelope,
        isKnownAt: () => true,
        onCame: async ({ record }) => void events.push(`came ${record.record.nickname}`),
        onFailed: () => void events.push('failed'),
        onEnded: ({ end }) => void events.push(`ended ${end}`),
        onForgotten: () => undefined
      })
    },
    { privateKey: who.key }
  )
  const connect = async (to: { readonly libp2p: typeof libp2p }): Promise<Connection> =>
    libp2p.dial(to.libp2p.getMultiaddrs())
  return { libp2p, service: libp2p.services.invite, events, id: libp2p.peerId, connect }
}

type Peer = Awaited<ReturnType<typeof peer>>

async function honestDirectory() {
  return node({ numbers: numbers({ network, isAnnounced: () => true, federationPeers: () => [] }) })
}

/** Names whom it likes for every number. */
async function lyingDirectory(names: (self: PeerId) => readonly PeerId[]) {
  const libp2p = await node({})
  await libp2p.handle(NUMBERS_PROTOCOL, async (stream) => {
    const messages = new FrameStream(stream, numberFrames, signal)
    await messages.read()
    const holders = names(libp2p.peerId).map((holder) => ({ peer: holder, directory: libp2p.peerId }))
    await messages.end({ type: 'found', holders })
  })
  return libp2p
}

/** Bob types the code, and asks the directory who has made it. */
async function typed(
  bob: Peer,
  directory: Awaited<ReturnType<typeof node>>,
  peers: readonly Peer[],
  words = code.words
) {
  const atDirectory = await bob.libp2p.dial(directory.getMultiaddrs())
  return redeemCode({
    code: { ...code, words },
    directories: [async () => findNumber(atDirectory, { network, number: code.number, signal })],
    lan: [],
    ask: async ({ peer: id, by }) => {
      const to = peers.find((one) => one.id.toString() === id)
      if (to === undefined) throw new Error('no such peer')
      return bob.service.ask(await bob.connect(to), { number: code.number, directory: by, signal })
    }
  }).then(
    (met) => `met ${met.record.record.nickname}`,
    (error: unknown) => (error instanceof InviteRefusedError ? error.reason : String(error))
  )
}

test('an honest directory leads the guest to the maker', async () => {
  const [anna, bob, directory] = [await peer(1, 'anna'), await peer(2, 'bob'), await honestDirectory()]
  anna.service.add(code, { forMs: INVITATION_MS })
  const claims = await NumberClaims.open(await anna.libp2p.dial(directory.getMultiaddrs()), signal, () => undefined)
  await claims.claim(network, code.number)
  expect(await typed(bob, directory, [anna])).toBe('met anna')
  await eventually(() => expect(anna.events).toEqual(['came bob', 'ended used']))
})

test('a directory that names a peer of its own gets one guess of the words, and the guest hears of it', async () => {
  const [mallory, bob] = [await peer(3, 'anna'), await peer(2, 'bob')]
  mallory.service.add(guessed, { forMs: INVITATION_MS })
  const directory = await lyingDirectory(() => [mallory.id])
  expect(await typed(bob, directory, [mallory])).toBe('wrong-code')
  await eventually(() => expect(mallory.events).toEqual(['failed']))
})

test('a directory that names many peers gets three guesses, and the true maker among the first lets the guest in', async () => {
  const liars = await Promise.all([10, 11, 12, 13].map(async (n) => peer(n, 'anna')))
  for (const liar of liars) liar.service.add(guessed, { forMs: INVITATION_MS })
  const [anna, bob] = [await peer(1, 'anna'), await peer(2, 'bob')]
  anna.service.add(code, { forMs: INVITATION_MS })
  const lying = await lyingDirectory(() => liars.map(({ id }) => id))
  expect(await typed(bob, lying, liars)).toBe('wrong-code')
  await eventually(() => expect(liars.flatMap(({ events }) => events)).toEqual(['failed', 'failed', 'failed']))
  const mixed = await lyingDirectory(() => [liars[0]?.id ?? anna.id, anna.id])
  expect(await typed(bob, mixed, [...liars, anna])).toBe('met anna')
})

test('a peer in the middle that passes every frame on is found out by both', async () => {
  const [anna, bob, mallory] = [await peer(1, 'anna'), await peer(2, 'bob'), await peer(3, 'anna')]
  anna.service.add(code, { forMs: INVITATION_MS })
  await mallory.libp2p.unhandle(INVITE_PROTOCOL)
  await mallory.libp2p.handle(INVITE_PROTOCOL, async (stream) => {
    const toAnna = await (await mallory.connect(anna)).newStream(INVITE_PROTOCOL)
    await passOn(stream, toAnna)
  })
  const directory = await lyingDirectory(() => [mallory.id])
  expect(await typed(bob, directory, [mallory])).toBe('wrong-code')
  await eventually(() => expect(anna.events).toEqual(['failed']))
})

test('what a guest has sent once is worth nothing when it is sent again', async () => {
  const [anna, bob, mallory] = [await peer(1, 'anna'), await peer(2, 'bob'), await peer(3, 'mallory')]
  const heard: InviteFrame[] = []
  anna.service.add(code, { forMs: INVITATION_MS })
  // Mallory has got hold of the plain frames of a try of Bob's, as no listener can.
  await mallory.libp2p.unhandle(INVITE_PROTOCOL)
  await mallory.libp2p.handle(INVITE_PROTOCOL, async (stream) => {
    const toAnna = await (await mallory.connect(anna)).newStream(INVITE_PROTOCOL)
    await passOn(stream, toAnna, (frame) => void heard.push(frame))
  })
  const directory = await lyingDirectory(() => [mallory.id])
  await typed(bob, directory, [mallory])
  const again = new FrameStream(await (await mallory.connect(anna)).newStream(INVITE_PROTOCOL), inviteFrames, signal)
  const answers: string[] = []
  for (const frame of heard.filter(({ type }) => type === 'ask' || type === 'share')) {
    await again.write(frame)
    answers.push((await again.read()).type)
  }
  const proof: InviteFrame = { type: 'proof', proof: new Uint8Array(64), sealed: new Uint8Array(200) }
  await again.write(proof)
  expect([...answers, await again.read()]).toEqual(['offer', 'answer', { type: 'refuse', reason: 'wrong-code' }])
})

/** From the guest to the maker and back, frame by frame. */
async function passOn(
  guest: Stream,
  maker: Stream,
  hear: (frame: InviteFrame) => void = () => undefined
): Promise<void> {
  const [fromGuest, toMaker] = [
    new FrameStream(guest, inviteFrames, signal),
    new FrameStream(maker, inviteFrames, signal)
  ]
  try {
    for (;;) {
      const question = await fromGuest.read()
      hear(question)
      await toMaker.write(question)
      await fromGuest.write(await toMaker.read())
    }
  } catch (error) {
    toMaker.abort(error)
    fromGuest.abort(error)
  }
}
