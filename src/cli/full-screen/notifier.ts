// Tells a person who looks elsewhere that something has come: by the bell, by
// the terminal's own notification, by the desktop's. It decides only how; of
// what to tell is decided before.
import { spawn } from 'node:child_process'
import { NOTIFY_EVERY_MS } from './constants.ts'
import type { NotifyWay } from './preferences.ts'

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
    const sequence = ways.includes('terminal') ? terminalNotification(env, title, text) : ''
    write(`${ways.includes('bell') ? '\u0007' : ''}${sequence}`)
    // After --, so that a text that begins with a dash is no option.
    if (ways.includes('desktop') && hasDesktop(env)) run('notify-send', ['--app-name=Parley', '--', title, text])
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
    return `\u001b]9;${title}: ${text}\u0007`
  }
  return ''
}

function hasDesktop(env: NodeJS.ProcessEnv): boolean {
  return (env['DISPLAY'] ?? env['WAYLAND_DISPLAY'] ?? '') !== ''
}

function runDetached(program: string, args: readonly string[]): void {
  const child = spawn(program, args, { stdio: 'ignore', detached: true })
  child.on('error', () => undefined) // it isn't installed: the bell has rung
  child.unref()
}
