// Which folders a profile shares, and with whom, in one small file. It looks into no folder.
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { OWNER_ONLY, writeFileAtomically } from '../../storage/index.ts'
import { isEntryName } from '../../share/index.ts'
import type { ShareAudience } from '../api/share-views.ts'

export interface Share {
  readonly name: string
  /** A real path, without links in it. */
  readonly folder: string
  readonly audience: ShareAudience
  readonly isSearchable: boolean
}

const shareBookName = 'shares.json'

export class ShareBook {
  readonly #file: string | undefined
  #shares: readonly Share[]
  #writing: Promise<void> = Promise.resolve()

  private constructor(file: string | undefined, shares: readonly Share[]) {
    this.#file = file
    this.#shares = shares
  }

  /**
   * @param folder of the profile; empty for one that nothing keeps
   * @returns one without shares where the file can't be read as one, which is kept aside: nothing is shared that its user
   *   did not choose
   */
  static async open(folder: string): Promise<ShareBook> {
    if (folder === '') return new ShareBook(undefined, [])
    const file = join(folder, shareBookName)
    const text = await readFile(file, 'utf8').catch(() => undefined)
    const shares = text === undefined ? [] : parsed(text)
    if (shares === undefined) await rename(file, `${file}.damaged`)
    return new ShareBook(file, shares ?? [])
  }

  get shares(): readonly Share[] {
    return this.#shares
  }

  /** Replaces the one of its name. */
  async put(share: Share): Promise<void> {
    this.#shares = [...this.#shares.filter(({ name }) => name !== share.name), share]
    await this.#write()
  }

  async remove(name: string): Promise<void> {
    this.#shares = this.#shares.filter((share) => share.name !== name)
    await this.#write()
  }

  async #write(): Promise<void> {
    const write = this.#writing.then(async () => {
      if (this.#file === undefined) return
      await writeFileAtomically(this.#file, `${JSON.stringify(this.#shares, undefined, 2)}\n`, OWNER_ONLY)
    })
    this.#writing = write.catch(() => undefined)
    await write
  }
}

/** @returns undefined for what is no list of shares */
function parsed(text: string): readonly Share[] | undefined {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list.filter(isShare) : undefined
  } catch {
    return undefined
  }
}

/** This program wrote it; an entry that says no longer with whom is left out, and so not shared. */
function isShare(entry: Partial<Share> | null): entry is Share {
  const { name, folder, audience, isSearchable } = entry ?? {}
  const hasAudience =
    audience?.is === 'contacts' ||
    audience?.is === 'lan' ||
    (audience?.is === 'peers' &&
      Array.isArray(audience.peers) &&
      audience.peers.every((one) => typeof one === 'string'))
  return (
    typeof name === 'string' &&
    isEntryName(name) &&
    typeof folder === 'string' &&
    typeof isSearchable === 'boolean' &&
    hasAudience
  )
}
