// Keys, typed text and pastes: in a list, in a search, in the input.
// Pure: the state and what came in, the next state and what to do out.
import { continuation, mayBecomeExit } from '../../chat-commands/input-line.ts'
import { INTERRUPT_WINDOW_MS } from '../../process/input-lines.ts'
import { completed } from '../model/completion.ts'
import { editedBy, type Editor, emptyEditor, inserted, movedByLine, replaced } from '../model/editor.ts'
import { type Effect, followedBy, type Step, step } from '../model/events.ts'
import { remember, step as stepBack } from '../model/input-history.ts'
import { nextConversation, nextUnread } from '../model/people.ts'
import { currentPeer, placeKey, type State } from '../model/state.ts'
import type { InputEvent } from '../terminal/key-reader.ts'
import { readLine, runCommand } from './input-dispatch.ts'
import { goTo, onMouse, onPopupKey } from './navigation.ts'
import { nextFound, scroll, scrollPage, toEnd } from './scrolling.ts'
import { searchKey, searchTyped } from './search-prompt.ts'

/** A typing notice is sent at most once in this time: the other side shows each for TYPING_SHOWN_MS. */
const TYPING_AGAIN_MS = 1000

export function onInput(state: State, input: InputEvent): Step {
  switch (input.is) {
    case 'key':
      return onKey(state, input.key)
    case 'text':
      return onText(state, input.text)
    case 'paste':
      return onPaste(state, input.text, input.bracketed)
    case 'focus':
      return step({ ...state, focused: input.focused, unseen: input.focused ? 0 : state.unseen })
    case 'mouse':
      return onMouse(state, input)
  }
}

function onText(state: State, text: string): Step {
  if (state.popup !== undefined && text.length === 1) {
    const outcome = onPopupKey(state, text)
    if (outcome !== undefined) return outcome
  }
  const typing: State = { ...state, popup: undefined, interruptedAtMs: Number.NEGATIVE_INFINITY }
  if (typing.input.search !== undefined) return step(searchTyped(typing, text))
  return typed(typing, inserted(typing.input.editor, text))
}

/** Lines that come at once are one text. Where a peer is asked for, they are answers, one after the other. */
function onPaste(state: State, text: string, bracketed: boolean): Step {
  const lines = text.split('\n')
  const isPrompt = currentPeer(state) === undefined
  if (state.input.search !== undefined) return step(searchTyped(state, lines.join(' ')))
  const pasting: State = { ...state, popup: undefined, interruptedAtMs: Number.NEGATIVE_INFINITY }
  if (!isPrompt && !bracketed && state.input.editor.text === '' && /^(?:(?:EXIT|QUIT)\n)+$/u.test(text)) {
    // That is no paste: it was typed while the program was busy, or sent by a script.
    let left = step(pasting)
    for (const line of lines.slice(0, -1)) left = followedBy(left, (now) => readLine(now, line))
    return left
  }
  if (!isPrompt || lines.length === 1) return typed(pasting, inserted(pasting.input.editor, text))
  if (bracketed) return typed(pasting, inserted(pasting.input.editor, lines.join(' ')))
  const last = lines.at(-1) ?? ''
  const answers = [pasting.input.editor.text + (lines[0] ?? ''), ...lines.slice(1, -1)]
  let next: Step = step(withEditor(pasting, { ...emptyEditor, text: last, cursor: last.length }))
  for (const answer of answers) next = followedBy(next, (now) => readLine(now, answer))
  return next
}

function onKey(state: State, key: string): Step {
  if (key === 'C-c') return interrupt(state)
  const calm: State = { ...state, interruptedAtMs: Number.NEGATIVE_INFINITY }
  if (calm.popup !== undefined) {
    const outcome = onPopupKey(calm, key)
    if (outcome !== undefined) return outcome
  }
  const open: State = { ...calm, popup: undefined }
  if (open.input.search !== undefined) {
    const outcome = searchKey(open, key)
    if (outcome !== undefined) return outcome.is === 'send' ? enter(outcome.state) : outcome.step
  }
  if (key === 'Tab' || key === 'S-Tab') return step({ ...open, input: completed(open, key === 'Tab' ? 1 : -1) })
  const plain: State = { ...open, input: { ...open.input, completion: undefined } }
  return navigated(plain, key) ?? edited(plain, key) ?? escaped(plain, key)
}

/** Esc and a letter right after it look like Alt and the letter: where that means nothing, the two were meant. */
function escaped(state: State, key: string): Step {
  const letter = /^M-(\P{Cc})$/u.exec(key)?.[1]
  return letter === undefined ? step(state) : followedBy(onKey(state, 'Escape'), (next) => onText(next, letter))
}

