/**
 * Two processes with a pipe between them, dialled and tried. Some ways stall
 * now and then for no known reason: they are tried again, and the report says
 * how often. Knows no measurement.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { BenchProcess } from './bench-process.ts'
import type { PipeKind, PipeRole } from './pipe-kinds.ts'
import type { PipeAnswer, PipeInit, PipeOrder } from './pipe-side.ts'
import type { Report } from './report.ts'

type Side = BenchProcess<PipeOrder, PipeAnswer>

export interface Pipes {
  readonly sender: Side
  /** Where the receiver can be dialled. */
  readonly address: string
  /** Of both processes, since they began. */
  cpuMs(): Promise<number>
  stop(): Promise<void>
}

const tries = 6
const tryMs = 10_000
const triedMessages = 1_000

/** @returns undefined when it stalled every time, which the report says */
export async function startPipes(kind: PipeKind, report: Report): Promise<Pipes | undefined> {
  for (let stalls = 0; stalls < tries; stalls++) {
    const sides: Side[] = []
    const stop = async (): Promise<void> => void (await Promise.all(sides.map(async (side) => side.stop())))
    const late = new AbortController()
    const pipes = await Promise.race([
      connect(kind, sides).catch((error: unknown) => {
        process.stderr.write(`${kind}: ${String(error)}\n`)
        return undefined
      }),
      sleep(tryMs, undefined, { signal: late.signal }).catch(() => undefined)
    ])
    late.abort()
    if (pipes !== undefined) {
      if (stalls > 0) report.note(`${kind} stalled in ${stalls} of ${stalls + 1} tries to connect`)
      return { ...pipes, stop }
    }
    await stop()
  }
  report.note(`${kind} stalled in all of ${tries} tries to connect`)
  return undefined
}

async function connect(kind: PipeKind, sides: Side[]): Promise<Omit<Pipes, 'stop'>> {
  const start = async (role: PipeRole) => {
    const side = await BenchProcess.start<PipeOrder, PipeAnswer>('pipe-side.ts', { kind, role } satisfies PipeInit)
    sides.push(side.process)
    return side
  }
  const receiver = await start('receiver')
  const sender = (await start('sender')).process
  // What pipe-side.ts says first.
  const { address } = receiver.ready as { address: string }
  await sender.ask({ do: 'dial', address })
  await sender.ask({ do: 'send', count: triedMessages, sizeBytes: 64 })
  return {
    sender,
    address,
    cpuMs: async () => {
      const answers = await Promise.all([sender, receiver.process].map(async (side) => side.ask({ do: 'cpu' })))
      return answers.reduce((sum, { ms }) => sum + (ms[0] ?? 0), 0)
    }
  }
}
