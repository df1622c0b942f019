// How answers look: the headers that stand on all of them, a file of the page, a
// piece of JSON, a refusal in words. Knows no routes and no roster.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PageFile } from './page-files.ts'

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

/** @returns the target of a request; undefined when it is none of ours */
export function readUrl(target: string | undefined): URL | undefined {
  if (target === undefined || !target.startsWith('/')) return undefined
  // A path that begins with two slashes would be taken for a host.
  return URL.parse(`http://directory${target}`) ?? undefined
}

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

/** What a request that is none is answered with. */
export function statusOf(error: Error): string {
  switch ('code' in error ? error.code : undefined) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout'
    default:
      return '400 Bad Request'
  }
}

/** Says in JSON why there is no other answer. */
export function say(response: ServerResponse, status: number, why: string, headers: Record<string, string> = {}): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  sendJson(response, status, { error: why })
}
