// What real processes do when the disk under a profile is full, can't be written,
// has lost a byte, or holds the file of a later version: they say so, keep what
// was receipted, and go on when they can. Mounts need root on Linux; elsewhere
// the tests with mounts are skipped by name.
import { createHash } from 'node:crypto'
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { entryPoint, nodePath } from '../processes/parley-process.ts'
import { JsonParley, randomNetwork, type ParleyEvent } from './json-parley.ts'

const storageExitCode = 11
/** The system's own programs, not of a package. */
const tool = { mount: 'mount', unmount: 'umount' }
const absentPeers = [
  '12D3KooWGRUg9TTxDkvfDzvJGuoYS4pKAb7RYcmYZjAMKnFwLTYG',
  '12D3KooWEyopopk3UVYJ8C7DQNGHSQLcHQCpCJGkc1ZCjNRpVbXz',
  '12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE'
] as const

let folder: string
let network: string
let running: JsonParley[]
const mounted: string[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-disk-'))
  network = randomNetwork()
  running = []
})

afterEach(async () => {
  await Promise.all(running.map(async (parley) => parley.stop()))
  for (const target of mounted.splice(0).toReversed()) spawnSync(tool.unmount, [target])
  rmSync(folder, { recursive: true })
})

const whenMounting = test.skipIf(!canMount())

whenMounting('a full disk keeps what was receipted, and takes the rest when there is room (needs mount)', async () => {
  const home = join(folder, 'berta')
  mkdirSync(home)
  mount('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', home)
  const [anna, berta] = await Promise.all([
    start(join(folder, 'anna')),
    start(home, '--accept', 'all', '--min-free', 'none')
  ])
  const bertaId = await berta.peerId()
  const annaId = await anna.peerId()
  await anna.do({ do: 'open', peer: await berta.address() })
  const said: string[] = []
  const say = async (text: string): Promise<void> => {
    said.push(text)
    await anna.do({ do: 'send', peer: bertaId, text })
  }
  await say('before')
  await untilDelivered(anna, 1)

  const ballast = join(home, 'ballast')
  fillUp(ballast)
  // What the file has room for inside is still taken.
  while (!berta.events.some(isFullNotice)) {
    for (let part = 0; part < 20; part++) await say(`${said.length} ${'x'.repeat(20_000)}`)
    await Promise.race([
      berta.until('a notice', () => (berta.events.some(isFullNotice) ? true : undefined)),
      pause(300)
    ])
  }
  const notice = String(berta.events.find(isFullNotice)?.['text'])
  expect(notice).toContain('is full')
  expect(notice).toContain('make room')
  const refused = await berta.answerTo({ do: 'send', peer: annaId, text: 'y'.repeat(60_000) })
  expect(refused).toMatchObject({ event: 'error', exitCode: storageExitCode })
  expect(String(refused['message'])).toContain('make room')

  // The other side knows which have arrived, and those are there, though the process that took them dies now.
  const delivered = await textsOf(anna, bertaId, 'delivered')
  expect(delivered.length).toBeLessThan(said.length)
  expect(await textsOf(anna, bertaId, 'pending')).toEqual(said.slice(delivered.length))
  expect((await textsOf(berta, annaId, 'accepted')).slice(0, delivered.length)).toEqual(delivered)

  rmSync(ballast)
  mount('-o', 'remount,size=64m', home)
  await untilDelivered(anna, said.length)
  expect(await textsOf(berta, annaId, 'accepted')).toEqual(said)
  expect(await textsOf(anna, bertaId, 'delivered')).toEqual(said)
})

