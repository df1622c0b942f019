// What an entered line leads to at each of the three prompts:
// for a peer, for a port, and in a conversation; the same as on a plain
// terminal. Pure: the state and the line in, the next state and what to do out.
import { isSameName } from '../../../lib/index.ts'
import { commandName, findCommand, noCommandText } from '../../chat-commands/chat-commands.ts'
import {
  continuation,
  readAtPeerPrompt,
  readAtPortPrompt,
  readInConversation,
  type SlashCommand
} from '../../chat-commands/input-line.ts'
import { step, type Step } from '../model/events.ts'
import { popupOf } from '../model/popup.ts'
import { isScreenCommand, runPreference, screenCommands, usageHint } from '../model/screen-commands.ts'
import { currentPeer, type State } from '../model/state.ts'
import { withStatus } from '../model/status-messages.ts'
import { settingsPopup } from './popups.ts'
import { toEnd } from './scrolling.ts'

/** Reads a line; it waits while an operation runs. */
export function readLine(state: State, line: string): Step {
  if (state.busy !== undefined || state.phase === 'starting')
    return step({ ...state, waitingLines: [...state.waitingLines, line] })
  const { place } = state
  switch (place.at) {
    case 'peer':
      return atPeerPrompt(state, line)
    case 'port':
      return atPortPrompt(state, line, place.host)
    case 'conversation':
      return inConversation(state, line, place.peer)
  }
}

/** The next of the lines that have waited. */
export function readWaiting(state: State): Step {
  const [line, ...rest] = state.waitingLines
  if (line === undefined || state.busy !== undefined || state.phase === 'starting') return step(state)
  const next = readLine({ ...state, waitingLines: rest }, line)
  if (next.state.waitingLines.length === 0 || next.state.busy !== undefined) return next
  const after = readWaiting(next.state)
  return { state: after.state, effects: [...next.effects, ...after.effects] }
}

function atPeerPrompt(state: State, line: string): Step {
  const input = readAtPeerPrompt(line)
  switch (input.is) {
    case 'nothing':
      return step(state)
    case 'quit':
      return step({ ...state, phase: 'ending' }, { do: 'quit', outcome: 'quit' })
    case 'exit':
      return step(withStatus(state, ['No conversation is open. Type QUIT to end the program.']))
    case 'command':
      return runCommand(state, input)
    case 'host':
      return chooseHost(state, input.host)
    case 'peer':
      return choose(state, input.words)
  }
}

/** A host is asked for its port, unless a contact of the user's is called so. */
function chooseHost(state: State, host: string): Step {
  if ([...state.contacts.values()].some((name) => isSameName(name, host))) return choose(state, [host])
  const namesake = state.people.find(({ row }) => row !== undefined && isSameName(row.nickname, host))
  const asked: State = { ...state, place: { at: 'port', host } }
  if (namesake === undefined) return step(asked)
  return step(withStatus(asked, [`(Type ${namesake.number} for the peer with that nickname.)`]))
}

function atPortPrompt(state: State, line: string, host: string): Step {
  const input = readAtPortPrompt(line)
  const back: State = { ...state, place: { at: 'peer' } }
  switch (input.is) {
    case 'command':
      return runCommand(state, input)
    case 'quit':
      return step({ ...state, phase: 'ending' }, { do: 'quit', outcome: 'quit' })
    case 'back':
      return step(back)
    case 'host':
      return chooseHost(back, input.host)
    case 'peer':
      return choose(back, input.words)
    case 'bad port':
      return step(
        withStatus(state, [
          `${JSON.stringify(input.typed)} is not a port: type a number from 1 to 65535, or press Enter to go back.`
        ])
      )
    case 'port':
      return choose(back, [host, String(input.port)])
  }
}

function inConversation(state: State, line: string, peer: string): Step {
  const input = readInConversation(line)
  switch (input.is) {
    case 'nothing':
      return step(state)
    case 'command':
      // Several lines that begin with a slash by chance are no command.
      if (line.includes('\n') && findCommand(input.name) === undefined && !isScreenCommand(input.name))
        return send(state, peer, line)
      return runCommand(state, input)
    case 'exit':
      return runCommand(state, { is: 'command', name: 'exit', rest: '' })
    case 'message': {
      const sent = send(state, peer, continuation(input.text).text)
      if (line !== 'exit' && line !== 'quit') return sent
      const words = '(sent as a message; EXIT in capitals leaves, /quit ends the program)'
      return { ...sent, state: withStatus(sent.state, [words]) }
    }
  }
}

function send(state: State, peer: string, text: string): Step {
  const ended = toEnd(state)
  // The line breaks at the end of a paste are no text.
  const trimmed = text.replace(/\n+$/u, '')
  return { state: ended.state, effects: [...ended.effects, { do: 'send', peer, text: trimmed }] }
}

/** Opens the conversation with the peer that the words name. */
export function choose(state: State, words: readonly string[], isPicked = false): Step {
  const busy = {
    label: `looking for ${words.length === 1 ? shownWord(state, words[0] ?? '') : words.join(' ')}`,
    sinceMs: state.nowMs
  }
  return step(
    { ...state, busy },
    {
      do: 'open',
      words,
      leaving: currentPeer(state),
      ...(isPicked ? { isPicked } : {})
    }
  )
}

/** A peer chosen from a list is named by its ID, which the user has not read. */
function shownWord(state: State, word: string): string {
  return state.people.find(({ peer }) => peer === word)?.name ?? word
}

export function runCommand(state: State, { name, rest }: SlashCommand): Step {
  if (name === 'look') return look(state, rest)
  if (name === 'settings') return step({ ...state, popup: settingsPopup(state) })
  if (isScreenCommand(name)) return runPreference(state, name, rest)
  const command = findCommand(name)
  if (command === undefined) {
    return step(
      withStatus(state, [
        noCommandText(
          name,
          screenCommands.map((one) => one.name)
        )
      ])
    )
  }
  const about = commandName(rest)
  if (command.name === 'help' && isScreenCommand(about)) return step(withStatus(state, [usageHint(about)]))
  if (command.name === 'quit') return step({ ...state, phase: 'ending' }, { do: 'quit', outcome: 'quit' })
  if (command.name === 'detach') return step({ ...state, phase: 'ending' }, { do: 'quit', outcome: 'detached' })
  const first = state.window.items.find((item) => item.is === 'message')
  return step(
    { ...state, asked: undefined, busy: { label: `/${command.name}`, sinceMs: state.nowMs } },
    {
      do: 'command',
      name: command.name,
      rest,
      current: currentPeer(state),
      shownFrom: first?.position,
      agreed: state.asked
    }
  )
}

/** To the last message of the open conversation that has these words. */
export function look(state: State, words: string): Step {
  const peer = currentPeer(state)
  if (peer === undefined) return runCommand(state, { is: 'command', name: 'search', rest: words })
  if (words.trim() === '') return step({ ...state, popup: popupOf('Which words? /look WORDS', []) })
  return step(state, { do: 'search', peer, words })
}
