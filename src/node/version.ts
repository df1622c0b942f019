// The version of this Parley, from its package.json.
import { readFileSync } from 'node:fs'

const packageFile = new URL('../../package.json', import.meta.url)

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(packageFile, 'utf8'))
  const named = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined
  if (typeof named !== 'string') throw new TypeError(`${packageFile.pathname} names no version`)
  return named
}

export const version = readVersion()
