// A key with a passphrase: how it is set, asked for, given and refused, on a real
// terminal and without one.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed, type Finished } from '../processes/test-bed.ts'
import { hasTmux } from '../processes/terminal.ts'
import { keyFileIn, profileIn } from '../processes/homes.ts'

const passphrase = 'correct horse battery'
let bed: TestBed
let home: string

/** A home whose key has the passphrase, made once: tests begin with a copy. */
const ready = { folder: '', peer: '' }

beforeAll(async () => {
  await using source = await TestBed.make()
  bed = source
  home = source.home()
  const { stdout } = await bed.command(['id', '--json'], { home })
  expect((await protect()).told).toContain('exit code 0')
  expect(isProtected()).toBe(true)
  ready.peer = String(JSON.parse(stdout).peer)
  ready.folder = mkdtempSync(join(tmpdir(), 'parley-protected-'))
  await cp(home, ready.folder, { recursive: true })
})
afterAll(() => rmSync(ready.folder, { recursive: true, force: true }))

beforeEach(async () => {
  bed = await TestBed.make()
  home = bed.home()
})
afterEach(async () => bed[Symbol.asyncDispose]())

const keyFile = (): string => keyFileIn(home)
const isProtected = (): boolean => readFileSync(keyFile()).subarray(0, 10).toString() === 'parley-key'

/** The passphrase on standard input. */
const given = (phrase: string): { readonly input: string } => ({ input: `${phrase}\n` })

/** Opens a file as descriptor 3 before it starts the command. */
function withDescriptor(text: string): { readonly via: readonly string[] } {
  const file = join(bed.folder, `passphrase-${Math.random()}`)
  writeFileSync(file, `${text}\n`)
  return { via: ['sh', '-c', `exec "$0" "$@" 3<'${file}'`] }
}

async function protect(phrase = passphrase): Promise<Finished> {
  return bed.command(['profile', 'protect', '--passphrase-fd', '0'], { home, ...given(phrase) })
}

async function makeProtected(): Promise<string> {
  // Not cpSync, which gives folders the usual mode.
  await cp(ready.folder, home, { recursive: true })
  expect(isProtected()).toBe(true)
  return ready.peer
}

/** A parley that started without a person, and waits. */
async function waiting(): Promise<ParleyProcess> {
  const parley = await bed.start(['--json'], { home, name: 'waiting' })
  await parley.event('locked')
  return parley
}

