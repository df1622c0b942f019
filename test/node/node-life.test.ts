import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { ChatNode, loadConfig } from '../../src/node/index.ts'
import { Network, placeOf } from './network.ts'

test('a node that is stopped while it starts is stopped, and its profile and port are free', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-life-'))
  try {
    const env = { XDG_DATA_HOME: join(folder, 'data'), XDG_CONFIG_HOME: join(folder, 'config') }
    const flags = { network: 'test-life', mdns: false, host: '127.0.0.1', defaultDirectories: false }
    const config = await loadConfig({ flags, env })
    const node = await ChatNode.create({ config, interactive: false })
    const starting = node.start()
    await node.stop()
    await starting
    const socket = connect(node.port, '127.0.0.1')
    await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED')
    const again = await ChatNode.create({ config, interactive: false })
    await again.stop()
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('where a contact dials from is not remembered as a place to dial it at', async () => {
  await using network = await Network.create()
  const anna = await network.peer('anna')
  const bob = await network.peer('bob')
  await bob.resolve([placeOf(anna)])
  await anna.open(bob.peerId)
  await vi.waitFor(() => expect(anna.state(bob.peerId).name).toBe('open'))
  const places = anna.contacts().flatMap(({ addresses }) => addresses)
  expect(places.filter((address) => !address.includes(`/tcp/${bob.port}`))).toEqual([])
})
