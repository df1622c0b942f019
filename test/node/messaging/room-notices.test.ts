import { expect, test } from 'vitest'
import {
  MAX_TOLD_QUOTAS,
  ROOM_NOTICE_AGAIN_MS,
  UNKEPT_NOTICE_RATE,
  roomNewsText,
  RoomNotices,
  type RoomNews
} from '../../../src/node/messaging/room-notices.ts'

const use = { messages: 800, limit: 1000, strangers: 42, largest: { origin: '203.0.113.7', messages: 780 } }
const disk = { quotaBytes: 2 ** 30, freeBytes: 5 * 2 ** 20, floorBytes: 256 * 2 ** 20 }

function notices() {
  let nowMs = 0
  const told: RoomNews[] = []
  const made = new RoomNotices({ now: () => nowMs, tell: (news) => told.push(news) })
  return { made, told, later: (ms: number) => (nowMs += ms) }
}

test('each kind of notice comes once in a while, and for each contact apart', () => {
  const { made, told, later } = notices()
  for (let again = 0; again < 3; again++) {
    made.crowded(use)
    made.refused('anna', disk)
    made.refused('bob', disk)
    made.refused(undefined, disk)
  }
  expect(told.map(({ is }) => is)).toEqual(['crowded', 'over quota', 'over quota', 'disk low'])
  later(ROOM_NOTICE_AGAIN_MS)
  made.refused('anna', disk)
  expect(told).toHaveLength(5)
})

test('ever more contacts over their quota take no more memory', () => {
  const { made, told } = notices()
  for (let one = 0; one <= MAX_TOLD_QUOTAS; one++) made.refused(`contact ${one}`, disk)
  made.refused(`contact ${MAX_TOLD_QUOTAS}`, disk)
  expect(told).toHaveLength(MAX_TOLD_QUOTAS + 1)
  made.refused('contact 0', disk)
  expect(told).toHaveLength(MAX_TOLD_QUOTAS + 2)
})

test('the words say who, what, and what to do', () => {
  const words = (news: RoomNews): string => roomNewsText(news, () => 'Anna')
  expect(words({ is: 'crowded', use })).toMatch(
    /800 of 1000 messages, from 42 strangers, 780 of them from 203\.0\.113\.7.*\/requests clear/u
  )
  expect(words({ is: 'expired', strangers: 2 })).toContain('2 strangers')
  expect(words({ is: 'waiting', peer: 'anna' })).toMatch(/^Anna has more .* 20 messages .* accept/u)
  const tooLong = { why: 'too-long', sizeBytes: 70_000 } as const
  expect(words({ is: 'unkept', peer: 'anna', what: tooLong, untold: 0 })).toMatch(/70000 bytes from Anna.*65536/u)
  expect(words({ is: 'unkept', peer: 'anna', what: { why: 'no-room', texts: 3 }, untold: 4 })).toMatch(
    /^3 texts from Anna .*; 4 more such losses/u
  )
  expect(words({ is: 'over quota', peer: 'anna', quotaBytes: 2 ** 30 })).toMatch(
    /from Anna .* 1 GiB.*\/forget Anna.*--contact-quota/u
  )
  expect(words({ is: 'disk low', freeBytes: 5 * 2 ** 20, floorBytes: 2 ** 28 })).toMatch(
    /5 MiB free, and 256 MiB.*--min-free/u
  )
})

test('losses come a few at a time, and the next note says how many were not told', () => {
  const { made, told, later } = notices()
  for (let again = 0; again < 12; again++) made.unkept('anna', { why: 'too-long', sizeBytes: 70_000 })
  expect(told).toHaveLength(UNKEPT_NOTICE_RATE.burst)
  later(10_000)
  made.unkept('bob', { why: 'no-room', texts: 1 })
  expect(told.at(-1)).toMatchObject({ peer: 'bob', untold: 12 - UNKEPT_NOTICE_RATE.burst })
})
