// What only a real terminal shows: a line that is edited while others come and
// speak, the Tab and arrow keys, pasted lines, Ctrl-C, and that nobody's text
// can move the cursor. In tmux; where there is none, these can't run.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import type { HostedParley } from '../processes/hosted-parley.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'
import { hasTmux, type Terminal } from '../processes/terminal.ts'

let bed: TestBed
let port: number
let env: NodeJS.ProcessEnv
beforeEach(async () => {
  bed = await TestBed.make()
  port = await freePort()
  await bed.hostDirectory(port)
  env = { PARLEY_DIRECTORY: String(port) }
})
afterEach(async () => bed[Symbol.asyncDispose]())

async function person(name: string): Promise<Terminal> {
  const terminal = await bed.terminal(['--plain', '--name', name, '--accept', 'all'], { env, name })
  await terminal.shows(/^Peer \(.*\):$/mu)
  return terminal
}

async function script(name: string): Promise<{ process: HostedParley; peer: string }> {
  const process = await bed.host(['--json', '--name', name, '--accept', 'all'], { env, name })
  return { process, peer: String((await process.event('ready'))['peer']) }
}

/** A terminal and a script that have each other's conversation open. */
async function pair(): Promise<{ anna: Terminal; bob: HostedParley; say: (text: string) => Promise<void> }> {
  const anna = await person('anna')
  const { process: bob } = await script('bob')
  await anna.shows(/ bob .* 127\.0\.0\.1 /u)
  await anna.type('bob')
  await anna.shows(/^Connected to bob /mu)
  const { peer } = await bob.event('entered')
  bob.type(JSON.stringify({ do: 'open', peer }))
  await anna.shows(/^bob is in the conversation\.$/mu)
  const say = async (text: string): Promise<void> => {
    const tag = `${bob.output.length} ${Math.random()}`
    bob.type(JSON.stringify({ do: 'msg', peer, text, wait: 20, tag }))
    await bob.event('done', (done) => done['tag'] === tag)
  }
  return { anna, bob, say }
}

/** A person whose shell continues Parley a moment after it was stopped. */
async function stoppable(name: string): Promise<{ terminal: Terminal; pid: number }> {
  const start = join(bed.folder, `${name}.sh`)
  const within = (command: string): string => {
    writeFileSync(start, `echo $$ > ${start}.pid; exec ${command}`)
    return `bash --norc -ic 'sh ${start}; echo STOPPED; sleep 1; echo FG; fg'`
  }
  const terminal = await bed.terminal(['--plain', '--name', name], { env, name, within })
  await terminal.shows(/^Peer \(.*\):$/mu)
  return { terminal, pid: Number(readFileSync(`${start}.pid`, 'utf8')) }
}

