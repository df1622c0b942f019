// A bad link between two hosts of their own: late, lossy, and cut from time to
// time. The kernel does it where it has netem; elsewhere a small program stands
// between the two. It knows no program that uses the link.
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Lan, whyNoNamespaces, type NetHost } from '../netns/lan.ts'
import type { Cable } from './round.ts'

/** Where one of the two is. */
export interface Place {
  readonly host: string
  readonly wrapper: readonly string[]
}

export interface BadLink {
  readonly places: readonly [Place, Place]
  readonly cable: Cable
  readonly told: string
  remove(): Promise<void>
}

/** Each way. */
const delayMs = 100
const lossPercent = 5
const slowSwitch = join(import.meta.dirname, 'slow-switch.py')
const run = promisify(execFile)

/** @throws Error where there can be no network namespaces, or nothing that makes a link bad */
export async function badLink(): Promise<BadLink> {
  const why = await whyNoNamespaces()
  if (why !== undefined) throw new Error(why)
  const lan = await Lan.create({ hosts: 2, defaultRoute: 'none' })
  try {
    const { by, ...bad } = (await byKernel(lan)) ?? (await byProgram(lan))
    return {
      places: [placeOf(lan.host(0)), placeOf(lan.host(1))],
      cable: bad.cable,
      told: `kills and cuts on a link with ${delayMs} ms and ${lossPercent} % loss each way (${by})`,
      remove: async () => {
        await bad.end()
        await lan.remove()
      }
    }
  } catch (error) {
    await lan.remove()
    throw error
  }
}

interface Impairment {
  readonly by: string
  readonly cable: Cable
  end(): Promise<void>
}

async function byKernel(lan: Lan): Promise<Impairment | undefined> {
  try {
    for (const { namespace } of lan.hosts) {
      const netem = ['netem', 'loss', `${lossPercent}%`, 'delay', `${delayMs}ms`]
      await run('tc', ['-n', namespace, 'qdisc', 'add', 'dev', 'eth0', 'root', ...netem])
    }
  } catch {
    return undefined // a kernel without it: byProgram() does without
  }
  return { by: 'netem', cable: lan.host(0), end: async () => undefined }
}

async function byProgram(lan: Lan): Promise<Impairment> {
  for (const host of lan.hosts) {
    // From now on nothing but the program connects the two.
    await host.cut()
    await inNamespace(host.wrapper, ['python3', slowSwitch, 'plain', 'eth0'])
  }
  const [program = '', ...args] = lan.switchWrapper
  const between = [slowSwitch, 'between', 'p1', 'p2', String(delayMs), String(lossPercent)]
  const child = spawn(program, [...args, 'python3', ...between], { stdio: 'pipe' })
  child.stderr.pipe(process.stderr)
  const ask = asking(child)
  await ask.answer()
  return {
    by: 'slow-switch.py, as this kernel has no netem',
    cable: { cut: async () => ask.ask('cut'), repair: async () => ask.ask('repair') },
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.stdin.end()
      await once(child, 'close')
    }
  }
}

/** One line each way. */
function asking(child: ChildProcessWithoutNullStreams): {
  ask(line: string): Promise<void>
  answer(): Promise<void>
} {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<void> => {
    if ((await lines.next()).done === true) throw new Error('the program that carries the packets has ended')
  }
  const ask = async (line: string): Promise<void> => {
    child.stdin.write(`${line}\n`)
    await answer()
  }
  return { ask, answer }
}

async function inNamespace([program = '', ...args]: readonly string[], command: readonly string[]): Promise<void> {
  await run(program, [...args, ...command])
}

function placeOf({ address, wrapper }: NetHost): Place {
  return { host: address, wrapper }
}
