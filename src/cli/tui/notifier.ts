// Notifies a person who looks elsewhere: by the bell, by the terminal's own
// notification, by the desktop's. It decides only how; its caller decides what
// about.
import { type DesktopOptions, notifyDesktop } from '../process/desktop-notification.ts'
import type { NotifyWay } from './model/preferences.ts'
import { asciiText, isUtf8 } from './terminal/display-cells.ts'

/** At most one bell in this time, however much comes. */
const NOTIFY_EVERY_MS = 2000

export interface NotifierInit extends DesktopOptions {
  readonly write: (text: string) => void
  readonly now: () => number
}

export class Notifier {
  readonly #init: NotifierInit
  #toldAtMs = Number.NEGATIVE_INFINITY

  constructor(init: NotifierInit) {
    this.#init = init
  }

  /** @param title and text, clean already */
  tell(title: string, text: string, ways: readonly NotifyWay[]): void {
    const { now, write, env } = this.#init
    if (now() - this.#toldAtMs < NOTIFY_EVERY_MS) return
    this.#toldAtMs = now()
    const shown = isUtf8(env) ? (clean: string): string => clean : asciiText
    const sequence = ways.includes('terminal') ? terminalNotification(env, shown(title), shown(text)) : ''
    write(`${ways.includes('bell') ? '\u0007' : ''}${sequence}`)
    if (ways.includes('desktop')) notifyDesktop(title, text, this.#init)
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
