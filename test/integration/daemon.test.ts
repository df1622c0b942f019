// A node without a face, and faces that come and go: real processes, one of which
// is killed in the middle.
import { randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FACE_PROTOCOL_VERSION } from '../../src/cli/attach/face-protocol.ts'
import { daemonAt } from '../../src/cli/attach/index.ts'
import { pathToListenAt } from '../../src/cli/control/control-path.ts'
import { exitCodes, loadConfig } from '../../src/node/settings.ts'
import { eventually, until } from '../eventually.ts'
import { JsonParley } from '../fault/json-parley.ts'
import { defaultDeadlineMs } from '../processes/output-log.ts'
import { profileIn } from '../processes/homes.ts'
import { freePort } from '../processes/ports.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import { TestBed } from '../processes/test-bed.ts'
import { hasTmux } from '../processes/terminal.ts'

// A script without types of its own.
const { newestBuild } = (await import(new URL('../../scripts/old-builds.js', import.meta.url).href)) as {
  newestBuild: (dist: string) => string | undefined
}

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

  const bob = await bed.host(['--json', '--name', 'bob'], { name: 'bob' })
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
  // Nobody else gets it while the daemon is away.
  const port = ['--port', String(await freePort())]
  const daemon = await startDaemon(home, ...port)
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
    await startDaemon(home, ...port)
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
    const log = await bed.host(['log', 'bob', '--follow', '--json'], { home, name: 'log --follow' })
    const waits = await bed.host(['await', '--from', String(bobIs), '--match', '^build (ok|failed)'], {
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
    const late = await bed.host(['await', '--match', 'never said', '--timeout', '1s'], { home, name: 'await in vain' })
    expect((await late.ended()).code).toBe(124)
  } finally {
    await bob.stop()
  }
})

test('where no daemon runs, a window opens beside log --follow, which prints what it sends as it was delivered', async () => {
  const home = bed.home()
  const bob = await JsonParley.start({ args: ['--name', 'bob', '--accept', 'all'], network: bed.network })
  try {
    const ready = await bob.ready()
    const send = await bed.start(['send', '--wait', '60', String(addressOf(ready)), 'the first'], {
      home,
      name: 'send'
    })
    expect((await send.ended()).code).toBe(0)
    const log = await bed.start(['log', String(ready['peer']), '--follow'], { home, name: 'log --follow' })
    await log.shows(/the first$/u)
    const window = await bed.start(['--plain'], {
      home,
      name: 'a window',
      env: { PARLEY_SECOND_WINDOW: 'same' }
    })
    await window.shows(/^You are /u)
    window.type(`/chat ${String(ready['peer'])}`)
    await window.shows(/^Conversation with bob/u)
    window.type('the second')
    await log.shows(/the second$/u)
    window.type('the third')
    await log.shows(/the third$/u)
    // One that takes its time is printed as waiting, and again.
    const isDelivered = (text: string): boolean => {
      const lines = log.output.lines('stdout')
      const at = lines.findLastIndex((line) => line.endsWith(text))
      return lines[at + 1] !== '    (waiting)'
    }
    await until(() => ['the second', 'the third'].every(isDelivered), 'both are printed as delivered')
    window.type('/detach')
    await window.shows(/^The Parley that holds the profile goes on\./u)
  } finally {
    await bob.stop()
  }
})

test('await says that no one knows the peer it waits for', async () => {
  const home = bed.home()
  const waits = await bed.host(['await', '--from', 'nobody', '--timeout', '1s'], { home, name: 'await' })
  await waits.ended()
  expect(waits.stderr).toContain('no peer called "nobody"')
})

test('a passphrase is set when no daemon has the key: it is named with the command that ends it', async () => {
  const home = bed.home()
  const daemon = await bed.start(['daemon', '--name', 'anna'], { home, name: 'the daemon' })
  await daemon.shows(/^RUNNING/u)
  const protect = await bed.host(['profile', 'protect'], { home, name: 'protect' })
  expect((await protect.ended()).code).toBe(exitCodes.profileInUse)
  expect(protect.stderr).toContain('in use by its daemon')
  expect(protect.stderr).toContain('parley daemon --stop')
})

