/** What lies in packaging/ names commands, options, files and limits that there are. No container is built here. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { buildProgram } from '../../src/cli/program.ts'
import { settingSpecs } from '../../src/node/config/setting-specs.ts'
import { DIRECTORY_MAX_CONNECTIONS } from '../../src/wire/index.ts'
import { STUN_OTHER_PORT_OFFSET } from '../../src/direct/stun/stun-sockets.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (name: string): string => readFileSync(join(root, 'packaging', name), 'utf8')
const unit = read('parley-directory@.service')
/** With lines that go on put together, and without comments. */
const dockerfile = read('Dockerfile')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
const instructions = (name: string): string[] =>
  dockerfile.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1).trim())

const program = buildProgram(
  {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: {},
    interrupted: new AbortController().signal,
    surviveOutputFailure: () => undefined
  },
  () => undefined
)

/** @returns the words that are neither a command, nor one of its options, nor the value of one that takes a value */
function unknownWords([name, ...words]: readonly string[]): string[] {
  const command = program.commands.find((one) => one.name() === name)
  if (command === undefined) return [String(name)]
  const unknown: string[] = []
  for (let i = 0; i < words.length; i++) {
    const option = command.options.find(({ long, short }) => long === words[i] || short === words[i])
    if (option === undefined) unknown.push(String(words[i]))
    else if (option.required || option.optional) i++
  }
  return unknown
}

const setting = (name: string): string[] =>
  [...unit.matchAll(/^(\w+)=(.*)$/gmu)].filter(([, key]) => key === name).map(([, , value]) => String(value))

/** Variables that are the program's own, or of the XDG Base Directory Specification, or Node's. */
const variables = new Set([...settingSpecs.map(({ env }) => env), 'XDG_DATA_HOME', 'XDG_CONFIG_HOME', 'NODE_ENV'])

describe('the unit for systemd', () => {
  test('runs a command that there is, with options that it has', () => {
    const [path, ...words] = setting('ExecStart')[0]?.split(' ') ?? []
    expect(path).toBe('/opt/parley/bin/parley')
    expect(existsSync(join(root, 'bin/parley'))).toBe(true)
    expect(words).toContain('directory')
    expect(unknownWords(words)).toEqual([])
  })

  test('has room for as many connections as a directory takes', () => {
    expect(Number(setting('LimitNOFILE')[0])).toBeGreaterThan(DIRECTORY_MAX_CONNECTIONS + 1_000)
  })

  test('writes no core dump, and names the credential that is read', () => {
    expect(setting('LimitCORE')).toEqual(['0'])
    const credential = /const credentialName = '([^']+)'/u.exec(
      readFileSync(join(root, 'src/cli/process/passphrase.ts'), 'utf8')
    )?.[1]
    expect(/^#LoadCredentialEncrypted=([^:]+):/mu.exec(unit)?.[1]).toBe(credential)
  })

  test('sets variables that are read', () => {
    const names = setting('Environment').map((pair) => pair.split('=')[0])
    expect(names.filter((name) => !variables.has(String(name)))).toEqual([])
  })
})

describe('the container', () => {
  test('starts a command that there is, with options that it has', () => {
    const [entry] = instructions('ENTRYPOINT').map((json) => JSON.parse(json) as string[])
    // An image has its own Node, and no need of bin/parley; the bound that it gives a directory is wanted all the same.
    const bound = /directory\) flags=(\S+)/u.exec(readFileSync(join(root, 'bin/parley'), 'utf8'))?.[1]
    expect(entry).toEqual(['node', bound, '/app/bin/parley.js'])
    const words = JSON.parse(instructions('CMD').at(-1) ?? '[]') as string[]
    expect(words[0]).toBe('directory')
    expect(unknownWords(words)).toEqual([])
    const ports = words.filter((_, i) => words[i - 1] === '--port' || words[i - 1] === '--http')
    const [port] = ports.map(Number)
    const stun = [port, Number(port) + STUN_OTHER_PORT_OFFSET].map((one) => `${one}/udp`)
    expect(instructions('EXPOSE')).toEqual([[...ports, ...stun].join(' ')])
  })

  test('is made of files that there are, and that are sent to the build', () => {
    const sent = read('Dockerfile.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
    const copied = instructions('COPY')
      .filter((line) => !line.startsWith('--from='))
      .flatMap((line) => line.split(' ').slice(0, -1))
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([])
    expect(copied.filter((path) => !sent.includes(path) && !sent.includes(dirname(path)))).toEqual([])
    expect(sent.filter((path) => !copied.includes(path))).toEqual([])
  })

  test('stands on an image of one version, and does not run as root', () => {
    const [base] = instructions('ARG').map((line) => line.split('=')[1])
    expect(base).toMatch(/^node:24\.\d+\.\d+-[a-z]+-slim$/u)
    expect(instructions('FROM').every((line) => line.startsWith(`\${NODE}`))).toBe(true)
    expect(instructions('FROM').length).toBeGreaterThan(1)
    expect(instructions('USER')).toEqual(['node'])
    expect(dockerfile.indexOf('USER node')).toBeLessThan(dockerfile.findIndex((line) => line.startsWith('ENTRYPOINT')))
  })

  test('sets variables that are read', () => {
    const names = instructions('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=')[0]))
    expect(names.filter((name) => !variables.has(String(name)))).toEqual([])
  })
})
