// `parley` in a real terminal: a tmux server of the test's own, keys that are
// pressed, and the screen as a person would see it. For what only a terminal
// shows; what can be seen on a pipe is tested there.
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Patience } from '../patience.ts'
import { defaultDeadlineMs, NotShownError } from './output-log.ts'
import { entryPoint, nodePath } from './parley-process.ts'

const run = promisify(execFile)
/** A clone is tested with npm alone too: without tmux there is no terminal to test in. */
export const hasTmux = spawnSync('tmux', ['-V']).status === 0
/** How soon new output is noticed. */
const noticeEveryMs = 10
/** Looking at the screen starts a process: it is looked at when there is new output, and else so often. */
const lookEveryMs = 500
/** Wide enough for a line of the roster, high enough for a test's whole story. */
const usualSize: TerminalSize = { columns: 140, rows: 120 }

export interface TerminalInit {
  readonly name: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Where tmux puts its socket. */
  readonly folder: string
  readonly size?: TerminalSize
  /** Makes of the command what is run in its place, for a shell: for what takes a shell that stops and continues it. */
  readonly within?: (command: string) => string
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export class Terminal {
  readonly name: string
  readonly #socket = `parley-${randomBytes(6).toString('hex')}`
  readonly #env: NodeJS.ProcessEnv
  readonly #exitFile: string
  /** All output. */
  readonly #outputFile: string
  /** The stopped tmux server. */
  #frozen: number | undefined

  static async open(init: TerminalInit): Promise<Terminal> {
    const terminal = new Terminal(init)
    await terminal.#open(init)
    return terminal
  }

  private constructor({ name, env, folder }: TerminalInit) {
    this.name = name
    this.#exitFile = join(folder, `${this.#socket}.exit`)
    this.#outputFile = join(folder, `${this.#socket}.output`)
    this.#env = { ...env, TMUX_TMPDIR: folder, TERM: 'xterm-256color' }
  }

  /** Types text and presses Enter. */
  async type(line: string): Promise<void> {
    await this.press(line)
    await this.#tmux('send-keys', '-t', '0', 'Enter')
  }

  /** Types text as it is, without Enter. */
  async press(text: string): Promise<void> {
    await this.#tmux('send-keys', '-t', '0', '-l', '--', text)
  }

  /** Presses keys by tmux's names for them: `Tab`, `Up`, `C-c`. */
  async key(...names: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', '-t', '0', ...names)
  }

  /** Pastes text as a terminal does, in brackets where the program has asked for them. */
  async paste(text: string): Promise<void> {
    await this.#tmux('set-buffer', '--', text)
    await this.#tmux('paste-buffer', '-p', '-t', '0')
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    await this.#tmux('resize-window', '-t', '0', '-x', String(columns), '-y', String(rows))
  }

  /** The rows of the screen alone, and nothing that was above it. */
  async rows(): Promise<readonly string[]> {
    const { stdout } = await this.#tmux('capture-pane', '-p', '-t', '0')
    return stdout.replace(/\n$/u, '').split('\n')
  }

  /** What tmux knows of the terminal, by its own names: `alternate_on`, `mouse_any_flag`, `pane_title`. */
  async fact(name: string): Promise<string> {
    const { stdout } = await this.#tmux('display-message', '-p', '-t', '0', `#{${name}}`)
    return stdout.trim()
  }

  /** Everything on the screen and above it, without the empty rows at the end. */
  async screen(): Promise<string> {
    const { stdout } = await this.#tmux('capture-pane', '-p', '-t', '0', '-S', '-')
    return stdout.trimEnd()
  }

  /**
   * Waits until the screen matches.
   *
   * @throws NotShownError with the whole screen
   */
  async shows(pattern: RegExp, timeoutMs = defaultDeadlineMs): Promise<RegExpExecArray> {
    const patience = new Patience(timeoutMs)
    try {
      for (;;) {
        const shownBytes = this.#outputBytes()
        const screen = await this.screen()
        const match = pattern.exec(screen)
        if (match !== null) return match
        if (patience.isOver) {
          throw new NotShownError(
            `the terminal ${this.name} did not show ${String(pattern)} within ${timeoutMs / 1000} s\n--- its screen:\n${screen}`
          )
        }
        const lookAtMs = performance.now() + lookEveryMs
        while (this.#outputBytes() === shownBytes && performance.now() < lookAtMs) await sleep(noticeEveryMs)
      }
    } finally {
      patience.end()
    }
  }

  #outputBytes(): number {
    return statSync(this.#outputFile, { throwIfNoEntry: false })?.size ?? 0
  }

  /** Waits until the command has ended, and returns its exit code. */
  async ended(timeoutMs = defaultDeadlineMs): Promise<number> {
    const patience = new Patience(timeoutMs)
    try {
      for (;;) {
        const code = await readFile(this.#exitFile, 'utf8').catch(() => '')
        if (code !== '') return Number(code)
        if (patience.isOver) {
          const screen = this.#frozen === undefined ? await this.screen().catch(() => 'closed') : 'frozen'
          throw new Error(
            `the terminal ${this.name} still runs after ${timeoutMs / 1000} s\n--- its screen:\n${screen}`
          )
        }
        await sleep(noticeEveryMs)
      }
    } finally {
      patience.end()
    }
  }

  /** Closes the window, as a person does with a mouse. */
  async close(): Promise<void> {
    await this.#tmux('kill-session')
  }

  /** Nothing reads what is written, as when the network under a session hangs: tmux stops, and answers nothing. */
  async freeze(): Promise<void> {
    const server = Number(await this.fact('pid'))
    process.kill(server, 'SIGSTOP')
    this.#frozen = server
  }

  /** What was written meanwhile is read. */
  thaw(): void {
    if (this.#frozen !== undefined) process.kill(this.#frozen, 'SIGCONT')
    this.#frozen = undefined
  }

  /** Kills the command as a power cut would, then ends this terminal's tmux server. */
  async kill(): Promise<void> {
    this.thaw()
    const shown = await this.#tmux('display-message', '-p', '-t', '0', '#{pane_dead} #{pane_pid}').catch(
      () => undefined
    )
    const shell = /^0 (\d+)/u.exec(shown?.stdout ?? '')?.[1]
    if (shell !== undefined) process.kill(-Number(shell), 'SIGKILL')
    await this.#tmux('kill-server').catch(() => undefined)
  }

  async #open({ args, size = usualSize, within = (command) => command }: TerminalInit): Promise<void> {
    // `remain-on-exit` must stand before the command can end.
    const keep = ['set-option', '-g', 'remain-on-exit', 'on', ';', 'set-option', '-g', 'history-limit', '5000', ';']
    const area = ['-x', String(size.columns), '-y', String(size.rows)]
    // tmux 3.3 sometimes misses how a command ended, so the shell writes it down.
    const command = [nodePath, entryPoint, ...args].map(quoted).join(' ')
    const script = `trap : INT; ${within(command)}; printf %s $? > ${quoted(this.#exitFile)}`
    const session = [
      'new-session',
      '-d',
      ...area,
      script,
      ';',
      'pipe-pane',
      '-t',
      '0',
      `cat > ${quoted(this.#outputFile)}`
    ]
    await this.#tmux('-f', '/dev/null', 'start-server', ';', ...keep, ...session)
  }

  async #tmux(...args: readonly string[]): Promise<{ readonly stdout: string }> {
    return run('tmux', ['-L', this.#socket, ...args], { env: this.#env })
  }
}

/** For the shell that tmux starts the command with. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
