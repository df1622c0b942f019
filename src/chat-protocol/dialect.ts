/**
 * What does this peer speak? Pure: facts in, a decision out. The ID `/chat/1.0.0` is spoken in three ways in the
 * wild, and a stream does not say which, so the decision rests on what is known of the peer and, where that is
 * silent, on the first bytes. It reads no stream and keeps no clock.
 */

/** `Parley`, a byte that no UTF-8 text contains, and the version of the Hello. */
export const HELLO_MARKER: Uint8Array = Uint8Array.of(0x50, 0x61, 0x72, 0x6c, 0x65, 0x79, 0xff, 0x01)

/** How a peer frames `/chat/1.0.0`. */
export type Dialect = 'parley' | 'framed-text' | 'lines'
export type PlainDialect = Exclude<Dialect, 'parley'>

/** What another layer found out about the program at the other end. */
export type PeerKind =
  | { readonly kind: 'parley' }
  /** `agent` is undefined when the peer runs no identify service. */
  | { readonly kind: 'foreign'; readonly agent: string | undefined }
  | { readonly kind: 'undecided' }

/** What the bytes at the start of a stream say: `need-more` also stands for no byte at all. */
export type FirstBytes = 'hello' | 'not-hello' | 'need-more'

export interface DialectFacts {
  /** The stream is one of `/chat/1.1.0`, which other programs speak in lines alone. */
  readonly isLines: boolean
  /** The peer's marker was seen, or it was found to be Parley, at any time in this life of the service. */
  readonly knownParley: boolean
  /** `undefined` while the answer is awaited. */
  readonly kind: PeerKind | undefined
  /** What has arrived so far, and nothing read away from it. */
  readonly bytes: Uint8Array
  /** No more bytes will come, or there was time enough for a Hello that had begun to be completed. */
  readonly waitedEnough: boolean
}

export type DialectDecision =
  /** Nothing can be said yet, and nothing may be sent. */
  | { readonly kind: 'wait' }
  /** May be spoken, but the other side's first bytes are still to be looked at: a Hello overrides it. */
  | { readonly kind: 'provisional'; readonly dialect: PlainDialect }
  | { readonly kind: 'decided'; readonly dialect: Dialect }
  /** A peer that speaks Parley does not begin with a Hello. */
  | { readonly kind: 'not-parley' }

/** Decides from all that is known so far. Called again whenever a fact changes. */
export function decideDialect(facts: DialectFacts): DialectDecision {
  const first = readFirstBytes(facts.bytes)
  if (first === 'hello') return { kind: 'decided', dialect: 'parley' }
  if (facts.knownParley || facts.kind?.kind === 'parley') {
    return first === 'not-hello' ? { kind: 'not-parley' } : { kind: 'decided', dialect: 'parley' }
  }
  if (facts.kind === undefined) return { kind: 'wait' }
  const settled = first === 'not-hello' || (facts.waitedEnough && facts.bytes.byteLength > 0)
  if (facts.isLines) return { kind: settled ? 'decided' : 'provisional', dialect: 'lines' }
  if (facts.kind.kind === 'foreign') {
    const { agent } = facts.kind
    const dialect = foreignDialect(agent)
    if (!settled) return { kind: 'provisional', dialect }
    const isFramed = dialect === 'framed-text' || saysFramed(agent, facts.bytes)
    return { kind: 'decided', dialect: isFramed ? 'framed-text' : 'lines' }
  }
  return settled ? { kind: 'decided', dialect: guessPlain(facts.bytes) } : { kind: 'wait' }
}

/** What js-libp2p ends its agent with, whatever name the program gives itself. */
const jsPlatform = / (?:node|deno|bun)\/[^ ]+$/

/**
 * The chat examples of go-libp2p and py-libp2p write lines and run identify under whatever name their module has;
 * that of js-libp2p writes length-prefixed text and runs no identify at all.
 */
