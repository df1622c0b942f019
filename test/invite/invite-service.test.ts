import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import { GuestExchange, INVITE_NONCE_BYTES, INVITE_PROOF_BYTES } from '../../src/invite/exchange.ts'
import { InviteRefusedError } from '../../src/invite/guest.ts'
import { invite, type InviteService, type InviteServiceInit } from '../../src/invite/invite-service.ts'
import { INVITE_PROTOCOL, inviteFrames } from '../../src/invite/invite-frames.ts'
import { FrameStream } from '../../src/wire/index.ts'
import { INVITATION_MS, MAX_FAILED_TRIES_OF_CLASS } from '../../src/invite/open-invitations.ts'
import { node } from '../directory/nodes.ts'
import { eventually } from '../eventually.ts'
import { identity, sealedBy, type Identity } from '../presence/records.ts'
import { eventualMs } from '../patience.ts'

const code = { number: 7, words: ['oak', 'pilot', 'river'] }
const wrong = ['oak', 'pilot', 'road']

interface Side {
  readonly service: InviteService
  readonly events: string[]
  connect(to: Side): Promise<Connection>
  readonly peer: PeerId
  readonly addresses: () => readonly unknown[]
}

async function side(who: Identity, nickname: string, over: Partial<InviteServiceInit> = {}): Promise<Side> {
  const { envelope } = await sealedBy(who, { nickname, network: 'test' })
  const events: string[] = []
  const libp2p = await node(
    {
      invite: invite({
        network: 'test',
        ownEnvelope: () => envelope,
        isKnownAt: (_, directory) => directory === undefined,
        onCame: async ({ record }) => void events.push(`came ${record.record.nickname}`),
        onFailed: ({ invitation }) => void events.push(`failed ${invitation.failedTries}`),
        onEnded: ({ end }) => void events.push(`ended ${end}`),
        onForgotten: () => void events.push('forgotten'),
        ...over
      })
    },
    { privateKey: who.key }
  )
  return {
    service: libp2p.services.invite,
    events,
    peer: libp2p.peerId,
    addresses: () => libp2p.getMultiaddrs(),
    connect: async (to) => libp2p.dial(to.addresses() as Parameters<typeof libp2p.dial>[0])
  }
}

async function pair(over: Partial<InviteServiceInit> = {}) {
  const [anna, bob] = [await side(await identity(1), 'anna', over), await side(await identity(2), 'bob')]
  return { anna, bob, connection: await bob.connect(anna) }
}

const question = (over: { readonly directory?: PeerId } = {}) => ({
  number: code.number,
  directory: over.directory,
  signal: AbortSignal.timeout(eventualMs)
})

async function refusal(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'let in',
    (error: unknown) => (error instanceof InviteRefusedError ? error.reason : String(error))
  )
}

async function guess(of: { readonly bob: Side; readonly connection: Connection }, words: readonly string[]) {
  return refusal(of.bob.service.ask(of.connection, question()).then(async (offer) => offer.redeem(words)))
}

test('with the right words each has the other’s signed record, and the code is used', async () => {
  const both = await pair()
  const { anna, bob, connection } = both
  anna.service.add(code, { forMs: INVITATION_MS })
  const offer = await bob.service.ask(connection, question())
  const { record, isForMany } = await offer.redeem(code.words)
  expect([record.record.nickname, record.record.peer.equals(anna.peer), isForMany]).toEqual(['anna', true, false])
  await eventually(() => expect(anna.events).toEqual(['came bob', 'ended used']))
  // Bob's own answer may have been lost; for another it is used.
  expect(await guess(both, code.words)).toBe('let in')
  const carl = await side(await identity(3), 'carl')
  expect(await guess({ bob: carl, connection: await carl.connect(anna) }, code.words)).toBe('used')
})

test('our record goes to a guest only after the guest was stored', async () => {
  const kept = Promise.withResolvers<void>()
  const { anna, bob, connection } = await pair({ onCame: async () => kept.promise })
  anna.service.add(code, { forMs: INVITATION_MS })
  const offer = await bob.service.ask(connection, question())
  let isIn = false
  const redeemed = offer.redeem(code.words).then(() => (isIn = true))
  await eventually(() => expect(anna.service.all()[0]?.end).toBe('used'))
  expect(isIn).toBe(false)
  kept.resolve()
  await redeemed
})

