// The page's files, read once and kept, with what a browser needs to know of
// them. Only these are served: no path of a request ever meets the disk.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

export interface PageFile {
  readonly type: string
  readonly etag: string
  readonly plain: Buffer
  readonly gzip: Buffer
}

/** What scripts/build-page.js makes, by the path under which it is served. */
const files = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/icon.svg', 'icon.svg', 'image/svg+xml']
] as const

export type PageFiles = ReadonlyMap<string, PageFile>

/** @returns the files by their path; none when the page was not built */
export async function readPageFiles(folder: string): Promise<PageFiles> {
  try {
    const read = files.map(async ([path, name, type]): Promise<[string, PageFile]> => {
      const plain = await readFile(join(folder, name))
      const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
      return [path, { type, etag, plain, gzip: gzipSync(plain) }]
    })
    return new Map(await Promise.all(read))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map()
    throw error
  }
}
