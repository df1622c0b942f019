// A screen as data: rows of segments, each at its own column with its own width,
// filled with styled text that fits into it. Every text becomes cells here, so
// nothing that was not folded and clipped can stand in a row.
import { cellsOf, clipped, textOf, widthOf, type Cell } from './display-cells.ts'
import type { Style } from './theme.ts'

export interface Span {
  readonly text: string
  readonly width: number
  readonly style: Style
}

/** Spans that are no wider than the segment. */
export interface Segment {
  readonly column: number
  readonly width: number
  readonly spans: readonly Span[]
  /** The style of what the spans leave empty. */
  readonly fill: Style
}

export type ScreenRow = readonly Segment[]

export interface Frame {
  readonly rows: readonly ScreenRow[]
  readonly columns: number
  /** Both from 0; undefined hides it. */
  readonly cursor: { readonly row: number; readonly column: number } | undefined
}

/** A text on one line, at most so wide. */
export function span(text: string, style: Style = 'plain', columns = Number.POSITIVE_INFINITY): Span {
  return spanOf(clipped(cellsOf(text), columns), style)
}

export function spanOf(cells: readonly Cell[], style: Style = 'plain'): Span {
  return { text: textOf(cells), width: widthOf(cells), style }
}

export function spaces(count: number, style: Style = 'plain'): Span {
  const width = Math.max(0, count)
  return { text: ' '.repeat(width), width, style }
}

/** Filled up with spaces to exactly this width. */
export function padded(text: string, columns: number, style: Style = 'plain'): readonly Span[] {
  const shown = span(text, style, columns)
  return [shown, spaces(columns - shown.width, style)]
}

export function widthOfSpans(spans: readonly Span[]): number {
  return spans.reduce((sum, { width }) => sum + width, 0)
}

/** The spans that fit; the one over the edge is clipped. */
function fitted(spans: readonly Span[], columns: number): readonly Span[] {
  if (widthOfSpans(spans) <= columns) return spans
  const kept: Span[] = []
  let left = columns
  for (const one of spans) {
    if (one.width > left) return [...kept, span(one.text, one.style, left)]
    kept.push(one)
    left -= one.width
  }
  return kept
}

export function segment(column: number, width: number, spans: readonly Span[], fill: Style = 'plain'): Segment {
  return { column, width, spans: fitted(spans, width), fill }
}

/** Spans at the left and, where there is room for them, at the right. */
export function justified(
  left: readonly Span[],
  right: readonly Span[],
  columns: number,
  fill: Style
): readonly Span[] {
  const rightWidth = widthOfSpans(right)
  const leftRoom = Math.max(0, columns - rightWidth - (rightWidth > 0 ? 1 : 0))
  const shown = fitted(left, leftRoom)
  return fitted([...shown, spaces(columns - widthOfSpans(shown) - rightWidth, fill), ...right], columns)
}
