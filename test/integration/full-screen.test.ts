// The full-screen face in real terminals of three sizes: two people find each
// other, talk, read back through 10,000 messages, paste, resize, meet hostile
// texts, and leave; and the terminal is given back however it ends. In tmux;
// where there is none, these can't run.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { hostileTexts } from '../cli/tui/hostile-corpus.ts'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import type { HostedParley } from '../processes/hosted-parley.ts'
import { nodePath } from '../processes/parley-process.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'
import { hasTmux, type Terminal, type TerminalSize } from '../processes/terminal.ts'
import { profileIn, receivedMessages, withHistory } from '../processes/homes.ts'

let bed: TestBed
let env: NodeJS.ProcessEnv
beforeEach(async () => {
  bed = await TestBed.make()
  const port = await freePort()
  await bed.hostDirectory(port)
  env = { PARLEY_DIRECTORY: String(port) }
})
afterEach(async () => bed[Symbol.asyncDispose]())

const wide: TerminalSize = { columns: 120, rows: 40 }
const usual: TerminalSize = { columns: 80, rows: 24 }
const narrow: TerminalSize = { columns: 40, rows: 12 }

async function person(name: string, size: TerminalSize, options: { home?: string } = {}): Promise<Terminal> {
  const terminal = await bed.terminal(['--name', name, '--accept', 'all'], { ...options, env, name, size })
  await terminal.shows(new RegExp(` ${name} · 1 dir(?:ectory)? · `, 'u'))
  return terminal
}

/** A script that anna's terminal sees, and whose conversation with her is open. */
async function script(name: string): Promise<{ process: HostedParley; peer: string }> {
  const process = await bed.host(['--json', '--name', name, '--accept', 'all'], { env, name })
  return { process, peer: String((await process.event('ready'))['peer']) }
}

async function say(from: HostedParley, peer: string, text: string): Promise<void> {
  const tag = `${from.output.length} ${Math.random()}`
  from.type(JSON.stringify({ do: 'msg', peer, text, wait: 20, tag }))
  await from.event('done', (done) => done['tag'] === tag)
}

/** Waits until the last row is that. */
async function prompt(terminal: Terminal, text: string): Promise<void> {
  await terminal.shows(new RegExp(`(?:^|\\n)${text}$`, 'u'))
}

