import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ChatNode, loadConfig, readOwnIdentity } from '../../../src/node/index.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-identity-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function config() {
  const env = { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  return loadConfig({ flags: { mdns: false, defaultDirectories: false, host: '127.0.0.1' }, env })
}

test('what is told of oneself before the first start is what the first start has', async () => {
  const told = await readOwnIdentity(await config())
  const node = await ChatNode.create({ config: await config(), interactive: false })
  await node.start()
  expect({ peer: node.self.peerId, port: node.self.port, addresses: node.self.addresses() }).toEqual({
    peer: told.peer,
    port: told.port,
    addresses: told.addresses
  })
  await node.stop()
})

test('it can be told while a chat holds the profile', async () => {
  const node = await ChatNode.create({ config: await config(), interactive: false })
  await node.start()
  expect(await readOwnIdentity(await config())).toMatchObject({ peer: node.self.peerId, port: node.self.port })
  await node.stop()
})