/** Keys that go somewhere. */
function navigated(state: State, key: string): Step | undefined {
  const current = currentPeer(state)
  const { editor } = state.input
  const digit = /^M-([1-9])$/u.exec(key)?.[1]
  if (digit !== undefined) {
    const person = state.people.find(({ number }) => number === Number(digit))
    return person === undefined ? step(state) : goTo(state, person.peer)
  }
  switch (key) {
    case 'M-a': {
      const person = nextUnread(state, current)
      return person === undefined ? step(state) : goTo(state, person.peer)
    }
    case 'M-Up':
    case 'M-Down': {
      const person = nextConversation(state, key === 'M-Up' ? -1 : 1, current)
      return person === undefined ? step(state) : goTo(state, person.peer)
    }
    case 'M-0':
      if (state.place.at === 'port') return step({ ...state, place: { at: 'peer' } })
      return current === undefined ? step(state) : runCommand(state, { is: 'command', name: 'exit', rest: '' })
    case 'PageUp':
      return scrollPage(state, -1)
    case 'PageDown':
      return scrollPage(state, 1)
    case 'S-Up':
      return scroll(state, -1)
    case 'S-Down':
      return scroll(state, 1)
    case 'End':
      return editor.text === '' ? toEnd(state) : undefined
    case 'Escape':
      if (state.alarm !== undefined) return step({ ...state, alarm: undefined })
      return state.found !== undefined || state.window.anchor.at !== 'end' ? toEnd(state) : step(state)
    case 'C-s':
      if (state.found !== undefined) return nextFound(state, 1)
      if (current === undefined) return step(state)
      return step({
        ...state,
        input: { ...state.input, search: { is: 'messages', words: '', before: editor }, editor: emptyEditor }
      })
    case 'M-s':
      return nextFound(state, -1)
    case 'C-r':
      return step({
        ...state,
        input: {
          ...state.input,
          search: { is: 'input history', words: '', index: Number.MAX_SAFE_INTEGER, before: editor }
        }
      })
    case 'C-l':
      return step(state, { do: 'redraw' })
    case 'C-z':
      return step(state, { do: 'suspend' })
    case 'C-d':
      return editor.text === ''
        ? step({ ...state, phase: 'ending' }, { do: 'quit', outcome: 'end of input' })
        : undefined
    default:
      return undefined
  }
}

/** Keys that change what is typed. */
function edited(state: State, key: string): Step | undefined {
  const { editor, walk } = state.input
  if (key === 'Enter') return enter(state)
  if (key === 'Up' || key === 'Down' || key === 'C-p' || key === 'C-n') {
    const by = key === 'Up' || key === 'C-p' ? -1 : 1
    const moved = movedByLine(editor, by)
    if (moved !== undefined) return step(withEditor(state, moved))
    const stepped = stepBack(state.inputHistory.get(placeKey(state.place)) ?? [], walk, by, editor.text)
    if (stepped === undefined) return step(state)
    const input = { ...state.input, editor: replaced(editor, stepped.text), walk: stepped.walk }
    return step({ ...state, input })
  }
  const next = editedBy(editor, key)
  return next === undefined ? undefined : typed(state, next)
}

/** Sends what is typed, unless it continues on a next line. */
function enter(state: State): Step {
  const { editor } = state.input
  const { text } = editor
  const goesOn = continuation(text)
  if (currentPeer(state) !== undefined && goesOn.more) {
    return step(withEditor(state, { ...replaced(editor, `${goesOn.text}\n`) }))
  }
  const key = placeKey(state.place)
  const before = state.inputHistory.get(key) ?? []
  const after = remember(before, { text, atMs: state.nowMs })
  const inputHistory = after === before ? state.inputHistory : new Map([...state.inputHistory, [key, after]])
  // The message ends the notice over there: what is typed next is news again.
  const toldTypingAtMs = Number.NEGATIVE_INFINITY
  const cleared: State = { ...withEditor(state, { ...emptyEditor, cut: editor.cut }), inputHistory, toldTypingAtMs }
  const kept: Effect = { do: 'keep typed line', place: key, text, atMs: state.nowMs }
  const effects = after === before ? [] : [kept]
  return followedBy(step(cleared, ...effects), (next) => readLine(next, text))
}

/** Changes the input, and sends typing notices from time to time. */
function typed(state: State, editor: Editor): Step {
  const next = withEditor(state, editor)
  const peer = currentPeer(next)
  const isMessage = !editor.text.startsWith('/') && !mayBecomeExit(editor.text)
  const isNews = editor.text.length > state.input.editor.text.length && isMessage
  if (peer === undefined || !isNews || next.nowMs - next.toldTypingAtMs < TYPING_AGAIN_MS) return step(next)
  return step({ ...next, toldTypingAtMs: next.nowMs }, { do: 'typing', peer })
}

function withEditor(state: State, editor: Editor): State {
  return { ...state, input: { ...state.input, editor, walk: undefined, completion: undefined } }
}

/** Only two in a row leave: typing in between means to stay. */
function interrupt(state: State): Step {
  // The last messages are under way: a second Ctrl-C leaves without waiting for them.
  if (state.phase === 'ending') return step(state, { do: 'quit', outcome: 'interrupted' })
  const { busy } = state
  if (busy !== undefined && busy.isStopped !== true) {
    return step({ ...state, busy: { ...busy, isStopped: true }, waitingLines: [] }, { do: 'stop' })
  }
  if (state.nowMs - state.interruptedAtMs < INTERRUPT_WINDOW_MS) {
    return step({ ...state, phase: 'ending' }, { do: 'quit', outcome: 'interrupted' })
  }
  const { search, editor } = state.input
  const cleared = withEditor(state, { ...emptyEditor, cut: editor.text === '' ? editor.cut : editor.text })
  const calm: State = { ...cleared, popup: undefined, interruptedAtMs: state.nowMs, waitingLines: [] }
  if (search !== undefined) return step({ ...calm, input: { ...calm.input, search: undefined, editor: search.before } })
  return step(calm)
}
