import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommandLine } from '../../src/cli/main.ts'
import { endEchoedLine } from '../../src/cli/process/io.ts'
import { exitCodes, settingSpecs } from '../../src/node/settings.ts'
import { chatSettings, flagOf } from '../../src/cli/options/option-table.ts'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-cli-'))
})
afterAll(async () => rm(home, { recursive: true, force: true }))

async function parley(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const written = { stdout: '', stderr: '' }
  const collect = (name: keyof typeof written): PassThrough =>
    new PassThrough().on('data', (chunk: Buffer) => (written[name] += chunk.toString()))
  const code = await runCommandLine(
    {
      stdin: new PassThrough(),
      stdout: collect('stdout'),
      stderr: collect('stderr'),
      env: { XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, ...env },
      interrupted: new AbortController().signal,
      surviveOutputFailure: () => undefined
    },
    args
  )
  return { code, ...written }
}

const commands = [
  'chat',
  'send',
  'log',
  'search',
  'export',
  'forget',
  'roster',
  'directory',
  'id',
  'config',
  'demo',
  'completion'
]

describe('invite', () => {
  it('of nobody that could be found says so once, and ends no other way', async () => {
    const { code, stdout, stderr } = await parley(['invite', '--no-mdns', '--network', 'alone', '--host', '127.0.0.1'])
    expect(stderr).toMatch(/^parley: no directory is connected.*\n$/u)
    expect({ code, stdout }).toEqual({ code: exitCodes.unreachable, stdout: '' })
  })
})

