// The simulated disk is worth no more than its likeness to the store of the program.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryStore } from '../../src/storage/index.ts'
import { Conversation, Disk, DiskFault, type Received } from './disk.ts'
import { Simulation } from './network.ts'

const peer = 'other'
const some = fc.array(fc.nat(12), { maxLength: 4 })
const action = fc.oneof(
  fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 1, max: 3 }), leave: fc.boolean() }),
  fc.record({
    do: fc.constant('move' as const),
    which: some,
    state: fc.constantFrom('held' as const, 'delivered' as const, 'unconfirmed' as const, 'failed' as const)
  }),
  fc.record({ do: fc.constantFrom('cancel' as const, 'retry' as const, 'noteSent' as const), which: some }),
  fc.record({ do: fc.constantFrom('startNewLog' as const, 'acceptHeld' as const) }),
  fc.record({
    do: fc.constant('receive' as const),
    which: some,
    log: fc.constantFrom('a'.repeat(16), 'b'.repeat(16)),
    state: fc.constantFrom('held' as const, 'accepted' as const)
  })
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

function hex(digits: string, length: number): string {
  return digits.padStart(length, '0')
}

/** The same to both; returns the conversation after it. */
async function both(store: MemoryStore, before: Conversation, one: Action): Promise<Conversation> {
  const known = [...before.sent.values()]
  const ids = 'which' in one ? one.which.flatMap((index) => known[index]?.id ?? []) : []
  switch (one.do) {
    case 'add': {
      const messages = Array.from({ length: one.count }, (_, index) => {
        const id = hex(String(known.length + index + 1), 32)
        return { id, text: `text ${id}`, sentAtMs: 0 }
      })
      await store.addAllOutgoing(peer, messages, { leave: one.leave })
      return before.add(messages, one.leave)
    }
    case 'move':
      await store.setDelivery(peer, ids, one.state)
      return before.move(ids, one.state)
    case 'cancel':
      await store.cancel(peer, ids)
      return before.cancel(ids)
    case 'retry':
      await store.retry(peer, ids)
      return before.retry(ids)
    case 'noteSent': {
      const sent = known.filter(({ id }) => ids.includes(id))
      await store.noteSent(peer, sent)
      return before.noteSent(sent)
    }
    case 'startNewLog': {
      const follows = hex('f', 16)
      await store.startNewLog(peer, follows)
      const { log } = (await store.ownPosition(peer)) ?? { log: '' }
      return before.startNewLog(log, follows)
    }
    case 'acceptHeld':
      await store.acceptHeld(peer)
      return before.acceptHeld()
    case 'receive': {
      const { log, state } = one
      const messages = one.which.map((seq) => ({ id: hex(`${seq}e`, 32), log, seq: seq + 1, text: `text ${seq}` }))
      await store.addIncoming(
        peer,
        messages.map((message) => ({ ...message, sentAtMs: 0 })),
        { state, lan: false, storedAtMs: 0 }
      )
      return before.receive(messages, state)
    }
  }
}

test('the simulated history is what the store of the program keeps', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (all) => {
      const store = new MemoryStore({ now: () => 0 })
      // The store gives a conversation its log when the first message is written.
      await store.addOutgoing({ peer, id: hex('1', 32), text: 'text', sentAtMs: 0 })
      const own = await store.ownPosition(peer)
      let simulated = Conversation.empty(own?.log ?? '').add([{ id: hex('1', 32), text: 'text' }], false)
      for (const one of all) simulated = await both(store, simulated, one)

      const waiting = await store.unreceipted(peer, { limit: 100 })
      expect(simulated.waiting(0, 100).map(({ id, place, log, seq, state }) => [id, place, log, seq, state])).toEqual(
        waiting.map(({ position, message: { id, log, seq, state } }) => [id, position, log, seq, state])
      )
      expect(simulated.own).toEqual(await store.ownPosition(peer))
      expect(simulated.theirs).toEqual(await store.heldPosition(peer))
      const history = await store.history(peer, { limit: 1_000, includeHeld: true })
      const fields = ({ id, log, seq, text, state }: Received): unknown[] => [id, log, seq, text, state]
      expect([...simulated.received.values()].map(fields)).toEqual(
        history.flatMap((message) => (message.direction === 'in' ? [fields(message)] : []))
      )
      await store.close()
    }),
    { numRuns: 200 }
  )
})

test('a killed process loses what it was not told to be on the disk, or not even that', () => {
  const seen = new Set<number>()
  for (let seed = 1; seed < 50; seed++) {
    const simulation = new Simulation(seed)
    const disk = new Disk(simulation, 'disk', 'log')
    let told = 0
    for (const id of ['1', '2', '3']) {
      disk.write(
        (state) => state.add([{ id, text: '' }], false),
        (state) => state.sent.size,
        (size) => (told = Number(size))
      )
    }
    simulation.runTo(simulation.between(0, 30))
    disk.kill()
    expect(disk.state.sent.size).toBeGreaterThanOrEqual(told)
    expect(disk.durable).toBe(disk.state)
    seen.add(disk.state.sent.size)
    simulation.runTo(1_000)
    expect(told).toBeLessThanOrEqual(disk.state.sent.size)
  }
  expect(seen).toEqual(new Set([0, 1, 2, 3]))
})

test('a full disk is read and not written, and a broken one neither', () => {
  const simulation = new Simulation(1)
  const disk = new Disk(simulation, 'disk', 'log')
  const answers: unknown[] = []
  const ask = (): void => {
    disk.read(
      (state) => state.nextPlace,
      (answer) => answers.push(answer)
    )
    disk.write(
      (state) => state.add([{ id: '1', text: '' }], false),
      (state) => state.nextPlace,
      (answer) => answers.push(answer)
    )
    simulation.runTo(simulation.nowMs + 100)
  }
  disk.isFull = true
  ask()
  disk.isBroken = true
  ask()
  expect(answers.map((answer) => answer instanceof DiskFault)).toEqual([false, true, true, true])
})
