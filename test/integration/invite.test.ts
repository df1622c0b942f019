// Codes between real processes: one makes a code, the other types it, and they talk.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'

let bed: TestBed
let directory: string
beforeAll(async () => {
  bed = await TestBed.make()
  const port = await freePort()
  await bed.hostDirectory(port)
  directory = `127.0.0.1:${port}`
})
afterAll(async () => bed[Symbol.asyncDispose]())

const options = (name: string): string[] => ['--name', name, '--directory', directory, '--no-mdns']

test('parley invite and parley send CODE: both are contacts, and the message is delivered', async () => {
  const [annasHome, bobsHome] = [bed.home(), bed.home()]
  const anna = await bed.host(['--json', ...options('anna')], { home: annasHome, name: 'anna' })
  await anna.event('ready')
  const invite = await bed.host(['invite'], { home: annasHome, name: 'invite' })
  const [code = ''] = await invite.showsAll(/^Your code: {2}(\S+)$/u, 1)
  expect(code).toMatch(/^\d+-[a-z]+-[a-z]+-[a-z]+$/u)

  const sent = await bed.command(['send', '--wait', '60', ...options('bob'), code, 'here I am'], {
    home: bobsHome,
    name: 'send'
  })
  expect(sent, sent.told).toMatchObject({ code: exitCodes.ok })
  expect(sent.stderr).toMatch(/^parley: anna \(\w{12}\), whose code you typed, is a contact now\.$/mu)
  await invite.shows(/^bob \(\w{12}\) came by your code, and is a contact now\.$/u)
  expect(await invite.ended()).toMatchObject({ code: exitCodes.ok })
  expect(await anna.event('invitation')).toMatchObject({ what: 'came', peerName: 'bob', end: 'used' })
  expect(await anna.event('message')).toMatchObject({ name: 'bob', text: 'here I am', state: 'accepted' })
  const contacts = await bed.command(['contact', 'list'], { home: bobsHome, name: 'contacts' })
  expect(contacts.stdout, contacts.told).toMatch(/^anna {2}12D3KooW\w+ {2}\[met by code\]$/u)

  const again = await bed.command(['send', ...options('carl'), code, 'me too'], { name: 'carl' })
  expect(again, again.told).toMatchObject({ code: exitCodes.peerNotFound })
  expect(again.stderr).toContain('the code was already used')
})

test('parley invite without a running parley lets one in, and Ctrl-C takes a code back', async () => {
  const home = bed.home()
  const invite = await bed.host(['invite', '--json', ...options('dora')], { home, name: 'invite' })
  const made = await invite.event('invitation', ({ what }) => what === 'made')
  const emil = await bed.host([...options('emil'), '--plain', 'chat', String(made['code'])], { name: 'emil' })
  await invite.event('invitation', ({ what, peerName }) => what === 'came' && peerName === 'emil')
  expect(await invite.ended()).toMatchObject({ code: exitCodes.ok })
  await emil.hasShown(/dora/u)

  const second = await bed.host(['invite', '--json', ...options('dora')], { home, name: 'second' })
  const { code } = await second.event('invitation', ({ what }) => what === 'made')
  await second.interrupt().catch(() => undefined)
  const late = await bed.command(['send', ...options('fritz'), String(code), 'late'], { name: 'fritz' })
  expect(late, late.told).toMatchObject({ code: exitCodes.peerNotFound })
  expect(late.stderr).toContain('is not known at')
})

test('a code typed where a name or a host is asked for; and codes of a running parley, listed and ended', async () => {
  const home = bed.home()
  const gerda = await bed.host(['--json', ...options('gerda')], { home, name: 'gerda' })
  await gerda.event('ready')
  const many = await bed.host(['invite', '--many', '2', '--for', '1h'], { home, name: 'many' })
  const [code = ''] = await many.showsAll(/^Your code: {2}(\S+)$/u, 1)
  const number = code.split('-')[0] ?? ''
  const listed = await bed.command(['invite', '--list'], { home, name: 'list' })
  expect(listed.stdout, listed.told).toMatch(new RegExp(`^${code} {2}until .*, 0 of 2 came$`, 'mu'))

  const hans = await bed.host(['--plain', ...options('hans')], { name: 'hans' })
  await hans.hasShown(/gerda/u)
  hans.type(code.replaceAll('-', ' '))
  await hans.hasShown(/^Conversation with gerda/mu)
  await many.shows(/^hans \(\w{12}\) came by invitation \d+: 1 of 2\.$/u)
  expect((await bed.command(['contact', 'list'], { home, name: 'contacts' })).stdout).toBe('')

  const untimed = await bed.command(['invite', '--for', '2h'], { home, name: 'untimed' })
  expect(untimed, untimed.told).toMatchObject({ code: exitCodes.usage, stdout: '' })
  expect(untimed.stderr).toContain('--for goes with --many')

  const ended = await bed.command(['invite', '--end', number], { home, name: 'end' })
  expect(ended.stdout, ended.told).toMatch(new RegExp(`^Invitation ${number} was taken back; by it came hans`, 'mu'))
  expect(await many.ended()).toMatchObject({ code: exitCodes.timedOut })
})
