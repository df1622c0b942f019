// The chat as a whole screen: what happens becomes events of the pure model,
// its effects are carried out, and its frame is drawn. The parts know
// how; this puts them together and ends them.
import type { ReadStream, WriteStream } from 'node:tty'
import { alignedInterval } from '../../lib/index.ts'
import type { PresenceLines, SettingView } from '../../node/settings.ts'
import type { ChatApi } from '../chat-api/chat-api.ts'
import type { Attention } from '../process/attention.ts'
import { cleanText } from '../process/clean-text.ts'
import { PROGRESS_TICK_MS } from '../process/progress-line.ts'
import { SETTLE_AT_END_MS, SETTLE_AT_QUIT_MS } from '../chat-api/settling.ts'
import { writeLines } from '../process/io.ts'
import { addressesForOthers } from '../wording/identity-wording.ts'
import { scannedAddress } from '../wording/scanned-address.ts'
import { EffectRunner } from './effect-runner.ts'
import { KeptFiles } from './kept-files.ts'
import type { Effect, ScreenEvent } from './model/events.ts'
import { beginning, type State } from './model/state.ts'
import { update } from './update/update.ts'
import { NodeNews } from './node-news.ts'
import { Notifier } from './notifier.ts'
import { defaultPreferences } from './model/preferences.ts'
import { Renderer } from './terminal/renderer.ts'
import { themeFor } from './terminal/theme.ts'
import { hasWindowTitle, Tty } from './terminal/tty.ts'
import { asciiText, isUtf8 } from './terminal/display-cells.ts'
import { view } from './view/view.ts'
import { windowTitle } from './view/window-title.ts'

/** At most one draw in this time after keys: what a screen shows in one frame. */
const KEY_FRAME_MS = 16

/** At most one draw in this time when nobody types: messages that come are read, not felt. */
const NEWS_FRAME_MS = 60

export type FullScreenOutcome = 'quit' | 'detached' | 'end of input' | 'interrupted'

export interface FullScreenInit {
  readonly input: ReadStream
  readonly output: WriteStream
  readonly env: NodeJS.ProcessEnv
  /** The nickname, before the node is there to say so; absent while the profile may remember another one. */
  readonly selfName?: string | undefined
  readonly presenceLines: PresenceLines
  /** Hears of keys and of the focus. */
  readonly attention?: Attention
  /** Preferences and the input history are kept in the profile's folder. */
  readonly keeps: boolean
  /** PEER of `parley chat PEER`: its conversation is opened first. */
  readonly openFirst: readonly string[]
  /** Settings as lines, for /settings. */
  readonly settingLines: (settings: readonly SettingView[]) => readonly string[]
}

/** The parts that exist once the node is made. */
interface NodeParts {
  readonly api: ChatApi
  readonly runner: EffectRunner
  readonly news: NodeNews
  readonly kept: KeptFiles
}

export class FullScreenFace {
  readonly #init: FullScreenInit
  readonly #tty: Tty
  readonly #renderer: Renderer
  readonly #notifier: Notifier
  #state: State
  #node: NodeParts | undefined
  #drawnAtMs = Number.NEGATIVE_INFINITY
  #drawTimer: { readonly atMs: number; readonly timer: NodeJS.Timeout } | undefined
  #stopTicking: (() => void) | undefined
  /** Ends "is typing" in time, between two ticks. */
  #typingEnd: NodeJS.Timeout | undefined
  #outcome: FullScreenOutcome | undefined
  #over: () => void = () => undefined
  readonly #isOver = new Promise<void>((resolve) => (this.#over = resolve))

