// The case study that Parley grew from, step by step, with the real commands:
// three directories, two people who type the same command into two terminals of
// one home, host and port, a conversation that outlives every directory, EXIT
// and QUIT. Once on pipes, where every line can be counted, and once in real
// terminals, where people will do it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ParleyProcess } from '../processes/parley-process.ts'
import { freePort, freePorts } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'
import { hasTmux, type Terminal } from '../processes/terminal.ts'

const linesEachWay = 10
const directoryCount = 3

let bed: TestBed
beforeEach(async () => {
  bed = await TestBed.make()
})
afterEach(async () => bed[Symbol.asyncDispose]())

/** `  1  anna   12D3…xyz  127.0.0.1  41234  directory`, as a list and as a change of it. */
const row = (name: string): RegExp =>
  new RegExp(`^ *\\+? *(?<number>\\d+) +${name} +\\S+ +(?<host>\\d+\\.\\d+\\.\\d+\\.\\d+) +(?<port>\\d+) `, 'mu')

describe('on pipes', () => {
  test('two people who type the same command find each other, talk, and go on talking when every directory is dead', async () => {
    const ports = await freePorts(directoryCount)
    const directories = await Promise.all(ports.map(async (port) => bed.directory(port)))
    const home = bed.home()
    const command = ['--plain', ...ports.flatMap((port) => ['--directory', String(port)])]

    const first = await bed.start(command, { home, name: 'the first terminal' })
    const firstName = (await first.shows(/^You are (\S+) \((?<id>\S+)\), host 127\.0\.0\.1, port \d+/u)).match
    const anna = firstName[1] ?? ''
    await first.shows(/^Connected to the director(y|ies) 127\.0\.0\.1:\d+/u)
    await Promise.all(
      directories.map(async (d) => d.shows(new RegExp(`^READY ${anna} ${firstName.groups?.['id']} \\S+`, 'u')))
    )
    await first.shows(/^Nobody else is online\.$/u)
    await first.shows(/^Peer \(name, number, address or host\):/u)

    const second = await bed.start(command, { home, name: 'the second terminal' })
    await second.shows(/^The profile default is in use by another parley: this is default-2\.$/u)
    const secondName = (await second.shows(/^You are (\S+) \((?<id>\S+)\)/u)).match
    const bob = secondName[1] ?? ''
    expect(secondName.groups?.['id']).not.toBe(firstName.groups?.['id'])
    await Promise.all(
      directories.map(async (d) => d.shows(new RegExp(`^READY ${bob} ${secondName.groups?.['id']} \\S+`, 'u')))
    )

    const atAnna = (await second.shows(row(anna))).match.groups
    const atBob = (await first.shows(row(bob))).match.groups
    expect(atAnna?.['port']).not.toBe(atBob?.['port'])

    await chooseByHostAndPort(second, atAnna)
    await second.shows(new RegExp(`^Conversation with ${anna} `, 'u'))
    await first.shows(new RegExp(`^${bob} has opened a conversation with you`, 'u'))
    await chooseByHostAndPort(first, atBob)
    await first.shows(new RegExp(`^Conversation with ${bob} `, 'u'))
    await Promise.all([
      first.hasShown(new RegExp(`^Connected to ${bob} `, 'u')),
      second.hasShown(new RegExp(`^Connected to ${anna} `, 'u')),
      second.hasShown(new RegExp(`^${anna} is in the conversation\\.$`, 'u'))
    ])

    await talk(first, second, { names: [anna, bob], what: 'with directories' })

    await Promise.all(directories.map(async (directory) => directory.kill()))
    await Promise.all([first, second].map(async (one) => one.shows(/No directory is connected now/u)))
    await talk(first, second, { names: [anna, bob], what: 'without any' })

    const before = second.output.length
    second.type('EXIT')
    await second.output.shows(row(anna), { from: before })
    await first.shows(new RegExp(`^${bob} has left the conversation`, 'u'))
    first.type('EXIT')
    await first.shows(row(bob))

    second.type('QUIT')
    await first.shows(new RegExp(`${bob} .*has gone\\.$`, 'u'))
    await first.shows(/^Nobody else is online\.$/u)
    expect((await second.ended()).code).toBe(0)
    first.type('QUIT')
    expect((await first.ended()).code).toBe(0)
  })
})