whenMounting(
  'what was receipted before the disk was full survives kill -9 on the full disk (needs mount)',
  async () => {
    const home = join(folder, 'berta')
    mkdirSync(home)
    mount('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', home)
    const anna = await start(join(folder, 'anna'))
    let berta = await start(home, '--accept', 'all', '--min-free', 'none')
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    await anna.do({ do: 'open', peer: await berta.address() })
    const said = Array.from({ length: 30 }, (_, n) => `message ${n}`)
    for (const text of said) await anna.do({ do: 'send', peer: bertaId, text })
    await untilDelivered(anna, said.length)
    const ballast = join(home, 'ballast')
    fillUp(ballast)
    await berta.kill()
    await anna.do({ do: 'send', peer: bertaId, text: 'meanwhile' })

    // On the full disk it may start or refuse to; what it may not do is end in another way.
    const tried = await run(home, 'export', '--json')
    expect([0, storageExitCode]).toContain(tried.code)
    rmSync(ballast)
    berta = await start(home, '--accept', 'all', '--min-free', 'none')
    await untilDelivered(anna, said.length + 1)
    expect(await textsOf(berta, annaId, 'accepted')).toEqual([...said, 'meanwhile'])
  }
)

whenMounting(
  'on a disk with less free than must stay free a contact waits, and both sides say so (needs mount)',
  async () => {
    const home = join(folder, 'berta')
    mkdirSync(home)
    mount('-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', home)
    const anna = await start(join(folder, 'anna'))
    let berta = await start(home, '--accept', 'all')
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    await anna.do({ do: 'open', peer: await berta.address() })
    await anna.do({ do: 'send', peer: bertaId, text: 'before' })
    await untilDelivered(anna, 1)
    // One megabyte is left of forty, and a twentieth must stay free.
    const ballast = join(home, 'ballast')
    writeFileSync(ballast, Buffer.alloc(38 * 1024 * 1024))
    const said = ['before']
    while (!berta.events.some((one) => one.event === 'notice' && one['code'] === 'disk')) {
      said.push(`text ${said.length}`)
      await anna.do({ do: 'send', peer: bertaId, text: said.at(-1) })
      await pause(300)
    }
    const notice = String(berta.events.find((one) => one['code'] === 'disk')?.['text'])
    expect(notice).toMatch(/^no messages are stored: .* MiB free, and 2 MiB must stay free.*--min-free/u)
    const refused = await anna.until('the refusal', () => anna.events.find(({ event }) => event === 'refused'))
    expect(String(refused['reason'])).toContain('its disk is nearly full')
    // One's own words are taken all the same.
    await berta.do({ do: 'send', peer: annaId, text: 'mine' })

    rmSync(ballast)
    expect(await berta.quit()).toBe(0)
    berta = await start(home, '--accept', 'all')
    await anna.do({ do: 'open', peer: await berta.address() })
    await untilDelivered(anna, said.length)
    expect(await textsOf(berta, annaId, 'accepted')).toEqual(said)
  }
)

whenMounting('a profile in a read-only folder is refused with its own exit code (needs mount)', async () => {
  const home = join(folder, 'home')
  await fill(home, ['one', 'two'])
  const readOnly = join(folder, 'read-only')
  mkdirSync(readOnly)
  mount('--bind', home, readOnly)
  mount('-o', 'remount,ro,bind', readOnly)
  for (const command of [['--json'], ['export', '--json'], ['send', absentPeers[0], 'a text']]) {
    const { code, stderr } = await run(readOnly, ...command)
    expect({ command, code, stderr }).toEqual({
      command,
      code: storageExitCode,
      stderr: expect.stringMatching(/writ/u)
    })
  }
  const { code, stdout } = await run(home, 'export', '--json')
  expect(code).toBe(0)
  expect(stdout.trim().split('\n')).toHaveLength(2)
})

