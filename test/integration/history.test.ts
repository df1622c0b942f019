// What is kept, seen with real commands: it is there after a restart, what waited
// goes out when both sides have been restarted, and log, search, export and
// forget show and delete what they say.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import type { ParleyRun } from '../processes/parley-run.ts'
import { hasTmux } from '../processes/terminal.ts'
import { eventually } from '../eventually.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed, type Finished } from '../processes/test-bed.ts'
import { withHistory } from '../processes/homes.ts'

let bed: TestBed
beforeAll(async () => {
  bed = await TestBed.make()
})
afterAll(async () => bed[Symbol.asyncDispose]())

interface Chat<Run extends ParleyRun = ParleyRun> {
  readonly process: Run
  readonly peer: string
}

interface ChatOptions {
  readonly home: string
  readonly port?: number
}

async function chat(name: string, { home, port }: ChatOptions): Promise<Chat> {
  const process = await bed.host(chatArgs(name, port), { home, name })
  return { process, peer: await peerOf(process) }
}

/** One in a process of its own, which can be killed. */
async function chatProcess(name: string, { home, port }: ChatOptions): Promise<Chat<ParleyProcess>> {
  const process = await bed.start(chatArgs(name, port), { home, name })
  return { process, peer: await peerOf(process) }
}

function chatArgs(name: string, port: number | undefined): readonly string[] {
  return ['--json', '--name', name, '--accept', 'all', ...(port === undefined ? [] : ['--port', String(port)])]
}

async function peerOf(process: ParleyRun): Promise<string> {
  return String((await process.event('ready'))['peer'])
}

let lastTag = 0

async function ask({ process }: Chat, command: Readonly<Record<string, unknown>>) {
  const tag = ++lastTag
  process.type(JSON.stringify({ ...command, tag }))
  return process.event('done', (done) => done['tag'] === tag)
}

type Fields = Readonly<Record<string, unknown>>

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value : []
}

function pick(messages: unknown, ...names: readonly string[]): readonly (readonly unknown[])[] {
  return listOf(messages).map((message) => names.map((name) => message[name]))
}

/** The JSON lines that a command printed. */
function linesOf({ stdout }: Finished): readonly Fields[] {
  return stdout === '' ? [] : stdout.split('\n').map((line): Fields => JSON.parse(line))
}

/** The ID of a peer that was there once and never comes back. */
async function absentPeer(): Promise<string> {
  const said = await bed.command(['id', '--json'])
  const { peer }: { peer: string } = JSON.parse(said.stdout)
  return peer
}

/** A home whose history has these messages to a peer who is away. */
async function homeWith(peer: string, texts: readonly string[], home = bed.home()): Promise<string> {
  const sentAtMs = Date.now()
  await withHistory(home, async (store) =>
    Promise.all(texts.map(async (text) => store.addOutgoing({ peer, text, sentAtMs })))
  )
  return home
}