describe.skipIf(!hasTmux)('in a terminal', () => {
  test('a line of several rows that is being typed stays whole under messages, and is sent as it was typed', async () => {
    const { anna, bob, say } = await pair()
    const long = `begin ${'0123456789 '.repeat(30)}end`
    await anna.press(long)
    for (const text of ['one', 'two', 'three\nin two lines']) await say(text)
    await anna.shows(/^bob: one\nbob: two\nbob: three\n {4}\| in two lines\n/mu)
    const screen = (await anna.screen()).replaceAll('\n', '')
    expect(screen.split('begin 0123456789')).toHaveLength(2)
    expect(screen).toContain(long)
    await anna.type('!')
    await bob.event('message', ({ text }) => text === `${long}!`)
  })

  test('Tab completes names and commands, and the arrow keys bring back earlier lines', async () => {
    const anna = await person('anna')
    await script('bartholomew')
    await anna.shows(/ bartholomew /u)
    await anna.press('bart')
    await anna.key('Tab')
    await anna.shows(/^Peer \(.*\): bartholomew ?$/mu)
    await anna.key('C-u')
    await anna.press('/directo')
    await anna.key('Tab')
    await anna.shows(/^Peer \(.*\): \/directories ?$/mu)
    await anna.key('Enter')
    await anna.shows(new RegExp(`^127\\.0\\.0\\.1:${port} .*: connected`, 'mu'))
    await anna.key('Up')
    await anna.shows(/^Peer \(.*\): \/directories ?$(?!\n)/mu)
  })

  test('pasted lines are as many messages, and a backslash makes several lines one', async () => {
    const { anna, bob } = await pair()
    await anna.press('first\nsecond\n/not a command at all\n//third\n')
    await anna.shows(/There is no command \/not/u)
    await anna.type('a message\\')
    await anna.type('of two lines')
    const texts = ['first', 'second', '/third', 'a message\nof two lines']
    await bob.event('message', ({ text }) => text === texts.at(-1))
    expect(bob.events().flatMap(({ event, text }) => (event === 'message' ? [text] : []))).toEqual(texts)
  })

  test("nobody's text acts on it: neither a message nor a name", async () => {
    const { anna, say } = await pair()
    await say('\u001B[2J\u001B[31mred\u0007 \u202Egnp.exe\u200B\r back')
    await anna.shows(/^bob: ␛\[2J␛\[31mred␇ gnp\.exe(␍|␤) ?back$/mu)
    await anna.shows(/^bob is in the conversation\.$/mu) // the screen was not cleared
  })

  test('Ctrl-C asks once, and leaves with 130 when it is pressed again; Ctrl-D leaves with 0', async () => {
    const anna = await person('anna')
    await anna.press('half a line')
    await anna.key('C-c')
    await anna.shows(/^Press Ctrl-C again to leave at once/mu)
    // Twice: on a busy machine it may be too late for the first press to count.
    await anna.key('C-c', 'C-c')
    expect(await anna.ended()).toBe(exitCodes.interrupted)

    const bob = await person('bob')
    await bob.key('C-d')
    expect(await bob.ended()).toBe(exitCodes.ok)
  })

  test('Ctrl-Z stops it, and after fg what was typed stands there, keys are read and each is echoed once', async () => {
    const { terminal: anna } = await stoppable('anna')
    await anna.press('/directo')
    await anna.key('C-z')
    await anna.shows(/^STOPPED$/mu)
    await anna.shows(/^FG\n(?:.*\n)?Peer \(.*\): \/directo$/mu)
    await anna.type('ries')
    await anna.shows(new RegExp(`^127\\.0\\.0\\.1:${port} .*: connected`, 'mu'))
    expect(await anna.screen()).toMatch(/^Peer \(.*\): \/directories\n127\./mu)
    await anna.key('C-c')
    await anna.shows(/^Press Ctrl-C again to leave at once/mu)
    await anna.key('C-c', 'C-c')
    expect(await anna.ended()).toBe(exitCodes.interrupted)
  })

  test('stopped from outside, it is after fg as it was: keys are echoed once', async () => {
    const { terminal: anna, pid } = await stoppable('anna')
    process.kill(pid, 'SIGSTOP')
    await anna.shows(/^FG\n(?:.*\n)?Peer \(.*\):$/mu)
    await anna.type('/directories')
    await anna.shows(new RegExp(`^127\\.0\\.0\\.1:${port} .*: connected`, 'mu'))
    expect(await anna.screen()).toMatch(/^Peer \(.*\): \/directories\n127\./mu)
    await anna.type('QUIT')
    expect(await anna.ended()).toBe(exitCodes.ok)
  })

  test('a request from a stranger is shown, read by its number, and accepted with yes', async () => {
    const anna = await bed.terminal(['--plain', '--name', 'anna'], { env, name: 'anna' })
    const [, annaPort = ''] = await anna.shows(/^You are anna .*port (\d+)\.$/mu)
    await anna.shows(/^Peer \(.*\):$/mu)
    const { process: bob, peer } = await script('bob')
    bob.type(JSON.stringify({ do: 'msg', peer: `127.0.0.1:${annaPort}`, text: 'may I?', wait: 20, tag: 1 }))
    const asked = await bob.event('done', ({ tag }) => tag === 1)
    expect(asked['message']).toMatchObject({ state: 'held' })
    const [, number] = await anna.shows(
      /^REQUEST from bob \(\w{12}\).*: may I\? — \/read (\d+), \/ignore \d+, \/block \d+$/mu
    )
    await anna.type(`${number}`)
    await anna.shows(/^Request from bob \(\w{12}\), one message:\nbob: may I\?\nType yes to accept it/mu)
    await anna.type('yes')
    await anna.shows(/^Conversation with bob /mu)
    await bob.event('delivery', ({ state }) => state === 'delivered')
    expect(peer).toMatch(/^12D3KooW/u)
  })
})
