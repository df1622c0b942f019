// Files on several faces of one daemon: real processes. Each face sees the same
// transfers, whichever face asked for them, and one that attaches later sees what runs.
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JsonParley } from '../fault/json-parley.ts'
import { TestBed } from '../processes/test-bed.ts'

/** Many pieces: the sender is stopped between two of them. */
const sizeBytes = 32 * 1024 * 1024

let bed: TestBed
const faces: JsonParley[] = []
beforeEach(async () => {
  bed = await TestBed.make()
})
afterEach(async () => {
  await Promise.all(faces.splice(0).map(async (one) => one.kill()))
  await bed[Symbol.asyncDispose]()
})

async function started(init: Parameters<typeof JsonParley.start>[0]): Promise<JsonParley> {
  const face = await JsonParley.start({ network: bed.network, ...init })
  faces.push(face)
  return face
}

async function transferOf(face: JsonParley): Promise<Readonly<Record<string, unknown>>> {
  const { transfers } = await face.do({ do: 'transfers' })
  const [only, ...others] = Array.isArray(transfers) ? transfers : []
  expect(others).toEqual([])
  return only
}

async function told(face: JsonParley, ...whats: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const isTold = (): Readonly<Record<string, unknown>> | undefined =>
    face.events.find(({ event, what }) => event === 'transfer' && whats.includes(String(what)))
  return face.until(`transfer: ${whats.join(' or ')}`, isTold)
}

test('what one face fetches is seen on all, the same by its number, and on one that attaches while it runs', async () => {
  const home = bed.home()
  const daemon = await bed.start(['daemon', '--name', 'anna', '--accept', 'all'], { home, name: 'the daemon' })
  await daemon.shows(/^RUNNING anna/u)
  const first = await started({ home })
  const second = await started({ home })
  const plain = await bed.start(['--plain'], { home, name: 'the plain face' })
  await plain.shows(/^You are anna/u)
  const bob = await started({ args: ['--name', 'bob', '--accept', 'all'] })

  const path = join(bed.folder, 'garden.bin')
  const content = randomBytes(sizeBytes)
  await writeFile(path, content)
  await bob.do({ do: 'open', peer: await first.address() })
  await bob.do({ do: 'send', peer: await first.peerId(), files: [path] })
  for (const face of [first, second]) expect(await told(face, 'offered')).toMatchObject({ name: 'garden.bin' })
  await plain.shows(/garden\.bin/u)
  const offered = await transferOf(second)
  expect(offered).toMatchObject({ direction: 'in', state: 'offered', name: 'garden.bin', sizeBytes })

  plain.type('/get')
  for (const face of [first, second]) expect(await told(face, 'started')).toMatchObject({ number: offered['number'] })
  process.kill(bob.pid, 'SIGSTOP')
  const late = await started({ home })
  const seen = await transferOf(late)
  expect(seen).toMatchObject({ number: offered['number'], name: 'garden.bin' })
  expect(['running', 'waiting', 'done']).toContain(seen['state'])
  expect(await transferOf(first)).toMatchObject({ number: offered['number'] })
  process.kill(bob.pid, 'SIGCONT')

  for (const face of [first, second]) expect(await told(face, 'done')).toMatchObject({ number: offered['number'] })
  const done = await late.until('the end', () =>
    seen['state'] === 'done' ? seen : late.events.find(({ event, what }) => event === 'transfer' && what === 'done')
  )
  expect((await readFile(String(done['path']))).equals(content)).toBe(true)
  await plain.shows(/garden\.bin/u)
  for (const face of [first, second, late]) {
    expect(await transferOf(face)).toMatchObject({ state: 'done', doneBytes: sizeBytes, path: done['path'] })
  }
})
