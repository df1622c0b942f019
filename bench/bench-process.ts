/**
 * What the benchmarks of a directory share: children that obey one order at a
 * time, quantiles, and the line that says where a figure was measured.
 */

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'

/** The sources run as they are; the generated frames hold TypeScript that needs more than its types taken away. */
const asSource = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']

/** A child has ended before it answered. */
class ProcessEndedError extends Error {
  override readonly name = 'ProcessEndedError'

  constructor() {
    super('a process of the benchmark has ended: what it said is above')
  }
}

/** A child that answers each order with one message. */
export class BenchProcess<Order, Answer> {
  readonly child: ChildProcess

  private constructor(child: ChildProcess) {
    this.child = child
  }

  /** @returns the child, and the first thing that it said */
  static async start<Order, Answer>(
    file: string,
    init: object,
    execArgv: readonly string[] = []
  ): Promise<{ readonly process: BenchProcess<Order, Answer>; readonly ready: unknown }> {
    const child = fork(join(import.meta.dirname, file), [JSON.stringify(init)], {
      execArgv: [...asSource, ...execArgv]
    })
    const process = new BenchProcess<Order, Answer>(child)
    return { process, ready: await process.#answer<unknown>() }
  }

  async ask<A extends Answer = Answer>(order: Order & object): Promise<A> {
    const answer = this.#answer<A>()
    if (this.child.connected) this.child.send(order)
    return answer
  }

  /** The last order, after which it ends by itself. */
  async end(order: Order & object): Promise<void> {
    this.child.send(order)
    await this.gone()
  }

  /** Resolves when it has ended, of itself or not. */
  async gone(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
  }

  async stop(): Promise<void> {
    if (this.child.connected) this.child.disconnect()
    else this.child.kill()
    await this.gone()
  }

  async #answer<T>(): Promise<T> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) throw new ProcessEndedError()
    const ended = new AbortController()
    const died = once(this.child, 'exit', { signal: ended.signal }).then(() => {
      throw new ProcessEndedError()
    })
    try {
      // Orders and answers are declared by the child's file.
      const [answer] = (await Promise.race([once(this.child, 'message', { signal: ended.signal }), died])) as [T]
      return answer
    } finally {
      ended.abort()
      died.catch(() => undefined)
    }
  }
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Enough digits to compare, and no more. */
export function round(value: number): string {
  if (Number.isNaN(value)) return '–'
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export function whereMeasured(): string {
  const { version } = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', 'node_modules', 'libp2p', 'package.json'), 'utf8')
  ) as { version: string }
  const load = loadavg()[0]?.toFixed(1)
  return `Node ${process.version}, libp2p ${version}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}, load ${load}`
}

/** @returns the rows as a Markdown table, numbers to the right */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [
    `| ${head.join(' | ')} |`,
    `| ${head.map((_, i) => (i === 0 ? '---' : '---:')).join(' | ')} |`,
    ...rows.map((row) => `| ${row.join(' | ')} |`)
  ].join('\n')
}

/** Each client is a file on either side; the descendants of this process inherit the limit, so it can only be told. */
export function checkOpenFiles(needed: number): void {
  const soft = /Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  if (soft !== undefined && Number(soft) < needed) {
    throw new Error(`${needed} open files are needed and the limit is ${soft}: run \`ulimit -n ${needed}\` first`)
  }
}

/** The system's steady clock, the same in all processes. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
