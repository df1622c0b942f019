// The head of an HTTP/1.1 message, from its first line to the empty one: the only part of
// HTTP that a WebSocket needs. Its bytes may come from anyone, so it refuses what could be
// read in two ways. It knows nothing of WebSockets.

/** Browsers and proxies send two or three KB, most of it cookies; servers take eight. */
export const MAX_HTTP_HEAD_BYTES = 8 * 1024

/** A program sends ten, and each proxy adds a few. */
const MAX_HEADERS = 64

export interface HttpHead {
  /** Of a request `GET / HTTP/1.1`, of an answer `HTTP/1.1 101 Switching Protocols`. */
  readonly start: string
  /** By their names in lower case; the values of one that came several times, with commas between them. */
  readonly headers: ReadonlyMap<string, string>
}

export type HttpHeadReading =
  /** More bytes are needed. */
  | { readonly is: 'incomplete' }
  | { readonly is: 'invalid'; readonly why: string }
  | { readonly is: 'complete'; readonly head: HttpHead; readonly byteLength: number }

const END = '\r\n\r\n'
const headerLine = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/u

/** @param bytes all that came on the connection so far */
export function readHttpHead(bytes: Uint8Array): HttpHeadReading {
  const within = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, MAX_HTTP_HEAD_BYTES))
  const end = within.indexOf(END)
  if (end === -1) {
    return bytes.byteLength < MAX_HTTP_HEAD_BYTES
      ? { is: 'incomplete' }
      : { is: 'invalid', why: `it has more than ${MAX_HTTP_HEAD_BYTES} bytes of headers` }
  }
  const [start = '', ...lines] = within.subarray(0, end).toString('latin1').split('\r\n')
  if (!/^[\x20-\x7e\x80-\xff]+$/u.test(start)) return { is: 'invalid', why: 'its first line is not HTTP' }
  if (lines.length > MAX_HEADERS) return { is: 'invalid', why: `it has more than ${MAX_HEADERS} headers` }
  const headers = new Map<string, string>()
  for (const line of lines) {
    const [, name, value = ''] = headerLine.exec(line) ?? []
    if (name === undefined) return { is: 'invalid', why: 'one of its headers is not HTTP' }
    const key = name.toLowerCase()
    const before = headers.get(key)
    headers.set(key, before === undefined ? value : `${before}, ${value}`)
  }
  return { is: 'complete', head: { start, headers }, byteLength: end + END.length }
}
