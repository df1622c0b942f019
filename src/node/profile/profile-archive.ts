// What an exported profile holds: which files, in which order, how large each may
// be, and the page that says whose it is. docs/spec/profile-archive.md specifies
// it. Writing and reading are its neighbours' business.
import { isJson, type Json } from '../../lib/index.ts'
import { ArchiveError } from '../api/errors.ts'
import type { TarRules } from './tar.ts'
import { typedLinesFile } from './typed-lines.ts'

export const manifestName = 'parley-profile.json'
export const historyName = 'history.db'
export const settingsName = 'config.json'
/** The files of a profile's folder that go along as they are. */
export const plainFiles = ['identity.key', 'book.json', 'screen.json', typedLinesFile] as const

const format = 1
/** Far more than each of them ever has: ten thousand contacts take 4 MiB. */
const maxSmallFileBytes = 32 * 1024 * 1024

export interface Manifest {
  readonly profile: string
  readonly peer: string
  /** The version of Parley that wrote it. */
  readonly program: string
  readonly exportedAtMs: number
}

/** @param maxHistoryBytes no history is larger than the file that it comes from: age does not compress */
export function archiveRules(maxHistoryBytes: number): TarRules {
  const small = [manifestName, settingsName, ...plainFiles].map(
    (name) => [name, { maxBytes: maxSmallFileBytes }] as const
  )
  return new Map([...small, [historyName, { maxBytes: maxHistoryBytes }] as const])
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  return Buffer.from(`${JSON.stringify({ format, ...manifest }, undefined, 2)}\n`)
}

/** @throws ArchiveError */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const { format: found, profile, peer, program, exportedAtMs } = readObject(bytes, manifestName)
  if (found !== format) {
    throw new ArchiveError(
      `it has the format ${String(found)}, and this Parley reads ${format}: a newer one may read it`
    )
  }
  if (typeof profile !== 'string' || typeof peer !== 'string' || typeof program !== 'string') {
    throw new ArchiveError(`${manifestName} lacks a field`)
  }
  if (typeof exportedAtMs !== 'number') throw new ArchiveError(`${manifestName} lacks its time`)
  return { profile, peer, program, exportedAtMs }
}

/** @throws ArchiveError when the file is not one JSON object */
export function readObject(bytes: Uint8Array, name: string): Json {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (isJson(value)) return value
  } catch (error) {
    throw new ArchiveError(`${name} in it is no JSON`, { cause: error })
  }
  throw new ArchiveError(`${name} in it is no JSON object`)
}
