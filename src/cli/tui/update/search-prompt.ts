// While the input asks for words to look for: in what was typed before (Ctrl-R),
// or in the messages of the open conversation (Ctrl-S). Pure.
import { editedBy, emptyEditor, inserted, replaced } from '../model/editor.ts'
import { type Step, step } from '../model/events.ts'
import { lookBack } from '../model/input-history.ts'
import { placeKey, type State } from '../model/state.ts'
import { look } from './input-dispatch.ts'

/** What a key does in a search; undefined when it ends it and is then for the input. */
type SearchOutcome =
  | { readonly is: 'step'; readonly step: Step }
  /** Sends what was found. */
  | { readonly is: 'send'; readonly state: State }

export function searchKey(state: State, key: string): SearchOutcome | undefined {
  const { search, editor } = state.input
  if (search === undefined) return undefined
  if (key === 'Escape' || key === 'C-g') return { is: 'step', step: step(ended(state, search.before)) }
  if (search.is === 'messages') {
    if (key === 'Enter') return { is: 'step', step: look(ended(state, search.before), editor.text) }
    const next = editedBy(editor, key)
    return {
      is: 'step',
      step: step(next === undefined ? state : { ...state, input: { ...state.input, editor: next } })
    }
  }
  if (key === 'C-r' || key === 'Up') return { is: 'step', step: step(found(state, search.words, search.index)) }
  if (key === 'Backspace') {
    const words = Array.from(search.words).slice(0, -1).join('')
    return { is: 'step', step: step(found(state, words, Number.MAX_SAFE_INTEGER)) }
  }
  const kept = ended(state, editor)
  if (key === 'Enter') return { is: 'send', state: kept }
  const next = editedBy(editor, key)
  return { is: 'step', step: step(next === undefined ? kept : ended(state, next)) }
}

/** More words. */
export function searchTyped(state: State, text: string): State {
  const { search, editor } = state.input
  if (search?.is === 'input history') return found(state, search.words + text, Number.MAX_SAFE_INTEGER)
  return { ...state, input: { ...state.input, editor: inserted(editor, text) } }
}

/** The newest line with the words that is older than `before`; where there is none, all stays as it is. */
function found(state: State, words: string, before: number): State {
  const { search } = state.input
  if (search?.is !== 'input history') return state
  const lines = state.inputHistory.get(placeKey(state.place)) ?? []
  const index = words === '' ? -1 : lookBack(lines, words, before)
  if (index === -1) return { ...state, input: { ...state.input, search: { ...search, words } } }
  const editor = replaced(emptyEditor, lines[index]?.text ?? '')
  return { ...state, input: { ...state.input, editor, search: { ...search, words, index } } }
}

function ended(state: State, editor: State['input']['editor']): State {
  return { ...state, input: { ...state.input, editor, search: undefined } }
}
