// The file of a profile that keeps what was typed on the full screen, for its arrow keys: lines by conversation. They
// are a part of what was said, so they go with a conversation that is forgotten. It knows no screen.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { decodedText } from '../../lib/index.ts'

/** Lines by the peer of the conversation, or by '' for what was typed outside of one. */
export type TypedLines = ReadonlyMap<string, readonly string[]>

export const typedLinesFile = 'typed.json'

/** @returns undefined for what is not such a file: cut off, or edited */
export function readTypedLines(text: string): TypedLines | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return undefined
    return new Map(
      Object.entries(parsed).flatMap(([place, lines]: [string, unknown]) =>
        Array.isArray(lines) ? [[place, lines.filter((line) => typeof line === 'string')] as const] : []
      )
    )
  } catch {
    return undefined
  }
}

export function typedLinesText(lines: TypedLines): string {
  return `${JSON.stringify(Object.fromEntries(lines))}\n`
}

/**
 * Takes the conversation with the peer out of the file. One that can't be read may hold it too, and counts as missing for
 * the full screen: it is deleted.
 *
 * @throws an error of the file system
 */
export async function forgetTypedLines(folder: string, peer: string): Promise<void> {
  const file = join(folder, typedLinesFile)
  const bytes = await readFile(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  if (bytes === undefined) return
  const lines = readTypedLines(decodedText(bytes))
  if (lines === undefined) await rm(file)
  else if (lines.has(peer)) {
    // Loaded here and not above: the other functions are for a start that shows its first screen before it loads storage.
    const { OWNER_ONLY, replaceFile } = await import('../../storage/index.ts')
    const others = new Map([...lines].filter(([place]) => place !== peer))
    await replaceFile(file, Buffer.from(typedLinesText(others)), OWNER_ONLY)
  }
}