describe('help', () => {
  it.each([[], ...commands.map((name) => [name])])('of parley %s has examples and ends with 0', async (...words) => {
    const { code, stdout, stderr } = await parley([...words, '--help'])
    expect(code).toBe(exitCodes.ok)
    expect(stdout).toContain('Usage: parley')
    expect(stdout).toContain('Examples:')
    expect(stderr).toBe('')
  })

  it('of a command is also what parley help COMMAND prints', async () => {
    expect((await parley(['help', 'send'])).stdout).toBe((await parley(['send', '--help'])).stdout)
  })

  it('lists completion as it is listed where completion itself is asked for', async () => {
    const script = 'completion <shell>               print a script that completes parley for a shell'
    const { stdout } = await parley(['--help'])
    expect(stdout.replaceAll(/\s+/gu, ' ')).toContain(script.replaceAll(/\s+/gu, ' '))
    expect((await parley(['--help', 'complete'])).stdout).toBe(stdout)
  })

  it('names every setting of a chat with its flag and environment variable', async () => {
    const { stdout } = await parley(['--help'])
    const words = stdout.replaceAll(/\s+/gu, ' ')
    for (const spec of settingSpecs.filter(({ name }) => chatSettings.includes(name))) {
      expect(words).toContain(flagOf(spec))
      expect(words).toContain(`(env: ${spec.env})`)
    }
  })

  it('and --version load nothing of libp2p', async () => {
    const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
    const script = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
      process.on('exit', () => console.error(JSON.stringify(loaded.filter((url) => /libp2p|multiformats|ink|readline/.test(url)))))
      const { main } = await import(${JSON.stringify(main)})
      await main([process.env.ARGUMENT])`
    for (const argument of ['--help', '--version']) {
      const env = { ...process.env, ARGUMENT: argument }
      const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        env
      })
      expect(stdout).toMatch(argument === '--help' ? /Usage/u : /^\d+\.\d+\.\d+/u)
      expect(stderr.trim()).toBe('[]')
    }
  })
})

describe('a command line that can not be understood', () => {
  it.each([
    [['chatt'], 'there is no command "chatt": did you mean chat?'],
    [['frobnicate'], 'there is no command "frobnicate": there are chat, send'],
    [['stat'], 'there is no command "stat": did you mean status?'],
    [['conifg'], 'there is no command "conifg": did you mean config?'],
    [['block', 'bob'], 'there is no command "block": in the chat there is /block: '],
    [['contact', 'bob', 'robert'], 'parley contact has no command "bob": there are list, rename, remove.'],
    [['config', 'sett'], 'parley config has no setting or command "sett": did you mean parley config set?'],
    [['config', 'unste'], 'did you mean parley config unset?'],
    [['config', 'sett', 'name', 'anna'], 'parley config has no command "sett": did you mean set?'],
    [['config', 'seeen'], 'there is no setting "seeen", did you mean seen'],
    [['profile', 'exprot'], 'parley profile has no command "exprot": did you mean export?'],
    [['anna'], 'To talk to a peer of that name or address: parley chat anna\n'],
    [['192.168.1.7', '4001'], 'To talk to a peer of that name or address: parley chat 192.168.1.7 4001\n'],
    [["o'neil rex"], `parley chat 'o'\\''neil rex'\n`],
    [['help', 'foo'], 'there is no command "foo": there are chat, send'],
    [['help', 'chatt'], 'there is no command "chatt": did you mean chat?'],
    [['--nmae', 'x'], "unknown option '--nmae' (Did you mean --name?)"],
    [['--join', '8000'], "unknown option '--join': it belongs to parley directory\n"],
    [['chat', '--join=8000', 'bob'], "unknown option '--join': it belongs to parley directory\n"],
    [['roster', '--limit', '5'], "unknown option '--limit': it belongs to parley log and parley search\n"],
    [['search', ''], 'parley search needs a word to look for'],
    [['search', ' ', '\t'], 'parley search needs a word to look for'],
    [['directory', '--port', '8000', '--http', '8000'], '--port and --http ask for the same port, 8000'],
    [
      ['send'],
      'parley send needs PEER: a name, a peer ID or its beginning, HOST:PORT or a multiaddr. Example: parley send'
    ],
    [
      ['send', 'bob'],
      'parley send needs TEXT: the message, or - for standard input. Example: parley send bob "the build'
    ],
    [['roster', 'bob'], "too many arguments for 'roster'"],
    [['--name'], "option '--name <NICKNAME>' argument missing"],
    [['--name', 'x', 'roster'], '--name means nothing to parley roster'],
    [['--plain', '--json'], '--plain and --json exclude each other'],
    [['config', '--port', '99999'], '--port: "99999" can\'t be used: expected a port from 1 to 65535'],
    [['config', '--accept', 'some'], 'expected one of ask, lan, all'],
    [['send', 'bob', 'x', '--wait', 'long'], '--wait long: expected seconds'],
    [['log'], 'parley log needs PEER: a contact, a peer ID or its beginning. Example: parley log bob --since 2d\n'],
    [
      ['--name', 'x', 'chat'],
      'parley chat needs PEER: a name, a peer ID or its beginning, the code of an invitation, HOST:PORT, HOST PORT or a'
    ],
    [['chat', '--plain'], 'a multiaddr. Example: parley chat bob\n'],
    [
      ['contact', 'rename'],
      'parley contact rename needs PEER: a contact, a peer ID or its beginning. Example: parley contact rename bob Robert\n'
    ],
    [['config', 'set', 'name'], 'parley config set needs VALUE: '],
    [['completion'], 'parley completion needs shell'],
    [['log', 'bob', '--since', 'monday'], '--since "monday" is no time: give a day (2026-11-22)'],
    [['log', 'bob', '--until', '2026-02-30'], '--until "2026-02-30" is no time'],
    [['log', 'bob', '--limit', '0'], '--limit 0: expected a number from 1 to 10000'],
    [['log', 'bob', '--port', '4000'], "unknown option '--port': it belongs to parley, parley chat, parley send,"],
    [['search', 'x', '--limit', '10001'], 'parley export prints all of the history'],
    [['search'], 'parley search needs WORDS: words, in any order; '],
    [['export', '--json', '--text'], '--json and --text exclude each other'],
    [['export', '--after', 'x'], '--after x: expected the "position" of a message'],
    [['forget', 'bob'], 'add --yes where no one can be asked'],
    [['demo', '--ports', '1,2'], 'expected three different ports'],
    [['\u001b[31m'], 'there is no command']
  ])('%j ends with 2 and says why, once', async (args, message) => {
    const { code, stdout, stderr } = await parley(args)
    expect(code).toBe(exitCodes.usage)
    expect(stderr).toContain(`parley: `)
    expect(stderr).toContain(message)
    expect(stderr.match(/parley: /gu)).toHaveLength(1)
    expect(stderr).not.toContain('\u001b')
    expect(stdout).toBe('')
  })
})

