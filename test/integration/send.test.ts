// `parley send` tells a script the truth: 0 only for a message that the other
// side has stored, another code for every other fate, and always in bounded time.
import { mkdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../eventually.ts'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { ProfileLock } from '../../src/storage/index.ts'
import { startPlainListener, startSlowReceiver } from '../processes/neighbours.ts'
import type { HostedParley } from '../processes/hosted-parley.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import type { ParleyRun } from '../processes/parley-run.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed, type Finished, type HostOptions } from '../processes/test-bed.ts'
import { profileIn } from '../processes/homes.ts'

const maxTextBytes = 65_536

let bed: TestBed
beforeAll(async () => {
  bed = await TestBed.make()
})
afterAll(async () => bed[Symbol.asyncDispose]())

interface Receiver<Run extends ParleyRun = HostedParley> {
  readonly process: Run
  readonly peer: string
  readonly port: number
  readonly address: string
}

async function receiver(options: { accept?: string; port?: number; home?: string } = {}): Promise<Receiver> {
  const { accept = 'all', port = await freePort(), home } = options
  const process = await bed.host(receiving(port, accept), {
    name: 'the receiver',
    ...(home === undefined ? {} : { home })
  })
  return { process, ...(await addressOf(process, port)) }
}

async function receiverProcess(): Promise<Receiver<ParleyProcess>> {
  const port = await freePort()
  const process = await bed.start(receiving(port, 'all'), { name: 'the receiver' })
  return { process, ...(await addressOf(process, port)) }
}

function receiving(port: number, accept: string): readonly string[] {
  return ['--json', '--name', 'receiver', '--accept', accept, '--port', String(port)]
}

async function addressOf(process: ParleyRun, port: number): Promise<Omit<Receiver, 'process'>> {
  const peer = String((await process.event('ready'))['peer'])
  return { peer, port, address: `/ip4/127.0.0.1/tcp/${port}/p2p/${peer}` }
}

async function send(args: readonly string[], options: HostOptions & { input?: string } = {}): Promise<Finished> {
  return bed.command(['send', ...args], { name: 'send', ...options })
}

function textsOf({ process }: Receiver<ParleyRun>): readonly unknown[] {
  return process.events().flatMap((event) => (event.event === 'message' ? [event['text']] : []))
}

describe.concurrent('exit code 0', () => {
  test('comes when the other side has stored the message', async () => {
    const to = await receiver()
    const sent = await bed.run(['send', '--wait', '60', to.address, 'two words', 'and more'])
    expect(sent.code, sent.told).toBe(exitCodes.ok)
    await to.process.event('message', ({ text, state }) => text === 'two words and more' && state === 'accepted')
  })

  test('does not come while the other side is still storing', async () => {
    const to = await startSlowReceiver()
    bed.defer(to.stop)
    const address = `/ip4/127.0.0.1/tcp/${to.port}/p2p/${to.peer}`

    const early = await send(['--wait', '2', address, 'not stored yet'])
    expect(to.arrived).toEqual(['not stored yet'])
    expect(early.code, early.told).toBe(exitCodes.queued)

    const late = send(['--wait', '30', address, 'stored in the end'])
    await until(() => to.arrived.includes('stored in the end'), 'the message')
    to.store()
    expect((await late).code).toBe(exitCodes.ok)
  })

  test('does not come from a process that has stopped; what was sent meanwhile arrives once when it goes on', async () => {
    const to = await receiverProcess()
    const from = await bed.host(['--json', '--name', 'sender'], { name: 'the sender' })
    await from.event('ready')
    from.type(JSON.stringify({ do: 'msg', peer: to.address, text: 'first', wait: 20, tag: 'first' }))
    await from.event('done', ({ tag, message }) => tag === 'first' && stateOf(message) === 'delivered')

    to.process.signal('SIGSTOP')
    from.type(JSON.stringify({ do: 'msg', peer: to.peer, text: 'second', wait: 1, tag: 'second' }))
    const done = await from.event('done', ({ tag }) => tag === 'second')
    expect(stateOf(done['message'])).toBe('pending')
    const stopped = await send(['--wait', '1', to.address, 'third'])
    expect(stopped.code, stopped.told).toBe(exitCodes.queued)
    expect(stopped.stderr).toContain('not delivered within 1 s')

    to.process.signal('SIGCONT')
    await from.event('delivery', ({ state, id }) => state === 'delivered' && id === idOf(done['message']))
    expect(textsOf(to).filter((text) => text === 'second')).toEqual(['second'])
  })

  test('comes within --wait for a peer that appears meanwhile', async () => {
    const home = bed.home()
    const port = await freePort()
    const first = await receiver({ home, port })
    const sender = bed.home()
    expect((await send([first.address, 'hello'], { home: sender })).code).toBe(exitCodes.ok)
    await first.process.interrupt()

    const waiting = send(['--wait', '60', first.peer, 'when you are back'], { home: sender })
    const again = await receiver({ home, port })
    await again.process.event('message', ({ text }) => text === 'when you are back')
    expect((await waiting).code).toBe(exitCodes.ok)
  })
})

