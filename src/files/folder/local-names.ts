// What the paths of another machine's folder are called on this one: each name is a safe one, and no two that a file system
// might take for the same stay the same. Pure: from one list always the same names come, so that a download can go on.
import { normalForm } from '../../lib/index.ts'
import { numberedName, safeFileName } from '../disk/file-name.ts'
import type { FolderEntry } from './folder-manifest.ts'

interface LocalFolder {
  readonly path: readonly string[]
  /** Names in it, as a file system without case sees them. */
  readonly taken: Set<string>
}

/** @returns for each entry the names that lead to it */
export function localNames(entries: readonly FolderEntry[]): readonly (readonly string[])[] {
  const folders = new Map<string, LocalFolder>([['', { path: [], taken: new Set() }]])
  return entries.map((entry) => {
    const names = entry.path.split('/')
    let inside = ''
    let folder = folders.get(inside) ?? { path: [], taken: new Set() }
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1
      inside = index === 0 ? name : `${inside}/${name}`
      const known = folders.get(inside)
      if (known !== undefined) {
        folder = known
        continue
      }
      const path = [...folder.path, freeName(folder.taken, safeFileName(name))]
      if (isLast && entry.is === 'file') return path
      folder = { path, taken: new Set() }
      folders.set(inside, folder)
    }
    return folder.path
  })
}

function freeName(taken: Set<string>, name: string): string {
  for (let number = 1; ; number++) {
    const numbered = numberedName(name, number)
    // Upper case first: where two letters have one upper case, a file system may see one name.
    const shape = normalForm(numbered, 'NFC').toUpperCase().toLowerCase()
    if (taken.has(shape)) continue
    taken.add(shape)
    return numbered
  }
}
