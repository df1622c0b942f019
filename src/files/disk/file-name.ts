// The name under which a file of another machine is written here: whatever was proposed, it is a plain name in one folder,
// on every common system. What is already there is not its business.
import { normalForm, withoutHidden } from '../../lib/index.ts'

/** The shortest limit of common file systems, less what a number and the endings of a part add to it. */
export const MAX_FILE_NAME_BYTES = 200

/** An extension is kept when a name is cut, unless it is no extension. */
const MAX_EXTENSION_BYTES = 16

/** Of ` (100000)`: no list of a folder has more files. */
const NUMBER_BYTES = 9

/** What a file is called whose name has nothing in it that may stand in one. */
const NAMELESS = 'file'

/** Separators of paths and of Windows' streams, and what its file systems refuse. */
const forbidden = /[/\\:*?"<>|]/gu

/** Control, format and unassigned characters, surrogates, and the two that separate lines. */
const unseen = /[\p{C}\p{Zl}\p{Zp}]/gu

/** Names of devices on Windows, with any extension. */
const reserved = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?=$|[ .])/iu

/** Endings that this program gives to files of its own. */
const ownEnding = /\.part(?:-state)?$/iu

/** @param proposed any text */
export function safeFileName(proposed: string): string {
  const visible = withoutHidden(normalForm(proposed, 'NFC')).replaceAll(unseen, '').replaceAll(forbidden, '_')
  const bare = trimmed(visible)
  const named = bare.replace(reserved, '_$&').replace(ownEnding, '$&_')
  const short = cut(named === '' ? NAMELESS : named, MAX_FILE_NAME_BYTES)
  // What was cut may end as a file of this program does.
  return ownEnding.test(short) ? cut(`${short}_`, MAX_FILE_NAME_BYTES) : short
}

/**
 * The name with a number before its extension: `photo (2).jpg`. Where it is long, it is cut: of a safe name comes a safe one.
 */
export function numberedName(name: string, number: number): string {
  if (number === 1) return name
  const [stem, extension] = split(name)
  const room = MAX_FILE_NAME_BYTES - Buffer.byteLength(extension) - NUMBER_BYTES
  return `${cutStem(stem, room)} (${number})${extension}`
}

/** Without dots and spaces at the beginning, where they hide a file, and at the end, where Windows drops them. */
function trimmed(name: string): string {
  return name.replace(/^[.\s]+/u, '').replace(/[.\s]+$/u, '')
}

function cut(name: string, maxBytes: number): string {
  if (Buffer.byteLength(name) <= maxBytes) return name
  const [stem, extension] = split(name)
  const short = trimmed(cutStem(stem, maxBytes - Buffer.byteLength(extension)))
  return `${short === '' ? NAMELESS : short}${extension}`
}

function cutStem(stem: string, maxBytes: number): string {
  if (Buffer.byteLength(stem) <= maxBytes) return stem
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(stem)) {
    if (Buffer.byteLength(kept + segment) > maxBytes) break
    kept += segment
  }
  return kept
}

/** What stands before the extension, and the extension with its dot, or nothing. */
function split(name: string): readonly [string, string] {
  const dot = name.lastIndexOf('.')
  if (dot <= 0 || Buffer.byteLength(name) - Buffer.byteLength(name.slice(0, dot)) > MAX_EXTENSION_BYTES)
    return [name, '']
  return [name.slice(0, dot), name.slice(dot)]
}