describe.concurrent('what was written', () => {
  test('is there after a kill, with its marks, and what waited goes out once both have been restarted', async () => {
    const homes = { anna: bed.home(), bob: bed.home() }
    const port = await freePort()
    const bob = await chatProcess('bob', { home: homes.bob, port })
    const anna = await chatProcess('anna', { home: homes.anna })
    const address = `/ip4/127.0.0.1/tcp/${port}/p2p/${bob.peer}`
    await ask(anna, { do: 'msg', peer: address, text: 'one', wait: 20 })
    await bob.process.kill()
    const waiting = await ask(anna, { do: 'msg', peer: bob.peer, text: 'two' })
    await anna.process.kill()

    const annaAgain = await chat('anna', { home: homes.anna })
    const before = await ask(annaAgain, { do: 'open', peer: bob.peer })
    expect(pick(before['messages'], 'text', 'state', 'direction')).toEqual([
      ['one', 'delivered', 'out'],
      ['two', 'pending', 'out']
    ])
    const bobAgain = await chat('bob', { home: homes.bob, port })
    const { id } = Object(waiting['message'])
    await annaAgain.process.event('delivery', (event) => event['id'] === id && event['state'] === 'delivered')
    const received = await ask(bobAgain, { do: 'log', peer: anna.peer })
    expect(pick(received['messages'], 'text', 'state', 'direction')).toEqual([
      ['one', 'accepted', 'in'],
      ['two', 'accepted', 'in']
    ])
    const conversations = await ask(bobAgain, { do: 'conversations' })
    expect(pick(conversations['conversations'], 'peer', 'unread')).toEqual([[anna.peer, 2]])
    await ask(bobAgain, { do: 'open', peer: anna.peer })
    const read = await ask(bobAgain, { do: 'conversations' })
    expect(pick(read['conversations'], 'peer', 'unread')).toEqual([[anna.peer, 0]])
  })

  test('is shown with its marks when its conversation is opened, page by page, and counted at the end', async () => {
    const peer = await absentPeer()
    const home = await homeWith(
      peer,
      Array.from({ length: 45 }, (_, index) => `message ${index + 1}`)
    )
    const lines = [peer, '/more', '/more', '/more', '/search "message 7"', '/cancel', 'EXIT', '/chats', 'QUIT']
    const said = await bed.command(['--plain'], { home, input: `${lines.join('\n')}\n` })
    expect(said.code, said.told).toBe(exitCodes.ok)
    const shown = said.stdout.split('\n')
    const numbers = shown.flatMap((line) => /^You: message (\d+)$/u.exec(line)?.[1] ?? []).map(Number)
    const upTo = (first: number, last: number): number[] =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index)
    expect(numbers, said.told).toEqual([...upTo(26, 45), ...upTo(6, 25), ...upTo(1, 5)])
    expect(shown.filter((line) => line === '    (waiting)')).toHaveLength(45)
    expect(said.stdout).toMatch(/^No earlier messages with /mu)
    expect(said.stdout).toMatch(/^ {2}1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}→ \S+: message 7$/mu)
    expect(said.stdout).toMatch(/^45 messages to \S+ will not be sent/mu)
    expect(said.stdout).not.toMatch(/to be sent the next time/u)
  })

  test('and waits when the program ends is counted on the way out', async () => {
    const home = await homeWith(await absentPeer(), ['one', 'two'])
    const said = await bed.command(['--plain'], { home, input: 'QUIT\n' })
    expect(said.stdout, said.told).toMatch(/^2 messages are waiting, to be sent the next time/mu)
  })

  test('to a peer whose ID is damaged is lost with it, says the next start, and to others it waits', async () => {
    const peer = await absentPeer()
    const damaged = peer.replace(/.$/u, '!')
    const home = await homeWith(damaged, ['one', 'two'])
    await homeWith(peer, ['three'], home)
    const said = await bed.run(['--plain'], { home, input: 'QUIT\n' })
    expect(said.code, said.told).toBe(exitCodes.ok)
    expect(said.stdout + said.stderr, said.told).toContain('1 messages are there, lost: 2 with unknown')
    expect(said.stdout, said.told).toMatch(/^One message is waiting, to be sent the next time/mu)
  })

  test('is read by a program from where it stopped, in all conversations or in one', async () => {
    const peer = await absentPeer()
    const home = await homeWith(peer, ['one', 'two', 'three', 'four'])
    const reader = await chat('reader', { home })
    const first = await ask(reader, { do: 'log', after: 0, limit: 2 })
    expect(pick(first['messages'], 'text', 'peer')).toEqual([
      ['one', peer],
      ['two', peer]
    ])
    const cursor = listOf(first['messages']).at(-1)?.['position']
    for (const command of [
      { do: 'log', after: cursor },
      { do: 'log', peer, after: cursor }
    ]) {
      expect(pick((await ask(reader, command))['messages'], 'text')).toEqual([['three'], ['four']])
    }
    expect(pick((await ask(reader, { do: 'more', peer, before: cursor }))['messages'], 'text')).toEqual([['one']])
    reader.process.type('{"do":"log","after":-1}')
    await reader.process.event('error', ({ code }) => code === 'bad-arguments')
  })
})

