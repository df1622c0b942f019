import { expect, test } from 'vitest'
import { FAULT_NOTICE_AGAIN_MS, FaultNotices } from '../../../src/node/messaging/room-notices.ts'

test('a failure that repeats is reported once in a while, apart for each peer and each failure', () => {
  let nowMs = 0
  const told: string[] = []
  const notices = new FaultNotices({ now: () => nowMs, tell: (peer, error) => told.push(`${peer}: ${String(error)}`) })
  for (let tries = 0; tries < 20; tries++) {
    notices.fault('anna', new Error('full'))
    notices.fault('bob', new Error('full'))
    notices.fault('anna', new Error('read-only'))
    nowMs += 1000
  }
  expect(told).toEqual(['anna: Error: full', 'bob: Error: full', 'anna: Error: read-only'])
  nowMs += FAULT_NOTICE_AGAIN_MS
  notices.fault('anna', new Error('full'))
  expect(told).toHaveLength(4)
})
