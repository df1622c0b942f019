// The clock of a machine jumps a year ahead while messages wait: none is given up for it. One whose time is over by the
// steady clock is given up meanwhile, which shows that all of them were looked at after the jump.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { beforeEach, expect, test } from 'vitest'
import { withHistory } from '../processes/homes.ts'
import { ShiftedClock, whyNoShiftedClock } from '../processes/shifted-clock.ts'
import { TestBed } from '../processes/test-bed.ts'

/** Less than a day, which holds from the start; and more than the test takes. */
const giveUpMs = 3_600_000
/** After the first look at what waits, which a start begins with, and before the next one. */
const leftMs = 30_000
const texts = Array.from({ length: 50 }, (_, n) => `waits ${n}`)

beforeEach(({ skip }) => {
  skip(whyNoShiftedClock !== undefined, whyNoShiftedClock)
})

test('a clock that jumps a year ahead fails no message that waits', async () => {
  await using bed = await TestBed.make()
  const home = bed.home()
  const [absent, longAbsent] = await Promise.all([newPeer(), newPeer()])
  const sentAtMs = Date.now()
  await withHistory(home, async (store) =>
    store.addAllOutgoing(
      absent,
      texts.map((text) => ({ text, sentAtMs }))
    )
  )
  const longAgoMs = sentAtMs - giveUpMs + leftMs
  await withHistory(
    home,
    async (store) => store.addAllOutgoing(longAbsent, [{ text: 'too old soon', sentAtMs: longAgoMs }]),
    () => longAgoMs
  )
  const clock = new ShiftedClock(bed.folder)
  const parley = await bed.start(['--json', '--give-up', '1h'], { home, env: clock.env })
  await parley.event('ready')
  clock.shiftBy('+366d')

  const failed = await parley.event('delivery', ({ state }) => state === 'failed')
  expect(failed).toMatchObject({ peer: longAbsent })
  parley.type('{"do":"quit"}')
  expect((await parley.ended()).code).toBe(0)
  expect(parley.events().filter(({ state }) => state === 'failed')).toHaveLength(1)
  await withHistory(home, async (store) => {
    const waiting = await store.unreceipted(absent, { limit: texts.length + 1 })
    expect(waiting.map(({ message: { text, state } }) => ({ text, state }))).toEqual(
      texts.map((text) => ({ text, state: 'pending' }))
    )
  })
})

async function newPeer(): Promise<string> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
}
