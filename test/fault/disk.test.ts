// What real processes do when the disk under a profile is full, can't be written,
// has lost a byte, or holds the file of a later version: they say so, keep what
// was receipted, and go on when they can. Mounts need root on Linux; elsewhere
// the tests with mounts are skipped by name.
import { createHash } from 'node:crypto'
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { entryPoint, nodePath } from '../processes/parley-process.ts'
import { JsonParley, randomNetwork, type ParleyEvent } from './json-parley.ts'
import { canMount, fillUp, makeRoom, mount, mountSmallDisk, unmountAll } from './mounts.ts'
import { eventualMs } from '../patience.ts'
import { historyIn, secludedEnv } from '../processes/homes.ts'

const storageExitCode = 11
const absentPeers = [
  '12D3KooWGRUg9TTxDkvfDzvJGuoYS4pKAb7RYcmYZjAMKnFwLTYG',
  '12D3KooWEyopopk3UVYJ8C7DQNGHSQLcHQCpCJGkc1ZCjNRpVbXz',
  '12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE'
] as const

let folder: string
let network: string
let running: JsonParley[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-disk-'))
  network = randomNetwork()
  running = []
})

afterEach(async () => {
  await Promise.all(running.map(async (parley) => parley.stop()))
  unmountAll()
  rmSync(folder, { recursive: true })
})

const whenMounting = test.skipIf(!canMount())

whenMounting('a full disk keeps what was receipted, and takes the rest when there is room (needs mount)', async () => {
  const home = join(folder, 'berta')
  mountSmallDisk(home, '3m')
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
  await anna.untilDelivered(1)

  fillUp(home)
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
  const delivered = await anna.textsWith(bertaId, 'delivered')
  expect(delivered.length).toBeLessThan(said.length)
  expect(await anna.textsWith(bertaId, 'pending')).toEqual(said.slice(delivered.length))
  expect((await berta.textsWith(annaId, 'accepted')).slice(0, delivered.length)).toEqual(delivered)

  makeRoom(home, '64m')
  await anna.untilDelivered(said.length)
  expect(await berta.textsWith(annaId, 'accepted')).toEqual(said)
  expect(await anna.textsWith(bertaId, 'delivered')).toEqual(said)
})

whenMounting(
  'what was receipted before the disk was full survives kill -9 on the full disk (needs mount)',
  async () => {
    const home = join(folder, 'berta')
    mountSmallDisk(home, '3m')
    const anna = await start(join(folder, 'anna'))
    let berta = await start(home, '--accept', 'all', '--min-free', 'none')
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    await anna.do({ do: 'open', peer: await berta.address() })
    const said = Array.from({ length: 30 }, (_, n) => `message ${n}`)
    for (const text of said) await anna.do({ do: 'send', peer: bertaId, text })
    await anna.untilDelivered(said.length)
    fillUp(home)
    await berta.kill()
    await anna.do({ do: 'send', peer: bertaId, text: 'meanwhile' })

    // On the full disk it may start or refuse to; what it may not do is end in another way.
    const tried = await run(home, 'export', '--json')
    expect([0, storageExitCode]).toContain(tried.code)
    makeRoom(home, '3m')
    berta = await start(home, '--accept', 'all', '--min-free', 'none')
    await anna.untilDelivered(said.length + 1)
    expect(await berta.textsWith(annaId, 'accepted')).toEqual([...said, 'meanwhile'])
  }
)