test('wrong words are refused, the maker sees each try, and one address has no more than three', async () => {
  const both = await pair()
  const { anna } = both
  anna.service.add(code, { forMs: INVITATION_MS })
  for (let n = 1; n <= MAX_FAILED_TRIES_OF_CLASS; n++) {
    expect(await guess(both, wrong)).toBe('wrong-code')
    await eventually(() => expect(anna.events.at(-1)).toBe(`failed ${n}`))
  }
  expect(await guess(both, code.words)).toBe('too-many-tries')
  expect(anna.service.all()[0]?.end).toBeUndefined()
})

test.each([
  ['unknown', async () => undefined],
  ['revoked', async ({ service }: Side) => (service.add(code, { forMs: INVITATION_MS }), service.revoke(7))],
  ['expired', async ({ service }: Side) => service.add(code, { forMs: 0 })]
])('a code that is %s is refused with that reason', async (why, prepare) => {
  const both = await pair()
  await prepare(both.anna)
  expect(await guess(both, code.words)).toBe(why)
})

test('a number that was found by a directory where it is not known is refused', async () => {
  const { anna, bob, connection } = await pair()
  anna.service.add(code, { forMs: INVITATION_MS })
  const elsewhere = peerIdFromPrivateKey((await identity(9)).key)
  expect(await refusal(bob.service.ask(connection, question({ directory: elsewhere })))).toBe('unknown')
})

test('a peer of another network is refused', async () => {
  const { bob, connection, anna } = await pair({ network: 'other' })
  anna.service.add(code, { forMs: INVITATION_MS })
  expect(await refusal(bob.service.ask(connection, question()))).toBe('other-network')
})

test('a guest that goes away after it has seen our proof has had its try', async () => {
  const { anna, connection } = await pair()
  anna.service.add(code, { forMs: INVITATION_MS })
  const stream = await connection.newStream(INVITE_PROTOCOL)
  const messages = new FrameStream(stream, inviteFrames, AbortSignal.timeout(eventualMs))
  const nonce = new Uint8Array(INVITE_NONCE_BYTES)
  await messages.write({ type: 'ask', network: 'test', number: 7, directory: undefined, nonce })
  await messages.read()
  const part = new Uint8Array()
  const exchange = new GuestExchange({
    ...code,
    network: 'test',
    directory: undefined,
    maker: part,
    guest: part,
    makerNonce: nonce,
    guestNonce: nonce
  })
  await messages.write({ type: 'share', share: exchange.share })
  expect((await messages.read()).type).toBe('answer')
  messages.abort(new Error('gone'))
  await eventually(() => expect(anna.events).toEqual(['failed 1']))
})

test('a proof that is made up is refused, and its record is not read', async () => {
  const { anna, connection } = await pair()
  anna.service.add(code, { forMs: INVITATION_MS })
  const messages = new FrameStream(
    await connection.newStream(INVITE_PROTOCOL),
    inviteFrames,
    AbortSignal.timeout(eventualMs)
  )
  const nonce = new Uint8Array(INVITE_NONCE_BYTES)
  await messages.write({ type: 'ask', network: 'test', number: 7, directory: undefined, nonce })
  await messages.read()
  const share = new Uint8Array(32)
  await messages.write({ type: 'share', share })
  // The neutral element is no share: every password would give the same key.
  expect(await messages.read()).toEqual({ type: 'refuse', reason: 'wrong-code' })
  expect(INVITE_PROOF_BYTES).toBe(64)
  await eventually(() => expect(anna.events).toEqual(['failed 1']))
})

test('a code for many makes no contact, and says so', async () => {
  const { anna, bob, connection } = await pair()
  anna.service.add({ number: 7, words: [...code.words, 'zoo'] }, { places: 2, forMs: INVITATION_MS })
  const offer = await bob.service.ask(connection, question())
  expect((await offer.redeem([...code.words, 'zoo'])).isForMany).toBe(true)
  expect(anna.service.all()[0]).toMatchObject({ came: [bob.peer.toString()], end: undefined })
})
