/**
 * What a bench reports: figures (the median of rounds with the least and the
 * most), goals, and where all of it was measured. Prints a table and, with
 * `--json FILE`, writes the rows. Whether a goal is met is for goals.ts.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { markdownTable, median, round, whereMeasured } from './bench-process.ts'
import { goals, goalText, isMet, type GoalId } from './goals.ts'

export interface ReportRow {
  readonly name: string
  /** null: not measured, or nothing to compare with. */
  readonly value: number | null
  readonly unit: string
  /** null: a figure that has no goal. */
  readonly goal: string | null
  readonly met: boolean | null
}

/** Options of all benches. */
export const reportOptions = {
  json: { type: 'string' },
  /** Sizes that only show that the bench runs. */
  smoke: { type: 'boolean', default: false }
} as const

const { values: given } = parseArgs({ options: reportOptions, strict: false, allowPositionals: true })
const isSmoke = given.smoke === true

export class Report {
  readonly #rows: ReportRow[] = []
  readonly #lines: string[][] = []
  readonly #notes: string[] = []

  /** A line about how it was measured: sizes, limits in force, what stalled. */
  note(text: string): void {
    this.#notes.push(text)
  }

  /** @returns the median of the rounds; undefined when there were none */
  figure(name: string, unit: string, rounds: readonly number[]): number | undefined {
    const middle = rounds.length === 0 ? undefined : median(rounds)
    this.#rows.push({ name, value: middle ?? null, unit, goal: null, met: null })
    this.#lines.push(
      middle === undefined
        ? [name, '–', '', unit, '', '']
        : [name, round(middle), `${round(Math.min(...rounds))} … ${round(Math.max(...rounds))}`, unit, '', '']
    )
    return middle
  }

  /** @param value undefined when it was not measured or had no comparator; a smoke run has measured nothing */
  goal(id: GoalId, value: number | undefined): void {
    const goal = goals[id]
    const isFigure = value !== undefined && Number.isFinite(value) && !isSmoke
    const measured = isFigure ? value : undefined
    const met = isMet(goal, measured)
    const text = goalText(goal)
    this.#rows.push({ name: `(${goal.row}) ${goal.name}`, value: measured ?? null, unit: goal.unit, goal: text, met })
    const shown = measured === undefined ? 'not measured' : round(measured)
    this.#lines.push([`**(${goal.row})** ${goal.name}`, shown, '', goal.unit, text, met ? 'met' : 'not met'])
    // What is known is there also when the bench is ended in the middle.
    this.#write()
  }

  /** A figure for the file, which the bench prints in a table of its own. */
  record(name: string, unit: string, value: number): void {
    if (Number.isFinite(value)) this.#rows.push({ name, value, unit, goal: null, met: null })
  }

  /** A table that a bench has of its own: each number becomes a figure. @returns it as Markdown */
  table(head: readonly string[], rows: readonly (readonly string[])[], names = 1): string {
    for (const row of rows) {
      const name = row.slice(0, names).join(', ')
      for (const [index, cell] of row.entries()) {
        const value = Number(cell)
        if (index >= names && cell !== '') this.record(`${name}: ${head[index]}`, '', value)
      }
    }
    return markdownTable(head, rows)
  }

  /** Prints it, and writes the rows to the file that was asked for. */
  finish(): void {
    const head = ['', 'median', 'least … most', '', 'goal', '']
    const notes = [whereMeasured(), ...this.#notes]
    process.stdout.write(`${notes.join('\n')}\n`)
    if (this.#lines.length > 0) process.stdout.write(`\n${markdownTable(head, this.#lines)}\n`)
    this.#write()
  }

  #write(): void {
    if (typeof given.json === 'string') writeFileSync(given.json, `${JSON.stringify(this.#rows, undefined, 2)}\n`)
  }
}

/** The quotient of two medians; undefined when one is missing. */
export function ratio(value: number | undefined, beside: number | undefined): number | undefined {
  return value === undefined || beside === undefined ? undefined : value / beside
}
