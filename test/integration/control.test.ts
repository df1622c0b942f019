// A second command on a profile that a chat holds: it works through that chat,
// by the socket of the profile, and ends as it would have ended alone.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, stat, symlink } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import type { HostedParley } from '../processes/hosted-parley.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed, type Finished } from '../processes/test-bed.ts'

let bed: TestBed
beforeAll(async () => {
  bed = await TestBed.make()
})
afterAll(async () => bed[Symbol.asyncDispose]())

interface Receiver {
  readonly process: HostedParley
  readonly peer: string
  readonly address: string
  readonly home: string
  readonly port: number
}

async function receiver(accept = 'all', home = bed.home(), port?: number): Promise<Receiver> {
  const listening = port ?? (await freePort())
  const args = ['--json', '--name', 'receiver', '--accept', accept, '--port', String(listening)]
  const process = await bed.host(args, { name: 'the receiver', home })
  const peer = String((await process.event('ready'))['peer'])
  return { process, peer, home, port: listening, address: `/ip4/127.0.0.1/tcp/${listening}/p2p/${peer}` }
}

/** A chat in a process of its own. */
async function holder(home: string): Promise<ParleyProcess> {
  const chat = await bed.start(['--json', '--name', 'holder'], { home, name: 'the chat' })
  await chat.event('ready')
  return chat
}

async function hostedHolder(home: string, env: NodeJS.ProcessEnv = {}): Promise<HostedParley> {
  const chat = await bed.host(['--json', '--name', 'holder'], { home, env, name: 'the chat' })
  await chat.event('ready')
  return chat
}

async function send(home: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return bed.command(['send', ...args], { home, env, name: 'send' })
}

/** In a process of its own: where several commands take one profile from each other. */
async function sendProcess(home: string, args: readonly string[]): Promise<Finished> {
  return bed.run(['send', ...args], { home, name: 'send' })
}

async function status(home: string, env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return bed.command(['status', '--json'], { home, env, name: 'status' })
}

const runFolder = (home: string): string => join(home, 'data', 'parley', 'run')

async function socketsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => name.endsWith('.sock')).map((name) => join(folder, name))
}

function textsOf({ process }: Receiver): readonly unknown[] {
  return process.events().flatMap((event) => (event.event === 'message' ? [event['text']] : []))
}

/** A program that speaks to the socket by itself. */
async function dial(path: string): Promise<{ readonly socket: Socket; next(event: string): Promise<Line> }> {
  const socket = connect({ path })
  await once(socket, 'connect')
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  const next = async (event: string): Promise<Line> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`the connection ended before the event ${event}`)
      const line: Line = JSON.parse(value)
      if (line.event === event) return line
    }
  }
  return { socket, next }
}

type Line = Readonly<Record<string, unknown>> & { readonly event: string }

