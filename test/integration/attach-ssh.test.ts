// The chat of another machine over ssh: a real sshd and a real ssh, both on this
// machine, with keys made for the test.
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/settings.ts'
import { eventually } from '../eventually.ts'
import { SshMachine } from '../processes/ssh-machine.ts'
import { TestBed } from '../processes/test-bed.ts'

const run = promisify(execFile)
/** Half of a round trip across an ocean. */
const oneWayMs = 50

let bed: TestBed
let there: SshMachine | undefined
beforeEach(async () => {
  bed = await TestBed.make()
})
afterEach(async () => {
  there?.stop()
  await bed[Symbol.asyncDispose]()
})

/** @returns a PATH on which `ssh` reaches the machine as the host `there`, over a line that takes so long each way */
async function startSshd(delayMs = 0): Promise<string> {
  there = await SshMachine.start(join(bed.folder, 'ssh'), { delayMs })
  return there.path
}

/** How parley is called at the far end: in the home of its daemon. */
function remoteCommand(home: string): string {
  return SshMachine.parley(bed.env(home))
}

describe.skipIf(!SshMachine.isPossible)('over ssh', () => {
  test('the chat of the other machine is here, goes on after the line was cut, and leaves the daemon running', async () => {
    const path = await startSshd()
    const home = bed.home()
    const daemon = await bed.start(['daemon', '--name', 'anna', '--accept', 'all'], { home, name: 'the daemon' })
    await daemon.shows(/^RUNNING anna/u)
    const args = ['attach', 'ssh:there', '--remote-command', remoteCommand(home), '--json']
    const face = await bed.start(args, { env: { PATH: path }, name: 'the face' })
    const self = await face.event('ready')
    expect(self).toMatchObject({ nickname: 'anna' })
    await daemon.shows(/^FACES 1 attached$/u)

    const bob = await bed.start(['--json', '--name', 'bob'], { name: 'bob' })
    await bob.event('ready')
    const addresses = Array.isArray(self['addresses']) ? self['addresses'] : []
    bob.type(JSON.stringify({ do: 'open', peer: String(addresses[0]) }))
    bob.type(JSON.stringify({ do: 'send', peer: self['peer'], text: 'over the hills' }))
    await face.event('message', (event) => event['text'] === 'over the hills')

    // The process of ssh that the face has started.
    const { stdout } = await run('pgrep', ['-P', String(face.pid), 'ssh'])
    process.kill(Number(stdout.trim()))
    await face.event('notice', (event) => event['code'] === 'node-gone')
    await face.event('notice', (event) => event['code'] === 'node-back')
    bob.type(JSON.stringify({ do: 'send', peer: self['peer'], text: 'and far away' }))
    await face.event('message', (event) => event['text'] === 'and far away')

    face.type(JSON.stringify({ do: 'quit' }))
    expect((await face.ended()).code).toBe(0)
    await eventually(() => daemon.shows(/^FACES 0 attached$/u))
  })

  test('over a long line that is cut without a word, both sides notice, and the face goes on when it is whole', async () => {
    const path = await startSshd(oneWayMs)
    const home = bed.home()
    const daemon = await bed.start(['daemon', '--name', 'anna', '--accept', 'all'], { home, name: 'the daemon' })
    await daemon.shows(/^RUNNING anna/u)
    const args = ['attach', 'ssh:there', '--remote-command', remoteCommand(home), '--json']
    const face = await bed.start(args, { env: { PATH: path }, name: 'the face' })
    const self = await face.event('ready')
    const bob = await bed.start(['--json', '--name', 'bob', '--accept', 'all'], { name: 'bob' })
    const { peer } = await bob.event('ready')
    const addresses = Array.isArray(self['addresses']) ? self['addresses'] : []
    bob.type(JSON.stringify({ do: 'open', peer: String(addresses[0]) }))
    await face.event('entered')
    face.type(JSON.stringify({ do: 'send', peer, text: 'far away' }))
    await face.event('sent', (event) => event['text'] === 'far away')

    there?.line.cut()
    await daemon.shows(/^FACES 0 attached$/u)
    await face.event('notice', (event) => event['code'] === 'node-gone')
    bob.type(JSON.stringify({ do: 'send', peer: self['peer'], text: 'meanwhile' }))
    await bob.event('sent', (event) => event['text'] === 'meanwhile')
    there?.line.mend()
    await face.event('notice', (event) => event['code'] === 'node-back')
    await face.event('message', (event) => event['text'] === 'meanwhile')
    face.type(JSON.stringify({ do: 'send', peer, text: 'back again' }))
    await bob.event('message', (event) => event['text'] === 'back again')
  })

  test('where nothing runs, and where parley is not found, that is said', async () => {
    const path = await startSshd()
    const env = { PATH: path }
    const nobody = await bed.run(['attach', 'ssh:there', '--remote-command', remoteCommand(bed.home()), '--json'], {
      env
    })
    expect(nobody.code).toBe(4)
    expect(nobody.stderr).toMatch(/nothing runs on the profile default here[^]*no Parley answered at there/u)
    const missing = await bed.run(['attach', 'ssh:there', '--remote-command', 'no-such-command', '--json'], { env })
    expect(missing.code).toBe(4)
    expect(missing.stderr).toMatch(/no-such-command has to be found there/u)
  })
})

test('a port is passed to ssh, and a missing ssh is named', async () => {
  const bin = join(bed.folder, 'fake')
  await mkdir(bin)
  await writeFile(join(bin, 'ssh'), '#!/bin/sh\necho "asked for $*" >&2\n', { mode: 0o755 })
  for (const [where, words] of [
    ['ssh:127.0.0.1:2200', '-p 2200 .* -- 127.0.0.1 parley'],
    ['ssh://anna@host:2222/', '-p 2222 .* -- anna@host parley'],
    ['ssh:anna@[::1]:22', '-p 22 .* -- anna@::1 parley'],
    ['ssh:::1', '^(?!.*-p ).* -- ::1 parley']
  ] as const) {
    const asked = await bed.run(['attach', where, '--json'], { env: { PATH: `${bin}:/usr/bin:/bin` } })
    expect(asked.stderr).toMatch(new RegExp(words, 'u'))
  }
  const without = await bed.command(['attach', 'ssh:there', '--json'], { env: { PATH: bed.folder } })
  expect(without.code).toBe(exitCodes.unreachable)
  expect(without.stderr).toContain("the ssh program can't be started")
})

test('a host that ssh would take for an option is refused', async () => {
  for (const where of ['ssh:-oProxyCommand=id', 'home.example', 'ssh:', 'ssh:a b']) {
    const refused = await bed.run(['attach', where])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('is no place to attach to')
  }
})
