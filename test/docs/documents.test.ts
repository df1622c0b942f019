/** What the documents name exists: files, sections, scripts, and the attacks of the threat model. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { errorMeanings } from '../../src/cli/json/json-codes.ts'
import { settingSpecs } from '../../src/node/settings.ts'
import { attacks } from '../attack/attacks/index.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const markdownIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
const documents = [
  ...markdownIn('.'),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
]
const { scripts }: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(read('package.json'))

const all = (text: string, pattern: RegExp): string[] => Array.from(text.matchAll(pattern), ([, found = '']) => found)

const sources = ['src', 'test', 'scripts', 'bench', 'bin', 'packaging'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:tsx?|js|proto|css|py|go|service)$/u.test(file) && !file.includes('node_modules'))
    .map((file) => join(folder, file))
)
/** Every word of the program, its tests and its tools that may be a name: of a constant, a function, a field, a variable. */
const identifiers: ReadonlySet<string> = new Set([
  ...[...sources, 'package.json'].flatMap((file) => all(read(file), /([A-Za-z_$][\w$]*)/gu)),
  ...settingSpecs.map(({ env }) => env)
])

/** As in GitHub's anchors: letters, digits and hyphens of the heading, in lower case. */
const anchorsOf = (page: string): string[] =>
  all(page, /^#+ (.*)$/gmu).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  )

describe.each(documents)('%s', (document) => {
  const text = read(document)

  test('names files of the repository that exist', () => {
    // Names in capitals stand for several files.
    const named = all(text, /`((?:src|test|scripts|bench|docs|packaging|bin)\/[^`\s*]+)`/gu)
    expect(named.filter((file) => !/[A-Z]{3}/u.test(file) && !existsSync(join(root, file)))).toEqual([])
  })

  test('links to files and sections that exist', () => {
    const broken = all(text, /\]\(([^)\s]+)\)/gu)
      .filter((link) => !/^[a-z]+:/u.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#')
        const file = path === '' ? document : join(dirname(document), path)
        if (!existsSync(join(root, file))) return true
        return anchor !== undefined && file.endsWith('.md') && !anchorsOf(read(file)).includes(anchor)
      })
    expect(broken).toEqual([])
  })

  test('names scripts of npm that exist', () => {
    const named = all(text, /npm run (?:--silent )?([a-z][a-z:-]*)/gu)
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })
})

// A decision is a record of its time: what it names may be gone since.
describe.each(documents.filter((document) => !document.startsWith('docs/decisions/')))('%s, of today,', (document) => {
  const text = read(document)

  test('names constants, types and functions that exist', () => {
    const named = all(text.replace(/^```.*?^```/gmsu, ''), /`([A-Za-z_$][\w$]*)(?:\([^`]*\))?`/gu)
    const isCode = (name: string): boolean => /[a-z][A-Z]/u.test(name) || /^[A-Z][A-Z\d]*_[A-Z\d_]+$/u.test(name)
    expect(named.filter((name) => isCode(name) && !identifiers.has(name))).toEqual([])
  })

  test('names a thing with the file in which it is', () => {
    const pairs = Array.from(text.matchAll(/`([\w$]+)` ?(?:\(|in |, )?\[`(src\/[^`]+\.ts)`\]/gu))
    const wrong = pairs.filter(([, name = '', file = '']) => !new RegExp(`\\b${name}\\b`, 'u').test(read(file)))
    expect(wrong.map(([pair]) => pair)).toEqual([])
  })

  test('promises nothing that is to come', () => {
    expect(all(text, /((?:is|are) (?:still )?to come\b|not (?:yet )?implemented|\bTODO\b)/giu)).toEqual([])
  })
})

test('every page can be reached from README.md by links', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    const links = all(read(page), /\]\(([^)\s#]+)/gu).filter((link) => !/^[a-z]+:/u.test(link))
    for (const link of links) if (link.endsWith('.md')) reached.add(join(dirname(page), link))
  }
  expect(documents.filter((document) => !reached.has(document))).toEqual([])
})

test('the codes of JSON errors are those of the faces, or names of errors', () => {
  const text = sources
    .filter((file) => file.startsWith('src/'))
    .map(read)
    .join('\n')
  const className = (code: string): string =>
    `class ${code.replaceAll(/(?:^|-)([a-z])/gu, (_, letter: string) => letter.toUpperCase())}Error `
  const unknown = Object.keys(errorMeanings).filter(
    (code) => !text.includes(className(code)) && !text.replace(/errorMeanings = \{.*?\n\}/su, '').includes(`'${code}'`)
  )
  expect(unknown).toEqual([])
})

describe('the threat model', () => {
  const text = read('docs/threat-model.md')
  const named = all(text, /attacks? (`[^`]+`(?:, `[^`]+`)*)/gu).flatMap((list) => all(list, /`([^`]+)`/gu))

  test('names attacks that exist', () => {
    expect(named).not.toEqual([])
    const isAttack = (name: string): boolean =>
      attacks.some((attack) => (name.endsWith('*') ? attack.name.startsWith(name.slice(0, -1)) : attack.name === name))
    expect(named.filter((name) => !isAttack(name))).toEqual([])
  })

  test('says for each thing that an adversary cannot do which test shows it', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('| ') && line.split(' | ').length === 3)
    expect(rows.length).toBeGreaterThan(20)
    const shown = /^(?:.*(?:`test\/.*`|`npm run .*`|attacks? `.*`)|relied on|shown by|---)$/u
    expect(rows.filter((row) => !shown.test(row.split(' | ')[2]?.replace(/ \|$/u, '') ?? ''))).toEqual([])
  })
})
