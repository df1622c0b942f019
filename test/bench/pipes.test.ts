/** What a benchmark does when the connection that it measures breaks. */
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { BenchProcess } from '../../bench/bench-process.ts'
import type { Measured, Order, SideInit } from '../../bench/delivery-side.ts'
import type { PipeAnswer, PipeInit, PipeOrder } from '../../bench/pipe-side.ts'

type Side = BenchProcess<PipeOrder, PipeAnswer>

const sides: { stop(): Promise<void> }[] = []

afterEach(async () => {
  for (const side of sides.splice(0)) await side.stop()
})

async function start(
  kind: PipeInit['kind'],
  role: PipeInit['role']
): Promise<{ readonly process: Side; readonly address: string }> {
  const side = await BenchProcess.start<PipeOrder, PipeAnswer>('pipe-side.ts', {
    kind,
    role
  } satisfies PipeInit)
  sides.push(side.process)
  // What pipe-side.ts says first.
  return { process: side.process, address: (side.ready as { readonly address: string }).address }
}

test.each(['wire', 'libp2p', 'tcp'] as const)('a pipe of %s that breaks ends the measurement', async (kind) => {
  const receiver = await start(kind, 'receiver')
  const { process: sender } = await start(kind, 'sender')
  await sender.ask({ do: 'dial', address: receiver.address })
  await sender.ask({ do: 'send', count: 10, sizeBytes: 64 })
  const broken = expect(sender.ask({ do: 'send', count: 1_000_000_000, sizeBytes: 64 })).rejects.toThrow('has ended')
  receiver.process.child.kill('SIGKILL')
  await once(receiver.process.child, 'exit')
  await broken
  await expect(sender.ask({ do: 'cpu' })).rejects.toThrow('has ended')
})

test('a bare stream that breaks ends the measurement of deliveries', async () => {
  const init = { store: 'none', folder: '', build: '', text: 'a message ' } as const
  const startSide = async (role: SideInit['role']) => {
    const side = await BenchProcess.start<Order, Measured>('delivery-side.ts', { ...init, role } satisfies SideInit)
    sides.push(side.process)
    return side
  }
  const receiver = await startSide('receiver')
  const { process: sender } = await startSide('sender')
  // What delivery-side.ts says first.
  const { address } = receiver.ready as { readonly address: string }
  await sender.ask({ do: 'connect', address })
  expect((await sender.ask({ do: 'send', count: 100, underWay: 10 })).latenciesMs).toHaveLength(100)
  const sending = sender.ask({ do: 'send', count: 100_000_000, underWay: 10 })
  receiver.process.child.kill('SIGKILL')
  await expect(sending).rejects.toThrow('has ended')
})
