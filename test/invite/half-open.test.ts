/** Guests that open streams and say nothing keep no other guest from the maker of a code. */
import type { Connection, StreamHandler } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, onTestFinished, test } from 'vitest'
import { invite } from '../../src/invite/invite-service.ts'
import { INVITATION_MS } from '../../src/invite/open-invitations.ts'
import { identity, sealedBy, type Identity } from '../presence/records.ts'
import { eventualMs } from '../patience.ts'

const [{ log: quiet }] = await streamPair()

async function service(who: Identity, nickname: string) {
  const { envelope } = await sealedBy(who, { nickname, network: 'test' })
  let handler: StreamHandler | undefined
  const made = invite({
    network: 'test',
    ownEnvelope: () => envelope,
    isKnownAt: () => true,
    onCame: async () => undefined,
    onFailed: () => undefined,
    onEnded: () => undefined,
    onForgotten: () => undefined
  })({
    peerId: who.peer,
    logger: { forComponent: () => quiet },
    registrar: {
      handle: async (_, handle) => void (handler = handle),
      unhandle: async () => void (handler = undefined)
    }
  })
  await made.start()
  onTestFinished(async () => made.stop())
  return { made, onStream: (...args: Parameters<StreamHandler>) => void handler?.(...args) }
}

test('a hundred silent streams from one address keep no guest from another one out', async () => {
  const [annasKey, bobsKey, mallorysKey] = [await identity(1), await identity(2), await identity(3)]
  const [anna, bob] = [await service(annasKey, 'anna'), await service(bobsKey, 'bob')]
  // A stand-in for a connection: what the service reads of one.
  const from = ({ peer }: Identity, address: string): Connection =>
    ({ remotePeer: peer, remoteAddr: multiaddr(address) }) as Connection
  for (let left = 100; left > 0; left--) {
    const [, inbound] = await streamPair()
    anna.onStream(inbound, from(mallorysKey, '/ip4/203.0.113.1/tcp/1'))
  }
  anna.made.add({ number: 7, words: ['oak', 'pilot', 'river'] }, { forMs: INVITATION_MS })
  // As above.
  const toAnna = {
    remotePeer: annasKey.peer,
    newStream: async () => {
      const [outbound, inbound] = await streamPair()
      anna.onStream(inbound, from(bobsKey, '/ip4/203.0.113.2/tcp/1'))
      return outbound
    }
  } as unknown as Connection
  const offer = await bob.made.ask(toAnna, { number: 7, directory: undefined, signal: AbortSignal.timeout(eventualMs) })
  const { record } = await offer.redeem(['oak', 'pilot', 'river'])
  expect(record.record.nickname).toBe('anna')
})
