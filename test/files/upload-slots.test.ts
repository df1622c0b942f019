import { expect, test } from 'vitest'
import { SLOT_STALL_MS, UPLOAD_TURN_BYTES, UploadSlots, type Upload } from '../../src/files/upload-slots.ts'

class TestUpload implements Upload {
  readonly peer: string
  /** The last place that it was told; undefined before the first, and when it has stalled. */
  place: number | undefined

  constructor(peer: string) {
    this.peer = peer
  }

  onPlace(place: number): void {
    this.place = place
  }

  onStall(): void {
    this.place = undefined
  }
}

function uploads(slots: UploadSlots, peers: string, nowMs = 0): readonly TestUpload[] {
  return [...peers].map((peer) => {
    const upload = new TestUpload(peer)
    slots.want(upload, nowMs)
    return upload
  })
}

const places = (all: readonly TestUpload[]) => all.map(({ place }) => place)

test('as many as there are slots are served, and the others know their place', () => {
  const slots = new UploadSlots({ slots: 2 })
  const all = uploads(slots, 'abcd')
  expect(places(all)).toEqual([0, 0, 1, 2])
  if (all[0] !== undefined) slots.leave(all[0], 0)
  expect(places(all)).toEqual([0, 0, 0, 1])
})

test('a peer with many uploads does not keep another waiting behind them', () => {
  const slots = new UploadSlots({ slots: 2 })
  const all = uploads(slots, 'aaaab')
  expect(places(all)).toEqual([0, 0, 2, 3, 1])
})

test('after its turn an upload waits behind the others, and goes on when nobody waits', () => {
  const slots = new UploadSlots({ slots: 1 })
  const [alone] = uploads(slots, 'a')
  if (alone === undefined) throw new Error('no upload')
  slots.sent(alone, UPLOAD_TURN_BYTES, 0)
  expect(alone.place).toBe(0)
  const [other] = uploads(slots, 'b')
  slots.sent(alone, UPLOAD_TURN_BYTES - 1, 0)
  expect([alone.place, other?.place]).toEqual([0, 1])
  slots.sent(alone, 1, 0)
  expect([alone.place, other?.place]).toEqual([1, 0])
})

test('one that leaves while it waits moves the others up', () => {
  const slots = new UploadSlots({ slots: 1 })
  const all = uploads(slots, 'abc')
  if (all[1] !== undefined) slots.leave(all[1], 0)
  expect(all[2]?.place).toBe(1)
})

test('a slot that is held by one that reads nothing goes to one that waits, until it reads again', () => {
  let isAsked = false
  const slots = new UploadSlots({ slots: 1, onDeadline: () => (isAsked = true) })
  const [idle] = uploads(slots, 'a')
  expect(slots.deadlineMs).toBe(Infinity)
  const [other] = uploads(slots, 'b', 1_000)
  if (idle === undefined || other === undefined) throw new Error('no upload')
  expect([isAsked, slots.deadlineMs]).toEqual([true, SLOT_STALL_MS])
  slots.sent(idle, 1, 10)
  slots.yieldStalled(SLOT_STALL_MS)
  expect([idle.place, other.place, slots.deadlineMs]).toEqual([0, 1, 10 + SLOT_STALL_MS])
  slots.yieldStalled(10 + SLOT_STALL_MS)
  expect([idle.place, other.place]).toEqual([undefined, 0])
  slots.want(idle, 20_000)
  expect(idle.place).toBeUndefined()
  slots.sent(idle, 1, 20_000)
  expect([idle.place, other.place]).toEqual([1, 0])
})

test('one that reads nothing keeps its slot while nobody else wants it', () => {
  const slots = new UploadSlots({ slots: 1 })
  const [alone] = uploads(slots, 'a')
  slots.yieldStalled(10 * SLOT_STALL_MS)
  expect(alone?.place).toBe(0)
})