test('a flipped byte is told by conversation, costs one message, and every start works', async () => {
  const home = join(folder, 'home')
  const texts = Array.from({ length: 40 }, (_, n) => `unmistakable text ${n}.`)
  for (const peer of absentPeers) await fill(home, texts, peer)
  const wanted = `unmistakable text 17.`
  flipOneByte(historyOf(home), wanted)

  const notices: string[] = []
  for (let starts = 0; starts < 3; starts++) {
    const parley = await start(home)
    for (const peer of absentPeers) await parley.answerTo({ do: 'history', peer, limit: 100 })
    notices.push(...parley.events.filter(({ event }) => event === 'notice').map(({ text }) => String(text)))
    expect(await parley.quit()).toBe(0)
  }
  const mended = notices.filter((text) => text.includes('has been mended'))
  expect(mended).toEqual([expect.stringMatching(/: 119 messages are there, lost: 1 with \S+\. The damaged file is /u)])

  const { code, stdout } = await run(home, 'export', '--json')
  expect(code).toBe(0)
  const kept = stdout
    .trim()
    .split('\n')
    .map((line): { peer: string; text: string } => JSON.parse(line))
  const byPeer = absentPeers.map((peer) => kept.filter((one) => one.peer === peer).map(({ text }) => text))
  expect(byPeer.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual([39, 40, 40])
  for (const those of byPeer) expect(those).toEqual(texts.filter((text) => those.length === 40 || text !== wanted))
})

test('with the log of the history deleted after kill -9 both go on, and nobody takes new messages for old ones', async () => {
  const home = join(folder, 'anna')
  let anna = await start(home)
  const berta = await start(join(folder, 'berta'), '--accept', 'all')
  const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
  await anna.do({ do: 'open', peer: await berta.address() })
  const before = Array.from({ length: 10 }, (_, n) => `before ${n}`)
  for (const text of before) await anna.do({ do: 'send', peer: bertaId, text })
  await untilDelivered(anna, before.length)
  await anna.kill()
  rmSync(`${historyOf(home)}-wal`)

  anna = await start(home)
  const after = Array.from({ length: 5 }, (_, n) => `after ${n}`)
  for (const text of after) await anna.do({ do: 'send', peer: bertaId, text })
  await untilDelivered(anna, after.length)
  expect(await textsOf(berta, annaId, 'accepted')).toEqual([...before, ...after])
  // What was in the deleted log alone is gone here; what comes after is whole.
  const kept = await textsOf(anna, bertaId, 'delivered')
  expect(kept.slice(-after.length)).toEqual(after)
  expect(before.slice(0, kept.length - after.length)).toEqual(kept.slice(0, -after.length))
})

test.each([
  { missing: 7, written: 5 },
  // So many that the numbers of the copy have overtaken those over there before the two meet.
  { missing: 3, written: 9 }
])(
  'a history that is restored from an old copy which $missing messages are missing in starts a new log for $written that are written before the two meet',
  async ({ missing, written }) => {
    const home = join(folder, 'anna')
    let anna = await start(home)
    let berta = await start(join(folder, 'berta'), '--accept', 'all')
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    const say = async (texts: readonly string[]): Promise<readonly string[]> => {
      for (const text of texts) await anna.do({ do: 'send', peer: bertaId, text })
      await untilDelivered(anna, texts.length)
      return texts
    }
    await anna.do({ do: 'open', peer: await berta.address() })
    const saved = await say(['saved 1', 'saved 2', 'saved 3'])
    expect(await anna.quit()).toBe(0)
    const copy = readFileSync(historyOf(home))
    anna = await start(home)
    const unsaved = await say(Array.from({ length: missing }, (_, n) => `not in the copy ${n}`))
    expect(await anna.quit()).toBe(0)
    writeFileSync(historyOf(home), copy)

    await berta.stop()
    anna = await start(home)
    const after = Array.from({ length: written }, (_, n) => `after ${n}`)
    for (const text of after) await anna.do({ do: 'send', peer: bertaId, text })
    berta = await start(join(folder, 'berta'), '--accept', 'all')
    await untilDelivered(anna, after.length)
    expect(await textsOf(berta, annaId, 'accepted')).toEqual([...saved, ...unsaved, ...after])
    expect(await textsOf(anna, bertaId, 'delivered')).toEqual([...saved, ...after])
    // Whatever is said once the two have met again can't be taken for something that was said before.
    await anna.do({ do: 'send', peer: bertaId, text: 'later' })
    await untilDelivered(anna, after.length + 1)
    const { messages } = await berta.do({ do: 'history', peer: annaId, limit: 100 })
    const numbers = (Array.isArray(messages) ? messages : []).map(({ log, seq }: { log: string; seq: number }) => [
      log,
      seq
    ])
    const [[firstLog] = [], [newLog] = []] = [numbers[0], numbers.at(-1)]
    expect(newLog).not.toBe(firstLog)
    expect(numbers).toEqual([
      ...[...saved, ...unsaved].map((_, index) => [firstLog, index + 1]),
      ...[...after, 'later'].map((_, index) => [newLog, index + 1])
    ])
  }
)

test('a history of a later version is refused with its own exit code and stays as it is', async () => {
  const home = join(folder, 'home')
  await fill(home, ['one'])
  const file = historyOf(home)
  const database = new DatabaseSync(file)
  database.exec('PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  const before = digest(file)
  for (const command of [['--json'], ['export', '--json'], ['send', absentPeers[0], 'a text']]) {
    const { code, stderr } = await run(home, ...command)
    const told = expect.stringMatching(/version 99 .*newer parley/u)
    expect({ command, code, stderr }).toEqual({ command, code: storageExitCode, stderr: told })
  }
  expect(digest(file)).toBe(before)
})

async function start(home: string, ...args: readonly string[]): Promise<JsonParley> {
  const parley = await JsonParley.start({ home, network, args })
  running.push(parley)
  return parley
}

/** Runs a command to its end. */
async function run(
  home: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CONFIG_HOME: join(home, 'config'),
    PARLEY_NETWORK: network,
    PARLEY_HOST: '127.0.0.1',
    PARLEY_MDNS: 'false',
    PARLEY_DEFAULT_DIRECTORIES: 'false'
  }
  const child = promisify(execFile)(nodePath, [entryPoint, ...args], { env, timeout: 30_000 })
  child.child.stdin?.end()
  return child.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr })
  )
}

