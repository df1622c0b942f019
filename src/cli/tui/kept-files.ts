// The two files of this face in the profile's folder: preferences, and
// what was typed. A file that can't be read counts as missing; one that
// can't be written is only forgotten at the end.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readTypedLines, typedLinesFile, typedLinesText } from '../../node/settings.ts'
import type { InputHistory } from './model/input-history.ts'
import { preferencesText, readPreferences, type Preferences } from './model/preferences.ts'
import { decodedText } from '../../lib/index.ts'

/** The files of this face are far smaller: a larger one is not what it has written. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024

/** Conversations whose input history is kept. */
const MAX_REMEMBERED_PLACES = 200

const preferencesFile = 'screen.json'
/** The input history is as private as the messages. */
const ownerOnly = 0o600

export class KeptFiles {
  readonly #folder: string | undefined
  /** One write after the other, so that the last one stays. */
  #writing: Promise<void> = Promise.resolve()

  /** @param folder undefined: nothing is kept */
  constructor(folder: string | undefined) {
    this.#folder = folder
  }

  async preferences(): Promise<Preferences | undefined> {
    const text = await this.#read(preferencesFile)
    return text === undefined ? undefined : readPreferences(text)
  }

  async inputHistory(): Promise<ReadonlyMap<string, InputHistory>> {
    return readTypedLines((await this.#read(typedLinesFile)) ?? '') ?? new Map()
  }

  keepPreferences(preferences: Preferences): void {
    this.#write(preferencesFile, preferencesText(preferences))
  }

  keepInputHistory(inputHistory: ReadonlyMap<string, InputHistory>): void {
    const places = [...inputHistory].filter(([, lines]) => lines.length > 0).slice(-MAX_REMEMBERED_PLACES)
    this.#write(typedLinesFile, typedLinesText(new Map(places)))
  }

  /** Resolves when all is written. */
  async flush(): Promise<void> {
    await this.#writing
  }

  async #read(name: string): Promise<string | undefined> {
    if (this.#folder === undefined) return undefined
    const bytes = await readFile(join(this.#folder, name)).catch(() => undefined)
    return bytes === undefined || bytes.length > MAX_KEPT_BYTES ? undefined : decodedText(bytes)
  }

  #write(name: string, text: string): void {
    if (this.#folder === undefined) return
    const path = join(this.#folder, name)
    this.#writing = this.#writing
      .then(async () => {
        await writeFile(`${path}.new`, text, { mode: ownerOnly })
        await rename(`${path}.new`, path)
      })
      .catch(() => undefined) // messages that can't be stored report a full or read-only disk
  }
}
