// A contact that sends as fast as it can. What it may take on the disk is
// bounded, and both sides are told; and a program that reads the JSON lines,
// slowly or not at all, is neither ended by it nor does it hold reception back.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventualMs } from '../patience.ts'
import { entryPoint, nodePath } from '../processes/parley-process.ts'
import { JsonParley } from './json-parley.ts'
import { secludedEnv } from '../processes/homes.ts'

const textBytes = 60_000
const text = (n: number): string => `${n} `.padEnd(textBytes, '.')

let folder: string
let network: string
let processes: JsonParley[] = []
let children: ChildProcessWithoutNullStreams[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-flood-'))
  network = `flood-${Math.random().toString(36).slice(2)}`
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await Promise.all(processes.map(async (one) => one.stop()))
  processes = []
  await rm(folder, { recursive: true })
})

async function start(name: string, ...args: string[]): Promise<JsonParley> {
  const parley = await JsonParley.start({ home: join(folder, name), network, args })
  processes.push(parley)
  return parley
}

function send(from: JsonParley, peer: string, first: number, count: number): void {
  from.tell(Array.from({ length: count }, (_, n) => ({ do: 'msg', peer, text: text(first + n) })))
}

const settled = (from: JsonParley, state: string): number =>
  from.events.filter((one) => one.event === 'delivery' && one['state'] === state).length

test('a contact fills its quota and no more, both sides say so, and what waits arrives when there is room', async () => {
  const quota = 16
  let victim = await start('victim', '--accept', 'all', '--contact-quota', '1MiB')
  const contact = await start('contact')
  const { peer } = await contact.do({ do: 'open', peer: await victim.address() })
  send(contact, String(peer), 0, 50)
  const notice = await victim.until('the notice', () =>
    victim.events.find((one) => one.event === 'notice' && one['code'] === 'disk')
  )
  expect(notice).toMatchObject({
    peer: await contact.peerId(),
    text: expect.stringMatching(/1 MiB.*--contact-quota/u)
  })
  const refused = await contact.until('the refusal', () => contact.events.find((one) => one.event === 'refused'))
  expect(String(refused['reason'])).toMatch(/your share of its disk is used up/u)
  expect(Number(refused['retryAfterMs'])).toBeGreaterThan(60_000)
  // All that has come is dealt with when a command that came later is answered.
  const before = (await victim.textsWith(await contact.peerId(), 'accepted')).length
  await contact.until('what fitted', () => (settled(contact, 'delivered') === before ? true : undefined))
  expect(victim.events.filter((one) => one.event === 'notice' && one['code'] === 'disk')).toHaveLength(1)
  expect(before).toBeGreaterThanOrEqual(quota)
  // The last one is let in while there is any room.
  expect(before * textBytes).toBeLessThan(1024 * 1024 + 2 * textBytes)

  // After kill -9 the count is what it was.
  await victim.kill()
  victim = await start('victim', '--accept', 'all', '--contact-quota', '1MiB')
  const ready = await victim.ready()
  expect(ready['room']).toMatchObject({ quotaBytes: 1024 * 1024, largest: [{ peer: await contact.peerId() }] })
  await contact.do({ do: 'open', peer: await victim.address() })
  await contact.until('another refusal', () =>
    contact.events.filter((one) => one.event === 'refused').length > 1 ? true : undefined
  )
  expect(settled(contact, 'delivered')).toBe(before)

  // A larger quota lets the rest in, each once.
  expect(await victim.quit()).toBe(0)
  victim = await start('victim', '--accept', 'all', '--contact-quota', '1GiB')
  await contact.do({ do: 'open', peer: await victim.address() })
  await contact.until('everything', () => (settled(contact, 'delivered') === 50 ? true : undefined))
  const texts: string[] = []
  for (let after: unknown = 0; after !== null;) {
    const answer = await victim.do({ do: 'log', after, limit: 1000 })
    const messages: readonly Record<string, unknown>[] = Array.isArray(answer['messages']) ? answer['messages'] : []
    texts.push(...messages.map((one) => String(one['text'])))
    after = answer['next']
  }
  expect(texts.toSorted()).toEqual(Array.from({ length: 50 }, (_, n) => text(n)).toSorted())
})

