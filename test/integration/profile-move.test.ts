// A profile that moves as one encrypted file: the real commands, beside a chat
// that runs, with kill -9, on a full disk, and with age itself.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { SqliteStore } from '../../src/storage/index.ts'
import { TestBed, type Finished } from '../processes/test-bed.ts'
import { hasTmux } from '../processes/terminal.ts'

const passphrase = 'correct horse battery'
/** Each at another moment: from before the program works on it to after it has. */
const killRounds = 4
const killedAfterMs = (): number => 200 + Math.random() * 1500
const absent = '12D3KooWGRUg9TTxDkvfDzvJGuoYS4pKAb7RYcmYZjAMKnFwLTYG'
/** The system's own programs, not of a package. */
const tool = { mount: 'mount', unmount: 'umount', age: 'age', script: 'script' }
const hasAge = spawnSync(tool.age, ['--version']).status === 0 && spawnSync(tool.script, ['--version']).status === 0
let bed: TestBed
let home: string
let file: string

const secret = 'a secret word of mine'

/**
 * A profile with one message, and the file that it was written to. A passphrase takes a second each time, by design:
 * where the test is about something else, the file is for a recipient, whose identity lies beside it.
 */
const written = { folder: '', file: '', recipient: '', identity: '' }

beforeAll(async () => {
  await using source = await TestBed.make()
  bed = source
  home = source.home()
  file = join(source.folder, 'anna.age')
  await say(secret)
  await write()
  written.folder = mkdtempSync(join(tmpdir(), 'parley-written-'))
  written.file = join(written.folder, 'anna.age')
  written.identity = join(written.folder, 'identity.txt')
  const identity = await generateX25519Identity()
  written.recipient = await identityToRecipient(identity)
  writeFileSync(written.identity, `${identity}\n`, { mode: 0o600 })
  cpSync(home, join(written.folder, 'home'), { recursive: true })
  cpSync(file, written.file)
})
afterAll(() => rmSync(written.folder, { recursive: true, force: true }))

beforeEach(async () => {
  bed = await TestBed.make()
  home = bed.home()
  file = join(bed.folder, 'anna.age')
})
afterEach(async () => bed[Symbol.asyncDispose]())

/** The passphrase on standard input. */
function given(text = passphrase): { readonly input: string } {
  return { input: `${text}\n` }
}

/** The passphrase on descriptor 3 of a process. */
function withDescriptor(text: string): { readonly via: readonly string[] } {
  const path = join(bed.folder, `passphrase-${Math.random()}`)
  writeFileSync(path, `${text}\n`)
  return { via: ['sh', '-c', `exec "$0" "$@" 3<'${path}'`] }
}

/** As after `say(secret)` and `write()`. */
function hasWritten(): void {
  cpSync(join(written.folder, 'home'), home, { recursive: true, preserveTimestamps: true })
  cpSync(written.file, file)
}

const profiles = (of = home): string => join(of, 'data/parley/profiles')
const namesIn = (folder: string): string[] => readdirSync(folder).toSorted()

async function say(text: string): Promise<Finished> {
  return bed.command(['send', '--wait', '0', `/ip4/127.0.0.1/tcp/1/p2p/${absent}`, text], { home })
}

async function write(...args: readonly string[]): Promise<Finished> {
  return bed.command(['profile', 'export', file, '--passphrase-fd', '0', ...args], { home, ...given() })
}

async function read(to: string): Promise<Finished> {
  return bed.command(['profile', 'import', file, '--passphrase-fd', '0'], { home: to, ...given() })
}

/** The arguments of an export to the recipient, which takes no passphrase. */
function exporting(to = file): readonly string[] {
  return ['profile', 'export', to, '--recipient', written.recipient]
}

/** The arguments of an import of what was exported so. */
function importing(...args: readonly string[]): readonly string[] {
  return ['profile', 'import', file, '--identity', written.identity, ...args]
}

