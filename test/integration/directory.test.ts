// A directory's terminal tells who comes, goes and is lost; its clients find it
// again when it was away; `parley roster` looks in without being seen.
import { randomUUID } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import type { ParleyRun } from '../processes/parley-run.ts'
import { sockets } from '../transport/dialers.ts'
import { freePort, freePorts } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'

let bed: TestBed
beforeEach(async () => {
  bed = await TestBed.make()
})
afterEach(async () => bed[Symbol.asyncDispose]())

interface Client<Run extends ParleyRun = ParleyRun> {
  readonly process: Run
  readonly shortId: string
  /** Where it listens. */
  readonly addresses: string
}

async function client(name: string, ports: readonly number[]): Promise<Client> {
  const process = await bed.host(['--json', '--name', name], { name, env: { PARLEY_DIRECTORY: ports.join(',') } })
  return { process, ...(await placeOf(process)) }
}

async function clientProcess(name: string, port: number): Promise<Client<ParleyProcess>> {
  const process = await bed.start(['--json', '--name', name], { name, env: { PARLEY_DIRECTORY: String(port) } })
  return { process, ...(await placeOf(process)) }
}

async function placeOf(process: ParleyRun): Promise<Omit<Client, 'process'>> {
  const ready = await process.event('ready')
  return { shortId: String(ready['shortId']), addresses: String(ready['addresses']) }
}

