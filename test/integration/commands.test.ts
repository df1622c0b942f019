// The commands beside the chat: help, versions, mistakes on the command line,
// identity, settings and where they come from, a Node that is too old, and the
// JSON face as a script meets it.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { settingSpecs } from '../../src/node/config/setting-specs.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'
import { keyFileIn, profileIn } from '../processes/homes.ts'

const commands = [
  'chat',
  'send',
  'roster',
  'directory',
  'log',
  'search',
  'export',
  'forget',
  'status',
  'verify',
  'id',
  'config',
  'profile',
  'unlock',
  'demo',
  'completion'
]
const packageFile = join(import.meta.dirname, '..', '..', 'package.json')

let bed: TestBed
beforeAll(async () => {
  bed = await TestBed.make()
})
afterAll(async () => bed[Symbol.asyncDispose]())

describe.concurrent('help', () => {
  test('and the version are printed on standard output, and touch nothing', async () => {
    const { version }: { version: string } = JSON.parse(await readFile(packageFile, 'utf8'))
    const home = bed.home()
    for (const flag of ['--version', '-V']) {
      const said = await bed.run([flag], { home })
      expect(said, said.told).toMatchObject({ code: exitCodes.ok, stdout: version, stderr: '' })
    }
    const help = await bed.command(['--help'], { home })
    expect(help.code, help.told).toBe(exitCodes.ok)
    for (const command of commands) expect(help.stdout, help.told).toMatch(new RegExp(`^  ${command} `, 'mu'))
    for (const { of, env } of settingSpecs) {
      if (of !== 'directory') expect(help.stdout, help.told).toContain(env)
    }
    expect(existsSync(join(home, 'data'))).toBe(false)
  })

  test.each(commands)('of %s has its usage and examples that begin with parley', async (command) => {
    for (const args of [
      [command, '--help'],
      ['help', command]
    ]) {
      const help = await bed.command(args)
      expect(help, help.told).toMatchObject({ code: exitCodes.ok, stderr: '' })
      expect(help.stdout, help.told).toMatch(new RegExp(`^Usage: parley ${command}\\b`, 'u'))
      expect(help.stdout, help.told).toMatch(/^Examples:\n {2}.*parley/mu)
    }
  })

  test('of send names every exit code that it can end with', async () => {
    const { stdout } = await bed.command(['send', '--help'])
    const { ok, peerNotFound, unreachable, held, unconfirmed, refused, profileInUse, keyChanged } = exitCodes
    const codes = stdout.match(/\b\d(?= {2})/gu)?.map(Number)
    expect(codes).toEqual(
      expect.arrayContaining([ok, peerNotFound, unreachable, held, unconfirmed, refused, profileInUse, keyChanged])
    )
  })
})

test('PARLEY_DEBUG=1 names the place of an error in the sources, not in what was built from them', async () => {
  const args = ['log', 'bob', '--profile', 'nobody-has-it']
  const said = await bed.run(args, { env: { PARLEY_DEBUG: '1' } })
  expect(said.stderr, said.told).toMatch(/^ {4}at \w+ \(\/.*\/src\/node\/[\w/-]+\.ts:\d+:\d+\)$/mu)
  expect((await bed.run(args)).stderr, said.told).not.toMatch(/^ {4}at /mu)
})

