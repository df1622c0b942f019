// Directories as real processes that share one roster: named with --join, found
// on a LAN, killed, and cut off from each other by a cable.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { eventually, until } from '../eventually.ts'
import { Lan, whyNoNamespaces, type NetHost } from '../netns/lan.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import type { JsonEvent } from '../processes/parley-run.ts'
import { freePorts } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'

let bed: TestBed
beforeEach(async () => {
  bed = await TestBed.make()
})
afterEach(async () => bed[Symbol.asyncDispose]())

interface Joined {
  readonly process: ParleyProcess
  readonly port: number
  readonly peer: string
  readonly shortId: string
}

async function directory(port: number, federationPeers: readonly number[], home = bed.home()): Promise<Joined> {
  const joins = federationPeers.flatMap((federationPeer) => ['--join', String(federationPeer)])
  const process = await bed.start(['directory', '--port', String(port), '--json', ...joins], { home, name: `${port}` })
  const { peer, shortId } = await process.event('listening')
  return { process, port, peer: String(peer), shortId: String(shortId) }
}

/** Who is on the roster of a directory, for one who asks it. */
async function roster({ port }: Joined): Promise<readonly string[]> {
  const asked = await bed.command(['roster', '--directory', String(port), '--json'])
  expect(asked.code, asked.told).toBe(exitCodes.ok)
  const { roster: rows } = JSON.parse(asked.stdout.split('\n')[0] ?? '')
  return rows.map(({ nickname }: { nickname: string }) => nickname).toSorted()
}

const isOf = (one: Joined) => (event: Readonly<Record<string, unknown>>) => event['peer'] === one.peer

