/** Codes between real nodes on loopback: by one directory, by joined ones, and where there is none. */
import { expect, test } from 'vitest'
import { shortId } from '../../../src/lib/index.ts'
import type { ChatNode } from '../../../src/node/index.ts'
import { eventually } from '../../eventually.ts'
import { Network, placeOf } from '../network.ts'

const wrongWords = 'zoo-zone-zero'

function news(node: ChatNode): string[] {
  const told: string[] = []
  node.events.addEventListener('invitation', ({ detail }) => {
    const { what, invitation } = detail
    told.push(what === 'came' ? `came ${detail.name}` : what === 'ended' ? `ended ${invitation.end}` : what)
  })
  return told
}

function contactsOf(node: ChatNode): string[] {
  return node.snapshot().contacts.map(({ name, metByCode }) => `${name}${metByCode === undefined ? '' : ' by code'}`)
}

async function registered(node: ChatNode, count = 1): Promise<void> {
  await eventually(() =>
    expect(node.snapshot().directories.filter((one) => one.registered === true).length).toBe(count)
  )
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'resolved',
    (error: unknown) => (error instanceof Error ? error.message : String(error))
  )
}

async function withDirectory() {
  const network = await Network.create()
  const directory = await network.directory()
  const flags = { directory: [placeOf(directory)] }
  const [anna, bob] = [await network.peer('anna', flags), await network.peer('bob', flags)]
  await Promise.all([registered(anna), registered(bob)])
  return { network, directory, flags, anna, bob, [Symbol.asyncDispose]: async () => network[Symbol.asyncDispose]() }
}

test('two who type a code become contacts, met by code, and can write to each other', async () => {
  await using world = await withDirectory()
  const { anna, bob, directory } = world
  const told = news(anna)
  const invitation = await anna.invitations.make()
  expect(invitation).toMatchObject({ places: 1, directories: [placeOf(directory)], failedTries: 0 })
  const noticed: string[] = []
  bob.events.addEventListener('notice', ({ detail }) => {
    if (detail.code === 'met') noticed.push(`${detail.peer}: ${detail.text}`)
  })
  const target = await bob.peers.resolve([invitation.code])
  expect(target).toMatchObject({ peer: anna.self.peerId, name: 'anna', by: 'code' })
  const { peerId } = anna.self
  expect(noticed).toEqual([`${peerId}: anna (${shortId(peerId)}), whose code you typed, is a contact now.`])
  await bob.peers.resolve([invitation.code])
  expect(noticed).toHaveLength(1)
  await eventually(() => expect(told).toEqual(['came bob']))
  expect([contactsOf(anna), contactsOf(bob)]).toEqual([['bob by code'], ['anna by code']])
  const { id } = await bob.messaging.send(target.peer, 'hello')
  await eventually(async () => {
    const received = await anna.messaging.history.recent(bob.self.peerId, 5)
    expect(received.map((message) => [message.id, message.state])).toEqual([[id, 'accepted']])
  })
})

test('a used code, an old one and a wrong one are refused with the reason', async () => {
  await using world = await withDirectory()
  const { network, flags, anna, bob } = world
  const told = news(anna)
  const carl = await network.peer('carl', flags)
  await registered(carl)
  const { code, number } = await anna.invitations.make()
  expect(await refusal(carl.peers.resolve([`${number}-${wrongWords}`]))).toContain(
    'the words are not those of its maker'
  )
  await eventually(() => expect(told).toEqual(['failed']))
  await bob.peers.resolve(code.split('-'))
  expect(await refusal(carl.peers.resolve([code]))).toContain('the code was already used')
  const second = await anna.invitations.make()
  await anna.invitations.revoke(second.number)
  expect((await anna.invitations.list()).map((one) => [one.number, one.end])).toEqual([[number, 'used']])
  expect(await refusal(carl.peers.resolve([second.code]))).toContain('its maker has taken it back')
  const free = [1, 2, 3, 4].find((one) => one !== number && one !== second.number) ?? 0
  expect(await refusal(carl.peers.resolve([`${free}-${wrongWords}`]))).toContain(
    `it is not known at ${flags.directory[0]}`
  )
  expect(await refusal(carl.peers.resolve([`${free}-zoo-zone-zerr`]))).toContain('did you mean zero?')
  expect(contactsOf(carl)).toEqual([])
})

