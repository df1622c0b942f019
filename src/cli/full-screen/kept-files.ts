// The two files of this face in the profile's folder: what is preferred, and
// what was typed. A file that can't be read is as if it were not there; one that
// can't be written costs nothing but the memory.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_KEPT_BYTES, MAX_REMEMBERED_PLACES } from './constants.ts'
import type { TypedLines } from './model/typed-before.ts'
import { preferencesText, readPreferences, type Preferences } from './preferences.ts'

const preferencesFile = 'screen.json'
const typedFile = 'typed.json'
/** What was typed is as private as the messages. */
const ownerOnly = 0o600

export class KeptFiles {
  readonly #folder: string
  /** One write after the other, so that the last one stays. */
  #writing: Promise<void> = Promise.resolve()

  constructor(folder: string) {
    this.#folder = folder
  }

  async preferences(): Promise<Preferences | undefined> {
    const text = await this.#read(preferencesFile)
    return text === undefined ? undefined : readPreferences(text)
  }

  async typedBefore(): Promise<ReadonlyMap<string, TypedLines>> {
    return readTyped((await this.#read(typedFile)) ?? '')
  }

  keepPreferences(preferences: Preferences): void {
    this.#write(preferencesFile, preferencesText(preferences))
  }

  keepTyped(typedBefore: ReadonlyMap<string, TypedLines>): void {
    const places = [...typedBefore].filter(([, lines]) => lines.length > 0).slice(-MAX_REMEMBERED_PLACES)
    this.#write(typedFile, `${JSON.stringify(Object.fromEntries(places))}\n`)
  }

  /** Resolves when all is written. */
  async flush(): Promise<void> {
    await this.#writing
  }

  async #read(name: string): Promise<string | undefined> {
    const text = await readFile(join(this.#folder, name), 'utf8').catch(() => undefined)
    return text === undefined || text.length > MAX_KEPT_BYTES ? undefined : text
  }

  #write(name: string, text: string): void {
    const path = join(this.#folder, name)
    this.#writing = this.#writing
      .then(async () => {
        await writeFile(`${path}.new`, text, { mode: ownerOnly })
        await rename(`${path}.new`, path)
      })
      .catch(() => undefined) // a full or read-only disk is told by the messages that can't be stored
  }
}

function readTyped(text: string): ReadonlyMap<string, TypedLines> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return new Map()
    return new Map(
      Object.entries(parsed).flatMap(([place, lines]: [string, unknown]) =>
        Array.isArray(lines) ? [[place, lines.filter((line) => typeof line === 'string')] as const] : []
      )
    )
  } catch {
    return new Map() // cut off, or edited
  }
}