describe.concurrent('parley send', () => {
  test('queues for a peer that is away, or gives it up with --no-queue, and says which', async () => {
    const home = bed.home()
    const port = await freePort()
    const peer = await absentPeer()
    const address = `/ip4/127.0.0.1/tcp/${port}/p2p/${peer}`
    const queued = await bed.command(['send', '--wait', '1', address, 'queued'], { home })
    expect(queued.code, queued.told).toBe(exitCodes.queued)
    expect(queued.stderr).toMatch(/not delivered within 1 s.*\. It is queued, and will be sent when/u)
    const dropped = await bed.command(['send', '--wait', '1', '--no-queue', peer, 'dropped'], { home })
    expect(dropped.code, dropped.told).toBe(exitCodes.unreachable)
    expect(dropped.stderr).toMatch(/not delivered within 1 s.*\. It was dropped/u)
    const told = await bed.command(['send', '--json', '--wait', '0', peer, 'told'], { home })
    expect(linesOf(told)).toMatchObject([{ event: 'sent', state: 'pending', queued: true, exitCode: exitCodes.queued }])
    const unknown = await bed.command(['send', '--wait', '1', 'nobody-at-all', 'x'], { home })
    expect(unknown.code, unknown.told).toBe(exitCodes.peerNotFound)

    const log = await bed.command(['log', peer, '--json'], { home })
    expect(pick(linesOf(log), 'text', 'state')).toEqual([
      ['queued', 'pending'],
      ['dropped', 'failed'],
      ['told', 'pending']
    ])
  })

  test('delivers what an earlier one has queued, once', async () => {
    const homes = { from: bed.home(), to: bed.home() }
    const port = await freePort()
    const to = await chatProcess('to', { home: homes.to, port })
    await to.process.kill()
    const address = `/ip4/127.0.0.1/tcp/${port}/p2p/${to.peer}`
    expect((await bed.command(['send', '--wait', '0', address, 'early'], { home: homes.from })).code).toBe(
      exitCodes.queued
    )
    const again = await chat('to', { home: homes.to, port })
    const late = await bed.command(['send', '--wait', '30', address, 'late'], { home: homes.from })
    expect(late.code, late.told).toBe(exitCodes.ok)
    const all = await ask(again, { do: 'log', after: 0 })
    expect(pick(all['messages'], 'text')).toEqual([['early'], ['late']])
  })
})

describe('parley search', () => {
  const texts = [
    '日本語の文章です',
    'Grüße aus Zürich',
    `it's "quoted", isn't it?`,
    'naïve café, cafe\u0301 noir',
    "50% off'); DROP TABLE messages; --",
    'mail anna@example.org at 10:30'
  ] as const
  const [japanese, german, quoted, french, hostile, mail] = texts
  let home: string
  beforeAll(async () => {
    home = await homeWith(await absentPeer(), texts)
  })

  test.each<readonly [words: readonly string[], found: readonly string[]]>([
    [['日本'], [japanese]],
    [['文章です'], [japanese]],
    [['zurich'], [german]],
    [['GRÜSSE'], [german]],
    [['grüße', 'ZÜRICH'], [german]],
    [['"quoted"'], [quoted]],
    [["isn't"], [quoted]],
    [['cafe'], [french]],
    [['CAFÉ'], [french]],
    [["off'); DROP"], [hostile]],
    [['--', '--'], []],
    [['anna@example.org'], [mail]],
    [['10:30'], [mail]],
    [['tokyo'], []],
    [['"'], []],
    [['*'], []],
    [['('], []],
    [['NEAR(a', 'b)'], []],
    [['text:', 'OR'], []]
  ])('%j', async (words, found) => {
    const said = await bed.command(['search', '--json', '--', ...words], { home })
    expect(said.code, said.told).toBe(exitCodes.ok)
    expect(pick(linesOf(said), 'text'), said.told).toEqual(found.map((text) => [text]))
  })
})

