/** MANUAL.md, README.md and ARCHITECTURE.md say what the code does: limits, exit codes, settings, commands, files, links. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { chatCommands } from '../../src/cli/chat-commands.ts'
import { usageOf } from '../../src/cli/command-arguments.ts'
import { addCompletion } from '../../src/cli/completion.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { allSettings, chatSettings, flagOf } from '../../src/cli/setting-options.ts'
import { loadConfig, settingSpecs } from '../../src/node/config.ts'
import { exitCodes } from '../../src/node/exit-codes.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = ['README.md', 'MANUAL.md', 'ARCHITECTURE.md'] as const
const read = (page: string): string => readFileSync(join(root, page), 'utf8')
const manual = read('MANUAL.md')

/** The part under a heading, up to the next heading of its level or above. */
function section(heading: string): string {
  const found = manual.split('\n').findIndex((line) => /^#+ /u.test(line) && line.replace(/^#+ /u, '') === heading)
  if (found < 0) throw new Error(`MANUAL.md has no heading "${heading}"`)
  const lines = manual.split('\n').slice(found)
  const level = /^#+/u.exec(lines[0] ?? '')?.[0].length ?? 1
  const end = lines.findIndex((line, i) => i > 0 && (/^#+(?= )/u.exec(line)?.[0].length ?? Infinity) <= level)
  return lines.slice(0, end < 0 ? undefined : end).join('\n')
}

/** The cells of each row of the tables in a text, headings left out. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) =>
      line
        .split(/(?<!\\)\|/u)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('\\|', '|'))
    )
}

/** Every file of the sources that holds limits and nothing else, with the constants of them. */
const limitFiles: Readonly<Record<string, Readonly<Record<string, unknown>>>> = Object.fromEntries(
  await Promise.all(
    [...readdirSync(join(root, 'src')), 'cli/full-screen', 'directory/http', 'directory/federation']
      .flatMap((folder) => [`src/${folder}/constants.ts`, `src/${folder}/budgets.ts`])
      .filter((file) => existsSync(join(root, file)))
      .map(async (file) => [file, { ...(await import(pathToFileURL(join(root, file)).href)) }])
  )
)

const inBackticks = (cell: string | undefined): string | undefined => /^`([^`]+)`$/u.exec(cell ?? '')?.[1]

describe('the tables of limits', () => {
  /** The numbers of a cell, without what stands in brackets; 1/3 is a number. */
  const numbersIn = (cell: string): number[] =>
    Array.from(cell.replace(/\([^)]*\)/gu, '').matchAll(/(\d+(?:\.\d+)?)(?:\/(\d+))?/gu), ([, a, b]) =>
      b === undefined ? Number(a) : Number(a) / Number(b)
    )
  const numbersOf = (value: unknown): number[] => {
    if (typeof value === 'number') return [value]
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return []
    return Object.values(value).flatMap(numbersOf)
  }

  test.each(Object.entries(limitFiles))('name every limit of %s with its value, and no other', (file, limits) => {
    const heading = `[\`${file}\`](${file})`
    const table = section('3.10 Limits').split(heading)[1]?.split('\n[`')[0] ?? ''
    const stated = rows(table).flatMap(([name, value]) => {
      const constant = inBackticks(name)
      return constant === undefined ? [] : [[constant, numbersIn(value ?? '')] as const]
    })
    const actual = Object.entries(limits)
      .map(([name, value]) => [name, numbersOf(value)] as const)
      .filter(([, numbers]) => numbers.length > 0)
    expect(new Map(stated)).toEqual(new Map(actual))
    expect(stated.length).toBe(actual.length)
  })

  test('have the constants that the text speaks of', () => {
    const all = new Set(Object.values(limitFiles).flatMap((limits) => Object.keys(limits)))
    const named = [...manual.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/gu)].map(([, name]) => name ?? '')
    const variables = new Set([
      ...settingSpecs.map(({ env }) => env),
      'PARLEY_DEBUG',
      'PARLEY_HTTP',
      'PARLEY_HTTP_HOST',
      'PARLEY_HTTP_NAME',
      'XDG_DATA_HOME',
      'XDG_CONFIG_HOME',
      'XDG_RUNTIME_DIR',
      'CREDENTIALS_DIRECTORY'
    ])
    const ofTheStore = new Set(storeLimits().map(({ constant }) => constant))
    expect(named.filter((name) => !all.has(name) && !ofTheStore.has(name) && !variables.has(name))).toEqual([])
  })

  test('say of the store what stands in its files', () => {
    const wrong = storeLimits().filter(({ constant, file, numbers }) => {
      const path = join(root, file)
      const source = existsSync(path) ? readFileSync(path, 'utf8') : ''
      const written = new RegExp(`const ${constant} = ([\\d_ *<]+)$`, 'mu').exec(source)?.[1]
      return written === undefined || numbers.length !== 1 || numbers[0] !== valueOf(written)
    })
    expect(storeLimits().length).toBeGreaterThan(10)
    expect(wrong).toEqual([])
  })

  interface StoreLimit {
    readonly constant: string
    readonly file: string
    readonly numbers: readonly number[]
  }

  /** The store has no constants.ts: each row names the file in which the constant stands. */
  function storeLimits(): readonly StoreLimit[] {
    const table = section('3.10 Limits').split('\n`src/storage`')[1]?.split('\n[`')[0] ?? ''
    return rows(table).flatMap(([name, value]) => {
      const [, constant, file] = /^`(\w+)` in \[[^\]]*\]\(([^)]+)\)$/u.exec(name ?? '') ?? []
      return constant === undefined || file === undefined ? [] : [{ constant, file, numbers: numbersIn(value ?? '') }]
    })
  }

  /** Of `16 * 1024 * 1024` or `1 << 20`. */
  function valueOf(written: string): number {
    const [base = '', shift = '0'] = written.replaceAll('_', '').split('<<')
    return base.split('*').reduce((product, factor) => product * Number(factor), 1) * 2 ** Number(shift)
  }
})

