// The limits of shares that both sides of the protocol keep, and the paths that it speaks of. What is behind a path is not
// its business.

/** Rows of a screen, many times over; a page is also bounded by {@link MAX_LISTING_BYTES}. */
export const MAX_LISTING_ENTRIES = 500

/** One write of a stream: a message of the chat waits behind no more than this. */
export const MAX_LISTING_BYTES = 64 * 1024

/** More than a person reads; with fewer, the words are refined. */
export const MAX_HITS = 50

/** 50 hits of 300 bytes. */
export const MAX_HITS_BYTES = 16 * 1024

/** A page, and as much again so that later versions can add fields. */
export const MAX_SHARE_FRAME_BYTES = 128 * 1024

/** What a person types to find a file. */
const MAX_FIND_WORDS = 8

/** A shorter word is in almost every name. */
const MIN_WORD_CHARS = 3

const MAX_WORD_CHARS = 32

/** 255 UTF-16 units of the file systems of Windows and macOS, in UTF-8. */
const MAX_ENTRY_NAME_BYTES = 765

/** Linux opens no longer path. */
const MAX_SHARED_PATH_BYTES = 4_096

/** Folders in folders: more than people make, and no recursion of a walk is deeper. */
export const MAX_FOLDER_DEPTH = 32

/** A plain name in a folder: nothing in it leads elsewhere. It may have any other characters. */
export function isEntryName(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    !/[/\0]/u.test(name) &&
    name.isWellFormed() &&
    Buffer.byteLength(name) <= MAX_ENTRY_NAME_BYTES
  )
}

/** A path below what a peer shares, with slashes between its names, or the empty one of all that it shares. */
export function isSharedPath(path: string): boolean {
  if (path === '') return true
  if (path.length > MAX_SHARED_PATH_BYTES || Buffer.byteLength(path) > MAX_SHARED_PATH_BYTES) return false
  const names = path.split('/')
  return names.length <= MAX_FOLDER_DEPTH + 1 && names.every(isEntryName)
}

/** Words as they are found: 1 to 8 of 3 to 32 characters. */
export function areFindWords(words: readonly string[]): boolean {
  return words.length >= 1 && words.length <= MAX_FIND_WORDS && words.every(isFindWord)
}

function isFindWord(word: string): boolean {
  return word.length >= MIN_WORD_CHARS && word.length <= MAX_WORD_CHARS && word.isWellFormed() && !/[\s\0]/u.test(word)
}