describe.concurrent('a mistake on the command line', () => {
  const mistakes: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an unknown command', ['frobnicate'], /there is no command "frobnicate": there are .*send/u],
    ['a mistyped command', ['rooster'], /there is no command "rooster": did you mean roster\?/u],
    ['an unknown option', ['--frobnicate'], /unknown option '--frobnicate'/u],
    ['an unknown option of a command', ['send', 'bob', 'hello', '--frobnicate'], /unknown option '--frobnicate'/u],
    ['an option without its value', ['--name'], /'--name <NICKNAME>' argument missing/u],
    ['an argument too many', ['id', 'bob'], /too many arguments/u],
    ['no PEER', ['chat'], /parley chat needs PEER: a name, .* a multiaddr\. Example: parley chat bob$/mu],
    [
      'a setting that can mean nothing there',
      ['--accept', 'all', 'roster'],
      /--accept means nothing to parley roster/u
    ],
    [
      'a value that can not be',
      ['--accept', 'nobody'],
      /--accept: "nobody" can't be used: expected one of ask, lan, all/u
    ],
    ['a port that is none', ['--port', '0'], /--port: "0" can't be used: expected a port from 1 to 65535/u],
    ['a time that is none', ['--give-up', 'soon'], /--give-up: "soon" can't be used/u],
    ['a network name that is none', ['--network', 'a b'], /--network: "a b" can't be used: expected up to 32 letters/u],
    ['a nickname that is too long', ['--json', '--name', 'x'.repeat(65)], /64/u],
    ['a directory that is no address', ['--directory', 'nowhere', '--json'], /"nowhere" is not an address/u],
    ['two faces at once', ['--plain', '--json'], /--plain and --json exclude each other/u]
  ]

  test.each(mistakes)('%s is named, on standard error, and the exit code is 2', async (_, args, message) => {
    const ended = await bed.command(args)
    expect(ended.code, ended.told).toBe(exitCodes.usage)
    expect(ended.stderr, ended.told).toMatch(/^parley: /u)
    expect(ended.stderr, ended.told).toMatch(message)
    expect(ended.stdout, ended.told).toBe('')
  })
})

describe.concurrent('parley id', () => {
  test('prints an identity that stays, in a file that nobody else may read', async () => {
    const home = bed.home()
    const first = await bed.run(['id'], { home })
    const second = await bed.command(['id'], { home })
    expect(first.code, first.told).toBe(exitCodes.ok)
    expect(first.stdout).toMatch(/^Peer ID: +12D3KooW\w{44} \(short: \w{12}\)$/mu)
    expect(second.stdout).toBe(first.stdout)
    const key = keyFileIn(home)
    expect((await stat(key)).mode & 0o777).toBe(0o600)

    const other = await bed.command(['id', '--json', '--profile', 'work'], { home })
    const { peer, profile, addresses }: Record<string, unknown> = JSON.parse(other.stdout)
    expect(profile).toBe('work')
    expect(first.stdout).not.toContain(String(peer))
    expect(addresses).toEqual([
      expect.stringMatching(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+/p2p/${String(peer)}$`, 'u'))
    ])
    const qr = await bed.command(['id', '--qr'], { home })
    expect(qr.stdout.split('\n').filter((line) => /[█▀▄]/u.test(line)).length).toBeGreaterThan(10)
  })
})

test('doctor examines the port of the profile, whether a parley runs or not', async () => {
  const home = bed.home()
  await bed.command(['id'], { home })
  const { port }: { port: number } = JSON.parse(await readFile(join(profileIn(home), 'book.json'), 'utf8'))
  const report = await bed.command(['doctor'], { home })
  expect(report.stdout, report.told).toContain(`TCP port ${port} `)
})

describe.concurrent('parley config', () => {
  test('shows what the profile remembers in place of a default, and of that profile alone', async () => {
    const home = bed.home()
    const book = profileIn(home)
    await bed.command(['id'], { home })
    const { port }: { port: number } = JSON.parse(await readFile(join(book, 'book.json'), 'utf8'))
    await writeFile(join(book, 'book.json'), JSON.stringify({ port, nickname: 'ada' }))
    const shown = await bed.command(['config'], { home })
    expect(shown.stdout, shown.told).toMatch(/^name +ada +profile$/mu)
    expect(shown.stdout).toMatch(new RegExp(`^port +${port} +profile$`, 'mu'))
    const given = JSON.parse((await bed.command(['config', '--json', '--name', 'bea'], { home })).stdout).settings
    expect(given).toMatchObject({ name: { value: 'bea', source: 'flag' }, port: { value: port, source: 'profile' } })
    const other = JSON.parse((await bed.command(['config', '--json', '--profile', 'work'], { home })).stdout).settings
    expect(other).toMatchObject({
      name: { value: 'work', source: 'default' },
      port: { value: null, source: 'default' }
    })
  })

  test('tells each setting, its value and where it came from, from weak to strong', async () => {
    const home = bed.home()
    const folder = join(home, 'config', 'parley')
    await mkdir(folder, { recursive: true })
    const file = join(folder, 'config.json')
    const inFile = { name: 'from the file', status: 'from the file', accept: 'lan', directory: ['8100', '8101'] }
    await writeFile(file, JSON.stringify(inFile))
    const env = { PARLEY_NAME: 'from the environment', PARLEY_STATUS: 'from the environment' }
    const shown = await bed.command(['config', '--json', '--name', 'from the flag'], { home, env })
    expect(shown.code, shown.told).toBe(exitCodes.ok)
    expect(JSON.parse(shown.stdout)).toMatchObject({
      file,
      settings: {
        name: { value: 'from the flag', source: 'flag' },
        status: { value: 'from the environment', source: 'environment' },
        accept: { value: 'lan', source: 'file' },
        directory: { value: ['8100', '8101'], source: 'file' },
        profile: { value: 'default', source: 'default' },
        network: { value: bed.network, source: 'environment' },
        mdns: { value: false, source: 'environment' }
      }
    })

    const lines = (await bed.command(['config', '--name', 'from the flag'], { home, env })).stdout
    for (const { name } of settingSpecs) expect(lines).toMatch(new RegExp(`^${name} +\\S`, 'mu'))
    expect(lines).toMatch(/^name +from the flag +flag --name$/mu)
    expect(lines).toMatch(/^status +from the environment +environment PARLEY_STATUS$/mu)
    expect(lines).toMatch(/^accept +lan +file$/mu)
    expect(lines).toMatch(/^profile +default +default$/mu)
    expect(lines).toContain(file)
  })

  test('says what is wrong in the file or the environment, and where', async () => {
    const home = bed.home()
    const folder = join(home, 'config', 'parley')
    await mkdir(folder, { recursive: true })
    const cases: readonly (readonly [string, RegExp])[] = [
      ['{"nick": "anna"}', /config\.json: there is no setting "nick"; there are .*name/u],
      ['{"port": 99999}', /config\.json, port: 99999 can't be used: expected a port/u],
      ['{"name": ', /config\.json is not JSON/u],
      ['[]', /config\.json must hold one JSON object/u]
    ]
    for (const [content, message] of cases) {
      await writeFile(join(folder, 'config.json'), content)
      const shown = await bed.command(['config'], { home })
      expect(shown.code, shown.told).toBe(exitCodes.usage)
      expect(shown.stderr, shown.told).toMatch(message)
    }
    const inEnvironment = await bed.command(['config'], { env: { PARLEY_MDNS: 'perhaps' } })
    expect(inEnvironment.code, inEnvironment.told).toBe(exitCodes.usage)
    expect(inEnvironment.stderr).toMatch(/PARLEY_MDNS: "perhaps" can't be used: expected true or false/u)
  })
})

describe.concurrent('the start', () => {
  test('on a Node that is too old says so in one line and ends with 1', async () => {
    const { node, env } = await anOldNode()
    const ended = await bed.run(['--version'], { node, env })
    expect(ended.code, ended.told).toBe(exitCodes.unexpected)
    expect(ended.stderr, ended.told).toMatch(
      /^parley needs Node 24\.7 or newer and this is Node (20|1\d|2[0-3])\..*npm start.*$/u
    )
    expect(ended.stdout).toBe('')
  })

  test('needs no terminal, asks nothing, and ends with its input', async () => {
    const ended = await bed.run([], { input: '' })
    expect(ended.code, ended.told).toBe(exitCodes.ok)
    expect(ended.stdout, ended.told).toMatch(/^You are \S+ \(\w{12}\), host 127\.0\.0\.1, port \d+\.$/mu)
    expect(ended.stdout, ended.told).toMatch(/^Nobody else is online\.$/mu)
  })

  test('says why where its folder can not be written', async () => {
    const home = bed.home()
    await mkdir(home)
    await writeFile(join(home, 'data'), 'a file where the folder should be')
    const ended = await bed.command(['--json'], { home })
    expect(ended.code, ended.told).not.toBe(exitCodes.ok)
    expect(ended.stderr, ended.told).toMatch(new RegExp(`^parley: .*${join(home, 'data')}`, 'u'))
    expect(ended.stdout, ended.told).toBe('')
  })

  test('ends with 130 when it is interrupted', async () => {
    const chat = await bed.start(['--json'])
    await chat.event('ready')
    chat.signal('SIGINT')
    expect((await chat.ended()).code, chat.output.describe()).toBe(exitCodes.interrupted)
  })
})

// In processes of their own: what completes writes to the standard output of the process.
describe.concurrent('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('prints a script for %s', async (shell) => {
    const script = await bed.run(['completion', shell])
    expect(script, script.told).toMatchObject({ code: exitCodes.ok, stderr: '' })
    expect(script.stdout, script.told).toContain('parley')
  })

  test('offers the commands', async () => {
    const offered = await bed.run(['complete', '--', 'ro'])
    expect(offered.code, offered.told).toBe(exitCodes.ok)
    expect(offered.stdout, offered.told).toMatch(/^roster\b/mu)
  })
})

describe.concurrent('parley --json', () => {
  test('prints nothing but JSON, and answers each line', async () => {
    const chat = await bed.start(['--json', '--name', 'anna'])
    const ready = await chat.event('ready')
    expect(ready).toMatchObject({ version: 1, nickname: 'anna', network: bed.network, roster: [], directories: [] })
    const answers: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
      ['{"do":"frobnicate","tag":1}', { event: 'error', code: 'unknown-command', do: 'frobnicate' }],
      ['{"do":"msg","peer":"bob","tag":2}', { event: 'error', code: 'bad-arguments' }],
      ['{"do":"msg","peer":"nobody","text":"hello","tag":3}', { event: 'error', code: 'peer-not-found', exitCode: 3 }],
      [
        '{"do":"msg","peer":"127.0.0.1:0","text":"hello","tag":4}',
        { event: 'error', code: 'bad-address', exitCode: 2 }
      ],
      ['{"do":"who","tag":"five"}', { event: 'done', do: 'who', roster: [] }],
      ['{"do":"id","tag":6}', { event: 'done', nickname: 'anna', peer: ready['peer'] }]
    ]
    for (const [line, answer] of answers) {
      chat.type(line)
      const { tag }: { tag: unknown } = JSON.parse(line)
      const event = await chat.event(String(answer['event']), (one) => one['tag'] === tag)
      expect(event).toMatchObject(answer)
    }
    for (const line of ['not JSON', '[1]', '{"do":7}', '"\u001b[2J"']) chat.type(line)
    await chat.output.until('four more errors', 20_000, () =>
      chat.events().filter(({ event, tag }) => event === 'error' && tag === undefined).length === 4 ? true : undefined
    )
    chat.type('{"do":"help"}')
    const help = await chat.event('done', (done) => done['do'] === 'help')
    expect(JSON.stringify(help)).toMatch(/"do":"quit"/u)
    chat.type('{"do":"quit"}')
    expect((await chat.ended()).code).toBe(exitCodes.ok)
    expect(chat.events().at(-1)).toMatchObject({ event: 'bye', reason: 'quit' })
    expect(chat.stderr).toBe('')
  })

  test('has a conversation: each side learns what the other sends, and when it enters and leaves', async () => {
    const port = await freePort()
    const anna = await bed.host(['--json', '--name', 'anna', '--port', String(port)], { name: 'anna' })
    const bob = await bed.start(['--json', '--name', 'bob'], { name: 'bob' })
    await anna.event('ready')
    const self = String((await bob.event('ready'))['peer'])
    bob.type(JSON.stringify({ do: 'open', peer: `127.0.0.1:${port}`, tag: 'open' }))
    await bob.event('done', ({ tag }) => tag === 'open')
    await anna.event('entered', ({ peer }) => peer === self)
    anna.type(JSON.stringify({ do: 'open', peer: self, tag: 'open' }))
    await bob.event('entered')
    const hostile = 'tab\t escape\u001b[2J right-to-left \u202e end'
    anna.type(JSON.stringify({ do: 'msg', peer: self, text: hostile, wait: 20, tag: 'said' }))
    await anna.event('done', ({ tag, message }) => tag === 'said' && JSON.stringify(message).includes('"delivered"'))
    await bob.event('message', ({ text, direction }) => text === hostile && direction === 'in')
    for (const raw of ['\u001b', '\u202e']) expect(bob.stdout).not.toContain(raw)
    bob.type(JSON.stringify({ do: 'exit', peer: `127.0.0.1:${port}` }))
    await anna.event('left', ({ peer, reason }) => peer === self && reason === 'left')
    bob.endInput()
    expect((await bob.ended()).code).toBe(exitCodes.ok)
    expect(bob.events().at(-1)).toMatchObject({ event: 'bye', reason: 'end of input' })
  })
})

/** The system's own Node where it is too old; elsewhere a Node that is made to say that it is. */
async function anOldNode(): Promise<{ node: string; env: NodeJS.ProcessEnv }> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  for (const node of folders.map((folder) => join(folder, 'node')).filter((path) => existsSync(path))) {
    const major = Number(/^v(\d+)/u.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[1])
    if (major < 24) return { node, env: {} }
  }
  const folder = bed.home()
  await mkdir(folder)
  const preload = join(folder, 'old.cjs')
  await writeFile(
    preload,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })"
  )
  const node = join(folder, 'node')
  await writeFile(node, `#!/bin/sh\nexec '${process.execPath}' --require '${preload}' "$@"\n`)
  await chmod(node, 0o755)
  return { node, env: {} }
}
