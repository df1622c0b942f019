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

/** What the name of the share and the slash behind it leave of that, however long the name is. */
const MAX_INNER_PATH_BYTES = MAX_SHARED_PATH_BYTES - MAX_ENTRY_NAME_BYTES - 1

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

/**
 * The path of a share, of a folder or a file in one, or the empty path of all shares: names with slashes between them,
 * that of the share first.
 */
export function isSharedPath(path: string): boolean {
  return path === '' || isPath(path, MAX_SHARED_PATH_BYTES, MAX_FOLDER_DEPTH + 2)
}

/** The path of a folder or a file in a share, without the name of the share: with any, it is a shared path. */
export function isInnerPath(path: string): boolean {
  return isPath(path, MAX_INNER_PATH_BYTES, MAX_FOLDER_DEPTH + 1)
}

/** @param maxNames those of folders, and of a file in the deepest */
function isPath(path: string, maxBytes: number, maxNames: number): boolean {
  if (path.length > maxBytes || Buffer.byteLength(path) > maxBytes) return false
  const names = path.split('/')
  return names.length <= maxNames && names.every(isEntryName)
}

/** Words as they are found: 1 to 8 of 3 to 32 characters. */
export function areFindWords(words: readonly string[]): boolean {
  return words.length >= 1 && words.length <= MAX_FIND_WORDS && words.every(isFindWord)
}

function isFindWord(word: string): boolean {
  return word.length >= MIN_WORD_CHARS && word.length <= MAX_WORD_CHARS && word.isWellFormed() && !/[\s\0]/u.test(word)
}
