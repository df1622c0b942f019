// The files that a message offers, as one column of its row and back.
import { DamageFound } from '../errors.ts'
import type { OfferedFile } from '../message-store.ts'

/** @returns null for a message that offers none */
export function offersColumn(files: readonly OfferedFile[] | undefined): string | null {
  if (files === undefined) return null
  return JSON.stringify(
    files.map(({ file, name, sizeBytes, folder }) => [
      file,
      name,
      sizeBytes,
      ...(folder === undefined ? [] : [folder.files, folder.sizeBytes])
    ])
  )
}

/**
 * @returns no field for a message that offers none
 * @throws DamageFound for anything else than what {@link offersColumn} writes
 */
export function readOffers(column: unknown): { readonly files?: readonly OfferedFile[] } {
  // Of a row that is older than the column.
  if (column === null || column === undefined) return {}
  if (typeof column !== 'string') throw new DamageFound('expected files in a row')
  const rows = parsed(column)
  if (!Array.isArray(rows)) throw new DamageFound('expected a list of files')
  return { files: rows.map(offeredFile) }
}

function parsed(column: string): unknown {
  try {
    return JSON.parse(column)
  } catch {
    throw new DamageFound('a list of files is not what was written')
  }
}

function offeredFile(row: unknown): OfferedFile {
  const [file, name, sizeBytes, files, folderBytes]: readonly unknown[] = Array.isArray(row) ? row : []
  if (typeof file !== 'string' || typeof name !== 'string' || typeof sizeBytes !== 'number') {
    throw new DamageFound('a file of a message is not what was written')
  }
  if (typeof files !== 'number' || typeof folderBytes !== 'number') return { file, name, sizeBytes }
  return { file, name, sizeBytes, folder: { files, sizeBytes: folderBytes } }
}
