// What is shared as lists to choose from: the own shares, the folders of a peer that one walks through, and files that were
// found. Pure.
import type { FoundFile, RemoteFolder } from '../../chat-api/chat-api.ts'
import type { CommandResult } from '../../chat-commands/chat-command.ts'
import { BEHIND } from '../../chat-commands/share-commands.ts'
import { cleanText } from '../../process/clean-text.ts'
import { quotedWord } from '../../process/quoted-words.ts'
import { entryText, foundLine, shareLine } from '../../wording/share-wording.ts'
import { type Intent, type Popup, type PopupLine, popupOf } from '../model/popup.ts'
import { labelOf, type State } from '../model/state.ts'

type SharingResult = Extract<CommandResult, { readonly is: 'shares' | 'remote folder' | 'files found' }>

/** @returns undefined where there is nothing to choose */
export function sharingPopup(result: SharingResult, state: State): Popup | undefined {
  switch (result.is) {
    case 'shares':
      if (result.shares.length === 0) return undefined
      return popupOf(
        'What you share',
        result.shares.map((share) => ({
          text: shareLine(share, (one) => labelOf(state, one)),
          keys: { x: { is: 'line', line: `/share remove ${quotedWord(share.name)}` } }
        })),
        'x ends the sharing'
      )
    case 'remote folder': {
      const { folder } = result
      if (folder.entries.length === 0 && folder.path === '') return undefined
      return popupOf(folderTitle(folder), folderLines(folder), 'Enter opens or fetches it, f fetches a folder')
    }
    case 'files found': {
      const { files, words } = result.report
      if (files.length === 0) return undefined
      return popupOf(
        `Files with ${JSON.stringify(cleanText(words.join(' ')))}`,
        files.map(foundPopupLine),
        'Enter fetches it'
      )
    }
  }
}

function folderTitle({ label, path }: RemoteFolder): string {
  return cleanText(path === '' ? `What ${label} shares with you` : `${label}: ${path}`)
}

/** One walks through it: Enter goes into a folder, and on the first line back out of it. */
function folderLines({ peer, path, entries, hasMore }: RemoteFolder): readonly PopupLine[] {
  const browse = (to: string, more = ''): Intent => ({ is: 'line', line: `/browse ${peer} ${quotedWord(to)}${more}` })
  const fetch = (what: string): Intent => ({ is: 'line', line: `/fetch ${peer} ${quotedWord(what)}` })
  const last = entries.at(-1)?.name ?? ''
  return [
    ...(path === '' ? [] : [{ text: '../', enter: browse(path.split('/').slice(0, -1).join('/')) }]),
    ...entries.map((entry): PopupLine => {
      const below = path === '' ? entry.name : `${path}/${entry.name}`
      const text = entryText(entry)
      if (entry.is === 'folder') return { text, enter: browse(below), keys: { f: fetch(below) } }
      return entry.file === undefined ? { text } : { text, enter: fetch(below) }
    }),
    ...(hasMore ? [{ text: '… more', enter: browse(path, ` ${BEHIND} ${quotedWord(last)}`) }] : [])
  ]
}

function foundPopupLine(file: FoundFile): PopupLine {
  const [first] = file.sources
  const text = foundLine(file)
  if (first === undefined) return { text }
  return { text, enter: { is: 'line', line: `/fetch ${first.peer} ${quotedWord(first.path)}` } }
}