describe('without a terminal', () => {
  test('the passphrase is given by a descriptor, and what does not fit changes nothing', async () => {
    const peer = await makeProtected()
    const before = readFileSync(keyFile())
    const wrong = await bed.run(['--json', '--passphrase-fd', '3'], { home, ...withDescriptor('something else') })
    expect(wrong.code).toBe(exitCodes.wrongPassphrase)
    expect(wrong.stderr).toContain('wrong passphrase')
    const short = await bed.run(['profile', 'protect', '--passphrase-fd', '3', '--new-passphrase-fd', '4'], {
      home,
      via: ['sh', '-c', `exec "$0" "$@" 3<<A 4<<B\n${passphrase}\nA\nshort\nB\n`]
    })
    expect(short.code).toBe(exitCodes.usage)
    expect(short.stderr).toContain('has 5 characters and needs at least 8')
    expect(readFileSync(keyFile()).equals(before)).toBe(true)
    const right = await bed.start(['--json', '--passphrase-fd', '3'], { home, ...withDescriptor(passphrase) })
    expect((await right.event('ready'))['peer']).toBe(peer)
  })

  test('what needs no key needs no passphrase, and what does says so', async () => {
    const peer = await makeProtected()
    const id = await bed.command(['id', '--json'], { home })
    expect(JSON.parse(id.stdout).peer).toBe(peer)
    expect((await bed.command(['export', '--json'], { home })).code).toBe(0)
    const send = await bed.command(['send', '127.0.0.1:1', 'a text'], { home })
    expect(send.code).toBe(exitCodes.locked)
    expect(send.stderr).toContain('--passphrase-fd')
  })

  test('standard input may hold the passphrase before what is sent', async () => {
    await makeProtected()
    const send = await bed.command(
      ['send', '--passphrase-fd', '0', '--wait', '0', `/ip4/127.0.0.1/tcp/1/p2p/${stranger}`, '-'],
      {
        home,
        input: `${passphrase}\nthe text\n`
      }
    )
    expect(send.code).toBe(exitCodes.queued)
    const log = await bed.command(['export', '--json'], { home })
    expect(log.stdout).toContain('"text":"the text"')
    expect(log.stdout).not.toContain(passphrase)
  })

  test('a node waits for parley unlock, which may be wrong before it is right', async () => {
    const peer = await makeProtected()
    const parley = await waiting()
    expect(parley.events().at(-1)).toMatchObject({ event: 'locked', profile: 'default', peer })
    const status = await bed.command(['status', '--json'], { home })
    expect(JSON.parse(status.stdout)).toMatchObject({ running: true, locked: true, peer, keyPassphrase: true })
    expect((await bed.command(['log', 'somebody'], { home })).code).toBe(exitCodes.locked)
    const unlock = async (phrase: string): Promise<Finished> =>
      bed.command(['unlock', '--passphrase-fd', '0'], { home, ...given(phrase) })
    expect((await unlock('something else')).code).toBe(exitCodes.wrongPassphrase)
    expect(parley.events().length).toBe(1)
    expect((await unlock(passphrase)).told).toContain('is unlocked')
    expect((await parley.event('ready'))['peer']).toBe(peer)
    expect(JSON.parse((await bed.command(['status', '--json'], { home })).stdout)).toMatchObject({
      locked: false,
      keyPassphrase: true
    })
    expect((await unlock(passphrase)).stdout).toContain('is not locked')
    expect(JSON.stringify(parley.events())).not.toContain(passphrase)
  })

  test('JSON lines unlock it too; what follows them is carried out, and nothing repeats the passphrase', async () => {
    await makeProtected()
    const parley = await bed.host(['--json'], { home })
    parley.type('{"do":"who","tag":1}')
    parley.type(`{"do":"unlock","passphrase":"${passphrase}" oops`)
    parley.type(`{"do":"unlock","passphrase":"${passphrase}!","tag":2}`)
    parley.type(`{"do":"unlock","passphrase":"${passphrase}","tag":3}`)
    parley.type('{"do":"who","tag":4}')
    parley.type(`{"do":"unlock","passphrase":"${passphrase}","tag":5}`)
    parley.type('{"do":"quit"}')
    await parley.event('bye')
    const told = parley.events().map(({ event, tag, code }) => [event, tag ?? code].filter((one) => one !== undefined))
    expect(told).toEqual([
      ['locked'],
      ['error', 1],
      ['error', 'bad-json'],
      ['error', 2],
      ['done', 3],
      ['unlocked'],
      ['ready'],
      ['done', 4],
      ['error', 5],
      ['done'],
      ['bye']
    ])
    expect(parley.stdout).not.toContain(passphrase)
    expect(parley.stderr).not.toContain(passphrase)
  })

  test('plain lines wait, and keep what was written before', async () => {
    await makeProtected()
    const parley = await bed.host([], { home })
    parley.type('/id')
    await parley.hasShown(/is locked: parley unlock opens it/u)
    await bed.command(['unlock', '--passphrase-fd', '0'], { home, ...given(passphrase) })
    await parley.hasShown(/Peer ID/u)
  })

  test('the end of the input, a signal or a kill leaves it locked', async () => {
    await makeProtected()
    const ended = await bed.command(['--json'], { home })
    expect(ended.code).toBe(exitCodes.locked)
    const interrupted = await waiting()
    interrupted.signal('SIGTERM')
    expect((await interrupted.ended()).code).toBe(exitCodes.interrupted)
    const killed = await waiting()
    await killed.kill()
    expect((await bed.command(['status'], { home })).code).toBe(exitCodes.notRunning)
    expect((await bed.command(['unlock'], { home })).code).toBe(exitCodes.notRunning)
  })

  test('a credential of systemd opens it', async () => {
    const peer = await makeProtected()
    const credentials = join(bed.folder, 'credentials')
    mkdirSync(credentials)
    writeFileSync(join(credentials, 'parley-passphrase'), passphrase)
    const parley = await bed.host(['--json'], { home, env: { CREDENTIALS_DIRECTORY: credentials } })
    expect((await parley.event('ready'))['peer']).toBe(peer)
  })

  test('a directory has a key for each port, and a passphrase for each key', async () => {
    const port = await freePort()
    const first = await bed.directory(port, { home })
    await first.kill()
    const args = ['profile', 'protect', '--directory-port', String(port), '--passphrase-fd', '0']
    expect((await bed.command(args, { home, ...given(passphrase) })).told).toContain('has a passphrase now')
    const refused = await bed.command(['directory', '--port', String(port)], { home })
    expect(refused.code).toBe(exitCodes.locked)
    expect(refused.stderr).toContain(`the directory on port ${port}`)
    const directory = await bed.start(['directory', '--port', String(port), '--passphrase-fd', '3'], {
      home,
      ...withDescriptor(passphrase)
    })
    await directory.shows(/listening on/u)
  })

  test('the passphrase is removed with the passphrase alone', async () => {
    const peer = await makeProtected()
    const remove = async (phrase: string): Promise<Finished> =>
      bed.command(['profile', 'protect', '--remove', '--passphrase-fd', '0'], { home, ...given(phrase) })
    expect((await remove('something else')).code).toBe(exitCodes.wrongPassphrase)
    expect(isProtected()).toBe(true)
    expect((await remove(passphrase)).code).toBe(0)
    expect(isProtected()).toBe(false)
    expect(JSON.parse((await bed.command(['id', '--json'], { home })).stdout).peer).toBe(peer)
    expect(readdirSync(profileIn(home)).filter((name) => name.startsWith('identity'))).toEqual(['identity.key'])
  })

  test('what others could read is closed at the next start, whichever command it is, and a key loudly', async () => {
    await bed.command(['id'], { home })
    const profile = profileIn(home)
    const open = (): void => {
      chmodSync(profile, 0o755)
      chmodSync(keyFile(), 0o644)
    }
    const isClosed = (): void => {
      expect([statSync(profile).mode & 0o777, statSync(keyFile()).mode & 0o777]).toEqual([0o700, 0o600])
    }
    const told = /WARNING: the identity key could be READ BY OTHER USERS.*identity\.key \(mode 644\)/u
    const args = [
      ['export', '--json'],
      ['verify', stranger],
      ['send', '--wait', '0', stranger, 'text'],
      ['profile', 'protect', '--remove']
    ]
    for (const words of args) {
      open()
      expect((await bed.command(words, { home })).stderr, words.join(' ')).toMatch(told)
      isClosed()
    }
    open()
    const plain = await bed.command([], { home, input: 'QUIT\n' })
    expect(plain.stdout).toMatch(/!!! WARNING: the identity key could be READ/u)
    isClosed()
    open()
    const json = await bed.host(['--json'], { home })
    expect(await json.event('notice', ({ code }) => code === 'exposed-key')).toMatchObject({ code: 'exposed-key' })
    await json.event('notice', ({ code }) => code === 'file-modes')
  })

  test.skipIf(process.getuid?.() !== 0)(
    'a profile of another user is refused with the remedy (needs root)',
    async () => {
      await bed.command(['id'], { home })
      chownSync(keyFile(), 12_345, 12_345)
      const refused = await bed.command(['--json'], { home })
      expect(refused.code).toBe(exitCodes.storage)
      expect(refused.stderr).toMatch(/belongs to the user 12345.*sudo chown -R/u)
    }
  )

  test('a profile that is not there, or in use, is left alone', async () => {
    expect((await protect()).code).toBe(exitCodes.usage)
    expect(existsSync(join(home, 'data'))).toBe(false)
    const parley = await bed.start(['--json'], { home })
    await parley.event('ready')
    expect((await protect()).code).toBe(exitCodes.profileInUse)
    expect(isProtected()).toBe(false)
  })
})

