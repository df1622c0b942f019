// A node without a face, and faces that come and go: real processes, one of which
// is killed in the middle.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { JsonParley } from '../fault/json-parley.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import { TestBed } from '../processes/test-bed.ts'
import { hasTmux } from '../processes/terminal.ts'

let bed: TestBed
beforeEach(async () => {
  bed = await TestBed.make()
})
afterEach(async () => bed[Symbol.asyncDispose]())

test('three faces of one person show each message once, and what one reads is read for all', async () => {
  const home = bed.home()
  const daemon = await bed.start(['daemon', '--name', 'anna', '--accept', 'all'], { home, name: 'the daemon' })
  await daemon.shows(/^RUNNING anna \(\S+\), profile default/u)
  const plain = await bed.start(['--plain'], { home, name: 'the plain face' })
  const json = await bed.start(['--json'], { home, name: 'the JSON face' })
  const other = await bed.start(['--json'], { home, name: 'the other JSON face' })
  const self = await json.event('ready')
  await other.event('ready')
  await plain.shows(/^You are anna \(/u)
  await daemon.shows(/^FACES 3 attached$/u)

  const bob = await bed.start(['--json', '--name', 'bob'], { name: 'bob' })
  const bobIs = await bob.event('ready')
  bob.type(JSON.stringify({ do: 'open', peer: String(addressOf(self)) }))
  bob.type(JSON.stringify({ do: 'send', peer: self['peer'], text: 'to all your screens' }))
  await plain.shows(/bob\]: to all your screens$/u)
  for (const face of [json, other]) await face.event('message', (event) => event['text'] === 'to all your screens')

  json.type(JSON.stringify({ do: 'open', peer: bobIs['peer'] }))
  json.type(JSON.stringify({ do: 'send', peer: bobIs['peer'], text: 'from one of them' }))
  await other.event('sent', (event) => event['text'] === 'from one of them')
  await bob.event('message', (event) => event['text'] === 'from one of them')
  other.type(JSON.stringify({ do: 'conversations', tag: 1 }))
  const { conversations } = await other.event('done', (event) => event['tag'] === 1)
  expect(conversations).toMatchObject([{ peer: bobIs['peer'], unread: 0 }])

  plain.type('QUIT')
  expect((await plain.ended()).code).toBe(0)
  await daemon.shows(/^FACES 2 attached$/u)
  json.type(JSON.stringify({ do: 'send', peer: bobIs['peer'], text: 'the others go on' }))
  await bob.event('message', (event) => event['text'] === 'the others go on')
})

test('a daemon is killed: its faces say so, come back by themselves, and miss nothing', async () => {
  const home = bed.home()
  const daemon = await startDaemon(home)
  const face = await bed.start(['--json'], { home, name: 'the face' })
  const self = await face.event('ready')
  const bob = await JsonParley.start({ args: ['--name', 'bob'], network: bed.network })
  try {
    await bob.do({ do: 'open', peer: String(addressOf(self)) })
    const bobIs = bob.events.find(({ event }) => event === 'ready')?.['peer']
    await bob.do({ do: 'send', peer: self['peer'], text: 'before' })
    await face.event('message', (event) => event['text'] === 'before')

    await daemon.kill()
    await face.event('notice', (event) => event['code'] === 'node-gone')
    face.type(JSON.stringify({ do: 'who', tag: 'gone' }))
    const asked = await face.event('error', (event) => event['tag'] === 'gone')
    expect(asked).toMatchObject({ do: 'who', code: 'node-gone' })
    await bob.do({ do: 'send', peer: self['peer'], text: 'while nobody was there' })
    await startDaemon(home)
    await face.event('notice', (event) => event['code'] === 'node-back')
    await face.event('message', (event) => event['text'] === 'while nobody was there')
    face.type(JSON.stringify({ do: 'send', peer: bobIs, text: 'back again', tag: 'back' }))
    await bob.until('back again', () => bob.events.find((event) => event['text'] === 'back again'))
  } finally {
    await bob.stop()
  }
})

test('log --follow and await print what comes, through the daemon', async () => {
  const home = bed.home()
  const daemon = await bed.start(['daemon', '--name', 'anna', '--accept', 'all'], { home, name: 'the daemon' })
  await daemon.shows(/^RUNNING/u)
  const face = await bed.start(['--json'], { home, name: 'a face' })
  const self = await face.event('ready')
  const bob = await JsonParley.start({ args: ['--name', 'bob'], network: bed.network })
  try {
    await bob.do({ do: 'open', peer: String(addressOf(self)) })
    const { peer: bobIs } = await bob.ready()
    await bob.do({ do: 'send', peer: self['peer'], text: 'the first' })
    await face.event('message', (event) => event['text'] === 'the first')
    const log = await bed.start(['log', 'bob', '--follow', '--json'], { home, name: 'log --follow' })
    const waits = await bed.start(['await', '--from', String(bobIs), '--match', '^build (ok|failed)'], {
      home,
      name: 'await'
    })
    await daemon.shows(/^FACES 3 attached$/u)
    await log.shows(/"text":"the first"/u)
    await bob.do({ do: 'send', peer: self['peer'], text: 'no build at all' })
    await bob.do({ do: 'send', peer: self['peer'], text: 'build ok' })
    await waits.shows(/build ok/u)
    expect((await waits.ended()).code).toBe(0)
    expect(waits.stdout).not.toContain('no build at all')
    await log.shows(/"text":"build ok"/u)
    expect(log.stdout.match(/"text":"the first"/gu)).toHaveLength(1)
    const late = await bed.start(['await', '--match', 'never said', '--timeout', '1s'], { home, name: 'await in vain' })
    expect((await late.ended()).code).toBe(124)
  } finally {
    await bob.stop()
  }
})