describe.skipIf(!hasTmux)('full screen', () => {
  test.each([
    ['120×40', wide],
    ['80×24', usual],
    ['40×12', narrow]
  ])('two people at %s find each other, talk, see what is unread, paste, resize and leave', async (_name, size) => {
    const anna = await person('anna', size)
    const bob = await person('bob', size)
    const isNarrow = size.columns === narrow.columns
    await anna.shows(/ 1 ● bob/u)
    await bob.shows(/ 1 ● anna/u)

    await anna.type('bob')
    await anna.shows(/bob \(\w{12}\) {2}● online/u)
    await anna.type('hello')
    // Not open over there: it is counted, and Alt-A goes to it.
    await bob.shows(isNarrow ? /\[1 new\]/u : /\[1 unread\]/u)
    await bob.shows(/ 1 ● anna .*\(1\)/u)
    await bob.key('M-a')
    await bob.shows(isNarrow ? /^ {2}anna: hello$/mu : /\d\d:\d\d {4}anna +hello$/mu)
    // A picture may be taken while a row is drawn.
    await eventually(async () => expect(await bob.screen()).not.toMatch(/unread|● anna.*\(1\)/u))
    await anna.shows(isNarrow ? /^✓ You: hello$/mu : /\d\d:\d\d ✓ {2}You +hello$/mu)
    await bob.type('hello yourself')
    await anna.shows(isNarrow ? /^ {2}bob: hello yourself$/mu : /bob +hello yourself$/mu)
    await anna.shows(/LAN \d+ ms/u)
    await bob.shows(/LAN \d+ ms/u)

    // Thirty lines are one message, at most ten rows of input, and are sent by Enter alone.
    const lines = Array.from({ length: 30 }, (_, index) => `pasted line ${index + 1}`)
    await anna.paste(lines.join('\n'))
    await prompt(anna, 'pasted line 30')
    expect((await anna.rows()).filter((row) => row.startsWith('pasted')).length).toBeLessThanOrEqual(10)
    await anna.key('Enter')
    await bob.shows(/pasted line 30$/mu)
    expect((await bob.screen()).match(/anna/gu)?.length).toBeGreaterThan(0)
    expect(await bob.screen()).not.toMatch(/anna:? +pasted line (?:[2-9]|\d\d)$/mu)

    // In the middle of a line, to the other sizes and back.
    await anna.press('half a line')
    for (const other of [narrow, wide, usual, size]) {
      await anna.resize(other)
      await anna.shows(other.columns < 60 ? / anna · 1 dir /u : / anna · 1 directory /u)
      await prompt(anna, 'You: half a line')
      await eventually(async () => {
        const rows = await anna.rows()
        expect(rows).toHaveLength(other.rows)
        expect(rows.filter((row) => row.includes('anna · '))).toHaveLength(1)
      })
    }
    await anna.key('C-u')

    await anna.type('EXIT')
    await bob.shows(/anna has left the conversation\./u)
    await anna.shows(/ 1 ● bob/u)
    await anna.type('QUIT')
    expect(await anna.ended()).toBe(exitCodes.ok)
    expect(await anna.fact('alternate_on')).toBe('0')
    await bob.shows(/away/u)
    await bob.key('C-c')
    await bob.shows(/Ctrl-C again/u)
    await bob.key('C-c', 'C-c')
    expect(await bob.ended()).toBe(exitCodes.interrupted)
    expect(await bob.fact('alternate_on')).toBe('0')
  })

  test('the flow of the original program: a host, its port, a message, EXIT and QUIT', async () => {
    const bob = await person('bob', usual)
    const anna = await person('anna', usual)
    const [, port = ''] = await bob.shows(/host 127\.0\.0\.1, port (\d+)\./u)
    await anna.type('127.0.0.1')
    await prompt(anna, 'Port:')
    await anna.type(port)
    await anna.shows(/bob \(\w{12}\) {2}● online/u)
    await anna.type('hello')
    await anna.shows(/✓ {2}You +hello/u)
    await bob.shows(/\[1 unread\]/u)
    await anna.type('EXIT')
    await prompt(anna, 'Peer \\(name, number, address or host\\):')
    await anna.type('QUIT')
    expect(await anna.ended()).toBe(exitCodes.ok)
  })

  test('hostile texts stay where they belong', async () => {
    const anna = await person('anna', usual)
    const { process: mallory, peer } = await script('mallory')
    await anna.shows(/ 1 ● mallory/u)
    await anna.type('mallory')
    const { peer: annaId } = await mallory.event('entered')
    mallory.type(JSON.stringify({ do: 'open', peer: annaId }))
    const before = { title: await anna.fact('pane_title'), mouse: await anna.fact('mouse_any_flag') }
    for (const { name, text } of hostileTexts) {
      if (text === '') continue
      await say(mallory, String(annaId), text.slice(0, 2000))
      await say(mallory, String(annaId), 'after it')
      await anna.shows(/mallory +after it\n anna · /u)
      // A picture may be taken while a row is drawn: what counts is how the screen comes to rest.
      await eventually(async () => {
        const rows = await anna.rows()
        expect(rows, name).toHaveLength(usual.rows)
        // The line beside the list, the title, how things stand, and the input stand where they stood.
        expect(rows[0], name).toMatch(/^Conversations \(1\) {6}│ {2}mallory \(\w{12}\) {2}● online$/u)
        for (const row of rows.slice(1, -2)) expect(row, name).toMatch(/^.{23}│(?: |$)/u)
        expect(rows.at(-2), name).toMatch(/^ anna · 1 directory · 1 online .*LAN/u)
        expect(rows.at(-1), name).toMatch(/^You:$/u)
      })
    }
    expect({ title: await anna.fact('pane_title'), mouse: await anna.fact('mouse_any_flag') }).toEqual(before)
    expect(await anna.fact('alternate_on')).toBe('1')
    // It wraps again after each frame, and would after a kill -9.
    expect(await anna.fact('wrap_flag')).toBe('1')
    expect(peer).toMatch(/^12D3KooW/u)
  })

  test('ten thousand messages are scrolled through to the first one, and found in', async () => {
    const home = bed.home()
    const { peer } = await script('bob')
    await seed(home, peer, 10_000)
    const anna = await person('anna', usual, { home })
    await anna.shows(/ 1 ● bob/u)
    // News of the connection may stand below it.
    const atEnd = /bob +message 9999\n(?:.*│ [- ] .*\n)* anna · /u
    await anna.key('M-1')
    await anna.shows(atEnd)
    const firstMessage = / bob +message 0$/mu
    for (let tries = 0; tries < 200 && !firstMessage.test(await anna.screen()); tries++) {
      await anna.key(...Array.from({ length: 10 }, () => 'PageUp'))
    }
    await anna.shows(/── \w+, \d+ \w+ \d{4} ─+\n.*bob +message 0$/mu)
    await anna.shows(/↓ more below \(End\)/u)
    await anna.key('End')
    await anna.shows(atEnd)
    await anna.key('C-s')
    await anna.type('needle')
    await anna.shows(/1 of 1 with "needle"/u)
    await anna.shows(/the needle is number 4321$/mu)
    await anna.key('Escape')
    await anna.shows(atEnd)
  })

  test("a stranger's request is seen, read, accepted with a letter, and answered", async () => {
    const anna = await bed.terminal(['--name', 'anna'], { env, name: 'anna', size: usual })
    const [, port = ''] = await anna.shows(/host 127\.0\.0\.1, port (\d+)\./u)
    const { process: bob } = await script('bob')
    bob.type(JSON.stringify({ do: 'msg', peer: `127.0.0.1:${port}`, text: 'may I?', wait: 20, tag: 1 }))
    expect((await bob.event('done', ({ tag }) => tag === 1))['message']).toMatchObject({ state: 'held' })
    await anna.shows(/\[1 request\]/u)
    await anna.shows(/Requests \(1\)/u)
    await anna.type('/requests')
    await anna.shows(/REQUEST from bob .*: may I\?[^]*Enter reads it, i ignores, b blocks/u)
    await anna.key('Enter')
    await anna.shows(/Request from bob \(\w{12}\), one message:[^]*bob: may I\?[^]*a accepts, i ignores, b blocks/u)
    await anna.press('a')
    await anna.shows(/Conversations \(1\)/u)
    await anna.shows(/bob +may I\?$/mu)
    await anna.type('you may')
    await bob.event('message', ({ text }) => text === 'you may')
  })

  test("a stranger with a contact's name is read before it is accepted, and no act on the name reaches the contact", async () => {
    const home = bed.home()
    const anna = await bed.terminal(['--name', 'anna'], { home, env, name: 'anna', size: usual })
    const [, port = ''] = await anna.shows(/host 127\.0\.0\.1, port (\d+)\./u)
    const bob = await script('bob')
    await anna.type(bob.peer)
    await anna.shows(/bob \(\w{12}\) {2}● online/u)
    await anna.type('hello')
    const { peer: annaId } = await bob.process.event('message', ({ text }) => text === 'hello')
    await anna.type('EXIT')
    const impostor = await script('bob')
    impostor.process.type(JSON.stringify({ do: 'msg', peer: `127.0.0.1:${port}`, text: 'it is me', wait: 20, tag: 1 }))
    await impostor.process.event('done', ({ tag }) => tag === 1)
    const [real, other] = [bob.peer, impostor.peer].map((peer) => peer.slice('12D3KooW'.length).slice(0, 12))
    await anna.shows(new RegExp(`!!! WARNING .*bob \\(${other}\\) is not your contact bob\\s+\\(${real}\\)`, 'u'))
    await anna.key('Escape')

    await anna.type('/block bob')
    await anna.shows(new RegExp(`"bob" can mean bob \\(${real}\\), bob\n?.*\\(${other}\\)`, 'u'))
    const renamed = await bed.run(['contact', 'rename', 'bob', 'Robert'], { home })
    expect(renamed.code, renamed.told).toBe(exitCodes.peerNotFound)
    expect(renamed.stderr).toMatch(new RegExp(`can mean bob \\(${real}\\), bob \\(${other}\\)`, 'u'))
    const [, number = ''] = await anna.shows(/Requests \(1\).*\n {1,2}(\d+) \? bob !/u)
    await anna.type(number)
    await anna.shows(new RegExp(`WARNING: ${other} is not your contact bob\n.*\\(${real}\\)[^]*y: accept anyway`, 'u'))
    await anna.shows(/bob: it is me/u)
    await anna.key('Escape')
    await anna.type(`/block ${other}`)
    await anna.shows(new RegExp(`bob \\(${other}\\) is blocked`, 'u'))
    await say(bob.process, String(annaId), 'still here')
    await anna.shows(/bob.*\(1\)/u)
    expect(impostor.process.events().filter(({ state }) => state === 'delivered')).toEqual([])
  })

  test('at 80×24 /id shows the whole code, as the first screen promises', async () => {
    await script('bob')
    const anna = await person('anna', usual)
    await anna.shows(/\/id your address[\s│]+as a QR code/u)
    await anna.type('/id')
    // Between the frame's upper and lower edge: two rows of modules in each line.
    await anna.shows(/│ +█▀{7}█.*█▀{7}█\n(?:.*│ +█.*█\n)+.*│ +▀{30,}\n/u)
  })

  test('at 80×24 /invite shows the words of a code, and the whole code to scan', async () => {
    await script('bob')
    const anna = await person('anna', usual)
    await anna.shows(/● bob/u)
    await anna.type('/invite')
    await anna.shows(/Your code: +\d+(?:-[a-z]+){3}[^]*│ +█▀{7}█.*█▀{7}█\n(?:.*│ +█.*█\n)+.*│ +▀{24,}\n/u)
  })

  test('a search in all conversations leads to the message in its own', async () => {
    const home = bed.home()
    const { peer } = await script('bob')
    await seed(home, peer, 5000)
    const anna = await person('anna', wide, { home })
    await anna.type('/search needle')
    await anna.shows(/Messages with "needle"[^]*the needle is number 4321/u)
    await anna.key('Enter')
    await anna.shows(/bob \(\w{12}\)[^]*bob +message 4320\n.*bob +the needle is number 4321\n/u)
    await anna.shows(/↓ more below/u)
  })

  test('parley chat PEER opens into the conversation, and says on the usual screen when there is nobody', async () => {
    await person('bob', usual)
    const anna = await bed.terminal(['chat', 'bob', '--name', 'anna'], { env, name: 'anna', size: usual })
    await anna.shows(/bob \(\w{12}\) {2}● online/u)
    await anna.type('hello')
    await anna.shows(/✓ {2}You +hello/u)
    const lost = await bed.terminal(['chat', 'nobody'], { env, name: 'lost', size: usual })
    expect(await lost.ended()).toBe(exitCodes.peerNotFound)
    expect(await lost.fact('alternate_on')).toBe('0')
    await lost.shows(/^parley: .*nobody/mu)
  })

  test('what was typed comes back after a restart', async () => {
    const home = bed.home()
    const first = await person('anna', usual, { home })
    await first.type('/name Anna')
    await first.shows(/You are now Anna/u)
    await first.type('/theme mono')
    await first.shows(/Theme: mono/u)
    await first.type('QUIT')
    await first.ended()
    const again = await bed.terminal(['--accept', 'all'], { home, env, size: usual })
    await again.shows(/ Anna · 1 directory /u)
    await again.key('Up', 'Up', 'Up')
    await prompt(again, 'Peer \\(name, number, address or host\\): /name Anna')
    await again.key('C-u')
    await again.type('/settings')
    await again.shows(/\/theme +mono/u)
    await again.shows(/name +Anna +profile/u)
  })

  /** A file that is replaced while a folder is read is gone, with what it held. */
  const goneIsEmpty = (error: NodeJS.ErrnoException): string => {
    if (error.code !== 'ENOENT') throw error
    return ''
  }

  test('what was typed to a peer is in no file of the profile once its conversation is forgotten', async () => {
    const home = bed.home()
    const folder = profileIn(home)
    const word = 'pomegranate'
    const filesWithIt = async (): Promise<readonly string[]> => {
      const names = await readdir(folder)
      const texts = await Promise.all(
        names.map(async (name) => readFile(join(folder, name), 'latin1').catch(goneIsEmpty))
      )
      return names.filter((_, index) => texts[index]?.includes(word))
    }
    const bob = await script('bob')
    const talk = async (): Promise<Terminal> => {
      const anna = await person('anna', usual, { home })
      await anna.type(bob.peer)
      await anna.shows(/bob \(\w{12}\) {2}● online/u)
      await anna.type(`a ${word}`)
      const { peer } = await bob.process.event('message', ({ text }) => text === `a ${word}`)
      await say(bob.process, String(peer), `the ${word} of bob`)
      // The two cross each other: either may stand above the other.
      await anna.shows(/^(?=[^]*You +a pomegranate$)[^]*the pomegranate of bob$/mu)
      await eventually(async () => expect(await filesWithIt()).toContain('typed.json'))
      return anna
    }
    const forget = async (): Promise<void> => {
      const { code, told } = await bed.run(['forget', '--yes', bob.peer], { home })
      expect(code, told).toBe(exitCodes.ok)
      expect(await filesWithIt()).toEqual([])
    }

    const beside = await talk()
    await forget()
    await eventually(async () => expect(await beside.screen()).not.toContain(word))
    await beside.type('something else')
    await beside.shows(/You +something else$/mu)
    await beside.type('/quit')
    await beside.ended()
    expect(await filesWithIt()).toEqual([])

    const alone = await talk()
    await alone.type('/quit')
    await alone.ended()
    await forget()
  })

  test('the terminal is given back by SIGTERM, by an error at the start, and while it is stopped', async () => {
    const anna = await person('anna', usual)
    expect(await anna.fact('alternate_on')).toBe('1')
    process.kill(Number(await childOf(anna)), 'SIGTERM')
    expect(await anna.ended()).toBe(exitCodes.interrupted)
    expect(await anna.fact('alternate_on')).toBe('0')

    const wrong = await bed.terminal(['--port', '1'], { env: { ...env, PARLEY_HOST: '203.0.113.1' }, size: usual })
    expect(await wrong.ended()).not.toBe(exitCodes.ok)
    expect(await wrong.fact('alternate_on')).toBe('0')
    await wrong.shows(/^parley: /mu)

    const within = (command: string): string =>
      `bash --norc -ic '${command.replaceAll("'", "'\\''")}; echo STOPPED; read; fg; true'`
    const bob = await bed.terminal(['--name', 'bob'], { env, name: 'bob', size: usual, within })
    await bob.shows(/ bob · 1 directory /u)
    await bob.key('C-z')
    await bob.shows(/STOPPED/u)
    expect(await bob.fact('alternate_on')).toBe('0')
    await bob.key('Enter')
    await bob.shows(/ bob · 1 directory /u)
    await bob.type('QUIT')
    await bob.ended()
    expect(await bob.fact('alternate_on')).toBe('0')
  })

  test('nothing of the chat stays behind on a terminal that has grown meanwhile', async () => {
    const within = (command: string): string => `for each in $(seq 30); do echo before $each; done; ${command}`
    const anna = await bed.terminal(['--name', 'anna'], { env, name: 'anna', size: narrow, within })
    await anna.shows(/anna · 1 dir /u)
    await anna.resize(wide)
    await anna.shows(/anna · 1 directory /u)
    await anna.type('QUIT')
    await anna.ended()
    expect(await anna.fact('alternate_on')).toBe('0')
    const screen = await anna.screen()
    expect(screen).toMatch(/^before 1\nbefore 2\n[^]*before 30(?:\n|$)/u)
    expect(screen).not.toMatch(/│|anna|parley/u)
  })

  test('the terminal is given back by an error that nobody has foreseen, which is then read there', async () => {
    const failing = join(import.meta.dirname, '..', 'processes', 'failing-screen.ts')
    const terminal = await bed.terminal([], { size: usual, within: () => `${nodePath} ${failing}` })
    await terminal.shows(/the whole screen/u)
    expect(await terminal.ended()).toBe(1)
    expect(await terminal.fact('alternate_on')).toBe('0')
    expect(await terminal.fact('wrap_flag')).toBe('1')
    await terminal.shows(/Error: nobody has foreseen this/u)
  })

  test('closing the window leaves in good order', async () => {
    const anna = await person('anna', usual)
    const { process: bob } = await script('bob')
    await anna.shows(/ 1 ● bob/u)
    await anna.key('M-1')
    await bob.event('entered')
    await anna.close()
    await bob.event('left', ({ reason }) => reason === 'quit')
  })

  test('--plain is lines, as before, and a dumb terminal gets them without asking', async () => {
    const plain = await bed.terminal(['--plain', '--name', 'anna'], { env, size: usual })
    await plain.shows(/^Peer \(name, number, address or host\):$/mu)
    expect(await plain.fact('alternate_on')).toBe('0')
    const dumb = await bed.terminal(['--name', 'bob'], {
      env,
      size: usual,
      within: (command) => `TERM=dumb ${command}`
    })
    await dumb.shows(/^Peer \(name, number, address or host\):$/mu)
    expect(await dumb.fact('alternate_on')).toBe('0')
  })
})

/** A profile with a long conversation with this peer. */
async function seed(home: string, peer: string, count: number): Promise<void> {
  await bed.command(['id'], { home })
  const texts = Array.from({ length: count }, (_, index) =>
    index === 4321 ? `the needle is number ${index}` : `message ${index}`
  )
  const messages = receivedMessages(texts, Date.now())
  await withHistory(home, async (store) => {
    for (let from = 0; from < count; from += 1000) {
      const arrival = { state: 'accepted', lan: true, storedAtMs: Date.now() } as const
      await store.addIncoming(peer, messages.slice(from, from + 1000), arrival)
    }
    await store.markRead(peer)
  })
}

/** The parley that runs in the terminal: the only child of its shell. */
async function childOf(terminal: Terminal): Promise<string> {
  const shell = await terminal.fact('pane_pid')
  const { execFileSync } = await import('node:child_process')
  // ps ends with 1 while there is none.
  return eventually(() => execFileSync('ps', ['-o', 'pid=', '--ppid', shell]).toString().trim())
}