describe.concurrent('another exit code says', () => {
  test('that the message is held as a request, until the other side accepts it', async () => {
    const to = await receiver({ accept: 'ask' })
    const home = bed.home()
    const held = await send([to.address, 'may I?'], { home })
    expect(held.code, held.told).toBe(exitCodes.held)
    expect(held.stderr).toMatch(/held as a request until the other side accepts it/u)
    const request = await to.process.event('request', ({ text }) => text === 'may I?')
    expect(textsOf(to)).toEqual([])

    to.process.type(JSON.stringify({ do: 'accept', peer: request['peer'] }))
    await to.process.event('done', (done) => done['do'] === 'accept')
    const accepted = await send([to.address, 'thank you'], { home })
    expect(accepted.code, accepted.told).toBe(exitCodes.ok)
  })

  test('that the other program gives no receipts', async () => {
    const listener = await startPlainListener()
    bed.defer(listener.stop)
    const sent = await send([`127.0.0.1:${listener.port}`, 'grüße'])
    expect(sent.code, sent.told).toBe(exitCodes.unconfirmed)
    expect(sent.stderr).toMatch(/sent, not confirmed/u)
    await until(() => listener.heard() === 'grüße\n', 'the line')
  })

  test('that the peer is away, after the time that was given and no later', async () => {
    const to = await receiver()
    const home = bed.home()
    expect((await send([to.address, 'hello'], { home })).code).toBe(exitCodes.ok)
    await to.process.interrupt()
    // Long enough to learn why, also on a busy machine.
    for (const peer of [to.peer, 'receiver']) {
      const away = await send(['--wait', '5', peer, 'are you there?'], { home })
      expect(away.code, away.told).toBe(exitCodes.queued)
      expect(away.stderr).toMatch(/not delivered within 5 s: .*\. It is queued, and will be sent when/u)
    }
    const unwilling = await send([to.peer, 'and without --wait?'], { home })
    expect(unwilling.code, unwilling.told).toBe(exitCodes.queued)
    expect(unwilling.stderr).toMatch(/not delivered within \d+ s/u)
  })

  test('that the other side has blocked the sender', async () => {
    const to = await receiver({ accept: 'ask' })
    const home = bed.home()
    await send([to.address, 'a nuisance'], { home })
    const request = await to.process.event('request')
    to.process.type(JSON.stringify({ do: 'block', peer: request['peer'] }))
    await to.process.event('done', (done) => done['do'] === 'block')
    const blocked = await send(['--wait', '2', to.address, 'again'], { home })
    expect(blocked.code, blocked.told).toBe(exitCodes.queued) // it is refused before it can say anything
    expect(blocked.stderr).toContain('not delivered within 2 s')
    expect(to.process.events().filter(({ text }) => text === 'again')).toEqual([])
  })

  test('that a parley holds the profile that can not be asked', async () => {
    const home = bed.home()
    const profile = profileIn(home)
    await mkdir(profile, { recursive: true, mode: 0o700 })
    const lock = ProfileLock.take(profile)
    const refused = await send(['127.0.0.1:1', 'hello'], { home })
    lock.release()
    expect(refused.code, refused.told).toBe(exitCodes.profileInUse)
    expect(refused.stderr).toMatch(/the profile default is in use by another parley \(process \d+\): .*--profile/u)
  })

  test('that the command line is wrong', async () => {
    for (const [args, message] of [
      [['127.0.0.1:1', '  '], /there is no text to send/u],
      [['127.0.0.1:1', '-'], /there is no text to send/u],
      [['127.0.0.1:1'], /TEXT/u],
      [['--wait', 'long', '127.0.0.1:1', 'hello'], /--wait long: expected seconds/u]
    ] as const) {
      const wrong = await send(args)
      expect(wrong.code, wrong.told).toBe(exitCodes.usage)
      expect(wrong.stderr, wrong.told).toMatch(message)
    }
  })
})

describe.concurrent('the text', () => {
  test('may come from standard input, with its lines, without the last line break', async () => {
    const to = await receiver()
    const sent = await send([to.address, '-'], { input: '\ufefffirst line\n  second 👋🏽\n' })
    expect(sent.code, sent.told).toBe(exitCodes.ok)
    await to.process.event('message', ({ text }) => text === 'first line\n  second 👋🏽')
  })

  test('may have 64 KiB; one byte more is refused before it is sent, with the limit named', async () => {
    const to = await receiver()
    const home = bed.home()
    const longest = `${'é'.repeat((maxTextBytes - 2) / 2)}ab`
    const sent = await send([to.address, '-'], { input: longest, home })
    expect(sent.code, sent.told).toBe(exitCodes.ok)
    await to.process.event('message', ({ text }) => text === longest)

    const refused = await send([to.address, '-'], { input: `${longest}c`, home })
    expect(refused.code, refused.told).toBe(exitCodes.usage)
    expect(refused.stderr, refused.told).toMatch(/65537 bytes .*at most 65536 .*in parts/u)
    const argument = await send([to.address, 'x'.repeat(maxTextBytes + 1)], { home })
    expect(argument.code, argument.told).toBe(exitCodes.usage)
    expect(textsOf(to)).toEqual([longest])
  })

  test('arrives as it is: what looks like an option, a command or an escape sequence is text', async () => {
    const to = await receiver()
    for (const text of ['--wait', '/quit', 'QUIT', '\u001B[2J\u0007 \u202Eabc', 'ﬁ é']) {
      const sent = await send(['--', to.address, text])
      expect(sent.code, sent.told).toBe(exitCodes.ok)
      await to.process.event('message', (message) => message['text'] === text)
    }
    for (const raw of ['\u001B', '\u0007', '\u202E']) expect(to.process.stdout).not.toContain(raw)
  })
})

test('--json says what became of the message in one object', async () => {
  const to = await receiver({ accept: 'ask' })
  const sent = await send(['--json', to.address, 'hello'])
  expect(sent.code, sent.told).toBe(exitCodes.held)
  const said: unknown = JSON.parse(sent.stdout)
  expect(said).toMatchObject({ event: 'sent', peer: to.peer, state: 'held', exitCode: exitCodes.held })
})

function stateOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'state' in message ? message.state : undefined
}

function idOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'id' in message ? message.id : undefined
}