test('the table of exit codes is that of the program', () => {
  const stated = rows(section('3.2 Exit codes')).flatMap(([code, name]) => {
    const constant = inBackticks(name)
    return constant === undefined ? [] : [[constant, Number(code)]]
  })
  expect(Object.fromEntries(stated)).toEqual(exitCodes)
})

test('every setting stands with its variable, its option and its default', async () => {
  const table = rows(section('3.3 Settings'))
  const { settings } = await loadConfig({ flags: {}, env: { XDG_CONFIG_HOME: '/nowhere', XDG_DATA_HOME: '/nowhere' } })
  for (const spec of settingSpecs) {
    const row = table.find(([name]) => name === `\`${spec.name}\``)
    const option = spec.placeholder === undefined ? flagOf(spec) : `${flagOf(spec)} ${spec.placeholder}`
    expect(row?.slice(1, 3), spec.name).toEqual([`\`${spec.env}\``, `\`${option}\``])
    const value = inBackticks(row?.[3])
    if (value !== undefined) expect(value, spec.name).toBe(JSON.stringify(settings[spec.name]))
  }
  expect(table.length).toBe(settingSpecs.length + 1)
})

test('every command of the chat stands with its parameters and its other names', () => {
  const stated = rows(section('3.7 At the prompt')).filter(([usage]) => /^`\/[\w?]/u.test(usage ?? ''))
  expect(stated.map(([usage, also]) => [usage, also])).toEqual(
    chatCommands.map((command) => [
      `\`${usageOf(command)}\``,
      command.aliases.map((alias) => `\`/${alias}\``).join(', ')
    ])
  )
})

test('every command of the chat stands among those of the JSON lines', () => {
  const stated = rows(section('Commands')).flatMap(([names]) =>
    Array.from((names ?? '').matchAll(/`([^`]+)`/gu), ([, name]) => name ?? '')
  )
  const actual = chatCommands.flatMap(({ name, aliases }) => [name, ...aliases])
  expect(stated.toSorted()).toEqual(actual.toSorted())
})

test('the commands of the JSON lines stand with their fields', () => {
  const stated = new Map(
    rows(section('Commands')).flatMap(([names, fields]) =>
      Array.from((names ?? '').matchAll(/`([^`]+)`/gu), ([, name]) => [name, fieldsIn(fields ?? '')] as const)
    )
  )
  for (const { name, parameters, fields = [] } of chatCommands) {
    const taken = [...parameters.map((parameter) => parameter.name), ...fields, ...(name === 'msg' ? ['wait'] : [])]
    expect(stated.get(name)?.toSorted(), name).toEqual(taken.toSorted())
  }
})