export function foreignDialect(agent: string | undefined): PlainDialect {
  const isJs = agent === undefined || agent.startsWith('js-libp2p') || jsPlatform.test(agent)
  return isJs ? 'framed-text' : 'lines'
}

/** go-libp2p says MODULE@VERSION; an agent that can't be read is that of py-libp2p with an RSA key. */
const knownLines = /^$|@|^go-libp2p|^py-libp2p/

/**
 * Are the first bytes framed text, though the agent does not say so? Whole frames and not a byte more, from a program
 * that is not known; or from any program where the length is a control character, with which no line begins.
 */
function saysFramed(agent: string | undefined, bytes: Uint8Array): boolean {
  if (guessPlain(bytes) !== 'framed-text') return false
  return !knownLines.test(agent ?? '') || !beginsLikeALine(bytes)
}

function beginsLikeALine(bytes: Uint8Array): boolean {
  const [first = 0] = bytes
  return first >= 0x20 || first === 0x09 || first === 0x0a || first === 0x0d
}

/** Frame{hello} and Hello{marker}: the tags of field 1, length-delimited. */
const fieldOne = 0x0a

/**
 * Do the bytes begin with a Hello frame? The marker holds 0xFF, which no UTF-8 text contains, so text is never
 * taken for a Hello; text can look like the start of one (`h` and a newline are a length and a tag), which is
 * `need-more` until a byte says otherwise.
 */
export function readFirstBytes(bytes: Uint8Array): FirstBytes {
  const frame = readVarint(bytes, 0)
  if (frame === 'need-more') return 'need-more'
  if (frame === 'invalid') return 'not-hello'
  // Two tags, two lengths and the marker: no Hello frame is shorter.
  if (frame.value < 4 + HELLO_MARKER.byteLength) return 'not-hello'
  if (frame.end >= bytes.byteLength) return 'need-more'
  if (bytes[frame.end] !== fieldOne) return 'not-hello'
  const hello = readVarint(bytes, frame.end + 1)
  if (hello === 'need-more') return 'need-more'
  if (hello === 'invalid' || hello.value > frame.value) return 'not-hello'
  const expected = [fieldOne, HELLO_MARKER.byteLength, ...HELLO_MARKER]
  for (const [index, byte] of expected.entries()) {
    const at = hello.end + index
    if (at >= bytes.byteLength) return 'need-more'
    if (bytes[at] !== byte) return 'not-hello'
  }
  return 'hello'
}

const fatalUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Nothing is known of the peer and it did not say Hello. When what has arrived is one or more whole
 * length-prefixed UTF-8 texts and not a byte more, it is framed text, and lines otherwise. It can be wrong both
 * ways: a line whose first byte happens to be the number of the bytes after it ("A" and 65 bytes), and framed text
 * that has arrived only in part. That is why what is known of the peer goes before.
 */
export function guessPlain(bytes: Uint8Array): PlainDialect {
  let at = 0
  while (at < bytes.byteLength) {
    const length = readVarint(bytes, at)
    if (length === 'need-more' || length === 'invalid') return 'lines'
    at = length.end + length.value
    if (at > bytes.byteLength) return 'lines'
    try {
      fatalUtf8.decode(bytes.subarray(length.end, at))
    } catch {
      return 'lines' // not UTF-8 where framed text would have its text
    }
  }
  return bytes.byteLength > 0 ? 'framed-text' : 'lines'
}

/** Three bytes hold 2 MiB, more than any frame or text may have. */
const maxVarintBytes = 3

function readVarint(bytes: Uint8Array, from: number): { value: number; end: number } | 'need-more' | 'invalid' {
  let value = 0
  for (let index = 0; index < maxVarintBytes; index++) {
    const byte = bytes[from + index]
    if (byte === undefined) return 'need-more'
    value |= (byte & 0x7f) << (index * 7)
    if (byte < 0x80) return { value, end: from + index + 1 }
  }
  return 'invalid'
}
