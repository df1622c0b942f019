// The short form of a peer ID that stands beside a nickname, and what of an ID
// may be typed instead of the whole.

/** What every ID of one key type begins with, and so tells nothing: Ed25519, secp256k1, RSA. */
const keyTypeHeads = ['12D3KooW', '16Uiu2HA', 'Qm'] as const
/** Too long for anybody to make a key that imitates another's short form by trying: 58^8 tries. */
const shortIdLength = 8
/** Fewer letters are typed by mistake too often to mean somebody. */
export const minShortBeginning = 4

export function shortId(peer: string): string {
  return tail(peer).slice(0, shortIdLength)
}

/** True when `text` is the ID, a beginning of it that goes beyond its key type, or at least its short form. */
export function isIdPrefix(text: string, peer: string): boolean {
  if (keyTypeHeads.some((head) => text.startsWith(head) && text.length > head.length)) return peer.startsWith(text)
  return text.length >= shortIdLength && tail(peer).startsWith(text)
}

/**
 * True when `text` is a beginning of the short form that anybody can have: a key for four letters is found in minutes.
 * It is no better than a nickname. A number is none: it is one of a list, or a port.
 */
export function isShortIdBeginning(text: string, peer: string): boolean {
  const isLetters = text.length >= minShortBeginning && text.length < shortIdLength && !/^\d+$/u.test(text)
  return isLetters && tail(peer).startsWith(text)
}

/** True when `text` would be such a beginning if it were longer. */
export function isTooShortBeginning(text: string, peer: string): boolean {
  return text.length < minShortBeginning && !/^\d*$/u.test(text) && tail(peer).startsWith(text)
}

function tail(peer: string): string {
  const head = keyTypeHeads.find((start) => peer.startsWith(start)) ?? ''
  return peer.slice(head.length)
}
