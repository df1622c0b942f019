// Files in words: what was offered, how far each is, what has become of it. Pure; names are of other machines, and cleaned
// here, as a line break in one would make two lines.
import { listText } from '../../lib/index.ts'
import { sizeText } from '../../node/settings.ts'
import type { TransferNews, TransferView } from '../chat-api/chat-api.ts'
import { cleanText } from '../process/clean-text.ts'

/** Of a name in a line of the list. */
const NAME_CHARACTERS = 60

const MINUTE_S = 60

/** One of a list: its number, its name, and how far it is. */
export function transferLine(view: TransferView): string {
  const { number, direction, label } = view
  const way = direction === 'in' ? `from ${cleanText(label)}` : `to ${cleanText(label)}`
  return `${String(number).padStart(3)}  ${nameText(view)} ${way}: ${stateText(view)}`
}

/** @returns undefined for news that the list shows, and that are no line of their own */
export function transferNewsText({ what, transfer, source, servedBy }: TransferNews): string | undefined {
  const { number, direction, label, path = '', why = 'no reason was given' } = transfer
  const who = cleanText(label)
  if (direction === 'out') return ownNewsText(what, transfer)
  switch (what) {
    case 'offered':
      return `${who} offers ${nameText(transfer)}: /get ${number} fetches it, /decline ${number} refuses it.`
    case 'done':
      return `${nameText(transfer)} from ${servedBy === undefined ? who : listText(servedBy.map((one) => cleanText(one)))} is here: ${cleanText(path)}`
    case 'failed':
      return `${nameText(transfer)} from ${who} was not fetched: ${cleanText(why)}. /get ${number} tries again.`
    case 'wrong-source':
      return `${cleanText(source?.label ?? label)} sent something else than ${nameText(transfer)}. None of it was kept, and ${cleanText(source?.label ?? label)} is not asked for it any more.`
    case 'started':
    case 'progress':
    case 'paused':
    case 'declined':
      return undefined
  }
}

function ownNewsText(what: TransferNews['what'], transfer: TransferView): string | undefined {
  const who = cleanText(transfer.label)
  if (what === 'done') return `${nameText(transfer)} was sent to ${who}.`
  if (what !== 'failed') return undefined
  return `${nameText(transfer)} can't be sent to ${who}: ${cleanText(transfer.why ?? '')}.`
}

/** What a command did with a file. */
export function transferResultText(view: TransferView): string {
  const { number, direction, label, state } = view
  if (state === 'paused') return `${nameText(view)} is paused. /resume ${number} goes on with it.`
  if (state !== 'declined')
    return `Fetching ${nameText(view)} from ${cleanText(label)}: /transfers shows how far it is.`
  return direction === 'out'
    ? `${nameText(view)} is not offered to ${cleanText(label)} any more.`
    : `${nameText(view)} is not fetched. /get ${number} takes that back.`
}

function nameText({ name, sizeBytes, files }: TransferView): string {
  const called = cleanText(name, { maxCharacters: NAME_CHARACTERS })
  if (files === undefined) return `${called} (${sizeText(sizeBytes)})`
  return `${called}/ (${files} ${files === 1 ? 'file' : 'files'}, ${sizeText(sizeBytes)})`
}

function stateText(view: TransferView): string {
  const { number, direction, state, path = '', why, place } = view
  const reason = why === undefined ? '' : `; ${cleanText(why)}`
  switch (state) {
    case 'offered':
      return direction === 'in' ? `offered, /get ${number} fetches it${reason}` : `offered${reason}`
    case 'waiting':
      return place === undefined
        ? `waiting${percentText(view)}${reason}`
        : `waiting, place ${place} in its sender's queue${percentText(view)}`
    case 'running':
      return `${direction === 'in' ? 'fetching' : 'sending'}${percentText(view)}${paceText(view)}`
    case 'paused':
      return `paused, /resume ${number} goes on with it${reason}`
    case 'done':
      return direction === 'in' ? `here: ${cleanText(path)}` : `sent${reason}`
    case 'declined':
      return 'declined'
  }
}

function percentText({ doneBytes, sizeBytes, files, doneFiles }: TransferView): string {
  const counted = doneFiles === undefined ? '' : `, ${doneFiles} of ${files} files`
  return sizeBytes === 0 ? counted : `, ${Math.floor((100 * doneBytes) / sizeBytes)} %${counted}`
}

function paceText({ bytesPerSecond, doneBytes, sizeBytes }: TransferView): string {
  if (bytesPerSecond === undefined || bytesPerSecond === 0) return ''
  const leftS = Math.ceil((sizeBytes - doneBytes) / bytesPerSecond)
  const left = leftS < 2 * MINUTE_S ? `${leftS} s` : `${Math.ceil(leftS / MINUTE_S)} min`
  return `, ${sizeText(bytesPerSecond)}/s, ${left} left`
}
