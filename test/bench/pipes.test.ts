/** What a benchmark does when the connection that it measures breaks. */
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { BenchProcess } from '../../bench/bench-process.ts'
import type { PipeAnswer, PipeInit, PipeOrder } from '../../bench/pipe-side.ts'

type Side = BenchProcess<PipeOrder, PipeAnswer>

const sides: Side[] = []

afterEach(async () => {
  for (const side of sides.splice(0)) await side.stop()
})

async function start(role: PipeInit['role']): Promise<{ readonly process: Side; readonly address: string }> {
  const side = await BenchProcess.start<PipeOrder, PipeAnswer>('pipe-side.ts', {
    kind: 'wire',
    role
  } satisfies PipeInit)
  sides.push(side.process)
  // What pipe-side.ts says first.
  return { process: side.process, address: (side.ready as { readonly address: string }).address }
}

test('a pipe that breaks ends the measurement, and nobody waits for an answer that can not come', async () => {
  const receiver = await start('receiver')
  const { process: sender } = await start('sender')
  await sender.ask({ do: 'dial', address: receiver.address })
  await sender.ask({ do: 'send', count: 10, sizeBytes: 64 })
  const sending = sender.ask({ do: 'send', count: 1_000_000_000, sizeBytes: 64 })
  receiver.process.child.kill('SIGKILL')
  await once(receiver.process.child, 'exit')
  await expect(sending).rejects.toThrow('has ended')
  await expect(sender.ask({ do: 'cpu' })).rejects.toThrow('has ended')
})
