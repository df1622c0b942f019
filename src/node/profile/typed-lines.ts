// The file of a profile that keeps what was typed on the full screen, for its arrow keys: lines by conversation, each
// with its time. They are a part of what was said, so they go with a conversation that is forgotten, and with the
// messages that are too old to keep. It knows no screen.
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { decodedText, hasErrorCode } from '../../lib/index.ts'

export interface TypedLine {
  readonly text: string
  readonly atMs: number
}

/** Lines, the oldest first, by the peer of the conversation, or by '' for what was typed outside of one. */
export type TypedLines = ReadonlyMap<string, readonly TypedLine[]>

export const typedLinesFile = 'typed.json'

/** `/msg`, and in earlier versions `/send`, write to a peer from anywhere, under a name that may mean another peer today. */
const writesFromElsewhere = /^\s*\/(?:msg|send)(?:\s|$)/iu

/**
 * @param writtenAtMs when the file was written: earlier versions kept no times, and their lines are not newer
 * @returns undefined for what is not such a file: cut off, or edited
 */
export function readTypedLines(text: string, writtenAtMs: number): TypedLines | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return undefined
    return new Map(
      Object.entries(parsed).flatMap(([place, lines]: [string, unknown]) =>
        Array.isArray(lines) ? [[place, lines.flatMap((line) => readLine(line, writtenAtMs))] as const] : []
      )
    )
  } catch {
    return undefined
  }
}

function readLine(line: unknown, writtenAtMs: number): TypedLine | readonly [] {
  if (typeof line === 'string') return { text: line, atMs: writtenAtMs }
  const isLine = typeof line === 'object' && line !== null && 'text' in line && 'atMs' in line
  if (!isLine || typeof line.text !== 'string' || typeof line.atMs !== 'number') return []
  return { text: line.text, atMs: line.atMs }
}

export function typedLinesText(lines: TypedLines): string {
  return `${JSON.stringify(Object.fromEntries(lines))}\n`
}

/**
 * @returns the lines without the conversation with the peer, and without what other places hold of `/msg`: any of those
 * may have been for it
 */
export function withoutConversation(lines: TypedLines, peer: string): TypedLines {
  return new Map(
    [...lines]
      .filter(([place]) => place !== peer)
      .map(([place, typed]) => [place, typed.filter(({ text }) => !writesFromElsewhere.test(text))])
  )
}

/**
 * Takes the conversation with the peer out of the file of the profile in `folder`, as {@link withoutConversation} says.
 *
 * @throws an error of the file system
 */
export async function forgetTypedLines(folder: string, peer: string): Promise<void> {
  await change(folder, (lines) => withoutConversation(lines, peer))
}

/**
 * Takes out what was typed before that time.
 *
 * @throws an error of the file system
 */
export async function retireTypedLines(folder: string, typedBeforeMs: number): Promise<void> {
  await change(
    folder,
    (lines) =>
      new Map(
        [...lines].flatMap(([place, typed]) => {
          const kept = typed.filter(({ atMs }) => atMs >= typedBeforeMs)
          return kept.length === 0 ? [] : [[place, kept] as const]
        })
      )
  )
}

/** A file that can't be read may hold anything, and counts as missing for the full screen: it is deleted. */
async function change(folder: string, changed: (lines: TypedLines) => TypedLines): Promise<void> {
  const file = join(folder, typedLinesFile)
  const bytes = await readFile(file).catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (bytes === undefined) return
  const lines = readTypedLines(decodedText(bytes), (await stat(file)).mtimeMs)
  if (lines === undefined) return rm(file)
  const next = changed(lines)
  const countOf = (all: TypedLines): number => [...all.values()].reduce((sum, { length }) => sum + length, 0)
  if (next.size === lines.size && countOf(next) === countOf(lines)) return
  // Loaded here and not above: the other functions are for a start that shows its first screen before it loads storage.
  const { OWNER_ONLY, replaceFile } = await import('../../storage/index.ts')
  await replaceFile(file, Buffer.from(typedLinesText(next)), OWNER_ONLY)
}
