// A terminal that shows nothing any more (after Ctrl-S, or because the network of the session hangs) or that is closed:
// what runs on it goes on serving its peers or says goodbye to them, and ends at a signal. In tmux; where there is none,
// these can't run.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import type { HostedParley } from '../processes/hosted-parley.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'
import { hasTmux, type Terminal } from '../processes/terminal.ts'

/** A pseudo-terminal holds some 8 KiB that nothing has read: these are four times as much. */
const messageCount = 80
/** `nobody` in most systems. */
const otherUser = 65_534
const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const messageText = 'x'.repeat(400)
/** What a shell has of a job that SIGTSTP has stopped. */
const stoppedStatus = 128 + constants.signals.SIGTSTP
/** In a terminal of tmux. */
const closesWindow = 'tmux kill-session'

let bed: TestBed
let port: number
let env: NodeJS.ProcessEnv
beforeEach(async () => {
  bed = await TestBed.make()
  port = await freePort()
  env = { PARLEY_DIRECTORY: String(port) }
})
afterEach(async () => bed[Symbol.asyncDispose]())

/**
 * Starts a command in a terminal, and returns its process ID too. With `isJob`, a shell runs it that closes the terminal
 * as soon as it is stopped: a peer waits only seconds for a process that does nothing, and a test may take as long to
 * notice.
 */
async function inTerminal(
  args: readonly string[],
  options: { ignoresHangUp?: boolean; isJob?: boolean; home?: string; as?: string } = {}
): Promise<{ terminal: Terminal; pid: () => number }> {
  const start = join(bed.folder, `${Math.random()}.sh`)
  const within = (command: string): string => {
    writeFileSync(start, `echo $$ > ${start}.pid; exec ${options.as ?? ''} ${command}`)
    if (options.isJob === true)
      return `bash --norc -ic 'sh ${start}; [ $? = ${stoppedStatus} ] && ${closesWindow}; read'`
    return `${options.ignoresHangUp === true ? "trap '' HUP; " : ''}sh ${start}`
  }
  const { home = bed.home() } = options
  const terminal = await bed.terminal(args, { env, home, within, size: { columns: 100, rows: 30 } })
  return { terminal, pid: () => Number(execFileSync('cat', [`${start}.pid`])) }
}

async function script(name: string): Promise<{ process: HostedParley; peer: string }> {
  const process = await bed.host(['--json', '--name', name, '--accept', 'all'], { env, name })
  return { process, peer: String((await process.event('ready'))['peer']) }
}

async function peerOnRoster(name: string): Promise<string> {
  for (;;) {
    const { stdout } = await bed.command(['roster', '--directory', String(port), '--json'])
    const { roster } = JSON.parse(stdout) as { roster: { nickname: string; peer: string }[] } // as the manual has it
    const row = roster.find(({ nickname }) => nickname === name)
    if (row !== undefined) return row.peer
    await sleep(100)
  }
}

const faces = [
  ['plain', ['--plain'], /Peer \(.*\):/u, /bob.*: the last one$/mu],
  ['full screen', [], /anna/u, /the last one/u],
  ['JSON lines', ['--json'], /"ready"/u, /the last one/u]
] as const

