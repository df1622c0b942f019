// Tells a person who looks elsewhere that something has come: by the bell, by
// the terminal's own notification, by the desktop's. It decides only how; of
// what to tell is decided before.
import { spawn } from 'node:child_process'
import { NOTIFY_EVERY_MS } from './constants.ts'
import type { NotifyWay } from './preferences.ts'
import { asciiText, isUtf8 } from './text/ascii-text.ts'

export interface NotifierInit {
  readonly env: NodeJS.ProcessEnv
  readonly write: (text: string) => void
  readonly now: () => number
  /** Starts a program; what becomes of it is nobody's business. */
  readonly run?: (program: string, args: readonly string[]) => void
}

export class Notifier {
  readonly #init: NotifierInit
  #toldAtMs = Number.NEGATIVE_INFINITY

  constructor(init: NotifierInit) {
    this.#init = init
  }

  /** @param title and text, clean already */
  tell(title: string, text: string, ways: readonly NotifyWay[]): void {
    const { now, write, env, run = runDetached } = this.#init
    if (now() - this.#toldAtMs < NOTIFY_EVERY_MS) return
    this.#toldAtMs = now()
    const shown = isUtf8(env) ? (clean: string): string => clean : asciiText
    const sequence = ways.includes('terminal') ? terminalNotification(env, shown(title), shown(text)) : ''
    write(`${ways.includes('bell') ? '\u0007' : ''}${sequence}`)
    // After --, so that a text that begins with a dash is no option.
    if (ways.includes('desktop') && hasDesktop(env)) {
      run('notify-send', ['--app-name=Parley', '--', title, desktopText(text)])
    }
  }
}

/** OSC 9 or OSC 777, for the terminals that are known to understand one; others might show it as text. */
export function terminalNotification(env: NodeJS.ProcessEnv, title: string, text: string): string {
  const term = env['TERM'] ?? ''
  const program = env['TERM_PROGRAM'] ?? ''
  if (/^(?:foot|rxvt)/u.test(term)) {
    const part = (value: string): string => value.replaceAll(';', ',')
    return `\u001b]777;notify;${part(title)};${part(text)}\u0007`
  }
  if (/kitty|ghostty/u.test(term) || /^(?:iTerm\.app|WezTerm|ghostty)$/u.test(program)) {
    // Several read a number that stands first as a command of its own (a progress bar, for example).
    return `\u001b]9;Parley: ${title}: ${text}\u0007`
  }
  return ''
}

/** notify-send reads backslashes as escapes, and most desktops read markup: pictures and links of a stranger. */
function desktopText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function hasDesktop(env: NodeJS.ProcessEnv): boolean {
  return (env['DISPLAY'] ?? env['WAYLAND_DISPLAY'] ?? '') !== ''
}

function runDetached(program: string, args: readonly string[]): void {
  const child = spawn(program, args, { stdio: 'ignore', detached: true })
  child.on('error', () => undefined) // it isn't installed: the bell has rung
  child.unref()
}
