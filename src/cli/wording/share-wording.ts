// What is shared, in words: the own shares, what a peer shares, what was found. Pure; names are of other machines, and
// cleaned here, as a line break in one would make two lines.
import { countText, listText } from '../../lib/index.ts'
import { shortId, sizeText } from '../../node/settings.ts'
import type {
  FoundFile,
  RemoteEntry,
  RemoteFolder,
  SearchNews,
  SearchReport,
  ShareView,
  TransferView
} from '../chat-api/chat-api.ts'
import { quotedWord } from '../process/quoted-words.ts'
import { cleanText } from '../process/clean-text.ts'

/** Of a path in a line of a list. */
const PATH_CHARACTERS = 100

/** Sources of one file that a line names. */
const NAMED_SOURCES = 3

/** One of a list of own shares. @param nameOf a peer as this profile knows it */
export function shareLine(view: ShareView, nameOf: (peer: string) => string = shortId): string {
  const { name, folder, files, sizeBytes, isSearchable, why } = view
  const searchable = isSearchable ? ', found by words' : ''
  const reason = why === undefined ? '' : `; ${cleanText(why)}`
  const what = files === 0 ? emptyText(view) : `${filesText(files)} (${sizeText(sizeBytes)})${readingText(view)}`
  return `${cleanText(name)}  ${cleanText(folder)}: ${what}, for ${audienceText(view, nameOf)}${searchable}${reason}`
}

export function shareResultText(
  what: 'added' | 'removed',
  view: ShareView,
  nameOf: (peer: string) => string = shortId
): string {
  const name = cleanText(view.name)
  if (what === 'removed') return `${name} is not shared any more. What others have fetched of it stays with them.`
  const searchable = view.isSearchable ? ' They also find its files by words.' : ''
  return `${cleanText(view.folder)} is shared as ${name} with ${audienceText(view, nameOf)}.${searchable} Hidden files and links are left out.`
}

export function remoteFolderLines({ label, path, entries, hasMore }: RemoteFolder): readonly string[] {
  const who = cleanText(label)
  const where = path === '' ? '' : ` in ${pathText(path)}`
  if (entries.length === 0) return [path === '' ? `${who} shares nothing with you.` : `Nothing is${where}.`]
  return [
    `${who} shares${where}:`,
    ...entries.map((entry) => `  ${entryText(entry)}`),
    ...(hasMore ? ['  … and more.'] : [])
  ]
}

/** A row of a folder: its size, and its name with a slash at its end when it is a folder. */
export function entryText(entry: RemoteEntry): string {
  const name = cleanText(entry.name, { maxCharacters: PATH_CHARACTERS })
  const size = sizeText(entry.sizeBytes).padStart(9)
  if (entry.is === 'folder') return `${size}  ${name}/`
  return `${size}  ${name}${entry.file === undefined ? '  (not read by its owner yet)' : ''}`
}

/** @param fetch the command that fetches a file */
export function searchLines(
  { words, files, asked, silent, hasMore }: SearchReport,
  fetch = '/fetch'
): readonly string[] {
  const whom = `${countOf(asked, 'contact')} asked${silent === 0 ? '' : `, ${countText(silent)} did not answer`}`
  if (asked + silent === 0) return ['No contact of yours is online: nobody could be asked.']
  if (files.length === 0) return [`Nothing found for ${cleanText(words.join(' '))} (${whom}).`]
  return [
    ...files.map(foundLine),
    `${countOf(files.length, 'file')}, ${whom}.${hasMore ? ' There are more: add a word.' : ''} ${fetch} PEER PATH fetches one.`
  ]
}

export function searchNewsText({ words, files }: SearchNews): string {
  const [first] = files
  const more = files.length > 1 ? `, and ${countText(files.length - 1)} more` : ''
  return `Found for ${cleanText(words.join(' '))}: ${first === undefined ? '' : foundLine(first).trim()}${more}`
}

export function searchesLine(searches: readonly (readonly string[])[], end = '/find --end ends them'): string {
  if (searches.length === 0) return 'No search goes on.'
  return `These searches go on: ${searches.map((words) => cleanText(words.join(' '))).join('; ')}. ${end}.`
}

export function fetchingText(transfers: readonly TransferView[]): string {
  const bytes = transfers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const here = transfers.filter(({ state }) => state === 'done').length
  const known = here === 0 ? '' : ` ${countText(here)} of them ${here === 1 ? 'is' : 'are'} here already.`
  return `Fetching ${countOf(transfers.length, 'file')} (${sizeText(bytes)}) from ${cleanText(transfers[0]?.label ?? '')}.${known} /transfers shows how far they are.`
}

export function foundLine({ sizeBytes, sources }: FoundFile): string {
  const [first] = sources
  const names = sources.slice(0, NAMED_SOURCES).map(({ label }) => cleanText(label))
  const others = sources.length - names.length
  const from = listText(others > 0 ? [...names, `${countText(others)} more`] : names)
  return `${sizeText(sizeBytes).padStart(9)}  ${pathText(quotedWord(first?.path ?? ''))}  from ${from}`
}

function readingText({ files, readFiles, sizeBytes, readBytes, isBusy }: ShareView): string {
  if (files === readFiles) return ''
  const percent = sizeBytes === 0 ? 0 : Math.floor((100 * readBytes) / sizeBytes)
  return isBusy ? `, ${percent} % read` : `, ${countText(files - readFiles)} can't be read`
}

function emptyText({ isBusy }: ShareView): string {
  return isBusy ? 'being looked at' : 'no files seen yet'
}

function audienceText({ audience }: ShareView, nameOf: (peer: string) => string): string {
  if (audience.is === 'contacts') return 'your contacts'
  if (audience.is === 'lan') return 'contacts on your LAN'
  return listText(audience.peers.map((one) => cleanText(nameOf(one))))
}

function pathText(path: string): string {
  return cleanText(path, { maxCharacters: PATH_CHARACTERS })
}

function filesText(count: number): string {
  return countOf(count, 'file')
}

function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}