describe.concurrent('parley send beside a chat on its profile', () => {
  test('goes through the chat, from its identity, and ends with 0 when the message is stored', async () => {
    const home = bed.home()
    const to = await receiver()
    const chat = await holder(home)
    const sent = await send(home, [to.address, 'by the chat'])
    expect(sent.code, sent.told).toBe(exitCodes.ok)
    expect(sent.stdout).toMatch(/^Delivered to \S+ \(\w{12}\)\.$/mu)
    const { peer } = await to.process.event('message', ({ text }) => text === 'by the chat')
    expect(peer).toBe((await chat.event('ready'))['peer'])
    await chat.event('delivery', ({ state }) => state === 'delivered')

    const asJson = await send(home, ['--json', to.peer, 'and once more'])
    expect(JSON.parse(asJson.stdout)).toMatchObject({ event: 'sent', peer: to.peer, state: 'delivered', exitCode: 0 })
  })

  test('appears in the chat: as a line of the open conversation where it is plain, as an event where it is JSON', async () => {
    const to = await receiver()
    const plainHome = bed.home()
    const plain = await bed.host(['--plain', '--name', 'plain'], { home: plainHome, name: 'the plain chat' })
    await plain.hasShown(/^Peer \(/mu)
    plain.type(to.address)
    await plain.hasShown(/^Conversation with /mu)
    plain.type('typed')
    await to.process.event('message', ({ text }) => text === 'typed')
    const beside = await send(plainHome, [to.peer, 'by a script'])
    expect(beside.code, beside.told).toBe(exitCodes.ok)
    await plain.hasShown(/^You: by a script$/mu)
    expect(plain.stdout).not.toMatch(/^You: typed$/mu)

    const jsonHome = bed.home()
    const chat = await holder(jsonHome)
    await send(jsonHome, [to.address, 'by another'])
    const { direction, peer } = await chat.event('sent', ({ text }) => text === 'by another')
    expect({ direction, peer }).toEqual({ direction: 'out', peer: to.peer })
  })

  test('ends with the codes that it has alone: held, not found, refused key, queued, not queued', async () => {
    const home = bed.home()
    const to = await receiver('ask')
    const chat = await holder(home)
    const held = await send(home, [to.address, 'may I?'])
    expect(held.code, held.told).toBe(exitCodes.held)
    expect(held.stderr).toMatch(/held as a request/u)

    const nobody = await send(home, ['nobody-at-all', 'hello'])
    expect(nobody.code, nobody.told).toBe(exitCodes.peerNotFound)

    const other = await receiver()
    const gone = await receiver()
    await gone.process.interrupt()
    const wrong = await send(home, [`/ip4/127.0.0.1/tcp/${other.port}/p2p/${gone.peer}`, 'who is there?'])
    expect(wrong.code, wrong.told).toBe(exitCodes.keyChanged)

    await other.process.interrupt()
    const away = await send(home, ['--wait', '1', other.address, 'later'])
    expect(away.code, away.told).toBe(exitCodes.queued)
    const dropped = await send(home, ['--wait', '1', '--no-queue', other.address, 'now or never'])
    expect(dropped.code, dropped.told).toBe(exitCodes.unreachable)

    const again = await receiver('all', other.home, other.port)
    await again.process.event('message', ({ text }) => text === 'later')
    expect(chat.events().some(({ event, state }) => event === 'delivery' && state === 'failed')).toBe(true)
    expect(textsOf(again)).not.toContain('now or never')
  })

  test('may run several times at once, with a chat and without one: each message arrives once', async () => {
    const home = bed.home()
    const to = await receiver()
    const alone = await Promise.all(
      ['a', 'b', 'c'].map(async (text) => sendProcess(home, ['--wait', '60', to.address, text]))
    )
    for (const one of alone) expect(one.code, one.told).toBe(exitCodes.ok)
    const chat = await holder(home)
    const beside = await Promise.all(['d', 'e', 'f'].map(async (text) => sendProcess(home, [to.address, text])))
    for (const one of beside) expect(one.code, one.told).toBe(exitCodes.ok)
    expect(textsOf(to).length).toBe(6)
    expect(new Set(textsOf(to))).toEqual(new Set(['a', 'b', 'c', 'd', 'e', 'f']))
    await chat.kill()
  })

  test.each(['ends', 'is killed'])(
    'goes on alone with its message when the chat %s before it has arrived',
    async (end) => {
      const home = bed.home()
      const to = await receiver()
      await to.process.interrupt()
      const chat = await holder(home)
      const sending = sendProcess(home, ['--wait', '60', to.address, 'never mind who sends it'])
      await chat.event('conversation', ({ peer }) => peer === to.peer)
      await eventually(async () => expect(waitingOf(await status(home))).toBe(1))
      if (end === 'ends') chat.type('{"do":"quit"}')
      else await chat.kill()
      await chat.ended()
      const again = await receiver('all', to.home, to.port)
      const sent = await sending
      expect(sent.code, sent.told).toBe(exitCodes.ok)
      expect(textsOf(again)).toEqual(['never mind who sends it'])
    }
  )

  test('the same text three times through a chat that is killed is three messages', async () => {
    const home = bed.home()
    const to = await receiver()
    const chat = await holder(home)
    const sending = ['one', 'two', 'three'].map(async () =>
      sendProcess(home, ['--wait', '60', '--json', to.address, 'alike'])
    )
    await chat.event('sent')
    await chat.kill()
    const sent = await Promise.all(sending)
    for (const one of sent) expect(one.code, one.told).toBe(exitCodes.ok)
    const ids = sent.map(({ stdout }) => String((JSON.parse(stdout) as { id: unknown }).id))
    expect(new Set(ids).size).toBe(3)
    expect(textsOf(to)).toEqual(['alike', 'alike', 'alike'])
  })

  test('is refused when the chat is on another network, or has been stopped', async () => {
    const home = bed.home()
    const to = await receiver()
    const chat = await holder(home)
    const elsewhere = await send(home, ['--network', 'elsewhere', to.address, 'hello'])
    expect(elsewhere.code, elsewhere.told).toBe(exitCodes.profileInUse)
    expect(elsewhere.stderr).toMatch(/on the network test-\w+, not elsewhere/u)
    chat.signal('SIGSTOP')
    const silent = await send(home, [to.address, 'hello'])
    expect(silent.code, silent.told).toBe(exitCodes.profileInUse)
    expect(silent.stderr).toMatch(/the parley that runs on this profile \(process \d+\) gave no answer within 12 s/u)
    expect(textsOf(to)).toEqual([])
  })
})

function waitingOf({ stdout }: Finished): unknown {
  const { waiting }: { waiting?: { messages: unknown } } = JSON.parse(stdout)
  return waiting?.messages
}

describe.concurrent('parley status', () => {
  test('says that nothing runs, with a code of its own, and starts nothing', async () => {
    const home = bed.home()
    const none = await bed.command(['status'], { home })
    expect(none.code, none.told).toBe(exitCodes.notRunning)
    expect(none.stdout).toBe('No parley runs on the profile default.')
    const asJson = await status(home)
    expect(JSON.parse(asJson.stdout)).toEqual({ running: false, profile: 'default', keyPassphrase: null })
    expect(existsSync(join(home, 'data'))).toBe(false)
  })

  test('says who runs, where, with what directories and conversations', async () => {
    const home = bed.home()
    const port = await freePort()
    await bed.hostDirectory(port)
    const to = await receiver()
    const chat = await bed.host(['--json', '--name', 'holder', '--directory', String(port)], { home })
    const { peer, addresses } = await chat.event('ready')
    await eventually(async () => expect((await status(home)).stdout).toContain('"connected"'))
    expect((await send(home, [to.address, 'hello'])).code).toBe(exitCodes.ok)

    const said = await bed.command(['status'], { home })
    expect(said.code, said.told).toBe(exitCodes.ok)
    for (const line of [
      /^Profile: +default, in use by a running parley$/mu,
      new RegExp(`^Peer ID: +${String(peer)} \\(short: \\w{12}\\)$`, 'mu'),
      /^Key: +has no passphrase: parley profile protect sets one$/mu,
      new RegExp(`^Directories: +127\\.0\\.0\\.1:${port} connected`, 'mu'),
      /^Connections: +2 of 400, most from 127\.0\.0\.1 \(2\)$/mu,
      /^Router: +is not asked to let others in$/mu,
      /^Conversations: +receiver \(\w{12}\) open$/mu,
      /^Waiting: +no messages$/mu
    ]) {
      expect(said.stdout).toMatch(line)
    }
    const asJson = JSON.parse((await status(home)).stdout)
    expect(asJson).toMatchObject({ running: true, profile: 'default', peer, addresses, nickname: 'holder', online: 1 })
    expect(asJson.connections).toMatchObject({
      open: 2,
      maxOpen: 400,
      holders: [{ from: '127.0.0.1', connections: 2 }]
    })
  })
})

describe.concurrent('the history beside a chat', () => {
  test('is read, exported and deleted with the same results as without the chat', async () => {
    const home = bed.home()
    const to = await receiver()
    const chat = await hostedHolder(home)
    // More than the commands ask for at once.
    const count = 230
    for (let number = 1; number <= count; number++) {
      const text = `message ${number}${number % 2 === 0 ? ' even' : ''}`
      chat.type(JSON.stringify({ do: 'msg', peer: to.address, text, wait: 60, tag: number }))
    }
    await Promise.all(
      Array.from({ length: count }, async (_, index) =>
        chat.event('done', ({ tag, message }) => tag === index + 1 && stateOf(message) === 'delivered')
      )
    )
    await to.process.interrupt()
    const reads = [
      ['log', '--json', to.peer],
      ['log', '--limit', '150', to.peer],
      ['log', '--limit', '500', '--since', '1h', to.peer],
      ['log', '--until', '2020-01-01', to.peer],
      ['search', '--json', 'even'],
      ['search', '--limit', '500', 'message'],
      ['search', 'nothing-like-it'],
      ['export', '--json'],
      ['export', '--text'],
      ['log', 'nobody-at-all']
    ]
    const run = async (args: readonly string[]) => {
      const { code, stdout, stderr } = await bed.command(args, { home })
      return { args, code, stdout, stderr }
    }
    const beside: Awaited<ReturnType<typeof run>>[] = []
    for (const args of reads) beside.push(await run(args))
    chat.type('{"do":"quit"}')
    await chat.ended()
    for (const read of beside) {
      const alone = await run(read.args)
      expect({ ...read, stderr: '' }).toEqual({ ...alone, stderr: '' })
    }
    expect(beside[7]?.stdout.split('\n').length).toBe(count)

    const again = await hostedHolder(home)
    const forgotten = await run(['forget', '--yes', to.peer])
    expect(forgotten).toMatchObject({ code: exitCodes.ok })
    expect(forgotten.stdout).toMatch(new RegExp(`^Deleted ${count} messages with `, 'u'))
    expect((await run(['export', '--json'])).stdout).toBe('')
    await again.interrupt()
  })
})

function stateOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'state' in message ? message.state : undefined
}