test('--stop ends it, what it knew is kept, and a window on the profile is then its own node', async () => {
  const home = bed.home()
  const daemon = await bed.start(['daemon', '--name', 'anna'], { home, name: 'the daemon' })
  const { match } = await daemon.shows(/^RUNNING anna \((?<id>\S+)\)/u)
  const stop = await bed.start(['daemon', '--stop'], { home, name: 'stop' })
  expect(await stop.ended()).toMatchObject({ code: 0 })
  await daemon.shows(/^STOPPED$/u)
  expect((await daemon.ended()).code).toBe(0)
  const again = await bed.start(['daemon', '--stop'], { home, name: 'stop again' })
  expect((await again.ended()).code).toBe(13)
  const window = await bed.start(['--plain'], { home, name: 'a window' })
  await window.shows(new RegExp(`^You are anna \\(${match.groups?.['id']}\\)`, 'u'))
})

test('/detach leaves the node of a window running as a daemon, with its settings, and the next window attaches', async () => {
  const home = bed.home()
  const window = await bed.start(['--plain', '--name', 'anna', '--accept', 'all'], { home, name: 'the window' })
  const { match } = await window.shows(/^You are anna \((?<id>\S+)\), host 127\.0\.0\.1, port (?<port>\d+)/u)
  window.type('/detach')
  await window.shows(/^Parley goes on as a daemon\./u)
  expect((await window.ended()).code).toBe(0)
  const next = await bed.start(['--plain', '--name', 'somebody else'], { home, name: 'the next window' })
  await next.shows(
    new RegExp(`^You are anna \\(${match.groups?.['id']}\\), host 127\\.0\\.0\\.1, port ${match.groups?.['port']}`, 'u')
  )
  await next.shows(/^Note: --name changed nothing/u)
  next.type('/detach')
  await next.shows(/^The daemon goes on\./u)
  const stop = await bed.start(['daemon', '--stop'], { home, name: 'stop' })
  expect((await stop.ended()).code).toBe(0)
})

describe.skipIf(!hasTmux)('in a terminal', () => {
  test('the full screen of a face goes on over a new daemon, with what was typed and what came meanwhile', async () => {
    const home = bed.home()
    const daemon = await startDaemon(home)
    const bob = await JsonParley.start({ args: ['--name', 'bob', '--accept', 'all'], network: bed.network })
    try {
      const screen = await bed.terminal(['chat', await bob.address()], { home, name: 'the screen' })
      await screen.shows(/bob .*● online/u)
      await screen.type('hello')
      await screen.shows(/✓ +You +hello/u)
      await daemon.kill()
      await screen.shows(/Connection to Parley lost/u)
      await screen.press('half a line')
      await bob.do({
        do: 'send',
        peer: String(bob.events.find(({ event }) => event === 'message')?.['peer']),
        text: 'meanwhile'
      })
      await startDaemon(home)
      await screen.shows(/bob +meanwhile/u)
      await screen.shows(/You: half a line/u)
      await screen.type(' and the rest')
      await screen.shows(/✓ +You +half a line and the rest/u)
    } finally {
      await bob.stop()
    }
  })

  test('a second face that leaves a conversation leaves it open in the first window', async () => {
    const home = bed.home()
    const bob = await JsonParley.start({ args: ['--name', 'bob', '--accept', 'all'], network: bed.network })
    try {
      const first = await bed.terminal(['--plain'], { home, name: 'the first window' })
      await first.shows(/^Peer \(/mu)
      await first.type(await bob.address())
      await first.shows(/^Connected to /mu)
      const anna = String(
        (await bob.until('anna', () => bob.events.find(({ event }) => event === 'conversation')))['peer']
      )
      const second = await bed.terminal(['--plain'], { home, name: 'the second window' })
      await second.shows(/^Enter or s:$/mu)
      await second.type('s')
      await second.shows(/^Peer \(/mu)
      await second.type(await bob.address())
      await second.shows(/^Conversation with bob /mu)
      await second.type('EXIT')
      await second.shows(/^You have left the conversation/mu)
      await second.type('QUIT')
      expect(await second.ended()).toBe(0)
      await bob.do({ do: 'msg', peer: anna, text: 'still with you?' })
      await first.shows(/^bob: still with you\?$/mu)
      expect(bob.events.filter(({ event }) => event === 'left')).toEqual([])
    } finally {
      await bob.stop()
    }
  })

  test('s at the question of a second window is another face of the first', async () => {
    const home = bed.home()
    const first = await bed.terminal(['--plain'], { home, name: 'the first window' })
    const [, anna = ''] = await first.shows(/^You are (\S+) \(/mu)
    const second = await bed.terminal(['--plain'], { home, name: 'the second window' })
    await second.shows(/^Enter or s:$/mu)
    await second.type('s')
    await second.shows(new RegExp(`^You are ${anna} \\(`, 'mu'))
    await second.type('QUIT')
    expect(await second.ended()).toBe(0)
    await first.type('QUIT')
    expect(await first.ended()).toBe(0)
  })
})

async function startDaemon(home: string): Promise<ParleyProcess> {
  const daemon = await bed.start(['daemon', '--name', 'anna', '--accept', 'all'], { home, name: 'the daemon' })
  await daemon.shows(/^RUNNING/u)
  return daemon
}

/** An address at which the node is reached on this machine. */
function addressOf(ready: Readonly<Record<string, unknown>>): unknown {
  const addresses = ready['addresses']
  return Array.isArray(addresses) ? addresses.find((one) => String(one).includes('/127.0.0.1/')) : undefined
}
