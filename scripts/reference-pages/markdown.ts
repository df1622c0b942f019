// Tables of Markdown.

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return line(heads) + line(heads.map(() => '---')) + rows.map(line).join('')
}

/** A text as a cell: `|` would end it. */
export const cell = (text: string): string => text.replaceAll('\n', ' ').replaceAll('|', '\\|')

/** A list of words as code. */
export const codes = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ')

/** As GitHub makes the anchor of a heading. */
export const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
