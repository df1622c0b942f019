/**
 * Lets the fuzzer's native part load where the C library is older than the one it was linked with. Its build for
 * Linux asks for glibc 2.38 and libstdc++ 13 because of three symbols and nothing else: two that newer headers put
 * in the place of `strtol` and `strtoul`, and one that is never called (docs/decisions/0022). A copy is written in
 * which those three ask for what every glibc has; the installed file stays as it is.
 *
 * @see https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
 */
import type { Buffer } from 'node:buffer'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** `__isoc23_strtol` is `strtol` with binary literals, which nobody passes: the name without its prefix is older. */
const renamedPrefix = '__isoc23_'
/** Pulls in what initialises iostreams, which Node has done long before. */
const unusedSymbol = '_ZSt21ios_base_library_initv'
/** The versions that only those symbols have. */
const newVersions = new Set(['GLIBC_2.38', 'GLIBCXX_3.4.32'])
/** The C library's first version on x64 and on arm64: `strtol` is of it. */
const firstVersions = new Set(['GLIBC_2.2.5', 'GLIBC_2.17'])

const elfMagic = 0x7f454c46
const sectionType = { dynamicSymbols: 11, versionNeeds: 0x6ffffffe, symbolVersions: 0x6fffffff } as const
const symbolBytes = 24
const weakNeed = 2
const weakBinding = 2 << 4

/**
 * @param file the installed addon
 * @param folder where the copy will be
 * @returns the copy, or the file itself where nothing needs to be changed
 */
export function compatibleAddon(file: string, folder: string): string {
  const bytes = readFileSync(file)
  const relaxed = relaxSymbols(bytes)
  if (relaxed.length === 0) return file
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  const copy = join(folder, `fuzzer-${digest}.node`)
  if (!existsSync(copy)) {
    mkdirSync(folder, { recursive: true })
    // Another process may load it at the same time: it sees all of it or nothing.
    writeFileSync(`${copy}.${process.pid}`, bytes)
    renameSync(`${copy}.${process.pid}`, copy)
  }
  return copy
}

/**
 * Changes the three symbols in place.
 *
 * @returns their names, as they were
 */
export function relaxSymbols(bytes: Buffer): string[] {
  if (bytes.byteLength < 64 || bytes.readUInt32BE(0) !== elfMagic) return []
  const sections = readSections(bytes)
  const symbols = sections.find(({ type }) => type === sectionType.dynamicSymbols)
  const versions = sections.find(({ type }) => type === sectionType.symbolVersions)
  const needs = sections.find(({ type }) => type === sectionType.versionNeeds)
  const names = sections[symbols?.link ?? -1]
  if (symbols === undefined || versions === undefined || needs === undefined || names === undefined) return []
  const nameAt = (offset: number): string => {
    const start = names.offset + offset
    return bytes.toString('latin1', start, bytes.indexOf(0, start))
  }
  const firstVersion = relaxNeeds(bytes, needs, nameAt)
  const changed: string[] = []
  for (let i = 0; i * symbolBytes < symbols.size; i++) {
    const at = symbols.offset + i * symbolBytes
    const nameOffset = bytes.readUInt32LE(at)
    const name = nameAt(nameOffset)
    if (name.startsWith(renamedPrefix) && firstVersion !== undefined) {
      // The old name is the end of the new one: the table of names stays as it is.
      bytes.writeUInt32LE(nameOffset + renamedPrefix.length, at)
      bytes.writeUInt16LE(firstVersion, versions.offset + 2 * i)
      changed.push(name)
    } else if (name === unusedSymbol) {
      bytes[at + 4] = weakBinding | ((bytes[at + 4] ?? 0) & 0xf)
      bytes.writeUInt16LE(0, versions.offset + 2 * i)
      changed.push(name)
    }
  }
  return changed
}

interface Section {
  readonly type: number
  readonly offset: number
  readonly size: number
  readonly link: number
  readonly info: number
}

function readSections(bytes: Buffer): Section[] {
  const start = Number(bytes.readBigUInt64LE(0x28))
  const size = bytes.readUInt16LE(0x3a)
  return Array.from({ length: bytes.readUInt16LE(0x3c) }, (_, i) => {
    const at = start + i * size
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
      info: bytes.readUInt32LE(at + 44)
    }
  })
}

/** A need that is weak is looked for and not insisted on. Returns the index of the C library's first version. */
function relaxNeeds(bytes: Buffer, needs: Section, nameAt: (offset: number) => string): number | undefined {
  let first: number | undefined
  let at = needs.offset
  for (let files = needs.info; files > 0; files--) {
    let need = at + bytes.readUInt32LE(at + 8)
    const isC = nameAt(bytes.readUInt32LE(at + 4)).startsWith('libc.')
    for (let count = bytes.readUInt16LE(at + 2); count > 0; count--) {
      const version = nameAt(bytes.readUInt32LE(need + 8))
      if (isC && firstVersions.has(version)) first = bytes.readUInt16LE(need + 6)
      if (newVersions.has(version)) bytes.writeUInt16LE(bytes.readUInt16LE(need + 4) | weakNeed, need + 4)
      need += bytes.readUInt32LE(need + 12)
    }
    at += bytes.readUInt32LE(at + 12)
  }
  return first
}