/** A `parley --json` whose output the test reads when it wants to. */
function unread(name: string): ChildProcessWithoutNullStreams {
  const home = join(folder, name)
  const env = secludedEnv(home, network)
  const child = spawn(nodePath, [entryPoint, '--json', '--accept', 'all'], { stdio: 'pipe', env })
  children.push(child)
  child.stderr.resume()
  return child
}

function memoryOf(child: ChildProcessWithoutNullStreams): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/mu.exec(status)?.[1] ?? 0) * 1024
}

test.runIf(process.platform === 'linux')(
  'a program that does not read gets every message when it does, and costs no memory meanwhile',
  async () => {
    const count = 400 // 24 MB: after 18 MB the program ended before
    const contact = await start('contact')
    const child = unread('victim')
    const told: Record<string, unknown>[] = []
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => told.push(JSON.parse(line)))
    const ready = async (): Promise<Record<string, unknown>> => {
      for (;;) {
        const [first] = told
        if (first !== undefined) return first
        await once(lines, 'line')
      }
    }
    const { addresses } = await ready()
    const { peer } = await contact.do({ do: 'open', peer: Array.isArray(addresses) ? String(addresses[0]) : '' })
    send(contact, String(peer), 0, 50)
    await contact.until('the first', () => (settled(contact, 'delivered') === 50 ? true : undefined))
    lines.pause()
    child.stdout.pause()
    const beforeBytes = memoryOf(child)
    send(contact, String(peer), 50, count - 50)
    // Reception is not held back by it.
    await contact.until('all', () => (settled(contact, 'delivered') === count ? true : undefined))
    const grownBytes = memoryOf(child) - beforeBytes
    expect(grownBytes).toBeLessThan(64 * 1024 * 1024)
    expect(child.exitCode).toBeNull()

    child.stdout.resume()
    lines.resume()
    const messages = (): readonly Record<string, unknown>[] => told.filter((one) => one['event'] === 'message')
    while (messages().length < count) await once(lines, 'line', { signal: AbortSignal.timeout(eventualMs) })
    expect(messages().map((one) => String(one['text']))).toEqual(Array.from({ length: count }, (_, n) => text(n)))

    // The whole history in one question is answered page by page, each of bounded length, while the contact writes on.
    const more = 50
    send(contact, String(peer), count, more)
    let asked = 0
    const found: string[] = []
    for (let after: unknown = 0; after !== null; asked++) {
      child.stdin.write(`${JSON.stringify({ do: 'log', after, limit: 1000, tag: asked })}\n`)
      const answer = (): Record<string, unknown> | undefined => told.find((one) => one['tag'] === asked)
      while (answer() === undefined) await once(lines, 'line', { signal: AbortSignal.timeout(eventualMs) })
      const { messages: page, next } = answer() ?? {}
      expect(JSON.stringify(page).length).toBeLessThan(4.1 * 1024 * 1024)
      found.push(...(Array.isArray(page) ? page : []).map((one: { text: string }) => one.text))
      after = next
    }
    expect(found.length).toBeGreaterThanOrEqual(count)
    expect(found).toEqual(Array.from({ length: found.length }, (_, n) => text(n)))
    await contact.until('the last', () => (settled(contact, 'delivered') === count + more ? true : undefined))
    child.stdin.end('{"do":"quit"}\n')
    expect((await once(child, 'exit'))[0]).toBe(0)
  }
)

test('a signal ends a program that nobody reads', async () => {
  const child = unread('victim')
  await once(child.stdout, 'data')
  child.stdout.pause()
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect(code).toBe(130)
})