  constructor(init: FullScreenInit) {
    this.#init = init
    const { input, output, env } = init
    this.#tty = new Tty({
      input,
      output,
      hasTitle: hasWindowTitle(env),
      onInput: (event) => {
        if (event.is === 'focus') init.attention?.focused(event.focused)
        else init.attention?.typed()
        this.#dispatch({ is: 'input', input: event }, KEY_FRAME_MS)
      },
      onResize: () => {
        this.#renderer.forget()
        this.#dispatch({ is: 'resized', columns: this.#tty.columns, rows: this.#tty.rows }, KEY_FRAME_MS)
      },
      onLost: () => this.#redraw(),
      onEnd: () => this.end('end of input')
    })
    this.#renderer = new Renderer(themeFor(env, undefined), isUtf8(env) ? 'all' : 'ASCII')
    this.#notifier = new Notifier({ env, write: (text) => this.#tty.ring(text), now: () => performance.now() })
    this.#state = beginning({
      columns: this.#tty.columns,
      rows: this.#tty.rows,
      nowMs: Date.now(),
      isUtf8: isUtf8(env),
      selfName: init.selfName === undefined ? undefined : cleanText(init.selfName),
      preferences: defaultPreferences
    })
  }

  /** Takes the terminal and draws; what is typed from now on is kept for the node. */
  begin(): void {
    this.#tty.begin()
    this.#stopTicking = alignedInterval(() => this.#dispatch({ is: 'tick' }), PROGRESS_TICK_MS)
    this.#draw()
  }

  /** The node is made and does not run yet, so no event is missed. */
  attach(node: ChatApi): void {
    const dispatch = (event: ScreenEvent): void => this.#dispatch(event)
    const news = new NodeNews({ node, presenceLines: this.#init.presenceLines, dispatch })
    const kept = new KeptFiles(this.#init.keeps ? node.snapshot().self.profile.folder : undefined)
    const runner = new EffectRunner({ node, news, dispatch, state: () => this.#state })
    this.#node = { api: node, runner, news, kept }
    node.events.addEventListener('self', () => void this.#makeCode(node))
  }

  /**
   * Talks until QUIT, Ctrl-D or an interruption. The node runs already, and is not stopped.
   *
   * @throws what kept it from opening the conversation that it was to begin with
   */
  async run(): Promise<FullScreenOutcome> {
    const node = this.#node
    if (node === undefined) throw new Error('attach() comes before run()')
    const { runner, news, kept } = node
    try {
      await this.#greet(node)
      if (this.#outcome === undefined) {
        await runner.lookAround()
        news.begin()
        news.lookAround()
        if (this.#init.openFirst.length > 0) await runner.openFirst(this.#init.openFirst)
        this.#dispatch({ is: 'phase', phase: 'ready' })
        await this.#isOver
      }
      const outcome = this.#outcome ?? 'quit'
      const goesOn = outcome === 'interrupted' || outcome === 'detached'
      const waiting = goesOn ? [] : await runner.settle(this.#settleMs(outcome), outcome === 'quit')
      this.close()
      writeLines(this.#init.output, waiting)
      return outcome
    } finally {
      news.stop()
      this.close()
      await kept.flush()
    }
  }

  /** Ends it from outside: a signal. */
  end(outcome: FullScreenOutcome): void {
    this.#outcome ??= outcome
    this.#node?.runner.abort()
    this.#over()
  }

  /** Gives the terminal back, if it has not been given back yet. */
  close(): void {
    this.#stopTicking?.()
    clearTimeout(this.#typingEnd)
    clearTimeout(this.#drawTimer?.timer)
    this.#tty.end()
  }

  #settleMs(outcome: FullScreenOutcome): number {
    return outcome === 'quit' ? SETTLE_AT_QUIT_MS : SETTLE_AT_END_MS
  }

  async #greet({ api, kept, runner, news }: NodeParts): Promise<void> {
    const preferences = await kept.preferences()
    if (preferences !== undefined) this.#dispatch({ is: 'preferences', preferences })
    this.#applyPreferences()
    news.tellSelf()
    this.#dispatch({ is: 'input history', inputHistory: await kept.inputHistory() })
    const { name, insteadOf } = api.snapshot().self.profile
    if (insteadOf !== undefined) {
      const text = `The profile ${insteadOf} is in use by another parley: this is ${name}.`
      this.#dispatch({ is: 'status', text, tone: 'note' })
    }
    if (!this.#state.isUtf8) {
      const text =
        'Letters beyond ASCII are shown as ?, because the locale is not UTF-8: LANG=C.UTF-8 parley shows them.'
      this.#dispatch({ is: 'status', text, tone: 'note' })
    }
    await runner.readPast()
    this.#dispatch({ is: 'settings', lines: this.#init.settingLines(await api.settings()) })
    this.#dispatch({ is: 'phase', phase: 'looking' })
    void this.#makeCode(api)
  }

  /** The code is for others to scan: an address that they can reach. */
  async #makeCode(node: ChatApi): Promise<void> {
    const { renderUnicodeCompact } = await import('uqr')
    const [address = node.snapshot().self.peer] = addressesForOthers(node.snapshot().self.addresses)
    const rows = renderUnicodeCompact(scannedAddress(address)).split('\n')
    if (this.#state.isUtf8) this.#dispatch({ is: 'qr', rows })
  }

  #dispatch(event: ScreenEvent, frameMs = NEWS_FRAME_MS): void {
    const before = this.#state
    const { state, effects } = update(before, event, Date.now())
    this.#state = state
    if (state.preferences !== before.preferences) this.#applyPreferences()
    if (state.typing !== before.typing) this.#endTypingAt(state.typing?.untilMs)
    this.#drawWithin(frameMs)
    for (const effect of effects) this.#do(effect)
  }

  #do(effect: Effect): void {
    const kept = this.#node?.kept
    switch (effect.do) {
      case 'quit':
        return this.end(effect.outcome)
      case 'suspend':
        return this.#tty.suspend()
      case 'redraw':
        return this.#redraw()
      case 'notify':
        return this.#notifier.tell(effect.title, effect.text, this.#state.preferences.ways)
      case 'keep typed line':
        return kept?.keepTypedLine(effect.place, effect.text, effect.atMs)
      case 'forget typed lines':
        return kept?.forgetTypedLines(effect.peer)
      case 'keep preferences':
        return kept?.keepPreferences(effect.preferences)
      default:
        this.#node?.runner.start(effect)
    }
  }

  #endTypingAt(atMs: number | undefined): void {
    clearTimeout(this.#typingEnd)
    if (atMs === undefined) return
    // A timer may fire a millisecond early.
    this.#typingEnd = setTimeout(() => this.#dispatch({ is: 'tick' }), Math.max(0, atMs - Date.now()) + 1)
  }

  #applyPreferences(): void {
    const { theme, mouse, ways } = this.#state.preferences
    const { attention } = this.#init
    if (attention !== undefined) attention.notifiesItself = ways.includes('desktop')
    this.#renderer.theme = themeFor(this.#init.env, theme)
    this.#tty.mouse = mouse
  }

  #redraw(): void {
    this.#renderer.forget()
    this.#dispatch({ is: 'resized', columns: this.#tty.columns, rows: this.#tty.rows }, KEY_FRAME_MS)
  }

  /** At most one draw in that time, and the first one at once. */
  #drawWithin(frameMs: number): void {
    const atMs = this.#drawnAtMs + frameMs
    if (this.#drawTimer !== undefined) {
      if (this.#drawTimer.atMs <= atMs) return
      clearTimeout(this.#drawTimer.timer)
    }
    const timer = setTimeout(() => this.#draw(), Math.max(0, atMs - performance.now()))
    this.#drawTimer = { atMs, timer }
  }

  #draw(): void {
    this.#drawTimer = undefined
    this.#drawnAtMs = performance.now()
    // The terminal is too slow: the newest frame is drawn when it has room.
    if (this.#tty.isBehind) return this.#drawWithin(NEWS_FRAME_MS)
    this.#tty.write(this.#renderer.render(view(this.#state)))
    const title = cleanText(windowTitle(this.#state))
    this.#tty.title = isUtf8(this.#init.env) ? title : asciiText(title)
  }
}
