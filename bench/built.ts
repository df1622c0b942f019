/** The compiled sources, made first when they are not there: what a user runs. */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const root = join(import.meta.dirname, '..')

/** @returns the folder of the build */
export async function builtParley(): Promise<string> {
  // Plain JavaScript without types.
  const { buildIfStale } = (await import(pathToFileURL(join(root, 'scripts', 'build.js')).href)) as {
    buildIfStale(): Promise<string>
  }
  return buildIfStale()
}