/** `peer`, `limit`? and so on, as they stand in a cell. */
function fieldsIn(cell: string): string[] {
  return Array.from(cell.matchAll(/`(\w+)`/gu), ([, field = '']) => field)
}

describe('every command of the program', async () => {
  const program = buildProgram(
    {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      env: {},
      interrupted: new AbortController().signal
    },
    () => undefined
  )
  await addCompletion(program, [])
  const shown: readonly Command[] = [
    program,
    ...program.commands
      .filter((command) => command.name() !== 'complete')
      .flatMap((command) => [command, ...command.commands])
  ]
  const titles = new Map(
    Array.from(section('3.1 Commands').matchAll(/^#### `(parley(?: [a-z]+)*)[^`]*`$/gmu), ([line, name]) => [
      name ?? '',
      line.slice(5)
    ])
  )
  const titleOf = (command: Command): string =>
    command.parent === null ? 'parley' : `${titleOf(command.parent)} ${command.name()}`

  test('has its part of the manual, and there are no others', () => {
    expect([...titles.keys()].toSorted()).toEqual(shown.map(titleOf).toSorted())
    for (const command of shown) expect(section('3.1 Commands')).toContain(`| \`${titleOf(command)}\` |`)
  })

  test.each(shown.map((command) => [titleOf(command), command] as const))('%s: all options', (name, command) => {
    const text = section(titles.get(name) ?? '')
    const flags = new Set(settingSpecs.map(flagOf))
    const long = command.options.flatMap((option) => (option.long == null ? [] : [option.long]))
    const settings = long.filter((flag) => flags.has(flag))
    const stated = /Settings: ([^\n]*?)\.(?: |\n|$)/u.exec(text)?.[1] ?? ''
    if (settings.length === allSettings.length) expect(stated).toBe('all')
    else if (settings.length === chatSettings.length)
      expect(stated).toBe('all but `--join`, `--federate` and `--trusted-proxy`')
    else expect(stated).toBe(settings.map((flag) => `\`${flag}\``).join(', '))
    for (const flag of long) if (!flags.has(flag)) expect(text).toMatch(new RegExp(`\`${flag}[\` ]`, 'u'))
  })
})

describe.each(pages)('%s', (page) => {
  const text = read(page)

  test('names only files and folders that exist', () => {
    const named = text.matchAll(/(?<![\w/.-])(?:src|docs|test|bin|scripts)\/[\w./-]*\w/gu)
    const missing = Array.from(named, ([path]) => path).filter((path) => !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })

  test('links only to what exists', () => {
    const links = Array.from(text.matchAll(/\]\(([^)\s]+)\)/gu), ([, link]) => link ?? '')
    const broken = links.filter((link) => {
      if (/^https?:/u.test(link)) return false
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? page : join(dirname(page), file)
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !anchorsOf(read(target)).has(anchor)
    })
    expect(broken).toEqual([])
  })
})

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.matchAll(/^#+ (.+)$/gmu)
  return new Set(
    Array.from(headings, ([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-')
    )
  )
}

test('the journeys name what lies in the files that they name', () => {
  const journeys = Array.from(manual.matchAll(/```journey\n([^`]*(?:`[^`\n]+`[^`]*)*?)```/gu), ([, text]) => text ?? '')
  expect(journeys.length).toBe(2)
  const stops = journeys.flatMap((text) =>
    Array.from(text.matchAll(/(src\/[\w/-]+\.ts) +(\w+)/gu), ([, file = '', name = '']) => ({ file, name }))
  )
  expect(stops.length).toBeGreaterThan(40)
  const wrong = stops.filter(({ file, name }) => {
    const path = join(root, file)
    return !existsSync(path) || !new RegExp(`\\b${name}\\b`, 'u').test(readFileSync(path, 'utf8'))
  })
  expect(wrong).toEqual([])
})