describe.skipIf(!hasTmux)('on a terminal', () => {
  test('the passphrase is asked for twice, shown never, and what was mistyped changes nothing', async () => {
    await bed.command(['id'], { home })
    const terminal = await bed.terminal(['profile', 'protect'], { home })
    await terminal.shows(/New passphrase of the profile default:$/mu)
    await terminal.type('short')
    await terminal.shows(/^The passphrase has 5 characters/mu)
    await terminal.type(passphrase)
    await terminal.shows(/The same once more/u)
    await terminal.type('something else')
    await terminal.shows(/^The two passphrases differ/mu)
    expect(isProtected()).toBe(false)
    await terminal.press('correct horseX')
    await terminal.key('BSpace', 'Left')
    await terminal.type(' battery')
    await terminal.shows(/The same once more.*\n(?:.*\n)*.*The same once more/u)
    await terminal.type(passphrase)
    await terminal.shows(/has a passphrase now/u)
    expect(await terminal.ended()).toBe(0)
    expect(await terminal.screen()).not.toMatch(/correct|battery|something/u)
    expect(isProtected()).toBe(true)
  })

  test.each([
    ['the full screen', [], /You are \S+ \(/u],
    ['plain lines', ['--plain'], /^Peer \(.*\):$/mu]
  ] as const)('%s begins when it fits; after a few that do not it ends', async (_name, args, begun) => {
    await makeProtected()
    const terminal = await bed.terminal(args, { home })
    await terminal.shows(/Passphrase of the profile default \(\w+\):$/mu)
    await terminal.type('something else')
    await terminal.shows(/Wrong passphrase/u)
    await terminal.type(passphrase)
    await terminal.shows(begun)
    await terminal.type('QUIT')
    expect(await terminal.ended()).toBe(0)
    const other = await bed.terminal(args, { home })
    await other.shows(/Passphrase of/u)
    for (const phrase of ['one', 'two', 'three']) {
      await other.type(phrase)
      await other.shows(new RegExp(`(?:[Ww]rong passphrase[^]*){${['one', 'two', 'three'].indexOf(phrase) + 1}}`, 'u'))
    }
    expect(await other.ended()).toBe(exitCodes.wrongPassphrase)
  })

  test('Ctrl-C ends it, with the terminal as it was', async () => {
    await makeProtected()
    const terminal = await bed.terminal([], { home, within: (command) => `${command}; echo code $?; stty -a` })
    await terminal.shows(/Passphrase of/u)
    await terminal.key('C-c')
    await terminal.shows(/code 130/u)
    await terminal.shows(/ echo /u)
  })

  test('parley send asks on the terminal that it was started from while its text comes through a pipe', async () => {
    await makeProtected()
    const terminal = await bed.terminal(['send', '--wait', '0', `/ip4/127.0.0.1/tcp/1/p2p/${stranger}`, '-'], {
      home,
      within: (command) => `echo the text | ${command}`
    })
    await terminal.shows(/Passphrase of/u)
    await terminal.type(passphrase)
    expect(await terminal.ended()).toBe(exitCodes.queued)
    expect(await terminal.screen()).not.toContain('battery')
  })

  test('parley directory asks after its port', async () => {
    const port = await freePort()
    const first = await bed.directory(port, { home })
    await first.kill()
    const args = ['profile', 'protect', '--directory-port', String(port), '--passphrase-fd', '0']
    await bed.command(args, { home, ...given(passphrase) })
    const terminal = await bed.terminal(['directory'], { home })
    await terminal.shows(/^Port/mu)
    await terminal.type(String(port))
    await terminal.shows(/Passphrase of the directory on port \d+ \(\w+\):$/mu)
    await terminal.type(passphrase)
    await terminal.shows(/listening on port/u)
    expect(await terminal.screen()).not.toContain('battery')
  })

  test('parley unlock asks too', async () => {
    await makeProtected()
    const parley = await waiting()
    const terminal = await bed.terminal(['unlock'], { home })
    await terminal.shows(/Passphrase of the profile default/u)
    await terminal.type('something else')
    await terminal.shows(/Wrong passphrase/u)
    await terminal.type(passphrase)
    await terminal.shows(/is unlocked/u)
    await parley.event('ready')
  })
})

const stranger = '12D3KooWGRUg9TTxDkvfDzvJGuoYS4pKAb7RYcmYZjAMKnFwLTYG'
