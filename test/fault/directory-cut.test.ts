// The cable of a client is cut, and no machine says goodbye: the directory and
// the client notice it each on their own, and a client that died meanwhile is
// off the roster soon after the repair. Real commands in network namespaces.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Lan, whyNoNamespaces, type NetHost } from '../netns/lan.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import { TestBed } from '../processes/test-bed.ts'

/** Silence for so long, and a ping that is not answered, and the looks between. */
const clientNoticesWithinMs = 8_000
/** From the repair; the grace of a lost connection is part of it. */
const offRosterWithinMs = 15_000
const port = 8000

const whyNot = await whyNoNamespaces()
let lan: Lan | undefined
let bed: TestBed

beforeEach(async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  bed = await TestBed.make()
})

afterEach(async () => {
  if (whyNot !== undefined) return
  await bed[Symbol.asyncDispose]()
  await lan?.remove()
  lan = undefined
})

async function client(host: NetHost, name: string, directory: NetHost): Promise<ParleyProcess> {
  const env = { PARLEY_HOST: host.address, PARLEY_DIRECTORY: `${directory.address}:${port}` }
  const parley = await bed.start(['--json', '--name', name], { name, env, via: host.wrapper })
  await parley.event('ready')
  return parley
}

async function directoryAt(host: NetHost): Promise<ParleyProcess> {
  return bed.directory(port, { via: host.wrapper, env: { PARLEY_HOST: host.address } })
}

async function hosts(): Promise<readonly [NetHost, NetHost, NetHost]> {
  lan = await Lan.create({ hosts: 3 })
  const [a, b, c] = lan.hosts
  if (a === undefined || b === undefined || c === undefined) throw new Error('three hosts were asked for')
  return [a, b, c]
}

for (const cutForMs of [3_000, 11_000]) {
  test(
    `a client that is killed while its link is cut for ${cutForMs / 1_000} s is off the roster within 15 s of the repair`,
    { timeout: 90_000 },
    async () => {
      const [place, annaHost, bobHost] = await hosts()
      const directory = await directoryAt(place)
      const anna = await client(annaHost, 'anna', place)
      await directory.shows(/^READY anna /u)

      await annaHost.cut()
      // What is pushed now stays unacknowledged, and keeps the kernel from asking whether the link is alive.
      await client(bobHost, 'bob', place)
      await directory.shows(/^READY bob /u)
      await anna.kill()
      await sleep(cutForMs)
      await annaHost.repair()
      const repairedAtMs = performance.now()
      await directory.shows(/^LOST anna /u)
      expect(performance.now() - repairedAtMs).toBeLessThan(offRosterWithinMs)
    }
  )
}

test(
  'a client whose link is cut notices it within 8 s, and is registered again after the repair',
  { timeout: 90_000 },
  async () => {
    const [place, annaHost, bobHost] = await hosts()
    const directory = await directoryAt(place)
    const anna = await client(annaHost, 'anna', place)
    const bob = await client(bobHost, 'bob', place)
    await directory.shows(/^READY bob /u)

    await annaHost.cut()
    const cutAtMs = performance.now()
    await anna.event('directory', ({ state }) => state === 'waiting')
    expect(performance.now() - cutAtMs).toBeLessThan(clientNoticesWithinMs)

    await annaHost.repair()
    const lost = directory.shows(/^LOST anna /u)
    await Promise.race([lost, anna.event('directory', ({ state }) => state === 'connected')])
    expect(bob.matching(/"event":"directory".*"state":"waiting"/u)).toEqual([])
  }
)