describe('directories that were joined', () => {
  test('have one roster, tell each other of the rest, and go on when the one in the middle is killed', async () => {
    const [portA = 0, portB = 0, portC = 0] = await freePorts(3)
    // The middle one starts last: nobody has to be there first.
    const a = await directory(portA, [portB])
    const c = await directory(portC, [portB])
    const b = await directory(portB, [])
    await a.process.event('directory-joined', isOf(b))
    await a.process.event('directory-joined', isOf(c))
    await c.process.event('directory-joined', isOf(a))

    const anna = await bed.host(['--json', '--name', 'anna'], { env: { PARLEY_DIRECTORY: String(portA) } })
    await anna.event('ready')
    await a.process.event('ready')
    await eventually(async () => expect(await roster(c)).toEqual(['anna']))

    await b.process.kill()
    await a.process.event('directory-lost', isOf(b))
    const bob = await bed.host(['--json', '--name', 'bob'], { env: { PARLEY_DIRECTORY: String(portC) } })
    await bob.event('ready')
    await c.process.event('ready')
    await eventually(async () => expect(await roster(a)).toEqual(['anna', 'bob']))
  })

  test('drop what a killed one had attached, not at once, and have it again when it is back', async () => {
    const [portA = 0, portB = 0] = await freePorts(2)
    const home = bed.home()
    const b = await directory(portB, [])
    const a = await directory(portA, [portB], home)
    await b.process.event('directory-joined', isOf(a))
    const anna = await bed.host(['--json', '--name', 'anna'], { env: { PARLEY_DIRECTORY: String(portA) } })
    await a.process.event('ready')
    const watcher = await bed.host(['roster', '--directory', String(portB), '--watch', '--json'])
    await watcher.event('roster', ({ total }) => total === 1)
    const shown = watcher.events().length

    const killedAtMs = performance.now()
    await a.process.kill()
    const isEmpty = ({ event, roster: rows }: JsonEvent): boolean =>
      event === 'roster' && Array.isArray(rows) && rows.length === 0
    await until(() => watcher.events().slice(shown).some(isEmpty), 'nobody is on the roster')
    expect(performance.now() - killedAtMs).toBeGreaterThan(2_500)

    const again = await directory(portA, [portB], home)
    expect(again.peer).toBe(a.peer)
    await again.process.event('ready')
    await eventually(async () => expect(await roster(b)).toEqual(['anna']))
    anna.type('{"do":"quit"}')
    await again.process.event('left')
    await eventually(async () => expect(await roster(b)).toEqual([]))
  })

  test('say on the terminal who joins, who is lost, and who is of another network', async () => {
    const [portA = 0, portB = 0, portC = 0] = await freePorts(3)
    const a = await bed.hostDirectory(portA)
    const b = await directory(portB, [portA])
    // b has dialled a: the port of its connection is another than the one at which it listens.
    await a.shows(new RegExp(`^JOINED directory ${b.shortId} /ip4/\\S+/tcp/${portB}/p2p/${b.peer}$`, 'u'))
    await b.process.kill()
    await a.shows(new RegExp(`^LOST directory ${b.shortId}$`, 'u'))
    const env = { PARLEY_NETWORK: 'elsewhere', PARLEY_JOIN: String(portA) }
    const stranger = await bed.host(['directory', '--port', String(portC), '--json'], { env })
    const { shortId } = await stranger.event('listening')
    await stranger.event('directory-refused', ({ network }) => network === bed.network)
    await a.shows(new RegExp(`^REFUSED directory ${String(shortId)} is of the network elsewhere: not joined$`, 'u'))
  })

  test('say where they listen before whom they are joined with, however fast that goes', async () => {
    const [first = 0, ...ports] = await freePorts(4)
    await bed.hostDirectory(first)
    const later = await Promise.all(
      ports.map(async (port) => bed.host(['directory', '--port', String(port), '--join', String(first), '--http', '0']))
    )
    for (const one of later) {
      await one.hasShown(/^JOINED directory /mu)
      await one.hasShown(/^roster page: /mu)
      const [listening, page] = one.stdout.split('\n')
      expect(listening).toMatch(/^directory \S+ listening on port/u)
      expect(page).toMatch(/^roster page: /u)
    }
  })

  test('are named in the same ways as elsewhere, and a name that is none is reported', async () => {
    const [port = 0] = await freePorts(1)
    const wrong = await bed.command(['directory', '--port', String(port), '--join', 'nowhere'])
    expect(wrong.code, wrong.told).toBe(exitCodes.usage)
    expect(wrong.stderr).toContain('"nowhere" is not an address')
  })
})

const whyNot = await whyNoNamespaces()

describe('on a LAN', () => {
  const hostPort = 8000
  let lan: Lan | undefined

  beforeEach(({ skip }) => {
    skip(whyNot !== undefined, whyNot)
  })
  afterEach(async () => {
    await lan?.remove()
    lan = undefined
  })

  async function onHost(host: NetHost, name: string): Promise<Joined> {
    const env = { PARLEY_HOST: host.address, PARLEY_MDNS: 'true' }
    const args = ['directory', '--port', String(hostPort), '--json']
    const process = await bed.start(args, { name, via: host.wrapper, env })
    const { peer, shortId } = await process.event('listening')
    return { process, port: hostPort, peer: String(peer), shortId: String(shortId) }
  }

  test('directories find each other, notice a cable that is cut, and are joined again after its repair', async () => {
    lan = await Lan.create({ hosts: 2 })
    const [first, second] = [lan.host(0), lan.host(1)]
    const a = await onHost(first, 'a')
    const b = await onHost(second, 'b')
    await a.process.event('directory-joined', isOf(b))
    await b.process.event('directory-joined', isOf(a))
    const count = (one: Joined, event: string): number =>
      one.process.events().filter((each) => each.event === event).length

    await second.cut()
    await Promise.all([a.process.event('directory-lost'), b.process.event('directory-lost')])
    await second.repair()
    const isBack = (one: Joined) => () => count(one, 'directory-joined') >= 2
    await Promise.all([a, b].map(async (one) => one.process.event('directory-joined', isBack(one))))
  })
})