describe("a directory's terminal", () => {
  test('has a line for a peer that comes, one that leaves, and one that is lost', async () => {
    const port = await freePort()
    const directory = await bed.directory(port)
    const anna = await client('anna', [port])
    const ready = await directory.shows(new RegExp(`^READY anna ${anna.shortId} (\\S+)$`, 'u'))
    const [, host = '', listeningPort = ''] = /(\S+):(\d+)$/u.exec(ready.line) ?? []
    expect(anna.addresses).toContain(`/tcp/${listeningPort}`)
    expect(anna.addresses).toContain(`/${host.replaceAll(/[[\]]/gu, '')}/`)
    const bob = await clientProcess('bob', port)
    await directory.shows(new RegExp(`^READY bob ${bob.shortId} \\S+$`, 'u'))

    await bob.process.kill()
    anna.process.type('{"do":"quit"}')
    expect((await anna.process.ended()).code).toBe(exitCodes.ok)
    await directory.shows(new RegExp(`^LEFT anna ${anna.shortId}$`, 'u'))
    await directory.shows(new RegExp(`^LOST bob ${bob.shortId}$`, 'u'))
    expect(directory.matching(/^(READY|LEFT|LOST) .*/u)).toEqual(['READY', 'READY', 'LEFT', 'LOST'])
  })

  test('begins with the hosts and the port that a person types to reach it', async () => {
    const port = await freePort()
    const directory = await bed.hostDirectory(port)
    const first = new RegExp(`^directory \\S{12} listening on port ${port} \\((?<hosts>[^)]+)\\), network \\S+$`, 'mu')
    const hosts = first.exec(directory.stdout)?.groups?.['hosts']?.split(', ') ?? []
    expect(hosts, directory.stdout).toContain('127.0.0.1')
    for (const host of hosts) expect(isIP(host), host).not.toBe(0)
    const anna = await client('anna', [port])
    await directory.shows(new RegExp(`^READY anna ${anna.shortId} `, 'u'))
    const roster = await bed.command(['roster', '--directory', `127.0.0.1:${port}`])
    expect(roster.stdout, roster.told).toMatch(new RegExp(`anna +${anna.shortId}`, 'u'))
  })

  test('with --json has the same as events', async () => {
    const port = await freePort()
    const directory = await bed.start(['directory', '--port', String(port), '--json'])
    const listening = await directory.event('listening')
    expect(listening).toMatchObject({ port, network: bed.network })
    const anna = await client('anna', [port])
    const ready = await directory.event('ready')
    expect(ready).toMatchObject({ nickname: 'anna', shortId: anna.shortId })
    anna.process.type('{"do":"quit"}')
    await directory.event('left', ({ peer }) => peer === ready['peer'])
    directory.signal('SIGTERM')
    expect((await directory.ended()).code).toBe(exitCodes.ok)
  })

  test.each([
    [
      'as a line',
      [],
      async (directory: ParleyProcess) => directory.shows(/^CROWDED Too many connections from 127\.0\.0\.[23] \(/u)
    ],
    [
      'as an event',
      ['--json'],
      async (directory: ParleyProcess) => directory.event('crowded', ({ maxOpen }) => maxOpen === 10_000)
    ]
  ])('says %s once that connections have to give way, and lets a client in', async (_how, options, said) => {
    const port = await freePort()
    const directory = await bed.start(['directory', '--port', String(port), '--no-http', ...options])
    await (options.length === 0 ? directory.shows(/listening on port/u) : directory.event('listening'))
    for (const from of ['127.0.0.2', '127.0.0.3']) sockets(600, { port, from })
    await said(directory)
    await client('anna', [port])
    await (options.length === 0 ? directory.shows(/^READY anna /u) : directory.event('ready'))
    expect(directory.matching(/(CROWDED|"crowded")/u)).toHaveLength(1)
  })

  test('says at the prompt which port is none', async () => {
    const directory = await bed.command(['directory', '--port', '99999'])
    expect(directory.code, directory.told).toBe(exitCodes.usage)
    expect(directory.stderr).toMatch(/99999.*expected a port from 1 to 65535/u)
  })
})

describe('a client', () => {
  test('learns that its directory is lost, and registers again when it comes back with the same key', async () => {
    const port = await freePort()
    const home = bed.home()
    const directory = await bed.directory(port, { home })
    const identity = /^directory (\S+)/u.exec(directory.stdout)?.[1]
    const anna = await client('anna', [port])
    const bob = await client('bob', [port])
    await anna.process.event('roster', ({ joined }) => JSON.stringify(joined).includes('"bob"'))
    await directory.kill()
    await anna.process.event('directory', ({ state }) => state === 'waiting')

    const again = await bed.directory(port, { home })
    expect(/^directory (\S+)/u.exec(again.stdout)?.[1]).toBe(identity)
    for (const { shortId } of [anna, bob]) await again.hasShown(new RegExp(`^READY \\S+ ${shortId} `, 'u'))
    const carol = await client('carol', [port])
    await expect.poll(() => rosterOf(carol.process)).toEqual(['anna', 'bob'])
  })

  test('of several directories sees each peer once, and loses nobody when one directory dies', async () => {
    const ports = await freePorts(3)
    const directories = await Promise.all(ports.map(async (port) => bed.directory(port)))
    const anna = await client('anna', ports)
    const bob = await client('bob', ports)
    for (const directory of directories) await directory.hasShown(/^READY bob /u)
    await anna.process.event('roster', ({ joined }) => JSON.stringify(joined).includes('"bob"'))

    const [first, ...others] = directories
    await first?.kill()
    await anna.process.event('directory', ({ state }) => state === 'waiting')
    bob.process.type('{"do":"status","text":"still here"}')
    await anna.process.event('roster', ({ changed }) => JSON.stringify(changed).includes('still here'))
    expect(await rosterOf(anna.process)).toEqual(['bob'])
    expect(anna.process.events().filter(({ event, left }) => event === 'roster' && isNotEmpty(left))).toEqual([])
    for (const directory of others) expect(directory.matching(/^(LEFT|LOST)/u)).toEqual([])
  })

  test('that can have no directory says so, and goes on', async () => {
    const port = await freePort()
    const alone = await bed.host(['--plain', '--directory', String(port)])
    await alone.shows(new RegExp(`^The directory 127\\.0\\.0\\.1:${port} is not connected: nothing listens`, 'u'))
    await alone.shows(/^Nobody else is online\.$/u)
    await alone.shows(/^Peer \(/u)
    await bed.hostDirectory(port)
    await alone.shows(new RegExp(`^Connected to the directory 127\\.0\\.0\\.1:${port}\\.$`, 'u'))
  })
})

describe('a port that is taken', () => {
  test('is named, with what to do and a code of its own', async () => {
    const port = await freePort()
    await bed.hostDirectory(port)
    for (const args of [['directory'], ['--json'], ['send', 'nobody', 'hello']]) {
      const second = await bed.command([...args, '--port', String(port)])
      expect(second.code, second.told).toBe(exitCodes.portTaken)
      expect(second.stderr, second.told).toMatch(
        new RegExp(`^parley: port ${port} is taken by another program: choose another with --port`, 'u')
      )
    }
  })

  test('is reported otherwise than one that this user may not use, or an address that the machine does not have', async ({
    skip
  }) => {
    // Without the privilege, also where root runs the tests.
    const via = ['setpriv', '--inh-caps=-all', '--bounding-set=-all', '--']
    const first = await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').catch(() => '0')
    skip(Number(first) <= 80 || process.getuid?.() !== 0, 'there is no port here that is kept from a user')
    const page = ['directory', '--port', String(await freePort()), '--http']
    const [forbidden, absent] = [
      /^parley: this user may not listen on port 80; /u,
      /^parley: this machine has no address 192\.0\.2\.1 to listen on: /u
    ]
    const cases: readonly (readonly [readonly string[], RegExp, RegExp])[] = [
      [['--json', '--port', '80'], forbidden, /from 1024 on with --port,/u],
      [['directory', '--port', '80'], forbidden, /from 1024 on with --port,/u],
      [[...page, '80'], forbidden, /from 1024 on with --http,/u],
      [['demo', '--ports', '80,81,82'], forbidden, /from 1024 on with --ports,/u],
      [['--json', '--host', '192.0.2.1'], absent, /with --host,/u],
      [['directory', '--host', '192.0.2.1'], absent, /with --host,/u],
      [[...page, '0', '--http-host', '192.0.2.1'], absent, /with --http-host,/u]
    ]
    for (const [args, what, advice] of cases) {
      const { code, stderr, told } = await bed.run(args, { via })
      expect(code, told).toBe(exitCodes.usage)
      expect(stderr, told).toMatch(what)
      expect(stderr, told).toMatch(advice)
    }
  })

  test('is left for another when it is only the usual one, and that is said', async () => {
    const home = bed.home()
    const first = await bed.host(['--plain'], { home })
    const usual = Number((await first.shows(/^You are .*, port (\d+)/u)).match[1])
    await first.shows(/^Peer \(/u)
    first.type('QUIT')
    await first.ended()
    await bed.hostDirectory(usual)
    const second = await bed.host(['--plain'], { home })
    const instead = await second.hasShown(
      new RegExp(`Port ${usual} is taken: Parley listens on port (\\d+) this time`, 'u')
    )
    await second.hasShown(new RegExp(`^You are .*, port ${instead.match[1]}\\b`, 'u'))
  })
})

describe('parley roster', () => {
  test('does not say that nobody is online where no directory answers', async () => {
    const alone = ['roster', '--no-mdns', '--no-default-directories']
    const { stdout } = await bed.command(alone)
    expect(stdout).toBe(
      'Nobody was found. No directory was found, so nothing was searched: --directory HOST:PORT names one.'
    )
    const env = { PARLEY_DIRECTORY: `127.0.0.1:${await freePort()}` }
    const { stdout: named } = await bed.command(alone, { env })
    expect(named).toMatch(
      /^Nobody was found\. No directory answers \(127\.0\.0\.1:\d+: .*\), so nothing was searched\.$/u
    )
    const { stdout: json } = await bed.command([...alone, '--json'])
    expect(JSON.parse(json)).toEqual({ event: 'roster', total: 0, directories: 0, roster: [] })
  })

  test('prints who is at a directory, once, and is seen by nobody', async () => {
    const port = await freePort()
    const directory = await bed.hostDirectory(port)
    const empty = await bed.command(['roster', '--directory', String(port)])
    expect(empty.code, empty.told).toBe(exitCodes.ok)
    expect(empty.stdout).toBe('Nobody is online.')
    const anna = await client('anna', [port])
    const bob = await client('bob', [port])

    const home = bed.home()
    const looked = await bed.command(['roster', '--directory', String(port)], { home })
    expect(looked.code, looked.told).toBe(exitCodes.ok)
    const rows = looked.stdout
      .split('\n')
      .flatMap((line) => /^ +\d+ +(\S+) +(\S{12}) +127\.0\.0\.1 +\d+/u.exec(line)?.slice(1, 3) ?? [])
    expect(rows).toEqual(['anna', anna.shortId, 'bob', bob.shortId])
    const json = await bed.command(['roster', '--directory', String(port), '--json'])
    expect(namesIn(JSON.parse(json.stdout))).toEqual(['anna', 'bob'])
    const around = await bed.command(['roster'], { env: { PARLEY_DIRECTORY: String(port) } })
    expect(around.stdout, around.told).toContain(anna.shortId)

    expect(directory.matching(/^READY (\S+)/u)).toEqual(['anna', 'bob'])
    expect(await keysIn(home)).toEqual([]) // who only looks needs no identity
  })

  test('with --watch goes on, line by line or as JSON', async () => {
    const port = await freePort()
    const directory = await bed.hostDirectory(port)
    const watch = ['roster', '--directory', String(port), '--watch']
    const lines = await bed.start(watch, { name: 'roster --watch' })
    const events = await bed.start([...watch, '--json'], { name: 'roster --watch --json' })
    await lines.shows(/^Nobody/u)
    await events.event('roster', ({ total }) => total === 0)
    const anna = await client('anna', [port])
    await lines.shows(/ anna /u)
    await events.event('roster', (event) => namesIn(event).join() === 'anna')
    anna.process.type('{"do":"quit"}')
    await lines.shows(/anna .*has gone/u)
    await expect.poll(() => namesIn(events.events().at(-1))).toEqual([])
    expect(directory.matching(/^READY (\S+)/u)).toEqual(['anna'])
    for (const watching of [lines, events]) {
      watching.signal('SIGINT')
      expect((await watching.ended()).code).toBe(exitCodes.ok)
    }
  })

  test('of a directory that is not there ends with what to do', async () => {
    const gone = await bed.command(['roster', '--directory', String(await freePort())])
    expect(gone.code, gone.told).toBe(exitCodes.unreachable)
    expect(gone.stderr, gone.told).toMatch(/^parley: nothing listens at 127\.0\.0\.1:\d+: check the port/u)
    const wrong = await bed.command(['roster', '--directory', '127.0.0.1:99999'])
    expect(wrong.code, wrong.told).toBe(exitCodes.usage)
  })

  test('of a peer that is no directory says that it is none', async () => {
    const port = await freePort()
    const peer = await bed.host(['--json', '--port', String(port)])
    await peer.event('ready')
    const looked = await bed.command(['roster', '--directory', String(port)])
    expect(looked.code, looked.told).toBe(exitCodes.unreachable)
    expect(looked.stderr, looked.told).toMatch(/is no Parley directory: check the address/u)
  })

  test('of a directory of another network says so', async () => {
    const port = await freePort()
    await bed.hostDirectory(port)
    const other = await bed.command(['roster', '--directory', String(port), '--network', 'another'])
    expect(other.code, other.told).not.toBe(exitCodes.ok)
    expect(other.stderr, other.told).toMatch(new RegExp(`network.*${bed.network}`, 'u'))
  })
})

/** Asks the process for its roster as it is now. */
async function rosterOf(process: ParleyRun): Promise<readonly string[]> {
  const tag = randomUUID()
  process.type(JSON.stringify({ do: 'who', tag }))
  return namesIn(await process.event('done', (done) => done['tag'] === tag))
}

function namesIn(event: unknown): readonly string[] {
  if (typeof event !== 'object' || event === null || !('roster' in event) || !Array.isArray(event.roster)) return ['?']
  return event.roster.map(({ nickname }: { nickname: unknown }) => String(nickname))
}

function isNotEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0
}

async function keysIn(home: string): Promise<readonly string[]> {
  const files = await readdir(home, { recursive: true })
  const keys = files.filter((file) => file.endsWith('.key'))
  return Promise.all(keys.map(async (file) => readFile(join(home, file), 'base64')))
}
