/** MANUAL.md, README.md and ARCHITECTURE.md say what the code does: settings, errors, files, links, journeys. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { sourceConstants } from '../../scripts/source-constants.ts'
import { flagOf } from '../../src/cli/options/option-table.ts'
import { loadConfig } from '../../src/node/config/config.ts'
import { settingSpecs } from '../../src/node/config/setting-specs.ts'

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

const inBackticks = (cell: string | undefined): string | undefined => /^`([^`]+)`$/u.exec(cell ?? '')?.[1]

test('the manual speaks of constants that exist', () => {
  const all = new Set(sourceConstants().map(({ name }) => name))
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
    'CREDENTIALS_DIRECTORY',
    'HTTPS_PROXY'
  ])
  expect(named.filter((name) => !all.has(name) && !variables.has(name))).toEqual([])
})

test('the settings in the manual stand with their variable, their option and their default', async () => {
  const table = rows(section('4. Settings that matter'))
  const { settings } = await loadConfig({ flags: {}, env: { XDG_CONFIG_HOME: '/nowhere', XDG_DATA_HOME: '/nowhere' } })
  const named = table.flatMap(([name]) => inBackticks(name) ?? [])
  expect(named.length).toBeGreaterThanOrEqual(10)
  for (const name of named) {
    const spec = settingSpecs.find((one) => one.name === name)
    if (spec === undefined) throw new Error(`there is no setting ${name}`)
    const row = table.find(([cell]) => cell === `\`${name}\``)
    const option = spec.placeholder === undefined ? flagOf(spec) : `${flagOf(spec)} ${spec.placeholder}`
    expect(row?.slice(1, 3), spec.name).toEqual([`\`${spec.env}\``, `\`${option}\``])
    const value = inBackticks(row?.[3])
    if (value !== undefined) expect(value, spec.name).toBe(JSON.stringify(settings[spec.name]))
  }
})

test('the errors that the manual explains are texts of the program', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
  // A text that is too long for its line goes on in the next one.
  const texts = [readFileSync(join(root, 'bin/parley.js'), 'utf8'), ...sources]
    .join('\n')
    .replaceAll(/['"`] \+\s*['"`]/gu, '')
  const quoted = rows(section('5. What to do when …')).flatMap(([cell = '']) =>
    Array.from(cell.matchAll(/`([^`]+)`/gu), ([, text = '']) => text)
  )
  expect(quoted.length).toBeGreaterThan(40)
  const fragments = quoted
    .flatMap((text) => text.split('…'))
    .map((part) => part.replaceAll(/^[\s,.;:()"]+|[\s,.;:()"]+$/gu, ''))
  expect(fragments.filter((part) => !texts.includes(part))).toEqual([])
})

test('the summary of the demo in the manual is what the demo prints', () => {
  const steps = Array.from(manual.matchAll(/^  seen {6}(.+)$/gmu), ([, line = '']) =>
    line.replace(/ \(after .*\)$/u, '')
  )
  expect(steps.length).toBeGreaterThan(2)
  const played = readFileSync(join(root, 'src/cli/demo/case-study.ts'), 'utf8')
  const parts = steps.flatMap((step) => step.split(/\d+/u))
  expect(parts.filter((part) => !played.includes(part))).toEqual([])
})

test('the manual is short enough to be read', () => {
  expect(Buffer.byteLength(manual)).toBeLessThanOrEqual(40 * 1024)
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

/** A class, a function, a constant, or a method: a call of one that lies elsewhere is none. */
function declarationOf(name: string): RegExp {
  return new RegExp(
    `^(?:export )?(?:abstract )?(?:class|const) ${name}\\b|^(?:export )?(?:async )?function\\*? ${name}\\b|` +
      `^ {2}(?:async )?\\*?#?${name}(?:<[^(\\n]*>)?\\((?:.*\\{)?$`,
    'mu'
  )
}

test('the journeys name what is declared in the files that they name', () => {
  const journeys = Array.from(
    read('docs/internals/journeys.md').matchAll(/```journey\n([^`]*(?:`[^`\n]+`[^`]*)*?)```/gu),
    ([, text]) => text ?? ''
  )
  expect(journeys.length).toBe(2)
  const stops = journeys.flatMap((text) =>
    Array.from(text.matchAll(/(src\/[\w/-]+\.ts) +(\w+)/gu), ([, file = '', name = '']) => ({ file, name }))
  )
  expect(stops.length).toBeGreaterThan(40)
  const wrong = stops.filter(({ file, name }) => {
    const path = join(root, file)
    return !existsSync(path) || !declarationOf(name).test(readFileSync(path, 'utf8'))
  })
  expect(wrong).toEqual([])
})
