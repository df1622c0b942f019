// A bad link between two hosts of their own: late, lossy, and cut from time to
// time. The kernel does it where it has netem; elsewhere a small program stands
// between the two. It knows no program that uses the link.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Lan, whyNoNamespaces, type NetHost } from '../netns/lan.ts'
import { makePlain, SlowLink } from '../netns/slow-link.ts'
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
    await makePlain(host.wrapper, 'eth0')
  }
  const link = await SlowLink.between(lan.switchWrapper, ['p1', 'p2'], { delayMs, lossPercent })
  return {
    by: 'slow-switch.py, as this kernel has no netem',
    cable: link,
    end: async () => link.end()
  }
}

function placeOf({ address, wrapper }: NetHost): Place {
  return { host: address, wrapper }
}