test('--stop ends it, what it knew is kept, and a window on the profile is then its own node', async () => {
  const home = bed.home()
  const daemon = await bed.start(['daemon', '--name', 'anna'], { home, name: 'the daemon' })
  const { match } = await daemon.shows(/^RUNNING anna \((?<id>\S+)\)/u)
  const stop = await bed.start(['daemon', '--stop'], { home, name: 'stop' })
  expect(await stop.ended()).toMatchObject({ code: 0 })
  await daemon.shows(/^STOPPED$/u)
  expect((await daemon.ended()).code).toBe(0)
  const again = await bed.host(['daemon', '--stop'], { home, name: 'stop again' })
  expect((await again.ended()).code).toBe(13)
  const window = await bed.start(['--plain'], { home, name: 'a window' })
  await window.shows(new RegExp(`^You are anna \\(${match.groups?.['id']}\\)`, 'u'))
})

test('/detach leaves the node of a window running as a daemon, with its settings, and the next window attaches', async () => {
  const home = bed.home()
  const window = await bed.start(['--plain', '--name', 'anna', '--accept', 'all'], { home, name: 'the window' })
  const { match } = await window.shows(/^You are anna \((?<id>\S+)\), host 127\.0\.0\.1, port (?<port>\d+)/u)
  window.type('/detach')
  await window.shows(/^Starting the daemon …$/u)
  await window.shows(/^Parley goes on as a daemon\./u)
  expect((await window.ended()).code).toBe(0)
  const next = await bed.start(['--plain', '--name', 'somebody else'], { home, name: 'the next window' })
  await next.shows(
    new RegExp(`^You are anna \\(${match.groups?.['id']}\\), host 127\\.0\\.0\\.1, port ${match.groups?.['port']}`, 'u')
  )
  await next.shows(/^Note: --name changed nothing/u)
  next.type('/detach')
  await next.shows(/^The daemon goes on\./u)
  const stop = await bed.host(['daemon', '--stop'], { home, name: 'stop' })
  expect((await stop.ended()).code).toBe(0)
})

test('a daemon that was started with options keeps them over --restart, unless others are given', async () => {
  const [home, port] = [bed.home(), String(await freePort())]
  const window = await bed.start(['--plain', '--name', 'anna', '--port', port], { home, name: 'the window' })
  await window.shows(/^You are anna/u)
  window.type('/detach')
  expect((await window.ended()).code).toBe(0)
  expect(await bed.runDaemon(['--restart'], { home })).toMatchObject({ code: 0 })
  expect(await optionsOf(home)).toEqual(['--name', 'anna', '--port', port])
  expect(await bed.runDaemon(['--restart', '--accept', 'all'], { home })).toMatchObject({ code: 0 })
  expect(await optionsOf(home)).toEqual(['--accept', 'all'])
  expect(await bed.runDaemon(['--stop'], { home })).toMatchObject({ code: 0 })
})

test('a daemon whose sockets are gone listens again: after a logout and a login, and when a file is deleted', async () => {
  const home = bed.home()
  const env = { XDG_RUNTIME_DIR: join(home, 'runtime') }
  await mkdir(env.XDG_RUNTIME_DIR, { recursive: true, mode: 0o700 })
  const daemon = await bed.start(['daemon', '--name', 'anna'], { home, env, name: 'the daemon' })
  await daemon.shows(/^RUNNING/u)
  const face = await bed.start(['--json'], { home, env, name: 'a face' })
  await face.event('ready')
  const isReached = async (): Promise<void> => {
    const status = await bed.run(['status'], { home, env })
    expect(status.stdout, status.told).toContain(`in use by a daemon (process ${daemon.pid})`)
  }
  const runtime = join(env.XDG_RUNTIME_DIR, 'parley')
  await rm(env.XDG_RUNTIME_DIR, { recursive: true })
  await eventually(isReached)
  await mkdir(env.XDG_RUNTIME_DIR, { mode: 0o700 })
  await isReached()
  expect(await bed.runDaemon(['--stop'], { home, env })).toMatchObject({ code: 0 })

  const next = await bed.start(['daemon', '--name', 'anna'], { home, env, name: 'the next daemon' })
  await next.shows(/^RUNNING/u)
  const [socket = ''] = (await readdir(runtime)).filter((name) => name.endsWith('.face'))
  await rm(join(runtime, socket))
  await eventually(async () => expect(await optionsOf(home, env)).toEqual(['--name', 'anna']))
  await rm(join(runtime, socket))
  await writeFile(join(runtime, socket), 'no socket')
  await eventually(async () => expect(await optionsOf(home, env)).toEqual(['--name', 'anna']))
  // The connection of a face outlives the file of its socket.
  await face.event('notice', (event) => event['code'] === 'node-back')
  expect(face.events().filter(({ code }) => code === 'node-gone')).toHaveLength(1)
  expect(await bed.runDaemon(['--stop'], { home, env })).toMatchObject({ code: 0 })
})

