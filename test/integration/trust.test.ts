// Whom one can trust, as real processes show it: safety numbers with a network and
// without, through a parley that runs and on a profile that is free, the mark in
// every place where a peer is named, and a stranger who takes a contact's name.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import type { HostedParley } from '../processes/hosted-parley.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed, type Finished } from '../processes/test-bed.ts'

let bed: TestBed
beforeAll(async () => {
  bed = await TestBed.make()
})
afterAll(async () => bed[Symbol.asyncDispose]())

interface Person {
  readonly chat: HostedParley
  readonly home: string
  readonly peer: string
  readonly address: string
}

async function person(name: string, home = bed.home()): Promise<Person> {
  const chat = await bed.host(['--json', '--name', name, '--accept', 'all'], { home, name })
  const ready = await chat.event('ready')
  const peer = String(ready['peer'])
  return { chat, home, peer, address: String(([] as unknown[]).concat(ready['addresses'])[0]) }
}

function tell(chat: HostedParley, command: object): void {
  chat.type(JSON.stringify(command))
}

async function verify(home: string, args: readonly string[]): Promise<Finished> {
  return bed.command(['verify', ...args], { home, name: 'verify' })
}

const digitsOf = ({ stdout }: Finished): string =>
  stdout
    .replaceAll(/\([^)]*\)|12D3KooW\w+/gu, '')
    .replaceAll(/\D/gu, '')
    .slice(0, 60)

describe.concurrent('parley verify', () => {
  test('shows the same 60 digits to both, through the chats that run and without them', async () => {
    const anna = await person('anna')
    const bob = await person('bob')
    tell(anna.chat, { do: 'open', peer: bob.address })
    await bob.chat.event('entered')
    const seen = await verify(anna.home, ['bob', '--json'])
    expect(seen, seen.told).toMatchObject({ code: exitCodes.ok })
    const there = await verify(bob.home, [anna.peer, '--json'])
    const { safetyNumber } = JSON.parse(seen.stdout)
    expect(safetyNumber).toMatch(/^\d{5}( \d{5}){11}$/u)
    expect(JSON.parse(there.stdout)).toMatchObject({
      event: 'safety-number',
      peer: anna.peer,
      safetyNumber,
      verified: false
    })

    const confirmed = await verify(anna.home, ['bob', '--confirm'])
    expect(confirmed, confirmed.told).toMatchObject({ code: exitCodes.ok, stderr: '' })
    expect(confirmed.stdout).toContain('bob is now verified')
    tell(anna.chat, { do: 'contacts', tag: 'c' })
    const contacts = await anna.chat.event('done', ({ tag }) => tag === 'c')
    expect(contacts).toMatchObject({ contacts: [{ peer: bob.peer, verified: true }] })
    tell(anna.chat, { do: 'quit' })
    await anna.chat.ended()

    // Without network and chat.
    const later = await bed.run(['verify', 'bob'], { home: anna.home })
    expect(later.stdout, later.told).toMatch(/^Safety number with bob \(\w{12}\), verified since 2/u)
    expect(digitsOf(later).length).toBe(60)
    expect(later.stdout.replaceAll(/\s+/gu, ' ')).toContain(safetyNumber)
    const undone = await verify(anna.home, ['bob', '--undo', '--json', '--qr'])
    expect(undone.stdout, undone.told).toMatch(/[█▀▄]/u)
    expect(JSON.parse(undone.stdout.split('\n')[0] ?? '')).toMatchObject({ event: 'unverified', verified: false })
    const again = await verify(anna.home, [bob.peer, '--json'])
    expect(JSON.parse(again.stdout), again.told).toMatchObject({ name: 'bob', verified: false, verifiedSinceMs: null })
  })

  test('finds a stranger by name or address without being seen, and marks it only by what nobody else can take', async () => {
    const home = bed.home()
    await bed.command(['id'], { home })
    const bob = await person('bob')
    const place = bob.address.replace(/^\/ip4\/([\d.]+)\/tcp\/(\d+)\/.*$/u, '$1:$2')
    const found = await verify(home, [place, '--json'])
    expect(JSON.parse(found.stdout || '{}'), found.told).toMatchObject({ event: 'safety-number', peer: bob.peer })
    const marked = await verify(home, [bob.peer, '--confirm', '--json'])
    expect(JSON.parse(marked.stdout), marked.told).toMatchObject({ event: 'verified', peer: bob.peer, verified: true })
    expect(bob.chat.events().filter(({ event }) => event === 'entered')).toEqual([])
  })

  test('ends with a code that says why it could not', async () => {
    const home = bed.home()
    const other = bed.home()
    const { peer } = JSON.parse((await bed.command(['id', '--json'], { home })).stdout)
    await bed.command(['id'], { home: other })
    expect((await verify(home, [peer])).code).toBe(exitCodes.peerNotFound)
    expect((await verify(home, ['nobody'])).code).toBe(exitCodes.peerNotFound)
    expect((await verify(home, ['127.0.0.1:1'])).code).toBe(exitCodes.unreachable)
    expect((await verify(home, ['nobody', '--confirm', '--undo'])).code).toBe(exitCodes.usage)
    const absent = await verify(home, [peer, '--profile', 'absent'])
    expect(absent, absent.told).toMatchObject({ code: exitCodes.usage })
    expect(absent.stderr).toContain('there is no profile absent')
  })
})

