/** docs/dependencies.md says why each dependency is there; licences and install scripts are what it says. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

interface LockedPackage {
  readonly license?: string
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
}

const read = (file: string): string => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8')
const page = read('docs/dependencies.md')
const manifest: Record<string, Record<string, string>> = JSON.parse(read('package.json'))
const lock: { readonly packages: Readonly<Record<string, LockedPackage>> } = JSON.parse(read('package-lock.json'))

/** Those who pass Parley on owe a notice, and no more. */
const allowed = new Set(['MIT', 'Apache-2.0', 'Apache-2.0 OR MIT', 'MIT OR Apache-2.0', 'BSD-3-Clause'])

function tableUnder(heading: string): { name: string; licence: string; why: string }[] {
  const section = page.split(/^## /mu).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  return section
    .split('\n')
    .filter((line) => /^\| (?!package|---)/u.test(line))
    .map((line) => {
      const [, name = '', licence = '', why = ''] = line.split('|').map((cell) => cell.trim())
      return { name, licence, why }
    })
}

test.each([
  ['Of the program', 'dependencies'],
  ['Optional', 'optionalDependencies'],
  ['Of development', 'devDependencies']
])('%s: each has a row with its licence and its reason, and no row is left over', (heading, kind) => {
  const rows = tableUnder(heading)
  const names = Object.keys(manifest[kind] ?? {})
  expect(rows.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
  for (const { name, licence, why } of rows) {
    expect(`${name}: ${licence}`).toBe(`${name}: ${lock.packages[`node_modules/${name}`]?.license}`)
    expect(why).not.toBe('')
  }
})

const installed = Object.entries(lock.packages).filter(([path]) => path !== '')

test('whatever is installed with the program has a licence that is allowed', () => {
  const others = installed
    .filter(([, { dev, license }]) => dev !== true && !allowed.has(license ?? 'none'))
    .map(([path, { license }]) => `${path}: ${license}`)
  expect(others).toEqual([])
})

test('no package needs an install script but the two that the page names', () => {
  const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true)
  expect(scripted.map(([path]) => path).toSorted()).toEqual(['node_modules/esbuild', 'node_modules/protobufjs'])
  expect(scripted.every(([, { dev }]) => dev === true)).toBe(true)
})
