// The receiver of a file is killed with -9 after it has asked for it, and started again: the file arrives whole, once,
// without a hand being moved.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../processes/ports.ts'
import { JsonParley, randomNetwork } from './json-parley.ts'

let home = ''
let running: JsonParley[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-test-'))
})

afterEach(async () => {
  await Promise.all(running.map(async (parley) => parley.stop()))
  running = []
  await rm(home, { recursive: true, force: true })
})

async function start(network: string, name: string, port: number): Promise<JsonParley> {
  const args = ['--name', name, '--port', `${port}`, '--accept', 'all']
  const parley = await JsonParley.start({ network, home: join(home, name), args })
  running.push(parley)
  return parley
}

test('a file arrives whole, once, though its receiver was killed on the way', async () => {
  const network = randomNetwork()
  const ports = [await freePort(), await freePort()] as const
  const anna = await start(network, 'anna', ports[0])
  const first = await start(network, 'berta', ports[1])
  const [annaId, bertaId] = await Promise.all([anna.peerId(), first.peerId()])
  await anna.do({ do: 'chat', peer: await first.address() })
  await first.do({ do: 'chat', peer: annaId })
  const content = randomBytes(20_000_000)
  const path = join(home, 'film.mkv')
  await writeFile(path, content)
  await anna.do({ do: 'send', peer: bertaId, files: [path] })
  await first.until('the offer', () => first.events.find(({ event }) => event === 'transfer'))
  await first.do({ do: 'get' })
  await first.kill()

  const again = await start(network, 'berta', ports[1])
  // What was done before the kill is not told again.
  const isDone = async (): Promise<boolean> => {
    const { transfers } = await again.do({ do: 'transfers' })
    return Array.isArray(transfers) && transfers.some((one: { state?: unknown }) => one.state === 'done')
  }
  if (!(await isDone())) {
    await again.until('the file', () => again.events.find(({ event, what }) => event === 'transfer' && what === 'done'))
  }
  const folder = join(home, 'berta', 'Downloads', 'Parley')
  expect(await readdir(folder)).toEqual(['film.mkv'])
  expect((await readFile(join(folder, 'film.mkv'))).equals(content)).toBe(true)
})
