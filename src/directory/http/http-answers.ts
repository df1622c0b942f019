// How answers look: the headers of all of them, a file of the page, JSON, a refusal
// in words. The files are read once and kept: no path of a request ever meets the
// disk. Knows no routes and no roster.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { hasErrorCode } from '../../lib/index.ts'

interface PageFile {
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
    if (hasErrorCode(error, 'ENOENT')) return new Map()
    throw error
  }
}

/** The page loads nothing from elsewhere, runs nothing that stands in it, and is shown in nobody's frame. */
export const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY'
} as const

/** Sends a file of the page, unless the browser has it. */
export function sendFile(file: PageFile, request: IncomingMessage, response: ServerResponse): void {
  const headers = { etag: file.etag, 'cache-control': 'no-cache', 'content-type': file.type, vary: 'accept-encoding' }
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, headers).end()
    return
  }
  const isGzip = /\bgzip\b/u.test(request.headers['accept-encoding']?.toString() ?? '')
  const body = isGzip ? file.gzip : file.plain
  response.writeHead(200, {
    ...headers,
    'content-length': body.byteLength,
    ...(isGzip ? { 'content-encoding': 'gzip' } : {})
  })
  response.end(body)
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' })
  response.end(`${JSON.stringify(body)}\n`)
}

/** Says in JSON why there is no other answer. */
export function say(response: ServerResponse, status: number, why: string, headers: Record<string, string> = {}): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  sendJson(response, status, { error: why })
}
