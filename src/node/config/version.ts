// The package that this Parley is part of: where it lies, and its version.
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname } from 'node:path'

const packageFile = findPackageFile()

/** The folder that holds package.json and bin/, wherever the compiled code lies in it. */
export const packageFolder = dirname(packageFile)
export const version = readVersion()

function findPackageFile(): string {
  const file = findPackageJSON(import.meta.url)
  if (file === undefined) throw new TypeError(`there is no package.json above ${import.meta.url}`)
  return file
}

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(packageFile, 'utf8'))
  const named = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined
  if (typeof named !== 'string') throw new TypeError(`${packageFile} names no version`)
  return named
}