async function textsOf(of: string, ...args: readonly string[]): Promise<readonly unknown[]> {
  const { stdout } = await bed.command(['export', '--json', ...args], { home: of })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).text)
}

/** A history of so many messages of two kilobytes. */
async function fill(count: number): Promise<void> {
  const store = await SqliteStore.open(join(profiles(), 'default/history.db'))
  for (let from = 0; from < count; from += 1000) {
    const messages = Array.from({ length: 1000 }, (_, n) => {
      const id = (from + n).toString(16).padStart(32, '0')
      return { id, log: '0123456789abcdef', seq: from + n, sentAtMs: 1, text: 'y'.repeat(2000) }
    })
    await store.addIncoming(absent, messages, { state: 'accepted', lan: false, storedAtMs: 1 })
  }
  await store.close()
}

describe('parley profile export and import', () => {
  test('move a profile, and warn of the identity that runs twice', async () => {
    await say('one')
    const exported = await write('--json')
    const { peer, sizeBytes } = JSON.parse(exported.stdout)
    expect(statSync(file)).toMatchObject({ size: sizeBytes })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const other = bed.home()
    const imported = await read(other)
    expect(imported.told).toContain('exit code 0')
    expect(imported.stdout).toContain(peer)
    expect(imported.stdout).toMatch(/WARNING: this identity must not run in two places/u)
    expect(await textsOf(other)).toEqual(['one'])
    expect(JSON.parse((await bed.command(['id', '--json'], { home: other })).stdout).peer).toBe(peer)
    expect(namesIn(profiles(other))).toEqual(['default'])
    expect(namesIn(join(profiles(other), 'default'))).not.toContain('parley-profile.json')
  })

  test('the file holds no word of it in the clear', async () => {
    hasWritten()
    const bytes = readFileSync(file)
    expect(bytes.subarray(0, 22).toString()).toBe('age-encryption.org/v1\n')
    for (const word of ['secret word', 'SQLite', absent, 'ustar', 'identity.key'])
      expect(bytes.includes(word)).toBe(false)
  })

  test('a running chat makes the copy, and goes on meanwhile', async () => {
    const parley = await bed.start(['--json'], { home })
    await parley.event('ready')
    parley.type(JSON.stringify({ do: 'msg', peer: `/ip4/127.0.0.1/tcp/1/p2p/${absent}`, text: 'one' }))
    await parley.event('sent')
    expect((await bed.run(exporting(), { home })).told).toContain('exit code 0')
    parley.type('{"do":"quit"}')
    await parley.ended()
    expect(namesIn(join(profiles(), 'default')).filter((name) => name.includes('copy'))).toEqual([])
    const other = bed.home()
    await bed.run(importing(), { home: other })
    expect(await textsOf(other)).toEqual(['one'])
  })

  test('the passphrase of the key goes along, and is another than that of the file', async () => {
    await bed.command(['id'], { home })
    const key = 'another passphrase'
    await bed.command(['profile', 'protect', '--passphrase-fd', '0'], { home, ...given(key) })
    expect((await write()).stdout).toContain('and the passphrase of the key')
    const other = bed.home()
    expect((await read(other)).code).toBe(0)
    expect(
      (await bed.command(['send', absent, 'text', '--passphrase-fd', '0'], { home: other, ...given() })).code
    ).toBe(exitCodes.wrongPassphrase)
    const started = await bed.start(['--json', '--passphrase-fd', '3'], { home: other, ...withDescriptor(key) })
    await started.event('ready')
  })

  test('a wrong passphrase, a damaged file and a name that is taken change nothing', async () => {
    hasWritten()
    const other = bed.home()
    const wrong = await bed.command(['profile', 'import', file, '--passphrase-fd', '0'], {
      home: other,
      ...given('something else')
    })
    expect(wrong.code).toBe(exitCodes.wrongPassphrase)
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.subarray(0, -100))
    const damaged = await read(other)
    expect(damaged.code).toBe(exitCodes.archive)
    expect(damaged.stderr).toContain('Nothing was changed')
    writeFileSync(file, bytes)
    expect((await read(home)).code).toBe(exitCodes.usage)
    expect((await write()).code).toBe(exitCodes.usage)
    expect(readFileSync(file).equals(bytes)).toBe(true)
    const missing = await bed.command(['profile', 'export', `${file}2`, '--profile', 'nobody'], { home })
    expect(missing.code).toBe(exitCodes.usage)
    expect(await textsOf(home)).toEqual([secret])
  })

  test('--force puts the profile that is there aside, unless a parley runs on it', async () => {
    await say('one')
    await bed.command(exporting(), { home })
    await say('two')
    const parley = await bed.start(['--json'], { home })
    await parley.event('ready')
    expect((await bed.command(importing('--force'), { home })).code).toBe(exitCodes.profileInUse)
    parley.type('{"do":"quit"}')
    await parley.ended()
    const { putAside } = JSON.parse((await bed.command(importing('--force', '--json'), { home })).stdout)
    expect(await textsOf(home)).toEqual(['one'])
    expect(await textsOf(home, '--profile', putAside)).toEqual(['one', 'two'])
  })

  test('kill -9 at any moment of an export leaves a whole file or none', async () => {
    await say('one')
    await fill(4000)
    for (let round = 0; round < killRounds; round++) {
      const killed = await bed.start(exporting(), { home })
      await sleep(killedAfterMs())
      await killed.kill()
      if (namesIn(bed.folder).includes('anna.age')) {
        expect((await bed.command(importing(), { home: bed.home() })).code).toBe(0)
        rmSync(file)
      }
    }
    expect((await textsOf(home)).length).toBe(4001)
    expect(namesIn(join(profiles(), 'default')).filter((name) => name.includes('copy'))).toEqual([])
  })

  test('kill -9 at any moment of an import leaves a whole profile or none', async () => {
    await say('one')
    await fill(4000)
    await bed.command(exporting(), { home })
    const other = bed.home()
    for (let round = 0; round < killRounds; round++) {
      const killed = await bed.start(importing(), { home: other })
      await sleep(killedAfterMs())
      await killed.kill()
      const isThere = (await bed.command(['export', '--json'], { home: other })).code === 0
      if (!isThere) continue
      expect((await textsOf(other)).length).toBe(4001)
      rmSync(join(profiles(other), 'default'), { recursive: true })
    }
    expect((await bed.command(importing(), { home: other })).code).toBe(0)
    expect(namesIn(profiles(other))).toEqual(['default'])
  })

  test.skipIf(!canMount())('a full disk is named, and nothing is left on it (needs mount)', async () => {
    await say('one')
    await fill(4000)
    await bed.command(exporting(), { home })
    const small = join(bed.folder, 'small')
    mkdirSync(small)
    spawnSync(tool.mount, ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small])
    bed.defer(() => spawnSync(tool.unmount, [small]))
    const exported = await bed.run(exporting(join(small, 'x.age')), { home })
    expect(exported.code).toBe(exitCodes.storage)
    expect(exported.stderr).toMatch(/is full/u)
    expect(namesIn(small)).toEqual([])
    const imported = await bed.run(importing(), { home: small })
    expect(imported.code).toBe(exitCodes.storage)
    expect(imported.stderr).toMatch(/is full/u)
    expect(namesIn(profiles(small))).toEqual([])
  })

  test.skipIf(!canMount())(
    'a running chat makes no copy that would take the room of its messages (needs mount)',
    async () => {
      mkdirSync(home, { recursive: true })
      spawnSync(tool.mount, ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', home])
      bed.defer(() => spawnSync(tool.unmount, [home]))
      await bed.command(['id'], { home })
      await fill(1000)
      const { bavail, bsize } = statfsSync(home)
      // Less than the history has.
      writeFileSync(join(home, 'ballast'), Buffer.alloc(bavail * bsize - 3_000_000))
      const parley = await bed.start(['--json'], { home })
      await parley.event('ready')
      const refused = await bed.run(exporting(), { home })
      expect(refused.code).toBe(exitCodes.storage)
      expect(refused.stderr).toMatch(
        /a copy of the history takes \d+ MB for a moment, and \d+ MB are free.*end the chat first/u
      )
      expect(namesIn(bed.folder)).not.toContain('anna.age')
      expect(namesIn(join(profiles(), 'default')).filter((name) => name.includes('copy'))).toEqual([])
      await parley.kill()
    }
  )

  test.skipIf(!hasAge)('age opens what was exported, and tar unpacks it (needs age)', async () => {
    hasWritten()
    const plain = join(bed.folder, 'plain.tar')
    const command = `${tool.age} --decrypt -o ${plain} ${file}`
    // age asks on its terminal alone.
    const { status, stdout } = spawnSync(tool.script, ['-qec', command, '/dev/null'], { input: `${passphrase}\n` })
    expect(stdout.toString()).not.toMatch(/error/u)
    expect(status).toBe(0)
    const listed = spawnSync('tar', ['-tf', plain]).stdout.toString()
    expect(listed.split('\n')).toEqual(['parley-profile.json', 'identity.key', 'book.json', 'history.db', ''])
  })
})