/** Messages in a profile that nobody reads: they wait for a peer that does not exist. */
async function fill(home: string, texts: readonly string[], peer: string = absentPeers[0]): Promise<void> {
  const parley = await start(home)
  for (const text of texts) await parley.do({ do: 'send', peer, text })
  await parley.kill()
  // Everything into the one file, as it is after a clean end.
  const database = new DatabaseSync(historyOf(home))
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}

function historyOf(home: string): string {
  return join(home, 'data', 'parley', 'profiles', 'default', 'history.db')
}

/** In the first place where the text stands. */
function flipOneByte(file: string, text: string): void {
  const bytes = readFileSync(file)
  const at = bytes.indexOf(text)
  expect(at).toBeGreaterThan(0)
  bytes[at + 3] = (bytes[at + 3] ?? 0) ^ 1
  writeFileSync(file, bytes)
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

async function textsOf(who: JsonParley, peer: string, state: string): Promise<readonly unknown[]> {
  const { messages } = await who.do({ do: 'history', peer, limit: 1000 })
  const rows: readonly Record<string, unknown>[] = Array.isArray(messages) ? messages : []
  return rows.filter((row) => row['state'] === state).map(({ text }) => text)
}

async function untilDelivered(who: JsonParley, count: number): Promise<void> {
  await who.until(`${count} deliveries`, () => {
    const delivered = who.events.filter((one) => one.event === 'delivery' && one['state'] === 'delivered')
    return delivered.length >= count ? true : undefined
  })
}

function isFullNotice(event: ParleyEvent): boolean {
  return event.event === 'notice' && String(event['text']).includes('is full')
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

/** Until not one byte more has room. */
function fillUp(file: string): void {
  spawnSync('sh', ['-c', 'cat /dev/zero > "$0"', file], { stdio: 'ignore' })
}

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync(tool.mount, args)
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr.toString()}`)
  const target = args.at(-1) ?? ''
  if (!mounted.includes(target)) mounted.push(target)
}

function canMount(): boolean {
  const target = mkdtempSync(join(tmpdir(), 'parley-mount-'))
  const isDone = spawnSync(tool.mount, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', target]).status === 0
  if (isDone) spawnSync(tool.unmount, [target])
  rmSync(target, { recursive: true })
  return isDone
}
