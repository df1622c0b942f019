import { expect, test } from 'vitest'
import { UPLOAD_TURN_BYTES, UploadSlots, type Upload } from '../../src/files/upload-slots.ts'

class TestUpload implements Upload {
  readonly peer: string
  /** The last place that it was told; undefined before the first. */
  place: number | undefined

  constructor(peer: string) {
    this.peer = peer
  }

  onPlace(place: number): void {
    this.place = place
  }
}

function uploads(slots: UploadSlots, peers: string): readonly TestUpload[] {
  return [...peers].map((peer) => {
    const upload = new TestUpload(peer)
    slots.want(upload)
    return upload
  })
}

const places = (all: readonly TestUpload[]) => all.map(({ place }) => place)

test('as many as there are slots are served, and the others know their place', () => {
  const slots = new UploadSlots(2)
  const all = uploads(slots, 'abcd')
  expect(places(all)).toEqual([0, 0, 1, 2])
  if (all[0] !== undefined) slots.leave(all[0])
  expect(places(all)).toEqual([0, 0, 0, 1])
})

test('a peer with many uploads does not keep another waiting behind them', () => {
  const slots = new UploadSlots(2)
  const all = uploads(slots, 'aaaab')
  expect(places(all)).toEqual([0, 0, 2, 3, 1])
})

test('after its turn an upload waits behind the others, and goes on when nobody waits', () => {
  const slots = new UploadSlots(1)
  const [alone] = uploads(slots, 'a')
  if (alone === undefined) throw new Error('no upload')
  slots.sent(alone, UPLOAD_TURN_BYTES)
  expect(alone.place).toBe(0)
  const [other] = uploads(slots, 'b')
  slots.sent(alone, UPLOAD_TURN_BYTES - 1)
  expect([alone.place, other?.place]).toEqual([0, 1])
  slots.sent(alone, 1)
  expect([alone.place, other?.place]).toEqual([1, 0])
})

test('one that leaves while it waits moves the others up', () => {
  const slots = new UploadSlots(1)
  const all = uploads(slots, 'abc')
  if (all[1] !== undefined) slots.leave(all[1])
  expect(all[2]?.place).toBe(1)
})
