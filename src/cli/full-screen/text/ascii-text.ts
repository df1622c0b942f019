// Text for a terminal whose locale is not UTF-8. There the bytes of a letter are
// several signs, and some of them are control characters: what a stranger has
// written could act on the terminal after all. Letters lose their accents, all
// else that is not ASCII becomes `?`, and nothing changes its width.
import { foldedCells } from './display-cells.ts'

/** The signs that the program writes itself and that have a likeness. */
const likenesses: Readonly<Record<string, string>> = { '…': '.', '—': '-', '–': '-', '→': '>', '←': '<', '␤': '|' }

/** @param clean without anything that acts on a terminal, as cells have it */
export function asciiText(clean: string): string {
  if (isAscii.test(clean)) return clean
  let text = ''
  for (const cell of foldedCells(clean)) text += likeness(cell.text).padEnd(cell.width)
  return text
}

/** Whether the locale is UTF-8; what names none is taken for one that is not. */
export function isUtf8(env: NodeJS.ProcessEnv): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => (value ?? '') !== '') ?? ''
  return /utf-?8/iu.test(locale) || env['WT_SESSION'] !== undefined
}

const isAscii = /^[\u0020-\u007e]*$/u

function likeness(text: string): string {
  const bare = text.normalize('NFD').replace(/\p{M}/gu, '')
  return isAscii.test(bare) ? bare.slice(0, 1) : (likenesses[text] ?? '?')
}
