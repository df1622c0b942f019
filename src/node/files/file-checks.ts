// What is looked at before a file is fetched, and why one was not, in words.
import { stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { NoRoomError } from '../../files/index.ts'
import { toError } from '../../wire/index.ts'
import { fileFault, quote, UsageError } from '../api/errors.ts'
import { sizeText } from '../config/setting-values.ts'
import type { ReceivedFile } from './file-book.ts'

export function placeOf({ file, name, within = [] }: Pick<ReceivedFile, 'file' | 'name' | 'within'>): string {
  return JSON.stringify([file, name, within])
}

/** @throws UsageError */
export async function checkFolder(path: string): Promise<void> {
  if (!isAbsolute(path)) throw new UsageError(`${quote(path)} is not an absolute path: write it in full`)
  const found = await stat(path).catch((error: unknown) => {
    throw new UsageError(`${quote(path)} can't be used: ${fileFault(error)}`)
  })
  if (!found.isDirectory()) throw new UsageError(`${quote(path)} is not a folder: name one to put the file into`)
}

export async function isThere(path: string | undefined): Promise<boolean> {
  return path !== undefined && (await stat(path).catch(() => undefined)) !== undefined
}

/** Why a file was not fetched, to follow `FILE was not fetched: `. */
export function reasonText(error: unknown): string {
  if (!(error instanceof NoRoomError)) return toError(error).message
  const [needed, free] = [sizeText(error.neededBytes), sizeText(error.freeBytes)]
  return `it needs ${needed}, and the disk has ${free} to spare (setting minFree): make room`
}
