// What the paths of another machine's folder are called on this one: each name is a safe one, and no two that a file system
// might take for the same stay the same. Pure: from one list always the same names come, so that a download can go on.
import { normalForm } from '../../lib/index.ts'
import { numberedName, safeFileName } from '../disk/file-name.ts'
import type { FolderEntry } from './folder-manifest.ts'

interface LocalFolder {
  readonly path: readonly string[]
  /** Names in it, as a file system without case sees them. */
  readonly taken: Set<string>
  /** Of each name that was asked for again, the number to be tried next: a hundred thousand may all be one name here. */
  readonly numbers: Map<string, number>
}

/** @returns for each entry the names that lead to it */
export function localNames(entries: readonly FolderEntry[]): readonly (readonly string[])[] {
  const folders = new Map<string, LocalFolder>([['', emptyFolder([])]])
  return entries.map((entry) => {
    const names = entry.path.split('/')
    let inside = ''
    let folder = folders.get(inside) ?? emptyFolder([])
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1
      inside = index === 0 ? name : `${inside}/${name}`
      const known = folders.get(inside)
      if (known !== undefined) {
        folder = known
        continue
      }
      const path = [...folder.path, freeName(folder, safeFileName(name))]
      if (isLast && entry.is === 'file') return path
      folder = emptyFolder(path)
      folders.set(inside, folder)
    }
    return folder.path
  })
}

function emptyFolder(path: readonly string[]): LocalFolder {
  return { path, taken: new Set(), numbers: new Map() }
}

function freeName({ taken, numbers }: LocalFolder, name: string): string {
  // Names that are cut to the same one are numbered together.
  const numbered = shapeOf(numberedName(name, 0))
  for (let number = taken.has(shapeOf(name)) ? (numbers.get(numbered) ?? 2) : 1; ; number++) {
    const free = numberedName(name, number)
    const shape = shapeOf(free)
    if (taken.has(shape)) continue
    taken.add(shape)
    if (number > 1) numbers.set(numbered, number + 1)
    return free
  }
}

/** Upper case first: where two letters have one upper case, a file system may see one name. */
function shapeOf(name: string): string {
  return normalForm(name, 'NFC').toUpperCase().toLowerCase()
}