describe('parley log, export and forget', () => {
  const count = 5000
  let peer: string
  let home: string
  beforeAll(async () => {
    peer = await absentPeer()
    home = await homeWith(
      peer,
      Array.from({ length: count }, (_, index) => `line ${index} \u001B[31m\nred`)
    )
  })

  test('log shows the last ones, clean, with their marks, and says that there are more', async () => {
    const said = await bed.command(['log', peer, '--limit', '2', '--since', '1h'], { home })
    const when = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`
    expect(said.stdout, said.told).toMatch(
      new RegExp(String.raw`^${when}  → \S+: line 4998 ␛\[31m\n    \| red\n    \(waiting\)\n${when}  → `, 'u')
    )
    expect(said.stderr).toMatch(/there are earlier messages: --limit/u)
    const none = await bed.command(['log', peer, '--until', '2001-02-03'], { home })
    expect(none, none.told).toMatchObject({ code: exitCodes.ok, stdout: '' })
    const wrong = await bed.command(['log', peer, '--since', '2026-02-30'], { home })
    expect(wrong.code, wrong.told).toBe(exitCodes.usage)
    expect(wrong.stderr).toMatch(/--since "2026-02-30" is no time: give a day/u)
  })

  test('export prints all of it, goes on after a position, and ends quietly with its reader', async () => {
    const all = await bed.command(['export', '--json'], { home })
    const lines = linesOf(all)
    expect(pick(lines, 'seq')).toEqual(Array.from({ length: count }, (_, index) => [index + 1]))
    expect(all.stdout).not.toContain('\u001B')
    const rest = await bed.command(['export', '--json', '--after', String(lines.at(-3)?.['position'])], { home })
    expect(pick(linesOf(rest), 'seq')).toEqual([[count - 1], [count]])

    const via = ['bash', '-c', '"$0" "$@" | head -n 1; echo "exit ${PIPESTATUS[0]}"']
    const cut = await bed.run(['export', '--json'], { home, via })
    expect(cut.stdout.split('\n'), cut.told).toEqual([all.stdout.split('\n')[0], `exit ${exitCodes.ok}`])
    expect(cut.stderr).toBe('')
  })

  test.runIf(hasTmux)('forget takes nothing but yes for an answer on a terminal', async () => {
    const own = await homeWith(peer, ['only one'])
    for (const [answer, outcome] of [
      ['y', /Nothing was deleted\./u],
      ['yes', /Deleted one message with/u]
    ] as const) {
      const terminal = await bed.terminal(['forget', peer], { home: own })
      await terminal.shows(/Type yes to go ahead/u)
      await terminal.type(answer)
      await terminal.shows(outcome)
      expect(await terminal.ended()).toBe(exitCodes.ok)
    }
    const stopped = await bed.terminal(['forget', peer], { home: own })
    await stopped.shows(/Type yes to go ahead/u)
    await stopped.key('C-c')
    expect(await stopped.ended()).toBe(exitCodes.interrupted)
  })

  test('no command about the history makes a profile that is not there', async () => {
    const empty = bed.home()
    for (const args of [['log', 'bob'], ['search', 'x'], ['export'], ['forget', 'bob', '--yes']]) {
      const said = await bed.command([...args, '--profile', 'typo'], { home: empty })
      expect({ args, code: said.code, stdout: said.stdout }).toEqual({ args, code: exitCodes.usage, stdout: '' })
      expect(said.stderr).toContain('there is no profile typo')
    }
    expect(existsSync(join(empty, 'data', 'parley', 'profiles', 'typo'))).toBe(false)
  })

  test('forget wants --yes where nobody can be asked; then nothing is left', async () => {
    const unasked = await bed.command(['forget', peer], { home })
    expect(unasked.code, unasked.told).toBe(exitCodes.usage)
    expect(unasked.stderr).toMatch(/--yes/u)
    const done = await bed.command(['forget', peer, '--yes', '--json'], { home })
    expect(linesOf(done), done.told).toMatchObject([{ event: 'forgotten', peer, count }])
    for (const args of [['export'], ['search', 'line'], ['log', peer]]) {
      const empty = await bed.command(args, { home })
      expect(empty, empty.told).toMatchObject({ code: exitCodes.ok, stdout: '' })
    }
  })
})

/** The files below a folder that hold the word. */
function filesWith(word: string, folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const file = join(folder, name)
    return statSync(file).isFile() && readFileSync(file).includes(word)
  })
}

test.runIf(hasTmux)('no file of a running chat holds what was forgotten, nor does one after its end', async () => {
  const word = 'pomegranate'
  const [home, port] = [bed.home(), await freePort()]
  const bob = await bed.host(['--json', '--name', 'bob', '--accept', 'all', '--port', String(port)])
  const { peer } = await bob.event('ready')
  const anna = await bed.terminal(['--name', 'anna'], { home, name: 'anna' })
  await anna.shows(/You are anna \(/u)
  await anna.type(`127.0.0.1:${port}`)
  await anna.shows(/bob \(\w{12}\) {2}● online/u)
  await anna.type(`a ${word} in the conversation`)
  const { peer: annaId } = await bob.event('message', ({ text }) => text === `a ${word} in the conversation`)
  bob.type(JSON.stringify({ do: 'msg', peer: annaId, text: `a ${word} of bob`, wait: 20 }))
  await bob.event('delivery', ({ state }) => state === 'delivered')
  await anna.type('EXIT')
  // What comes in one piece with the end of a line is pasted text, and no second line.
  await anna.shows(/Peer \(name, number, address or host\):/u)
  await anna.type(`/msg ${String(peer)} a ${word} from outside`)
  await bob.event('message', ({ text }) => text === `a ${word} from outside`)
  expect(filesWith(word, home)).not.toEqual([])

  const { stdout, told } = await bed.command(['forget', String(peer), '--yes'], { home })
  expect(stdout, told).toMatch(/^Deleted 3 messages with bob /u)
  // A screen takes out what was typed by itself, in a file that replaces the old one.
  await eventually(() => expect(filesWith(word, home)).toEqual([]))
  await anna.type('QUIT')
  expect(await anna.ended()).toBe(exitCodes.ok)
  expect(filesWith(word, home)).toEqual([])
})
