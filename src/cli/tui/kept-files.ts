// The two files of this face in the profile's folder: preferences, and
// what was typed. A file that can't be read counts as missing; one that
// can't be written is only forgotten at the end. What was typed is changed line
// by line: other faces add to it, and the node takes out what is too old.
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  readTypedLines,
  type TypedLines,
  typedLinesFile,
  typedLinesText,
  withoutConversation
} from '../../node/settings.ts'
import { INPUT_HISTORY_LINES } from '../process/input-lines.ts'
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
    return this.#typedLines()
  }

  keepPreferences(preferences: Preferences): void {
    this.#write(preferencesFile, async () => preferencesText(preferences))
  }

  /** @param place the peer of the conversation, or '' */
  keepTypedLine(place: string, text: string, atMs: number): void {
    this.#changeTyped((lines) => {
      const before = (lines.get(place) ?? []).filter((line) => line.text !== text)
      const typed = [...before, { text, atMs }].slice(-INPUT_HISTORY_LINES)
      return new Map([...withoutPlace(lines, place), [place, typed] as const].slice(-MAX_REMEMBERED_PLACES))
    })
  }

  forgetTypedLines(peer: string): void {
    this.#changeTyped((lines) => withoutConversation(lines, peer))
  }

  /** Resolves when all is written. */
  async flush(): Promise<void> {
    await this.#writing
  }

  #changeTyped(changed: (lines: TypedLines) => TypedLines): void {
    this.#write(typedLinesFile, async () => typedLinesText(changed(await this.#typedLines())))
  }

  async #typedLines(): Promise<TypedLines> {
    const text = await this.#read(typedLinesFile)
    if (this.#folder === undefined || text === undefined) return new Map()
    const { mtimeMs } = await stat(join(this.#folder, typedLinesFile))
    return readTypedLines(text, mtimeMs) ?? new Map()
  }

  async #read(name: string): Promise<string | undefined> {
    if (this.#folder === undefined) return undefined
    const bytes = await readFile(join(this.#folder, name)).catch(() => undefined)
    return bytes === undefined || bytes.length > MAX_KEPT_BYTES ? undefined : decodedText(bytes)
  }

  #write(name: string, textOf: () => Promise<string>): void {
    if (this.#folder === undefined) return
    const path = join(this.#folder, name)
    // Messages that can't be stored report a full or read-only disk.
    this.#writing = this.#writing.then(async () => replaceWhole(path, await textOf())).catch(() => undefined)
  }
}

function withoutPlace(lines: TypedLines, place: string): TypedLines {
  return new Map([...lines].filter(([each]) => each !== place))
}

/** Two windows may write at the same moment: each has a file of its own until it is whole. */
async function replaceWhole(path: string, text: string): Promise<void> {
  const next = `${path}.${crypto.randomUUID()}`
  try {
    await writeFile(next, text, { mode: ownerOnly, flag: 'wx' })
    await rename(next, path)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
}
