// What a terminal sends when keys are pressed, text is pasted or the mouse is
// used, read into events. It keeps incomplete sequences; its caller
// reports when nothing more comes. It knows no meaning of any key.
import { MAX_TYPED_CHARACTERS } from '../../process/input-lines.ts'

/** An escape sequence that a terminal sends is shorter than this: more is not one. */
const MAX_ESCAPE_CHARACTERS = 64

/** Reads that follow lines which came at once belong to the same paste. */
const PASTE_BURST_MS = 30

/**
 * A key is its name with `C-`, `M-` and `S-` before it for Ctrl, Alt and Shift:
 * `a`, `C-a`, `M-1`, `Enter`, `M-Enter`, `Up`, `PageDown`, `S-Tab`.
 */
export type InputEvent =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'key'; readonly key: string }
  /** `bracketed`: the terminal said that it is one. */
  | { readonly is: 'paste'; readonly text: string; readonly bracketed: boolean }
  | { readonly is: 'focus'; readonly focused: boolean }
  | {
      readonly is: 'mouse'
      readonly what: 'press' | 'wheel up' | 'wheel down'
      readonly column: number
      readonly row: number
    }

const escape = '\u001b'
const pasteBegin = `${escape}[200~`
const pasteEnd = `${escape}[201~`
// oxlint-disable-next-line no-control-regex -- these are the bytes that a terminal sends
const csiPattern = /^\u001b\[([0-9;:<?]*)([@-~])/u
// oxlint-disable-next-line no-control-regex -- as above
const ss3Pattern = /^\u001bO([A-Za-z])/u
// oxlint-disable-next-line no-control-regex -- as above
const plainText = /^[^\u0000-\u001f\u007f-\u009f]+/u

const letterKeys: Readonly<Record<string, string>> = {
  A: 'Up',
  B: 'Down',
  C: 'Right',
  D: 'Left',
  E: 'Begin',
  F: 'End',
  H: 'Home',
  P: 'F1',
  Q: 'F2',
  R: 'F3',
  S: 'F4',
  M: 'Enter'
}
const numberKeys: Readonly<Record<string, string>> = {
  1: 'Home',
  2: 'Insert',
  3: 'Delete',
  4: 'End',
  5: 'PageUp',
  6: 'PageDown',
  7: 'Home',
  8: 'End',
  11: 'F1',
  12: 'F2',
  13: 'F3',
  14: 'F4',
  15: 'F5'
}
const controlKeys: Readonly<Record<string, string>> = {
  '\r': 'Enter',
  '\n': 'Enter',
  '\t': 'Tab',
  '\u007f': 'Backspace',
  '\b': 'Backspace',
  [escape]: 'Escape',
  '\u0000': 'C-Space',
  '\u001c': 'C-\\',
  '\u001d': 'C-]',
  '\u001e': 'C-^',
  '\u001f': 'C-_'
}

export class KeyReader {
  #pending = ''
  /** The text of a paste that the terminal has announced and not ended. */
  #paste: string | undefined
  #burstAtMs = Number.NEGATIVE_INFINITY

  /** A sequence is incomplete: call {@link flush} when nothing more comes. */
  get isWaiting(): boolean {
    return this.#pending !== ''
  }

  feed(chunk: string, nowMs: number): InputEvent[] {
    if (this.#paste === undefined && this.#pending === '' && this.#isBurst(chunk, nowMs)) {
      this.#burstAtMs = nowMs
      return [{ is: 'paste', text: withLineFeeds(chunk), bracketed: false }]
    }
    this.#pending += chunk
    return this.#read(false)
  }

  /** Nothing completes the sequence: an Escape was the key itself. */
  flush(): InputEvent[] {
    return this.#read(true)
  }

  /** Nobody types a line break and goes on within one read. The rest of such a paste comes in further reads at once. */
  #isBurst(chunk: string, nowMs: number): boolean {
    if (chunk.includes(escape)) return false
    if (nowMs - this.#burstAtMs < PASTE_BURST_MS && /[\r\n\t]/u.test(chunk)) return true
    return /[\r\n](?!\n?$)/u.test(chunk) && /[^\r\n]/u.test(chunk)
  }

  #read(isOver: boolean): InputEvent[] {
    const events: InputEvent[] = []
    while (this.#pending !== '') {
      if (this.#paste !== undefined) {
        if (!this.#readPaste(events)) break
        continue
      }
      const [first = ''] = this.#pending
      const text = plainText.exec(this.#pending)?.[0]
      if (text !== undefined) {
        events.push({ is: 'text', text })
        this.#pending = this.#pending.slice(text.length)
      } else if (first !== escape) {
        this.#pending = this.#pending.slice(first.length)
        events.push(...controlKey(first))
      } else if (!this.#readEscape(events, isOver)) break
    }
    return events
  }

  /** False when more has to come. */
  #readEscape(events: InputEvent[], isOver: boolean): boolean {
    const csi = csiPattern.exec(this.#pending)
    const ss3 = ss3Pattern.exec(this.#pending)
    if (this.#pending.startsWith(pasteBegin)) {
      this.#paste = ''
      this.#pending = this.#pending.slice(pasteBegin.length)
    } else if (csi !== null) {
      this.#pending = this.#pending.slice(csi[0].length)
      events.push(...csiEvents(csi[1] ?? '', csi[2] ?? ''))
    } else if (ss3 !== null) {
      this.#pending = this.#pending.slice(ss3[0].length)
      events.push(...key(letterKeys[ss3[1] ?? '']))
    } else if (/^.(?:\[[0-9;:<?]*|O)?$/su.test(this.#pending) && this.#pending.length < MAX_ESCAPE_CHARACTERS) {
      if (!isOver) return false
      events.push({ is: 'key', key: this.#pending === escape ? 'Escape' : `M-${this.#pending[1] ?? ''}` })
      this.#pending = ''
    } else this.#readAlt(events)
    return true
  }

  #readAlt(events: InputEvent[]): void {
    const [next = ''] = this.#pending.slice(1)
    this.#pending = this.#pending.slice(1 + next.length)
    if (next === escape) {
      events.push({ is: 'key', key: 'Escape' })
      this.#pending = next + this.#pending
      return
    }
    const [control] = controlKey(next)
    events.push({ is: 'key', key: `M-${control?.is === 'key' ? control.key : next}` })
  }

  /** False when the end of the paste has not come. */
  #readPaste(events: InputEvent[]): boolean {
    const end = this.#pending.indexOf(pasteEnd)
    // The end may have come in part.
    const keep = end === -1 ? Math.max(0, this.#pending.length - pasteEnd.length + 1) : end
    const held = this.#paste ?? ''
    this.#paste = held + this.#pending.slice(0, Math.max(0, Math.min(keep, MAX_TYPED_CHARACTERS + 1 - held.length)))
    this.#pending = this.#pending.slice(keep)
    if (end === -1) return false
    this.#pending = this.#pending.slice(pasteEnd.length)
    events.push({ is: 'paste', text: withLineFeeds(this.#paste), bracketed: true })
    this.#paste = undefined
    return true
  }
}

function withLineFeeds(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
}

function controlKey(character: string): InputEvent[] {
  const named = controlKeys[character]
  if (named !== undefined) return key(named)
  const code = character.charCodeAt(0)
  // Ctrl-A to Ctrl-Z; C1 controls are no keys.
  return code >= 1 && code <= 26 ? key(`C-${String.fromCharCode(code + 0x60)}`) : []
}

function csiEvents(parameters: string, final: string): InputEvent[] {
  if (final === 'I' || final === 'O') return [{ is: 'focus', focused: final === 'I' }]
  if (parameters.startsWith('<')) return mouseEvents(parameters.slice(1), final)
  const [first = '', second = '', third = ''] = parameters.split(';')
  if (final === '~' && first === '27') return codeKey(Number(third), second)
  if (final === 'u') return codeKey(Number(first), second)
  if (final === 'Z') return key('S-Tab')
  const name = final === '~' ? numberKeys[first] : letterKeys[final]
  return name === undefined ? [] : key(modifiers(second) + name)
}

/** A key reported by its code point. */
function codeKey(code: number, modifier: string): InputEvent[] {
  if (!(code > 0 && code < 0x110000)) return []
  const character = String.fromCodePoint(code)
  const prefix = modifiers(modifier)
  if (code >= 0x20 && code !== 0x7f && (prefix === '' || prefix === 'S-')) return [{ is: 'text', text: character }]
  const name = controlKeys[character] ?? character
  // Shift and Enter is a line break as Alt and Enter is.
  return key(prefix === 'S-' && name === 'Enter' ? 'M-Enter' : prefix + name)
}

function modifiers(parameter: string): string {
  const bits = Math.max(0, Number(parameter.split(':')[0] ?? '') - 1)
  return `${(bits & 4) === 0 ? '' : 'C-'}${(bits & 2) === 0 ? '' : 'M-'}${(bits & 1) === 0 ? '' : 'S-'}`
}

function mouseEvents(parameters: string, final: string): InputEvent[] {
  const [button = Number.NaN, column = 0, row = 0] = parameters.split(';').map(Number)
  const place = { column: column - 1, row: row - 1 }
  if (button === 64) return [{ is: 'mouse', what: 'wheel up', ...place }]
  if (button === 65) return [{ is: 'mouse', what: 'wheel down', ...place }]
  return button === 0 && final === 'M' ? [{ is: 'mouse', what: 'press', ...place }] : []
}

function key(name: string | undefined): InputEvent[] {
  return name === undefined ? [] : [{ is: 'key', key: name }]
}
