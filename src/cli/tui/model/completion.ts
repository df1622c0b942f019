// The Tab key: commands after a slash, names where a peer is meant, and names in
// what is being written, files where a path is. Repeated, it steps through several hits.
import { chatCommands } from '../../chat-commands/chat-commands.ts'
import { cleanText } from '../../process/clean-text.ts'
import { completeLine, safeName } from '../../chat-commands/completion.ts'
import { folded } from '../../../lib/index.ts'
import { replaced, type Editor } from './editor.ts'
import { screenCommands } from './screen-commands.ts'
import type { Input, State } from './state.ts'

export function completed(state: State, by: -1 | 1): Input {
  const { input } = state
  const { completion } = input
  if (completion !== undefined) {
    const { hits, before, after } = completion
    const index = (completion.index + by + hits.length) % hits.length
    return {
      ...input,
      editor: withWord(input.editor, before, hits[index] ?? '', after),
      completion: { ...completion, index }
    }
  }
  const { text, cursor } = input.editor
  const [hits, typed] = candidates(state, text.slice(0, cursor))
  const [only] = hits
  if (only === undefined) return input
  const before = text.slice(0, cursor - typed.length)
  const after = text.slice(cursor)
  if (hits.length === 1) return { ...input, editor: withWord(input.editor, before, withSpace(only), after) }
  const common = commonBeginning(hits)
  const isLonger = common.length > typed.length && folded(common).startsWith(folded(typed))
  const editor = isLonger ? withWord(input.editor, before, common, after) : input.editor
  return { ...input, editor, completion: { hits, index: by === 1 ? -1 : 0, before, after } }
}

function candidates(state: State, line: string): readonly [hits: readonly string[], typed: string] {
  const names = [
    ...state.contacts.values(),
    ...state.people.map(({ name, row }) => (row === undefined ? name : row.contact ? name : safeName(row)))
  ]
  const own = screenCommands.map(({ name }) => `/${name} `).filter((name) => line !== '' && name.startsWith(line))
  const isPrompt = state.place.at === 'peer'
  const [hits, typed] = completeLine(line, { commands: chatCommands, names, peerExpected: isPrompt && line !== '' })
  const known = [...hits, ...own]
  if (known.length > 0 || line.startsWith('/') || isPrompt) return [shown(known), typed]
  const word = /\S+$/u.exec(line)?.[0] ?? ''
  if (word === '') return [[], '']
  const named = names.filter((name) => folded(name).startsWith(folded(word)))
  return [shown([...new Set(named)]), word]
}

/** Only what can be typed again as it stands on the screen. */
function shown(hits: readonly string[]): readonly string[] {
  return hits.filter((hit) => cleanText(hit) === hit)
}

/** After a folder the name of something in it may follow. */
function withSpace(hit: string): string {
  return hit.endsWith(' ') || hit.endsWith('/') ? hit : `${hit} `
}

function withWord(editor: Editor, before: string, word: string, after: string): Editor {
  return { ...replaced(editor, before + word + after), cursor: before.length + word.length }
}

function commonBeginning(hits: readonly string[]): string {
  const [first = '', ...others] = hits
  const beginnings = others.map(folded)
  let common = ''
  for (const character of first) {
    const longer = folded(common + character)
    if (!beginnings.every((one) => one.startsWith(longer))) break
    common += character
  }
  return common
}