describe.concurrent('the socket', () => {
  test('has mode 0600 in a folder of mode 0700, in the runtime folder when there is one, and goes with the chat', async () => {
    const home = bed.home()
    const runtime = join(home, 'runtime')
    await mkdir(runtime, { recursive: true, mode: 0o700 })
    for (const [env, folder] of [
      [{}, runFolder(home)],
      [{ XDG_RUNTIME_DIR: runtime }, join(runtime, 'parley')]
    ] as const) {
      const chat = await hostedHolder(home, env)
      const [path = ''] = await socketsIn(folder)
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect((await stat(folder)).mode & 0o777).toBe(0o700)
      expect(Buffer.byteLength(path)).toBeLessThan(100)
      expect((await status(home, env)).code).toBe(exitCodes.ok)
      chat.type('{"do":"quit"}')
      await chat.ended()
      expect(await socketsIn(folder)).toEqual([])
    }
  })

  test('is found by a command that has no runtime folder or cannot use it, when the chat has had none', async () => {
    const home = bed.home()
    const runtime = join(home, 'runtime')
    await mkdir(runtime, { recursive: true, mode: 0o700 })
    await hostedHolder(home)
    expect((await status(home, { XDG_RUNTIME_DIR: runtime })).code).toBe(exitCodes.ok)
  })

  test('is not made in a folder that others may look into, that is a link, or whose path is too long', async () => {
    const home = bed.home()
    const open = join(home, 'open')
    const linked = join(home, 'linked')
    const deep = join(home, 'x'.repeat(80))
    await mkdir(join(open, 'parley'), { recursive: true })
    await chmod(join(open, 'parley'), 0o755)
    await mkdir(join(home, 'elsewhere'), { recursive: true, mode: 0o700 })
    await mkdir(linked)
    await symlink(join(home, 'elsewhere'), join(linked, 'parley'))
    await mkdir(deep)
    for (const runtime of [open, linked, deep, join(home, 'missing')]) {
      const chat = await hostedHolder(home, { XDG_RUNTIME_DIR: runtime })
      expect(await socketsIn(join(runtime, 'parley'))).toEqual([])
      expect((await socketsIn(runFolder(home))).length).toBe(1)
      chat.type('{"do":"quit"}')
      await chat.ended()
    }
    expect(existsSync(join(home, 'missing'))).toBe(false)
  })

  test('that a killed chat left behind counts as nothing, and is taken over by the next', async () => {
    const home = bed.home()
    const first = await holder(home)
    await first.kill()
    const [stale = ''] = await socketsIn(runFolder(home))
    expect(stale).not.toBe('')
    expect((await status(home)).code).toBe(exitCodes.notRunning)
    const to = await receiver()
    expect((await send(home, [to.address, 'without a chat'])).code).toBe(exitCodes.ok)
    expect(await socketsIn(runFolder(home))).toEqual([])

    const second = await holder(home)
    await second.kill()
    await hostedHolder(home)
    expect(await socketsIn(runFolder(home))).toEqual([stale])
    expect((await status(home)).code).toBe(exitCodes.ok)
  })

  test('speaks the JSON lines; a connection ends by itself or with quit, and the chat goes on', async () => {
    const home = bed.home()
    const chat = await hostedHolder(home)
    const [path = ''] = await socketsIn(runFolder(home))
    const one = await dial(path)
    expect(await one.next('ready')).toMatchObject({ version: 1, nickname: 'holder' })
    one.socket.write('this is no JSON\n{"do":"fly","tag":1}\n{"do":"id","tag":2}\n')
    expect(await one.next('error')).toMatchObject({ code: 'bad-json' })
    expect(await one.next('error')).toMatchObject({ code: 'unknown-command', tag: 1 })
    expect(await one.next('done')).toMatchObject({ do: 'id', tag: 2, nickname: 'holder' })
    one.socket.write('{"do":"quit","tag":3}\n')
    expect(await one.next('done')).toMatchObject({ do: 'quit', tag: 3 })
    expect(await one.next('bye')).toMatchObject({ reason: 'quit' })
    await once(one.socket, 'close')

    const rude = await dial(path)
    rude.socket.destroy()
    chat.type('{"do":"id","tag":"still here"}')
    await chat.event('done', ({ tag }) => tag === 'still here')

    const last = await dial(path)
    await last.next('ready')
    chat.type('{"do":"quit"}')
    expect(await last.next('bye')).toMatchObject({ reason: 'interrupted' })
    expect((await chat.ended()).code).toBe(exitCodes.ok)
    expect(chat.stderr).toBe('')
  })
})