test('a name that a peer has goes before a code, and one’s own code is not for oneself', async () => {
  await using world = await withDirectory()
  const { network, flags, anna } = world
  const namesake = await network.peer('7 zoo zone zero', flags)
  await eventually(() => expect(anna.peers.roster().map(({ nickname }) => nickname)).toContain('7 zoo zone zero'))
  const target = await anna.peers.resolve(['7 zoo zone zero'], { trustName: true })
  expect([target.peer, target.by]).toEqual([namesake.self.peerId, 'nickname'])
  const { code } = await anna.invitations.make()
  expect(await refusal(anna.peers.resolve([code]))).toContain('is yourself')
})

test('a code of one directory is found at another that is joined with it', async () => {
  await using network = await Network.create()
  const first = await network.directory()
  const second = await network.directory(0, { join: [placeOf(first)] })
  const anna = await network.peer('anna', { directory: [placeOf(first)] })
  const bob = await network.peer('bob', { directory: [placeOf(second)] })
  await Promise.all([registered(anna), registered(bob)])
  await eventually(() => expect(bob.peers.roster().map(({ nickname }) => nickname)).toContain('anna'))
  const { code } = await anna.invitations.make()
  expect((await bob.peers.resolve([code])).peer).toBe(anna.self.peerId)
})

test('without a common directory the error says so, and the address in a QR code is one', async () => {
  await using network = await Network.create()
  const first = await network.directory()
  const second = await network.directory()
  const anna = await network.peer('anna', { directory: [placeOf(first)] })
  const bob = await network.peer('bob', { directory: [placeOf(second)] })
  await Promise.all([registered(anna), registered(bob)])
  const { code, link } = await anna.invitations.make()
  // A loopback address means nothing to the machine that scans it.
  expect(link).toBe(`parley:${code}`)
  expect(await refusal(bob.peers.resolve([code]))).toContain('scan the QR code, which names one')
  expect((await bob.peers.resolve([`parley:${code}@${placeOf(first)}`])).peer).toBe(anna.self.peerId)
})

test('without any directory the error says so', async () => {
  await using network = await Network.create()
  const bob = await network.peer('bob')
  expect(await refusal(bob.peers.resolve([`7-${wrongWords}`]))).toContain('no directory is connected')
  expect(await refusal(bob.invitations.make())).toContain('nobody could find the maker of a code')
})

test('a code for many lets so many in, each once, and makes no contacts of its maker', async () => {
  await using world = await withDirectory()
  const { network, flags, anna, bob } = world
  const carl = await network.peer('carl', flags)
  await registered(carl)
  const told = news(anna)
  const { code } = await anna.invitations.make({ places: 1, forMs: 60_000 })
  expect(code.split('-')).toHaveLength(5)
  await bob.peers.resolve([code])
  await bob.peers.resolve([code])
  expect(await refusal(carl.peers.resolve([code]))).toContain('the code was already used')
  expect([contactsOf(anna), contactsOf(bob)]).toEqual([[], []])
  // One that comes again is let in, and not reported again.
  expect(told).toEqual(['came bob'])
})

test('a number is known again when the directory has come back', async () => {
  await using world = await withDirectory()
  const { network, directory, anna, bob } = world
  const { code, number } = await anna.invitations.make()
  await directory.stop()
  await eventually(async () => expect((await anna.invitations.list())[0]?.directories).toEqual([]))
  await network.directory(directory.port)
  await eventually(async () =>
    expect((await anna.invitations.list()).find((one) => one.number === number)?.directories).toHaveLength(1)
  )
  await registered(bob)
  expect((await bob.peers.resolve([code])).peer).toBe(anna.self.peerId)
})

test.each([
  [{ places: 0 }, 'for 1 to'],
  [{ forMs: 1_000 }, '--for goes with --many'],
  [{ places: 2, forMs: 30 * 86_400_000 }, '7 days at most']
])('%j is refused', async (options, why) => {
  await using network = await Network.create()
  const anna = await network.peer('anna')
  expect(await refusal(anna.invitations.make(options))).toContain(why)
})
