// A directory as its command runs it: its key, its port, and what its terminal shows of who comes and goes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../../eventually.ts'
import { loadConfig } from '../../../src/node/index.ts'
import { DirectoryNode } from '../../../src/node/server/index.ts'
import { freePort } from '../../processes/ports.ts'
import { Network, placeOf } from '../network.ts'
import { foldersOf } from '../../processes/homes.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-directory-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function directory(port: number): Promise<DirectoryNode> {
  const config = await loadConfig({
    flags: { network: 'test', mdns: false, host: '127.0.0.1' },
    env: foldersOf(folder)
  })
  return DirectoryNode.create({ config, port })
}

test('has a key for each port, which it keeps', async () => {
  const [port, otherPort] = [await freePort(), await freePort()]
  const first = await directory(port)
  const [again, other] = [await directory(port), await directory(otherPort)]
  expect([first.port, again.peerId]).toEqual([port, first.peerId])
  expect(other.peerId).not.toBe(first.peerId)
})

test('listens on a port that is free where it is given none, and says where', async () => {
  const node = await directory(0)
  await node.start()
  try {
    expect(node.port).toBeGreaterThan(0)
    expect(node.addresses()).toEqual([`/ip4/127.0.0.1/tcp/${node.port}/p2p/${node.peerId}`])
  } finally {
    await node.stop()
  }
})

test('is refused on a port that is taken, and starts and stops once, however often it is told to', async () => {
  const node = await directory(0)
  await Promise.all([node.start(), node.start()])
  await expect(directory(node.port)).rejects.toMatchObject({ name: 'PortTakenError' })
  await Promise.all([node.stop(), node.stop()])
  const again = await directory(node.port)
  await again.start()
  await again.stop()
})

test('shows who is ready and who has left, by nickname, with the address', async () => {
  await using network = await Network.create()
  const node = await network.directory()
  const lines: string[] = []
  for (const event of ['ready', 'left', 'lost'] as const) {
    node.addEventListener(event, ({ detail }) =>
      lines.push(`${event} ${detail.nickname} ${detail.address} ${detail.from ?? ''}`)
    )
  }
  const anna = await network.peer('anna', { directory: placeOf(node) })
  await until(() => node.roster().length === 1, 'anna')
  const [row] = node.roster()
  expect(row).toMatchObject({ peer: anna.self.peerId, nickname: 'anna', sources: [node.peerId] })
  await anna.stop()
  await until(() => node.roster().length === 0 && lines.length === 2, 'nobody')
  // The place that a person types, as on the roster.
  const place = `${row?.host}:${row?.port}`
  expect(lines).toEqual([`ready anna ${place} `, `left anna ${place} `])
})

test('is nobody to talk to', async () => {
  await using network = await Network.create()
  const node = await network.directory()
  const anna = await network.peer('anna', { directory: placeOf(node) })
  await until(() => node.roster().length === 1, 'anna')
  await expect(anna.peers.resolve(['127.0.0.1', String(node.port)])).rejects.toThrow(/directory/u)
})
