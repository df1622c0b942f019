// Notifications on the desktop, by the program that most desktops have for them,
// and what a node without a face shows there: who has written, several messages
// together.
import { cleanText } from './clean-text.ts'

export interface DesktopOptions {
  readonly env: NodeJS.ProcessEnv
  /** Starts a program and ignores its outcome. */
  readonly run?: (program: string, args: readonly string[], env: NodeJS.ProcessEnv) => void
}

/** Shows nothing without a desktop. @param title and text, clean already */
export function notifyDesktop(title: string, text: string, { env, run = runDetached }: DesktopOptions): void {
  if ((env['DISPLAY'] ?? env['WAYLAND_DISPLAY'] ?? '') === '') return
  // After --, so that a text that begins with a dash is no option.
  run('notify-send', ['--app-name=Parley', '--', title, withoutMarkup(text)], env)
}

/** notify-send reads backslashes as escapes, and most desktops read markup: pictures and links of a stranger. */
function withoutMarkup(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function runDetached(program: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  // A face that shows none does without the module.
  void import('node:child_process').then(({ spawn }) => {
    const child = spawn(program, args, { stdio: 'ignore', detached: true, env })
    child.on('error', () => undefined) // it isn't installed
    child.unref()
  })
}

/** Messages that come within this time are shown together. */
const GATHER_MS = 2_500

/** Peers that are named together; messages of more are not shown. */
const MAX_GATHERED_PEERS = 20

/** Characters of a message that are shown. */
const SHOWN_CHARACTERS = 200

export interface DesktopNoticesInit {
  /** The text is shown too. */
  readonly withTexts: boolean
  readonly tell: (title: string, text: string) => void
}

interface Gathered {
  readonly label: string
  count: number
  readonly first: string
}

export class DesktopNotices {
  /** A face is attached, which tells its user itself. */
  isQuiet = false
  readonly #init: DesktopNoticesInit
  readonly #gathered = new Map<string, Gathered>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: DesktopNoticesInit) {
    this.#init = init
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#gathered.clear()
  }

  /** A message has come. @param label as a line names the peer */
  came(peer: string, label: string, text: string): void {
    if (this.isQuiet) return
    const before = this.#gathered.get(peer)
    if (before !== undefined) before.count++
    else if (this.#gathered.size < MAX_GATHERED_PEERS) this.#gathered.set(peer, { label, count: 1, first: text })
    this.#timer ??= setTimeout(() => this.#show(), GATHER_MS)
  }

  #show(): void {
    this.#timer = undefined
    const all = [...this.#gathered.values()]
    this.#gathered.clear()
    const [one] = all
    if (this.isQuiet || one === undefined) return
    const count = all.reduce((sum, { count: some }) => sum + some, 0)
    const names = all.map(({ label }) => cleanText(label)).join(', ')
    this.#init.tell(
      names,
      this.#init.withTexts && count === 1
        ? cleanText(one.first.slice(0, SHOWN_CHARACTERS))
        : `${count === 1 ? 'a new message' : `${count} new messages`}: parley shows ${count === 1 ? 'it' : 'them'}`
    )
  }
}