describe.skipIf(!hasTmux)('a terminal that is not drained', () => {
  test('stops no directory after Ctrl-S: it serves clients, shows all with Ctrl-Q, and ends at SIGTERM', async () => {
    const { terminal, pid } = await inTerminal(['directory', '--port', String(port)])
    await terminal.shows(/^directory .* listening/mu)
    await terminal.key('C-s')
    await script('anna')
    await peerOnRoster('anna')
    await terminal.key('C-q')
    await terminal.shows(/^READY anna /mu)
    await terminal.key('C-s')
    await script('bob')
    await peerOnRoster('bob')
    process.kill(pid(), 'SIGTERM')
    expect(await terminal.ended()).toBe(exitCodes.ok)
  })

  test.skipIf(!isRoot)('stops no directory where the terminal belongs to another user (needs root)', async () => {
    const home = bed.home()
    mkdirSync(home)
    chmodSync(home, 0o777)
    chmodSync(bed.folder, 0o755)
    const as = `setpriv --reuid=${otherUser} --clear-groups --`
    const { terminal, pid } = await inTerminal(['directory', '--port', String(port)], { home, as })
    await terminal.shows(/^directory .* listening/mu)
    await terminal.key('C-s')
    await script('anna')
    await peerOnRoster('anna')
    await terminal.key('C-q')
    await terminal.shows(/^READY anna /mu)
    await terminal.key('C-s')
    process.kill(pid(), 'SIGTERM')
    expect(await terminal.ended()).toBe(exitCodes.ok)
  })

  test('stops no roster that is watched: after Ctrl-Q it shows what is new, and SIGHUP ends it under Ctrl-S', async () => {
    await bed.hostDirectory(port)
    const { terminal, pid } = await inTerminal(['roster', '--watch', '--directory', String(port)])
    await terminal.shows(/Nobody/u)
    await terminal.key('C-s')
    await script('anna')
    await peerOnRoster('anna')
    await terminal.key('C-q')
    await terminal.shows(/ anna /u)
    await terminal.key('C-s')
    await script('bob')
    await peerOnRoster('bob')
    process.kill(pid(), 'SIGHUP')
    expect(await terminal.ended()).toBe(exitCodes.ok)
  })

  test.each(faces)('stops no chat (%s): messages are stored and receipted', async (face, args, isReady, isShown) => {
    await bed.hostDirectory(port)
    const { terminal, pid } = await inTerminal([...args, '--name', 'anna', '--accept', 'all'])
    await terminal.shows(isReady)
    const anna = await peerOnRoster('anna')
    const { process: bob } = await script('bob')
    if (face !== 'JSON lines') {
      await terminal.shows(/ bob /u)
      await terminal.type('bob')
      await bob.event('entered')
    }
    await terminal.freeze()
    const say = async (text: string): Promise<void> => {
      const tag = Math.random()
      bob.type(JSON.stringify({ do: 'msg', peer: anna, text, wait: 20, tag }))
      const done = await bob.event('done', (event) => event['tag'] === tag)
      expect(done['message']).toMatchObject({ state: 'delivered' })
    }
    for (let count = 0; count < messageCount; count++) await say(`${count} ${messageText}`)
    await say('the last one')
    terminal.thaw()
    await terminal.shows(isShown)
    await terminal.freeze()
    for (let count = 0; count < messageCount; count++) await say(messageText)
    process.kill(pid(), 'SIGTERM')
    await bob.event('left', ({ reason }) => reason === 'quit')
    expect(await terminal.ended()).toBe(exitCodes.interrupted)
  })
})

/** A JSON chat that has opened a conversation, in which a message has arrived. */
async function inConversation(name: string, peerName: string): Promise<HostedParley> {
  const peer = await peerOnRoster(peerName)
  const { process: chat } = await script(name)
  chat.type(JSON.stringify({ do: 'chat', peer }))
  chat.type(JSON.stringify({ do: 'msg', peer, text: 'hi', wait: 20 }))
  await chat.event('delivery', ({ state }) => state === 'delivered')
  return chat
}

describe.skipIf(!hasTmux)('a terminal that is closed', () => {
  test.each(faces)('is the end of the chat (%s), which says goodbye', async (_face, args, isReady) => {
    const directory = await bed.hostDirectory(port)
    const { terminal } = await inTerminal([...args, '--name', 'anna', '--accept', 'all'], { ignoresHangUp: true })
    await terminal.shows(isReady)
    const bob = await inConversation('bob', 'anna')
    await terminal.close()
    await bob.event('left', ({ reason }) => reason === 'quit')
    await directory.shows(/^LEFT anna /u)
    expect([exitCodes.ok, exitCodes.interrupted]).toContain(await terminal.ended())
  })

  test.each(faces.slice(0, 2))(
    'while the chat (%s) is stopped by Ctrl-Z: it says goodbye too',
    async (_face, args, isReady) => {
      const directory = await bed.hostDirectory(port)
      const { terminal } = await inTerminal([...args, '--name', 'anna', '--accept', 'all'], { isJob: true })
      await terminal.shows(isReady)
      const bob = await inConversation('bob', 'anna')
      await terminal.key('C-z')
      await bob.event('left', ({ reason }) => reason === 'quit')
      await directory.shows(/^LEFT anna /u)
    }
  )
})