describe('parley config', () => {
  it('shows where each value came from: the flag before the environment before the file', async () => {
    await mkdir(join(home, 'parley'), { recursive: true })
    await writeFile(join(home, 'parley', 'config.json'), '{"name": "file", "network": "file", "accept": "lan"}')
    const env = { PARLEY_NAME: 'environment', PARLEY_NETWORK: 'environment' }
    const { code, stdout } = await parley(
      ['--name', 'flag', 'config', '--directory', '8000', '--directory', '8001', '--no-mdns', '--json'],
      env
    )
    expect(code).toBe(exitCodes.ok)
    const { settings } = JSON.parse(stdout)
    expect(settings).toMatchObject({
      name: { value: 'flag', source: 'flag' },
      network: { value: 'environment', source: 'environment' },
      accept: { value: 'lan', source: 'file' },
      directory: { value: ['8000', '8001'], source: 'flag' },
      mdns: { value: false, source: 'flag' },
      defaultDirectories: { value: true, source: 'default' }
    })
    const { stdout: lines } = await parley(['config'], env)
    expect(lines).toMatch(/^name +environment +environment PARLEY_NAME$/mu)
    expect(lines).toMatch(/^accept +lan +file$/mu)
    await rm(join(home, 'parley', 'config.json'))
  })

  it('shows values as they are written, which give the same again', async () => {
    const given = ['--give-up', '36h', '--keep', '90d', '--contact-quota', '1536MiB', '--min-free', 'none']
    const lists = ['--directory', '8000', '--directory', '8001', '--status', '']
    const { stdout } = await parley(['config', ...given, ...lists])
    const shown = new Map(
      [...stdout.matchAll(/^(\w+) +(\S+) +flag /gmu)].map(([, name = '', value = '']) => [name, value])
    )
    expect(Object.fromEntries(shown)).toEqual({
      giveUp: '36h',
      keep: '90d',
      contactQuota: '1536MiB',
      minFree: 'none',
      directory: '8000,8001',
      status: '-'
    })
    expect((await parley(['config', 'giveUp'])).stdout).toBe('30d\n')
    expect((await parley(['config', 'give-up', '--give-up', 'never'])).stdout).toBe('never\n')
    const { settings } = JSON.parse((await parley(['config', 'keep', '--json'])).stdout)
    expect(settings).toEqual({ keep: { value: null, written: 'forever', source: 'default' } })
    expect((await parley(['config', 'giveup'])).stderr).toContain('there is no setting "giveup", did you mean giveUp;')
  })

  it('writes a setting into the file, takes it out again, and touches nothing else', async () => {
    const file = join(home, 'parley', 'config.json')
    await mkdir(join(home, 'parley'), { recursive: true })
    await writeFile(file, '\ufeff{\n  // who I am\n  "name": "anna",\n  "accept": "lan"\n}\n')
    const set = await parley(['config', 'set', 'give-up', '12h'], { PARLEY_GIVE_UP: '1h' })
    expect(set.stderr).toBe('')
    expect(set.stdout).toBe(
      `giveUp is "12h" in ${file}.\nPARLEY_GIVE_UP in the environment overrides it.\n` +
        'A running parley takes it at its next start.\n'
    )
    for (const words of [
      ['directory', '8000', '192.168.1.7:8000'],
      ['mdns', 'off'],
      ['port', '4001'],
      ['accept', 'all']
    ]) {
      expect(await parley(['config', 'set', ...words])).toMatchObject({ code: exitCodes.ok })
    }
    expect(await readFile(file, 'utf8')).toBe(
      '{\n  // who I am\n  "name": "anna",\n  "accept": "all",\n  "giveUp": "12h",\n' +
        '  "directory": ["8000","192.168.1.7:8000"],\n  "mdns": false,\n  "port": 4001\n}\n'
    )
    expect((await parley(['config'])).stdout).toMatch(/^directory +8000,192\.168\.1\.7:8000 +file$/mu)
    for (const name of ['directory', 'mdns', 'port', 'giveUp']) await parley(['config', 'unset', name])
    expect(await readFile(file, 'utf8')).toBe('{\n  // who I am\n  "name": "anna",\n  "accept": "all"\n}\n')
    await rm(file)
  })

  it('refuses a value that could not be read, before anything is written', async () => {
    const file = join(home, 'parley', 'config.json')
    await rm(file, { force: true })
    for (const [words, message] of [
      [['set', 'port', '99999'], 'port: "99999" can\'t be used: expected a port from 1 to 65535'],
      [['set', 'giveUp', 'soon'], 'giveUp: "soon" can\'t be used: expected a number with s, m, h or d'],
      [['set', 'nmae', 'anna'], 'there is no setting "nmae", did you mean name;'],
      [['set', 'status', 'at', 'work'], 'status takes one value, and 2 were given: quote a text with spaces'],
      [
        ['set', 'name'],
        'parley config set needs VALUE: its value; several of a setting that is a list. Example: parley config set'
      ],
      [['unset', 'name'], `name is not set in ${file}`]
    ] as const) {
      const { code, stderr } = await parley(['config', ...words])
      expect(code).toBe(exitCodes.usage)
      expect(stderr).toContain(message)
    }
    expect(existsSync(file)).toBe(false)
  })

  it('takes a setting out that there is not, which keeps everything else from starting', async () => {
    const file = join(home, 'parley', 'config.json')
    await mkdir(join(home, 'parley'), { recursive: true })
    await writeFile(file, '{"nmae": "anna", "accept": "lan"}')
    expect((await parley(['config'])).code).toBe(exitCodes.usage)
    expect((await parley(['config', 'unset', 'nmae'])).code).toBe(exitCodes.ok)
    expect(await readFile(file, 'utf8')).toBe('{"accept": "lan"}')
    await rm(file)
  })
})

describe('Ctrl-C', () => {
  it.each([
    ['on a terminal ends the line on which it was echoed', { isTTY: true }, '\n'],
    ['in a line editor, which echoes nothing, writes nothing', { isTTY: true, isRaw: true }, null],
    ['without a terminal writes nothing', {}, null]
  ])('%s', (_name, stdin, written) => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true })
    endEchoedLine(stdin, stderr)
    expect(stderr.read()?.toString() ?? null).toBe(written)
  })
})

describe('shell completion', () => {
  it('has a script for each shell and knows commands and options', async () => {
    for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
      // The library writes to the process's own standard output.
      const { stdout } = await realParley(['completion', shell])
      expect(stdout).toContain('parley')
    }
    expect((await realParley(['complete', '--', 'se'])).stdout).toContain('send')
    expect((await realParley(['complete', '--', 'send', '--tr'])).stdout).toContain('--trust-name')
  })
})

async function realParley(args: readonly string[]) {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const script = `const { main } = await import(${JSON.stringify(main)}); await main(JSON.parse(process.env.ARGUMENTS))`
  const env = { ...process.env, ARGUMENTS: JSON.stringify(args) }
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
}
