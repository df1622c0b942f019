// The cable of a client is cut, and no machine says goodbye: the directory and
// the client notice it each on their own, and a client that died meanwhile is
// off the roster soon after the repair. Real commands in network namespaces.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Lan, whyNoNamespaces, type NetHost } from '../netns/lan.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import { TestBed } from '../processes/test-bed.ts'

const port = 8000

const whyNot = await whyNoNamespaces()

/** A LAN of its own for a test, so that the tests wait beside each other. */
class Scene {
  readonly #bed: TestBed
  readonly #lan: Lan

  private constructor(bed: TestBed, lan: Lan) {
    this.#bed = bed
    this.#lan = lan
  }

  static async make(): Promise<Scene> {
    return new Scene(await TestBed.make(), await Lan.create({ hosts: 3 }))
  }

  get hosts(): readonly [NetHost, NetHost, NetHost] {
    return [this.#lan.host(0), this.#lan.host(1), this.#lan.host(2)]
  }

  async client(host: NetHost, name: string, directory: NetHost): Promise<ParleyProcess> {
    const env = { PARLEY_HOST: host.address, PARLEY_DIRECTORY: `${directory.address}:${port}` }
    const parley = await this.#bed.start(['--json', '--name', name], { name, env, via: host.wrapper })
    await parley.event('ready')
    return parley
  }

  async directoryAt(host: NetHost): Promise<ParleyProcess> {
    return this.#bed.directory(port, { via: host.wrapper, env: { PARLEY_HOST: host.address } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bed[Symbol.asyncDispose]()
    await this.#lan.remove()
  }
}

for (const cutForMs of [3_000, 11_000]) {
  test.concurrent(`a client that is killed while its link is cut for ${cutForMs / 1_000} s is off the roster after the repair`, async ({
    skip
  }) => {
    skip(whyNot !== undefined, whyNot)
    await using scene = await Scene.make()
    const [place, annaHost, bobHost] = scene.hosts
    const directory = await scene.directoryAt(place)
    const anna = await scene.client(annaHost, 'anna', place)
    await directory.shows(/^READY anna /u)

    await annaHost.cut()
    // What is pushed now stays unacknowledged, and keeps the kernel from asking whether the link is alive.
    await scene.client(bobHost, 'bob', place)
    await directory.shows(/^READY bob /u)
    await anna.kill()
    await sleep(cutForMs)
    await annaHost.repair()
    await directory.shows(/^LOST anna /u)
  })
}

test.concurrent('a client whose link is cut notices it, and is registered again after the repair', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  await using scene = await Scene.make()
  const [place, annaHost, bobHost] = scene.hosts
  const directory = await scene.directoryAt(place)
  const anna = await scene.client(annaHost, 'anna', place)
  const bob = await scene.client(bobHost, 'bob', place)
  await directory.shows(/^READY bob /u)

  await annaHost.cut()
  await anna.event('directory', ({ state }) => state === 'waiting')

  await annaHost.repair()
  const lost = directory.shows(/^LOST anna /u)
  await Promise.race([lost, anna.event('directory', ({ state }) => state === 'connected')])
  expect(bob.matching(/"event":"directory".*"state":"waiting"/u)).toEqual([])
})