/** Mounting is tried where it takes no rights of another's. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const target = mkdtempSync(join(tmpdir(), 'parley-mount-'))
  const isDone = spawnSync(tool.mount, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', target]).status === 0
  if (isDone) spawnSync(tool.unmount, [target])
  rmSync(target, { recursive: true })
  return isDone
}

describe.skipIf(!hasTmux)('on a terminal', () => {
  test('the passphrase is asked for, a long export says how far it is, and Ctrl-C leaves nothing', async () => {
    await bed.command(['id'], { home })
    await fill(40_000)
    const terminal = await bed.terminal(['profile', 'export', file], { home, name: 'export' })
    await terminal.shows(/Passphrase for the file:$/mu)
    for (const text of [passphrase, passphrase]) await terminal.type(text)
    await terminal.shows(/(?:Copying the history|Writing .*anna\.age): \d+ %/u)
    await terminal.key('C-c')
    expect(await terminal.ended()).toBe(exitCodes.interrupted)
    expect(namesIn(bed.folder).filter((name) => name.startsWith('anna'))).toEqual([])
    expect(namesIn(join(profiles(), 'default')).filter((name) => name.includes('copy'))).toEqual([])
  })

  test('an export into a folder that is not there is refused before anything is asked', async () => {
    await say('one')
    const terminal = await bed.terminal(['profile', 'export', join(bed.folder, 'none', 'anna.age')], { home })
    await terminal.shows(/there is no folder .*none: make it/u)
    expect(await terminal.ended()).toBe(exitCodes.usage)
  })

  test('an import over a profile that is in use is refused before anything is asked', async () => {
    hasWritten()
    const parley = await bed.start(['--json'], { home })
    await parley.event('ready')
    const terminal = await bed.terminal(['profile', 'import', file, '--force'], { home, name: 'import' })
    await terminal.shows(/in use by another parley \(process \d+\): end that one first/u)
    expect(await terminal.ended()).toBe(exitCodes.profileInUse)
    await parley.kill()
  })

  test('an import asks again after a wrong passphrase', async () => {
    hasWritten()
    const other = bed.home()
    const terminal = await bed.terminal(['profile', 'import', file], { home: other, name: 'import' })
    await terminal.shows(/Passphrase of .*anna\.age:$/mu)
    await terminal.type('something else')
    await terminal.shows(/^Wrong passphrase/mu)
    await terminal.type(passphrase)
    await terminal.shows(/WARNING: this identity must not run/u)
    expect(await terminal.ended()).toBe(0)
    expect(await textsOf(other)).toEqual([secret])
  })
})