test('every face reports a peer that takes the name of a verified contact, and the roster of commands marks it', async () => {
  const port = String(await freePort())
  const directory = await bed.host(['directory', '--json', '--port', port], { name: 'directory' })
  await directory.event('listening')
  const flags = ['--directory', port]
  const home = bed.home()
  const anna = await bed.host(['--json', '--name', 'anna', ...flags], { home, name: 'anna' })
  await anna.event('ready')
  const bob = await bed.host(['--json', '--name', 'bob', ...flags], { name: 'bob' })
  const bobsId = String((await bob.event('ready'))['peer'])
  tell(anna, { do: 'confirm', peer: bobsId, tag: 'v' })
  expect(await anna.event('done', ({ tag }) => tag === 'v')).toMatchObject({ peer: bobsId, verified: true })
  const mallory = await bed.host(['--json', '--name', 'Bob', ...flags], { name: 'mallory' })
  const mallorysId = String((await mallory.event('ready'))['peer'])
  const notice = await anna.event('notice', ({ code }) => code === 'key-changed')
  expect(notice).toMatchObject({ by: 'name', peer: mallorysId, was: bobsId, verified: true })

  const roster = await bed.command(['roster', ...flags], { home })
  const lines = roster.stdout.split('\n')
  expect(
    lines.find((line) => / bob /u.test(line)),
    roster.told
  ).toContain('[verified]')
  const marked = lines.find((line) => / Bob /u.test(line))
  expect(marked, roster.told).toMatch(/! not your verified contact bob \(\w{12}\): another key/u)

  tell(anna, { do: 'block', peer: mallorysId, tag: 'b' })
  await anna.event('done', ({ tag }) => tag === 'b')
  tell(anna, { do: 'blocked', tag: 'l' })
  expect(await anna.event('done', ({ tag }) => tag === 'l')).toMatchObject({
    blocked: [{ peer: mallorysId, name: 'Bob' }]
  })
  const json = await bed.command(['roster', '--json', ...flags], { home })
  const rows: readonly Record<string, unknown>[] = JSON.parse(json.stdout).roster
  expect(
    rows.find(({ peer }) => peer === mallorysId),
    json.told
  ).toMatchObject({ blocked: true, verified: false })
  tell(anna, { do: 'unblock', peer: 'Bob', tag: 'u' })
  expect(await anna.event('done', ({ tag }) => tag === 'u')).toMatchObject({ peer: mallorysId })
  await eventually(async () => {
    // A tag of its own: the answer to an earlier question would never change.
    const asked = randomUUID()
    tell(anna, { do: 'blocked', tag: asked })
    expect(await anna.event('done', ({ tag }) => tag === asked)).toMatchObject({ blocked: [] })
  })
})
