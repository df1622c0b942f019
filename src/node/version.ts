// The version of this Parley, from its package.json.
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

const packageFile = findPackageJSON(import.meta.url)

function readVersion(): string {
  if (packageFile === undefined) throw new TypeError('there is no package.json above this file')
  const parsed: unknown = JSON.parse(readFileSync(packageFile, 'utf8'))
  const named = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined
  if (typeof named !== 'string') throw new TypeError(`${packageFile} names no version`)
  return named
}

export const version = readVersion()
