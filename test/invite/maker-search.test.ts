import type { PeerId } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { InviteRefusedError, type Offer } from '../../src/invite/guest.ts'
import type { InviteRefusal } from '../../src/invite/invite-frames.ts'
import {
  MakerNotFoundError,
  MAX_ASKED_ON_LAN,
  MAX_TRIED_HOLDERS,
  redeemCode,
  type Candidate,
  type MakerSearchInit
} from '../../src/invite/maker-search.ts'
import { identity, sealedBy } from '../presence/records.ts'

const code = { number: 7, words: ['oak', 'pilot', 'river'] }

/** What a peer does when it is asked, and when words are proven to it. */
type Behaviour = InviteRefusal | 'unreachable' | 'offers wrong' | 'offers'

async function network(behaviours: readonly Behaviour[]) {
  const peers = await Promise.all(behaviours.map(async (_, n) => (await identity(n + 1)).peer))
  const directory = (await identity(200)).peer
  const { record } = { record: await sealedBy(await identity(1)) }
  const log = { asked: [] as Candidate[], guesses: 0, closed: 0 }
  const offerOf = (maker: PeerId, isRight: boolean): Offer => ({
    maker,
    redeem: async () => {
      log.guesses++
      if (!isRight) throw new InviteRefusedError('wrong-code')
      return { record, isForMany: false }
    },
    close: async () => void log.closed++
  })
  const ask: MakerSearchInit['ask'] = async (candidate) => {
    log.asked.push(candidate)
    const at = peers.findIndex((peer) => peer.toString() === candidate.peer)
    const behaviour = behaviours[at] ?? 'unreachable'
    const [maker] = peers.slice(at)
    if (behaviour === 'unreachable' || maker === undefined) throw new Error('no way')
    if (behaviour === 'offers' || behaviour === 'offers wrong') return offerOf(maker, behaviour === 'offers')
    throw new InviteRefusedError(behaviour)
  }
  const holders = peers.map((peer) => ({ peer, directory }))
  return { ids: peers.map(String), directories: [async () => holders], ask, log, directory }
}

test('the peer that the directory names is asked by that directory', async () => {
  const { directories, ask, ids, log, directory } = await network(['offers'])
  expect((await redeemCode({ code, directories, lan: [], ask })).peer).toBe(ids[0])
  expect(log.asked).toEqual([{ peer: ids[0], by: directory }])
})

test('of several that have the number each is tried, and no more than three get a guess', async () => {
  const few = await network(['offers wrong', 'unreachable', 'offers'])
  expect((await redeemCode({ code, ...few, lan: [] })).peer).toBe(few.ids[2])
  const many = await network(Array.from({ length: 8 }, () => 'offers wrong' as const))
  await expect(redeemCode({ code, ...many, lan: [] })).rejects.toMatchObject({ reason: 'wrong-code' })
  expect(many.log.guesses).toBe(MAX_TRIED_HOLDERS)
})

test('without a directory the peers of the LAN are asked, and those that are not tried are let go', async () => {
  const { ask, ids, log } = await network(['unknown', 'offers wrong', 'offers', 'offers'])
  expect((await redeemCode({ code, directories: [], lan: ids, ask })).peer).toBe(ids[2])
  expect(log).toMatchObject({ guesses: 2, closed: 1 })
  expect(log.asked.every(({ by }) => by === undefined)).toBe(true)
})

test('so many of the LAN are asked', async () => {
  const { ask, log } = await network([])
  const lan = Array.from({ length: 2 * MAX_ASKED_ON_LAN }, (_, n) => `peer ${n}`)
  await expect(redeemCode({ code, directories: [], lan, ask })).rejects.toThrow(MakerNotFoundError)
  expect(log.asked).toHaveLength(MAX_ASKED_ON_LAN)
})

test.each<InviteRefusal>(['used', 'expired', 'revoked', 'ended', 'too-many-tries', 'wrong-code'])(
  'that the maker says %s is the answer, and nobody else is asked',
  async (reason) => {
    const { directories, ask, log } = await network([reason])
    await expect(redeemCode({ code, directories, lan: ['x'], ask })).rejects.toMatchObject({ reason })
    expect(log.asked).toHaveLength(1)
  }
)

test('when no peer has the number, the error says how many were asked', async () => {
  const { ask, ids } = await network(['unknown'])
  const down = async () => Promise.reject(new Error('down'))
  const none = async () => []
  const failure = redeemCode({ code, directories: [none, none, down], lan: ids, ask })
  await expect(failure).rejects.toMatchObject({ directories: 2, onLan: 1, unreachable: undefined })
})

test('a maker that can’t be reached is named', async () => {
  const { directories, ask, ids } = await network(['unreachable'])
  await expect(redeemCode({ code, directories, lan: [], ask })).rejects.toMatchObject({ unreachable: ids[0] })
})
