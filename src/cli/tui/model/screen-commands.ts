// The commands that are about this screen only: its colours, its mouse, when it
// rings. All others stand in the table of the chat. Pure: what was typed, and
// what becomes of the state.
import { usageOf } from '../../chat-commands/command-arguments.ts'
import { chatCommands, findCommand } from '../../chat-commands/chat-commands.ts'
import { notifyLevels, notifyWays, quietText, readQuietHours } from './preferences.ts'
import type { NotifyWay, Preferences } from './preferences.ts'
import { themeNames } from '../terminal/theme.ts'
import { step, type Step } from './events.ts'
import { withStatus } from './status-messages.ts'
import { currentPeer, nameOf, type State } from './state.ts'

export interface ScreenCommand {
  readonly name: string
  readonly usage: string
  readonly help: string
}

export const screenCommands: readonly ScreenCommand[] = [
  { name: 'look', usage: '/look WORDS', help: 'go to the last message of this conversation with these words (Ctrl-S)' },
  {
    name: 'theme',
    usage: '/theme palette|contrast|mono',
    help: "colours of the terminal's palette, high contrast, or none"
  },
  {
    name: 'notify',
    usage: '/notify all|mentions|none',
    help: 'which messages to be notified of: in the open conversation, or in all others if none is open'
  },
  {
    name: 'alert',
    usage: '/alert bell,terminal,desktop|off',
    help: 'how to be notified: by the bell, the terminal or the desktop'
  },
  { name: 'quiet', usage: '/quiet HH:MM-HH:MM|off', help: 'when not to be notified' },
  {
    name: 'mouse',
    usage: '/mouse on|off',
    help: 'the wheel scrolls and a click opens; selecting text then needs Shift'
  },
  { name: 'settings', usage: '/settings', help: 'what is set, and where it comes from' }
]

export function isScreenCommand(name: string): boolean {
  return screenCommands.some((command) => command.name === name)
}

/** The usage and help of a command by its name; of the only one that begins so, too. */
export function usageHint(typed: string): string {
  const exact = findCommand(typed)
  const known = [
    ...chatCommands.map((command) => ({ name: command.name, usage: usageOf(command), help: command.help })),
    ...screenCommands
  ]
  const matching = known.filter(({ name }) => name === exact?.name || name.startsWith(typed))
  const [first] = known.filter(({ name }) => name === (exact?.name ?? typed))
  const one = first ?? (matching.length === 1 ? matching[0] : undefined)
  if (one !== undefined) return `${one.usage}: ${one.help}`
  return matching.map(({ name }) => `/${name}`).join('  ')
}

/** Runs it. `/look` and `/settings` need more than preferences and are not here. */
export function runPreference(state: State, name: string, rest: string): Step {
  const { preferences } = state
  const typed = rest.trim().toLowerCase()
  switch (name) {
    case 'theme': {
      const theme = themeNames.find((one) => one === typed)
      if (theme === undefined) return wrong(state, name)
      return preferring(state, { ...preferences, theme }, `Theme: ${theme}.`)
    }
    case 'mouse':
      if (typed !== 'on' && typed !== 'off') return wrong(state, name)
      return preferring(state, { ...preferences, mouse: typed === 'on' }, `The mouse is ${typed}.`)
    case 'quiet': {
      if (typed === 'off') return preferring(state, { ...preferences, quiet: undefined }, 'No quiet hours.')
      const quiet = readQuietHours(typed)
      if (quiet === undefined) return wrong(state, name)
      return preferring(state, { ...preferences, quiet }, `Quiet from ${quietText(quiet).replace('-', ' to ')}.`)
    }
    case 'alert': {
      const ways = typed === 'off' ? [] : typed.split(/[\s,]+/u)
      if (!ways.every((way) => notifyWays.some((one) => one === way))) return wrong(state, name)
      const chosen: readonly NotifyWay[] = notifyWays.filter((way) => ways.includes(way))
      const words = chosen.length === 0 ? 'Notifications are off.' : `You are notified by: ${chosen.join(', ')}.`
      return preferring(state, { ...preferences, ways: chosen }, words)
    }
    case 'notify': {
      const level = notifyLevels.find((one) => one === typed)
      if (level === undefined) return wrong(state, name)
      const peer = currentPeer(state)
      if (peer === undefined)
        return preferring(state, { ...preferences, notify: level }, `You are notified of ${levelWords[level]}.`)
      const levels = { ...preferences.levels, [peer]: level }
      const words = `You are notified of ${levelWords[level]} of ${nameOf(state, peer)}.`
      return preferring(state, { ...preferences, levels }, words)
    }
    default:
      return step(state)
  }
}

const levelWords = {
  all: 'all messages',
  mentions: 'the messages with your name',
  none: 'no messages'
} as const

function preferring(state: State, preferences: Preferences, words: string): Step {
  return step(withStatus({ ...state, preferences }, [words]), { do: 'keep preferences', preferences })
}

function wrong(state: State, name: string): Step {
  const usage = screenCommands.find((command) => command.name === name)?.usage ?? `/${name}`
  return step(withStatus(state, [`Usage: ${usage}`]))
}
