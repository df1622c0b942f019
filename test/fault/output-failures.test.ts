// What commands do when their output can't be written: they report it and end with the exit code of a disk, and a
// directory goes on. A reader that has seen enough is no failure. A full file system of 64 KiB needs mount (root on
// Linux); `/dev/full` needs Linux, and errors that no disk here has need strace.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed, type Finished } from '../processes/test-bed.ts'
import { canMount, fillUp, makeRoom, mountSmallDisk, unmountAll } from './mounts.ts'
import { receivedMessages, withHistory } from '../processes/homes.ts'

const peer = '12D3KooWGRUg9TTxDkvfDzvJGuoYS4pKAb7RYcmYZjAMKnFwLTYG'
/** Together with the first block of an empty file: 64 KiB hold some, and not all of them. */
const entryCount = 8
const entryText = 'x'.repeat(12_000)
const told = /^parley: the output can't be written: the disk is full \(ENOSPC\)/mu

let bed: TestBed
beforeEach(async () => {
  bed = await TestBed.make()
})
afterEach(async () => {
  unmountAll()
  await bed[Symbol.asyncDispose]()
})

/** Runs `parley` with its output in a file. */
async function runInto(file: string, args: readonly string[], home: string): Promise<Finished> {
  return bed.run(args, { home, via: ['sh', '-c', 'file=$1; shift; exec "$@" > "$file"', 'sh', file] })
}

describe.skipIf(!existsSync('/dev/full'))('output that finds no room', () => {
  const commands = [
    ['export', '--json'],
    ['log', peer],
    ['search', 'word'],
    ['id', '--qr'],
    ['config'],
    ['completion', 'bash'],
    ['status', '--json'],
    ['help', 'send'],
    ['roster', '--json']
  ] as const
  test('ends each command that prints with exit code 11, and is reported', async () => {
    const home = bed.home()
    await seed(home)
    for (const args of commands) {
      const { code, stderr, told: all } = await runInto('/dev/full', args, home)
      expect.soft(stderr, all).toMatch(told)
      expect.soft(code, all).toBe(exitCodes.storage)
    }
  })

  test.each([[['--json']], [['--plain']]])('ends the chat `parley %s`, which says goodbye', async (args) => {
    const port = await freePort()
    const directory = await bed.hostDirectory(port)
    const chat = await bed.start([...args, '--name', 'anna', '--directory', String(port)], {
      via: ['sh', '-c', 'exec "$@" > /dev/full', 'sh']
    })
    await directory.shows(/^LEFT anna /u)
    expect((await chat.ended()).code).toBe(exitCodes.storage)
    expect(chat.stderr).toMatch(told)
  })
})

/** A program of the system, not of a package. */
const tool = { trace: 'strace' }
const canTrace = spawnSync(tool.trace, ['-qq', '-o', '/dev/null', 'true']).status === 0

describe.skipIf(!canTrace)('output that fails otherwise (needs strace)', () => {
  test.each([
    ['EDQUOT', /the quota on the disk is used up \(EDQUOT\)/u],
    ['EIO', /an input\/output error \(EIO\), check the disk/u],
    ['EPERM', /EPERM/u]
  ])('by %s ends a command with exit code 11, and is reported', async (code, reason) => {
    const file = join(bed.folder, 'output')
    writeFileSync(file, '')
    const strace = `${tool.trace} -f -qq -o /dev/null -P "$file" -e inject=write,writev:error=${code}`
    const via = ['sh', '-c', `file=$1; shift; exec ${strace} "$@" >> "$file"`, 'sh', file]
    const { code: exitCode, stderr, told: all } = await bed.run(['id'], { via })
    expect(stderr, all).toMatch(/^parley: the output can't be written: /mu)
    expect(stderr, all).toMatch(reason)
    expect(exitCode, all).toBe(exitCodes.storage)
  })
})

describe.skipIf(!canMount())('a full file system of 64 KiB', () => {
  test('leaves a beginning of an export, which is reported (needs mount)', async () => {
    const home = bed.home()
    await seed(home)
    const small = mountSmall()
    const file = join(small, 'history.jsonl')
    const { code, stderr, told: all } = await runInto(file, ['export', '--json'], home)
    expect(stderr, all).toMatch(told)
    expect(code, all).toBe(exitCodes.storage)
    const lines = readFileSync(file, 'utf8').split('\n')
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.length).toBeLessThan(entryCount)
  })

  test('hides no write that was cut short: the last one of a command counts too (needs mount)', async () => {
    const home = bed.home()
    await bed.command(['id'], { home })
    const small = mountSmall()
    const file = join(small, 'id.txt')
    // Blocks are of 4 KiB: 40 bytes are left in the file's own.
    writeFileSync(file, 'x'.repeat(4096 - 40))
    fillUp(small)
    const via = ['sh', '-c', 'file=$1; shift; exec "$@" >> "$file"', 'sh', file]
    const { code, stderr, told: all } = await bed.run(['id'], { home, via })
    expect(stderr, all).toMatch(told)
    expect(code, all).toBe(exitCodes.storage)
  })

  test('stops no directory: it reports that once, and how much its log lacks when there is room (needs mount)', async () => {
    const port = await freePort()
    const small = mountSmall()
    const file = join(small, 'directory.log')
    const via = ['sh', '-c', 'file=$1; shift; exec "$@" >> "$file"', 'sh', file]
    const directory = await bed.start(['directory', '--port', String(port)], { via })
    const log = (): string => readFileSync(file, 'utf8')
    await expect.poll(log).toMatch(/listening/u)
    writeFileSync(file, `${'y'.repeat(4095 - (log().length % 4096))}\n`, { flag: 'a' })
    fillUp(small)
    const chats = []
    for (const name of ['anna', 'bert', 'carl']) {
      const chat = await bed.host(['--json', '--name', name], { env: { PARLEY_DIRECTORY: String(port) } })
      await chat.event('ready')
      chats.push(chat)
    }
    await directory.shows(/the disk is full \(ENOSPC\).*The directory goes on/u)
    makeRoom(small, '64k')
    for (const chat of chats) chat.type('{"do":"quit"}')
    await expect.poll(log).toMatch(/^LEFT carl /mu)
    expect(log()).toMatch(/^DROPPED \d+ lines were dropped here, because they could not be written$/mu)
    expect(directory.matching(/The directory goes on/u)).toHaveLength(1)
    directory.signal('SIGTERM')
    expect((await directory.ended()).code).toBe(exitCodes.ok)
  })
})

/** A profile with messages, so that there is something to print. */
async function seed(home: string): Promise<void> {
  await bed.command(['id'], { home })
  const texts = Array.from({ length: entryCount }, (_, index) => `word ${index} ${entryText}`)
  const messages = receivedMessages(texts, 1)
  await withHistory(home, async (store) =>
    store.addIncoming(peer, messages, { state: 'accepted', lan: true, storedAtMs: 1 })
  )
}

function mountSmall(): string {
  const folder = join(bed.folder, 'small')
  mountSmallDisk(folder, '64k')
  return folder
}