whenMounting(
  'on a disk with less free than must stay free a contact waits, and both sides say so (needs mount)',
  async () => {
    const home = join(folder, 'berta')
    mountSmallDisk(home, '40m')
    const anna = await start(join(folder, 'anna'))
    let berta = await start(home, '--accept', 'all')
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    await anna.do({ do: 'open', peer: await berta.address() })
    await anna.do({ do: 'send', peer: bertaId, text: 'before' })
    await anna.untilDelivered(1)
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
    await anna.untilDelivered(said.length)
    expect(await berta.textsWith(annaId, 'accepted')).toEqual(said)
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

test('a flipped byte is reported by conversation, costs one message, and every start works', async () => {
  const home = join(folder, 'home')
  const texts = Array.from({ length: 40 }, (_, n) => `unmistakable text ${n}.`)
  for (const peer of absentPeers) await fill(home, texts, peer)
  const wanted = `unmistakable text 17.`
  flipOneByte(historyIn(home), wanted)

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

test('a copy of the files of a profile that is made while a chat writes them is mended where it is torn, and fails no second start', async () => {
  const home = join(folder, 'berta')
  const [anna, berta] = await Promise.all([start(join(folder, 'anna')), start(home, '--accept', 'all')])
  const bertaId = await berta.peerId()
  await anna.do({ do: 'open', peer: await berta.address() })
  const file = historyIn(home)
  const copies: string[] = []
  for (let n = 0; n < 4; n++) {
    // Long enough for pages that SQLite reads past its cache, and so much that its log begins anew between copies.
    const texts = Array.from({ length: 40 }, (_, part) => `${n} ${part} ${'x'.repeat(part % 2 === 0 ? 30_000 : 20)}`)
    anna.tell(texts.map((text) => ({ do: 'send', peer: bertaId, text })))
    await berta.until('some of them', () =>
      berta.events.some(({ event, text }) => event === 'message' && text === texts[n * 5]) ? true : undefined
    )
    const copy = join(folder, `copy ${n}`)
    mkdirSync(dirname(historyIn(copy)), { recursive: true, mode: 0o700 })
    // Which of them is copied first is up to the file system.
    const parts = n % 2 === 0 ? ['', '-wal'] : ['-wal', '']
    for (const part of parts) {
      copyFileSync(`${file}${part}`, `${historyIn(copy)}${part}`)
    }
    copyFileSync(join(dirname(file), 'identity.key'), join(dirname(historyIn(copy)), 'identity.key'))
    copies.push(copy)
  }
  for (const copy of copies) {
    // Opening looks at the newest messages alone: an export may be the first to meet the damage, and says so once.
    const first = await run(copy, 'export', '--json')
    expect(first.stderr).toMatch(first.code === 0 ? /^$|has been mended/u : /is damaged\b.*can be mended/u)
    const [second, third] = [await run(copy, 'export', '--json'), await run(copy, 'export', '--json')]
    expect({ code: second.code, stderr: second.stderr }).toEqual({
      code: 0,
      stderr: first.code === 0 ? '' : expect.stringContaining('has been mended')
    })
    expect(third).toEqual({ code: 0, stderr: '', stdout: second.stdout })
  }
})

test('with the log of the history deleted after kill -9 both go on, and nobody takes new messages for old ones', async () => {
  const home = join(folder, 'anna')
  let anna = await start(home)
  const berta = await start(join(folder, 'berta'), '--accept', 'all')
  const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
  await anna.do({ do: 'open', peer: await berta.address() })
  const before = Array.from({ length: 10 }, (_, n) => `before ${n}`)
  for (const text of before) await anna.do({ do: 'send', peer: bertaId, text })
  await anna.untilDelivered(before.length)
  await anna.kill()
  rmSync(`${historyIn(home)}-wal`)

  anna = await start(home)
  const after = Array.from({ length: 5 }, (_, n) => `after ${n}`)
  for (const text of after) await anna.do({ do: 'send', peer: bertaId, text })
  await anna.untilDelivered(after.length)
  expect(await berta.textsWith(annaId, 'accepted')).toEqual([...before, ...after])
  // What was in the deleted log alone is gone here; what comes after is whole.
  const kept = await anna.textsWith(bertaId, 'delivered')
  expect(kept.slice(-after.length)).toEqual(after)
  expect(before.slice(0, kept.length - after.length)).toEqual(kept.slice(0, -after.length))
})

test('a history of a later version is refused with its own exit code and stays as it is', async () => {
  const home = join(folder, 'home')
  await fill(home, ['one'])
  const file = historyIn(home)
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
  const env = secludedEnv(home, network)
  const child = promisify(execFile)(nodePath, [entryPoint, ...args], { env, timeout: eventualMs, maxBuffer: Infinity })
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
  const database = new DatabaseSync(historyIn(home))
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
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

function isFullNotice(event: ParleyEvent): boolean {
  return event.event === 'notice' && String(event['text']).includes('is full')
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
