// Turns frames into what has to be written: the rows that differ from those that
// are shown, each whole and at its place. A row that some terminal draws wider
// than it is spoils only itself. Pure: frames in, text out.
import { asciiText } from './display-cells.ts'
import type { Frame, ScreenRow } from './rows.ts'
import { sgrOf, type Style, type ThemeName } from './theme.ts'

const csi = '\u001b['
const reset = `${csi}0m`
const eraseToEnd = `${csi}K`
/**
 * Terminals that know the first one show all of a frame at once; the others ignore it. Wrapping at the edge is off for
 * the frame alone: after a `kill -9` the terminal wraps as it did before.
 */
const beginFrame = `${csi}?2026h${csi}?7l`
const endFrame = `${csi}?7h${csi}?2026l`
const hideCursor = `${csi}?25l`
const showCursor = `${csi}?25h`

export class Renderer {
  #theme: ThemeName
  readonly #letters: 'all' | 'ASCII'
  #drawn: string[] = []
  #cursor = ''

  constructor(theme: ThemeName, letters: 'all' | 'ASCII' = 'all') {
    this.#theme = theme
    this.#letters = letters
  }

  set theme(theme: ThemeName) {
    this.#theme = theme
    this.forget()
  }

  /** The content of the screen is unknown: everything is drawn again. */
  forget(): void {
    this.#drawn = []
    this.#cursor = ''
  }

  /** What to write so that the screen shows the frame; empty when it does already. */
  render(frame: Frame): string {
    let changes = ''
    for (const [index, row] of frame.rows.entries()) {
      const painted = this.#paint(row)
      if (painted === this.#drawn[index]) continue
      this.#drawn[index] = painted
      // Erased before it is written: behind the last column of a full row the cursor stands on that column.
      changes += `${csi}${index + 1};1H${eraseToEnd}${painted}`
    }
    this.#drawn.length = frame.rows.length
    const cursor =
      frame.cursor === undefined ? hideCursor : `${csi}${frame.cursor.row + 1};${frame.cursor.column + 1}H${showCursor}`
    if (changes === '' && cursor === this.#cursor) return ''
    this.#cursor = cursor
    return changes === '' ? cursor : `${beginFrame}${hideCursor}${changes}${cursor}${endFrame}`
  }

  #paint(row: ScreenRow): string {
    let painted = ''
    let style: Style = 'plain'
    const put = (text: string, wanted: Style): void => {
      if (text === '') return
      if (wanted !== style) {
        const codes = sgrOf(this.#theme, wanted)
        painted += codes === '' ? reset : `${csi}0;${codes}m`
        style = wanted
      }
      painted += this.#letters === 'ASCII' ? asciiText(text) : text
    }
    for (const { column, width, spans, fill } of row) {
      // Always to the column, whatever the terminal made of what stands before.
      if (column > 0) painted += `${csi}${column + 1}G`
      let filled = 0
      for (const { text, width: spanWidth, style: wanted } of spans) {
        put(text, wanted)
        filled += spanWidth
      }
      put(' '.repeat(Math.max(0, width - filled)), fill)
    }
    return `${painted}${reset}`
  }
}