test('a profile that is held names the process that holds it', async () => {
  const home = bed.home()
  const window = await bed.start(['--plain', '--name', 'anna'], { home, name: 'the window' })
  await window.shows(/^You are anna/u)
  const stop = await bed.run(['daemon', '--stop'], { home })
  expect(stop.stdout).toContain(`a window has it (process ${window.pid})`)
  const second = await bed.run(['daemon'], { home })
  expect(second).toMatchObject({ code: exitCodes.profileInUse })
  expect(second.stderr).toContain(`in use by another parley (process ${window.pid})`)
})

test('/detach of a second identity leaves that one running, and names its profile', async () => {
  const home = bed.home()
  const first = await bed.start(['--plain', '--name', 'anna'], { home, name: 'the first window' })
  await first.shows(/^You are anna/u)
  const second = await bed.start(['--plain', '--name', 'berta'], { home, name: 'the second window' })
  const { match } = await second.shows(/^You are berta \((?<id>\S+)\)/u)
  second.type('/detach')
  await second.shows(
    /parley --profile default-2 opens the chat again; parley daemon --stop --profile default-2 ends it/u
  )
  expect((await second.ended()).code).toBe(0)
  const again = await bed.start(['--plain', '--profile', 'default-2'], { home, name: 'a face' })
  await again.shows(new RegExp(`^You are berta \\(${match.groups?.['id']}\\)`, 'u'))
  expect((await bed.command(['daemon', '--stop', '--profile', 'default-2'], { home })).code).toBe(0)
})

test('--stop and status work whatever is in the file of settings', async () => {
  const home = bed.home()
  await startDaemon(home)
  const folder = join(String(bed.env(home)['XDG_CONFIG_HOME']), 'parley')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'config.json'), '{ "nmae": "anna" }')
  expect((await bed.command(['status'], { home })).stdout).toContain('in use by a daemon')
  await writeFile(join(folder, 'config.json'), 'no JSON')
  const stop = await bed.command(['daemon', '--stop'], { home })
  expect(stop.code, stop.told).toBe(0)
})

test('a daemon that is suspended is named with its process, and what helps', async () => {
  const home = bed.home()
  const daemon = await startDaemon(home)
  process.kill(daemon.pid, 'SIGSTOP')
  try {
    const stop = await bed.command(['daemon', '--stop'], { home })
    expect(stop.code).toBe(exitCodes.profileInUse)
    expect(stop.stderr).toContain(`the profile default (process ${daemon.pid}) does not answer`)
    expect(stop.stderr).toContain(`kill -CONT ${daemon.pid}`)
  } finally {
    process.kill(daemon.pid, 'SIGCONT')
  }
})

test('a daemon that can have no socket says why, locked or not', async () => {
  const home = bed.home()
  const deep = join(bed.folder, 'x'.repeat(120))
  const env = { XDG_DATA_HOME: join(deep, 'data'), TMPDIR: deep }
  const daemon = await bed.start(['daemon'], { home, env, name: 'the daemon' })
  await daemon.shows(/^NOTICE no-faces: .*XDG_RUNTIME_DIR/u)
  await daemon.kill()
  const secret = 'correct horse battery staple'
  const runtime = { XDG_RUNTIME_DIR: join(home, 'runtime') }
  const config = await loadConfig({ flags: {}, env: { ...bed.env(home), ...runtime } })
  await bed.command(['--plain'], { home, env: runtime, input: 'QUIT\n' })
  await bed.run(['profile', 'protect', '--new-passphrase-fd', '0'], { home, env: runtime, input: `${secret}\n` })
  await mkdir(runtime.XDG_RUNTIME_DIR, { recursive: true, mode: 0o700 })
  const face = await pathToListenAt(config.folders, profileIn(home), 'faces')
  await mkdir(String(face))
  const locked = await bed.start(['daemon'], { home, env: runtime, name: 'the locked daemon' })
  await locked.shows(/^NOTICE no-faces: /u)
  await locked.shows(/is locked: parley unlock opens it/u)
})