describe.skipIf(!hasTmux)('in terminals', () => {
  test('the case study goes through as people type it', async () => {
    const ports = await freePorts(directoryCount)
    const directories: Terminal[] = []
    for (const [index, port] of ports.entries()) {
      const directory = await bed.terminal(['directory'], { name: `directory ${index + 1}` })
      await directory.shows(/^Port/mu)
      await directory.type(String(port))
      await directory.shows(/^directory .*listening on /mu)
      directories.push(directory)
    }
    const client = { home: bed.home(), env: { PARLEY_DIRECTORY: ports.join(',') } }

    const first = await bed.terminal(['--plain'], { ...client, name: 'the first terminal' })
    const [, anna = ''] = await first.shows(/^You are (\S+) \(/mu)
    await first.shows(/^Connected to the director(y|ies) 127\.0\.0\.1:\d+/mu)
    await first.shows(/^Nobody else is online\.$/mu)
    await first.shows(/^Peer \(name, number, address or host\):$/mu)
    await Promise.all(directories.map(async (d) => d.shows(new RegExp(`^READY ${anna} \\S+ \\S+`, 'mu'))))

    const second = await bed.terminal(['--plain'], { ...client, name: 'the second terminal' })
    await second.shows(new RegExp(`^Parley already runs on your profile: you are ${anna} `, 'mu'))
    await second.shows(/^Enter or s:$/mu)
    await second.key('Enter')
    await second.shows(/^The profile default is in use by another parley: this is default-2\.$/mu)
    const [, bob = ''] = await second.shows(/^You are (\S+) \(/mu)
    const atAnna = (await second.shows(row(anna))).groups
    const atBob = (await first.shows(row(bob))).groups

    await chooseInTerminal(second, atAnna)
    await second.shows(new RegExp(`^Conversation with ${anna} `, 'mu'))
    await first.shows(new RegExp(`^${bob} has opened a conversation with you`, 'mu'))
    await chooseInTerminal(first, atBob)
    await first.shows(new RegExp(`^Connected to ${bob} `, 'mu'))
    await second.shows(new RegExp(`^${anna} is in the conversation\\.$`, 'mu'))

    await talkInTerminals(first, second, { names: [anna, bob], what: 'with directories' })
    for (const directory of directories) await directory.kill()
    for (const one of [first, second]) await one.shows(/No directory is connected now/u)
    await talkInTerminals(first, second, { names: [anna, bob], what: 'without any' })

    await second.type('EXIT')
    await second.shows(/^You have left the conversation[^]*^Online \(1\):$/mu)
    await first.shows(new RegExp(`^${bob} has left the conversation`, 'mu'))
    await first.type('EXIT')
    await first.shows(/^You have left the conversation[^]*^Online \(1\):$/mu)
    await second.type('QUIT')
    await first.shows(new RegExp(`${bob} .*has gone\\.$`, 'mu'))
    expect(await second.ended()).toBe(0)
    await first.type('QUIT')
    expect(await first.ended()).toBe(0)
  })

  test('a line that is being typed stays whole while others come and speak', async () => {
    const port = await freePort()
    await bed.directory(port)
    const env = { PARLEY_DIRECTORY: String(port) }
    const first = await bed.terminal(['--plain', '--name', 'anna'], { env, name: 'anna' })
    await first.shows(/^Peer \(.*\):$/mu)
    await first.press('half a na')
    await bed.start(['--plain', '--name', 'bob'], { env, name: 'bob' })
    await first.shows(row('bob'))
    await first.shows(/^Peer \(.*\): half a na$/mu)
    expect((await first.screen()).match(/half a na/gu)).toHaveLength(1)
  })
})

type HostAndPort = Readonly<Record<string, string>> | undefined

async function chooseByHostAndPort(client: ParleyProcess, other: HostAndPort): Promise<void> {
  client.type(other?.['host'] ?? '')
  await client.shows(/^Port:/u)
  client.type(other?.['port'] ?? '')
}

async function chooseInTerminal(client: Terminal, other: HostAndPort): Promise<void> {
  await client.type(other?.['host'] ?? '')
  await client.shows(/^Port:$/mu)
  await client.type(other?.['port'] ?? '')
}

interface Talk {
  /** What each is called by the other. */
  readonly names: readonly [string, string]
  readonly what: string
}

/** The lines that each says, all of them at once in both directions. */
function linesOf(name: string, what: string): readonly string[] {
  return Array.from({ length: linesEachWay }, (_, index) => `line ${index + 1} of ${name} ${what}`)
}

async function talk(one: ParleyProcess, other: ParleyProcess, { names, what }: Talk): Promise<void> {
  const directions = [
    [one, other, names[0]],
    [other, one, names[1]]
  ] as const
  await Promise.all(
    directions.map(async ([from, to, name]) => {
      const lines = linesOf(name, what)
      for (const line of lines) from.type(line)
      const heard = await to.showsAll(new RegExp(`^${name}: (line \\d+ of .* ${what})$`, 'u'), linesEachWay)
      expect(heard).toEqual(lines)
    })
  )
}

async function talkInTerminals(one: Terminal, other: Terminal, { names, what }: Talk): Promise<void> {
  const directions = [
    [one, other, names[0]],
    [other, one, names[1]]
  ] as const
  for (const [from, to, name] of directions) {
    const lines = linesOf(name, what)
    for (const line of lines) await from.type(line)
    await to.shows(new RegExp(`^${name}: ${lines.at(-1)}$`, 'mu'))
    const heard = [...(await to.screen()).matchAll(new RegExp(`^${name}: (line \\d+ of .* ${what})$`, 'gmu'))]
    expect(heard.map(([, line]) => line)).toEqual(lines)
  }
}
