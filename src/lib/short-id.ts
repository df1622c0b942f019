// The short form of a peer ID that stands beside a nickname, and what of an ID
// may be typed instead of the whole.
import { isVisible } from './unicode/hidden-text.ts'

/** What every ID of one key type begins with, and so tells nothing: Ed25519, secp256k1, RSA. */
const keyTypeHeads = ['12D3KooW', '16Uiu2HA', 'Qm'] as const
/**
 * Twelve characters of base58 behind the head of an Ed25519 ID are 68.5 bits: the first of them has 4.1, as the head
 * takes a part of it, the others 5.86 each. A second key with the same short form takes 2^68.5 tries: at 10^9 keys a
 * second, which a room of graphics cards makes, 13,000 years; with a thousand peers to imitate, 13. Eight characters,
 * as it once was, are 45.1 bits, and the same room needs ten hours. docs/decisions/0020 has the figures.
 */
export const SHORT_ID_CHARS = 12
/** Names that were made of short IDs before may still have eight characters. */
const oldShortIdChars = 8
/** Fewer letters are typed by mistake too often to mean a peer. */
export const minShortBeginning = 4

export function shortId(peer: string): string {
  return withoutHead(peer).slice(0, SHORT_ID_CHARS)
}

/** The name, or the short ID for a peer without one that could be seen. */
export function nameOrShortId(name: string | undefined, peer: string): string {
  return name === undefined || !isVisible(name) ? shortId(peer) : name
}

/** True when `name` is no name but the short ID of the peer, of this version or an older one. */
export function isShortFormOf(name: string, peer: string): boolean {
  return name.length >= oldShortIdChars && shortId(peer).startsWith(name)
}

/** True when `text` is the ID, a beginning of it that goes beyond its key type, or at least its short form. */
export function isIdPrefix(text: string, peer: string): boolean {
  if (keyTypeHeads.some((head) => text.startsWith(head) && text.length >= head.length + SHORT_ID_CHARS)) {
    return peer.startsWith(text)
  }
  return text.length >= SHORT_ID_CHARS && withoutHead(peer).startsWith(text)
}

/**
 * True when `text` is a beginning of the ID that anyone can have: a key for four letters is found in minutes, one for
 * eight in hours. It is no better than a nickname. A number is none: it is one of a list, or a port.
 */
export function isShortIdBeginning(text: string, peer: string): boolean {
  const letters = withoutHead(text)
  // Behind its head any letter is one of an ID; without it, four are needed to mean one.
  const least = letters === text ? minShortBeginning : 1
  const isLetters = letters.length >= least && letters.length < SHORT_ID_CHARS && !/^\d+$/u.test(text)
  return isLetters && withoutHead(peer).startsWith(letters)
}

/** True when `text` would be such a beginning if it were longer. */
export function isTooShortBeginning(text: string, peer: string): boolean {
  return text.length < minShortBeginning && !/^\d*$/u.test(text) && withoutHead(peer).startsWith(text)
}

function withoutHead(text: string): string {
  const head = keyTypeHeads.find((start) => text.startsWith(start)) ?? ''
  return text.slice(head.length)
}
