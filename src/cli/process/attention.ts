// Whether a person attends to a face, so that its node need not show a notice of
// its own. A terminal that reports its focus is believed; of another one only
// keys tell. It knows no nodes.

/**
 * How long a key press counts as attention where the terminal does not report its focus: longer than a pause to read,
 * shorter than a break away from the desk.
 */
export const KEY_COUNTS_MS = 5 * 60_000

export class Attention {
  readonly #onChange: (isAttended: boolean) => void
  #isFocused = false
  #isKeyFresh = true
  #notifiesItself = false
  #timer: NodeJS.Timeout
  #told = true

  /** A face that has just been opened is attended to. */
  constructor(onChange: (isAttended: boolean) => void) {
    this.#onChange = onChange
    this.#timer = this.#untilStale()
  }

  /** Something was typed. */
  typed(): void {
    this.#isKeyFresh = true
    clearTimeout(this.#timer)
    this.#timer = this.#untilStale()
    this.#report()
  }

  /** The terminal has got the focus, or lost it. */
  focused(isFocused: boolean): void {
    this.#isFocused = isFocused
    if (!isFocused) this.#isKeyFresh = false
    this.#report()
  }

  /** The face shows notices on the desktop itself. */
  set notifiesItself(value: boolean) {
    this.#notifiesItself = value
    this.#report()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #untilStale(): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#isKeyFresh = false
      this.#report()
    }, KEY_COUNTS_MS)
    return timer.unref()
  }

  #report(): void {
    const isAttended = this.#isFocused || this.#isKeyFresh || this.#notifiesItself
    if (isAttended === this.#told) return
    this.#told = isAttended
    this.#onChange(isAttended)
  }
}