test('--restart of a daemon that ends at once says so, with its exit code', async () => {
  const home = bed.home()
  await mkdir(join(home, 'data', 'parley', 'profiles', 'default', 'identity.key'), { recursive: true })
  const restart = await bed.run(['daemon', '--restart'], { home })
  expect(restart.stderr).toMatch(
    /the daemon ended at once \(exit code \d+\): parley daemon in this terminal shows why/u
  )
})

test('a daemon that waits for its passphrase is known to status, to faces, to --restart and to --stop', async () => {
  const home = bed.home()
  const secret = 'correct horse battery staple'
  // The profile is made.
  await bed.run(['--plain'], { home, input: 'QUIT\n' })
  const protect = await bed.run(['profile', 'protect', '--new-passphrase-fd', '0'], { home, input: `${secret}\n` })
  expect(protect.code, protect.told).toBe(0)
  const daemon = await bed.start(['daemon'], { home, name: 'the daemon' })
  await daemon.shows(/is locked: parley unlock opens it/u)
  const status = await bed.run(['status'], { home })
  expect(status.stdout).toContain(`in use by a daemon (process ${daemon.pid})`)
  expect(status.stdout).toMatch(/^Key: +locked/mu)
  const face = await bed.run(['--plain'], { home })
  expect(face.code).toBe(exitCodes.locked)
  expect(face.stderr).toContain('parley unlock')
  const restart = await bed.run(['daemon', '--restart'], { home })
  expect(restart.stdout).toContain('It waits for the passphrase of its key: parley unlock asks for it.')
  expect((await daemon.ended()).code).not.toBe(null)
  const unlock = await bed.run(['unlock', '--passphrase-fd', '0'], { home, input: `${secret}\n` })
  expect(unlock.code, unlock.told).toBe(0)
  expect(await bed.runDaemon(['--stop'], { home })).toMatchObject({ code: 0 })
})

test('after an update a new face names the command that restarts the daemon, and nothing is lost by it', async () => {
  const [home, old] = [bed.home(), await anotherVersion()]
  const daemon = await bed.start(['daemon', '--name', 'anna', '--accept', 'all'], {
    home,
    via: old,
    name: 'the old daemon'
  })
  await daemon.shows(/^RUNNING/u)
  const oldFace = await bed.start(['--json'], { home, via: old, name: 'the old face' })
  const self = await oldFace.event('ready')
  const bob = await JsonParley.start({ args: ['--name', 'bob'], network: bed.network })
  try {
    await bob.do({ do: 'open', peer: String(addressOf(self)) })
    await bob.do({ do: 'send', peer: self['peer'], text: 'before' })
    await oldFace.event('message', (event) => event['text'] === 'before')

    const refused = await bed.run(['--json'], { home })
    expect(refused.code).toBe(exitCodes.profileInUse)
    expect(refused.told).toMatch(/is version 0\.0\.1, and this is .*parley daemon --restart/u)

    expect(await bed.runDaemon(['--restart'], { home })).toMatchObject({ code: 0 })
    expect((await daemon.ended()).code).toBe(0)
    await bob.do({ do: 'send', peer: self['peer'], text: 'after' })
    const face = await bed.start(['--json'], { home, name: 'the new face' })
    expect(await face.event('ready')).toMatchObject({ nickname: 'anna', peer: self['peer'] })
    const texts = async (): Promise<unknown> => {
      // A tag of its own: the answer to an earlier question would never change.
      const tag = randomUUID()
      face.type(JSON.stringify({ do: 'history', peer: await bob.peerId(), tag }))
      const { messages } = await face.event('done', (event) => event['tag'] === tag)
      return Array.isArray(messages) ? messages.map(({ text }: { text: unknown }) => text) : []
    }
    await eventually(async () => expect(await texts()).toEqual(['before', 'after']))
    // Its own daemon is the new one: that one is not restarted again.
    await oldFace.event('notice', (event) => /Leave it with \/quit, and open it again/u.test(String(event['text'])))
    expect(await bed.runDaemon(['--stop'], { home })).toMatchObject({ code: 0 })
  } finally {
    await bob.stop()
  }
})

describe.skipIf(!hasTmux)('in a terminal', () => {
  test('three kinds of faces: two type at once, each event is shown once on each, what one reads is read for all', async () => {
    const home = bed.home()
    let daemon = await startDaemon(home)
    const bob = await JsonParley.start({ args: ['--name', 'bob', '--accept', 'all'], network: bed.network })
    try {
      const json = await bed.start(['--json'], { home, name: 'the JSON face' })
      const self = await json.event('ready')
      const screen = await bed.terminal([], { home, name: 'the screen' })
      await screen.shows(/You are/u)
      let plain = await bed.start(['--plain'], { home, name: 'the plain face' })
      await plain.shows(/^You are anna/u)
      const [anna, peer] = [self['peer'], await bob.peerId()]
      await bob.do({ do: 'open', peer: String(addressOf(self)) })
      await bob.do({ do: 'send', peer: anna, text: 'anybody there?' })
      await screen.shows(/\[1 unread\]/u)
      await plain.shows(/bob\]: anybody there\?$/u)
      await json.event('message', (event) => event['text'] === 'anybody there?')
      plain.type('bob')
      await plain.shows(/^Conversation with bob /u)
      await json.event('read', (event) => event['peer'] === peer)
      await eventually(async () => expect(await screen.screen()).not.toContain('[1 unread]'))
      await screen.type('bob')
      await screen.shows(/bob +anybody there\?/u)

      const [typed, written] = [numbered('s', 0, 5), numbered('p', 0, 5)]
      // Lines that a screen reads at once are one text, as if it had been pasted.
      const say = async (text: string): Promise<void> => {
        await screen.type(text)
        await screen.shows(new RegExp(`You +${text}$`, 'mu'))
      }
      const typing = (async () => {
        for (const text of typed) await say(text)
      })()
      for (const text of written) plain.type(text)
      await typing
      await bob.untilTexts(String(anna), 10)
      await plain.kill()
      await daemon.shows(/^FACES 2 attached$/u)
      for (const text of numbered('s', 5, 10)) await say(text)
      await bob.untilTexts(String(anna), 15)

      await daemon.kill()
      await screen.shows(/Connection to Parley lost/u)
      await json.event('notice', (event) => event['code'] === 'node-gone')
      await bob.do({ do: 'send', peer: anna, text: 'in the gap' })
      daemon = await startDaemon(home)
      await json.event('notice', (event) => event['code'] === 'node-back')
      await screen.shows(/Parley is connected again/u)
      await screen.shows(/bob +in the gap/u)
      plain = await bed.start(['--plain'], { home, name: 'the plain face again' })
      await plain.shows(/^You are anna/u)
      plain.type('bob')
      await plain.shows(/in the gap/u)
      plain.type('p10')
      await screen.type('s10')
      const all = await bob.untilTexts(String(anna), 17)

      const [ofScreen, ofPlain] = [numbered('s', 0, 11), numbered('p', 0, 5).concat('p10')]
      const only = (shown: readonly string[], wanted: readonly string[]): readonly string[] =>
        shown.filter((text) => wanted.includes(text))
      expect(only(all, ofScreen)).toEqual(ofScreen)
      expect(only(all, ofPlain)).toEqual(ofPlain)
      await eventually(() => {
        const sent = json.events().flatMap(({ event, text }) => (event === 'sent' ? [String(text)] : []))
        expect(only(sent, ofScreen)).toEqual(ofScreen)
        expect(only(sent, ofPlain)).toEqual(ofPlain)
        expect(sent).toHaveLength(17)
      })
      await screen.shows(/✓ +You +(?:s10|p10)\s[^]*✓ +You +(?:s10|p10)\s/u)
      const rows = (await screen.rows()).flatMap((row) => /You +([sp]\d+)\b/u.exec(row)?.[1] ?? [])
      expect(only(rows, ofScreen)).toEqual(ofScreen)
      expect(only(rows, ofPlain)).toEqual(ofPlain)
    } finally {
      await bob.stop()
    }
  })

  test('a notice is shown on the desktop when no window has the focus, and the title counts what came', async () => {
    const [home, bin, told] = [bed.home(), join(bed.folder, 'bin'), join(bed.folder, 'notices')]
    await mkdir(bin)
    await writeFile(told, '')
    await writeFile(join(bin, 'notify-send'), `#!/bin/sh\necho "$4" >> ${told}\n`, { mode: 0o755 })
    const env = { DISPLAY: ':99', PATH: `${bin}:${process.env['PATH'] ?? ''}` }
    const daemon = await bed.start(['daemon', '--name', 'anna', '--accept', 'all'], { home, env, name: 'the daemon' })
    await daemon.shows(/^RUNNING/u)
    const bob = await JsonParley.start({ args: ['--name', 'bob', '--accept', 'all'], network: bed.network })
    try {
      const screen = await bed.terminal(['chat', await bob.address()], { home, name: 'the screen' })
      await screen.shows(/bob .*● online/u)
      await screen.type('hello')
      const anna = String((await bob.until('hello', () => bob.events.find(({ event }) => event === 'message')))['peer'])
      await bob.do({ do: 'send', peer: anna, text: 'seen' })
      await screen.shows(/bob +seen/u)
      expect(await screen.fact('pane_title')).toBe('Parley: anna')

      await screen.press('\u001b[O')
      let unseen = 0
      // The first may arrive before the daemon has heard that the focus is gone.
      await eventually(async () => {
        await bob.do({ do: 'send', peer: anna, text: `unseen ${++unseen}` })
        await screen.shows(new RegExp(`bob +unseen ${unseen}`, 'u'))
        await sleep(noticeAfterMs)
        expect(await readFile(told, 'utf8')).toContain('a new message')
      })
      await eventually(async () => expect(await screen.fact('pane_title')).toBe(`(${unseen}) Parley: anna`))
      expect((await readFile(told, 'utf8')).trim().split('\n').length).toBeLessThanOrEqual(unseen)
      await screen.press('\u001b[I')
      await eventually(async () => expect(await screen.fact('pane_title')).toBe('Parley: anna'))
    } finally {
      await bob.stop()
    }
  })

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

async function startDaemon(home: string, ...more: readonly string[]): Promise<ParleyProcess> {
  const args = ['daemon', '--name', 'anna', '--accept', 'all', ...more]
  const daemon = await bed.start(args, { home, name: 'the daemon' })
  await daemon.shows(/^RUNNING/u)
  return daemon
}

/** An address at which the node is reached on this machine. */
function addressOf(ready: Readonly<Record<string, unknown>>): unknown {
  const addresses = ready['addresses']
  return Array.isArray(addresses) ? addresses.find((one) => String(one).includes('/127.0.0.1/')) : undefined
}

/** A Parley of another release, as far as faces can tell: what starts it in place of the one that was built. */
async function anotherVersion(): Promise<readonly string[]> {
  const root = join(import.meta.dirname, '..', '..')
  const other = join(bed.folder, 'other')
  await mkdir(join(other, 'node_modules'), { recursive: true })
  for (const part of ['bin', 'scripts']) await cp(join(root, part), join(other, part), { recursive: true })
  // The build that these sources run as, and no older one beside it.
  const build = newestBuild(join(root, 'dist')) ?? ''
  await cp(build, join(other, 'dist', basename(build)), { recursive: true })
  await mkdir(join(other, 'src'))
  // Without the bundler the newest build is used as it is.
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== 'esbuild') await symlink(join(root, 'node_modules', name), join(other, 'node_modules', name))
  const manifest = await readFile(join(root, 'package.json'), 'utf8')
  await writeFile(join(other, 'package.json'), manifest.replace(/"version": "[^"]*"/u, '"version": "0.0.1"'))
  const spoken = new RegExp(String.raw`(protocol(?::|!==))${FACE_PROTOCOL_VERSION}\b`, 'gu')
  for (const name of await readdir(join(other, 'dist'), { recursive: true })) {
    if (!name.endsWith('.js')) continue
    const file = join(other, 'dist', name)
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(spoken, `$1${FACE_PROTOCOL_VERSION + 1}`))
  }
  // The program that is to be started comes first, then this clone's entry point.
  return ['/bin/sh', '-c', `node=$1; shift 2; exec "$node" ${join(other, 'bin', 'parley.js')} "$@"`, 'sh']
}

async function optionsOf(home: string, env: NodeJS.ProcessEnv = {}): Promise<readonly string[] | undefined> {
  const config = await loadConfig({ flags: {}, env: { ...bed.env(home), ...env } })
  return (await daemonAt(config, AbortSignal.timeout(defaultDeadlineMs)))?.options
}

/** Texts of one writer, by number. */
function numbered(writer: string, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, n) => `${writer}${from + n}`)
}

/** Messages that come close together are gathered into one notice. */
const noticeAfterMs = 3_000
