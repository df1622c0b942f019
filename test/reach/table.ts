// Tables of Markdown, and where they stand on a page. Pure.

export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (fields: readonly string[]): string => `| ${fields.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/**
 * The page with this table in place of the one between its marks.
 *
 * @throws RangeError when the page has no marks of this name
 */
export function withTable(text: string, name: string, table: string): string {
  const [before, after] = [`<!-- ${name} -->\n`, `\n<!-- end of ${name} -->`]
  const from = text.indexOf(before)
  const to = text.indexOf(after, from)
  if (from < 0 || to < 0) throw new RangeError(`the page has no marks of a table ${name}`)
  return text.slice(0, from + before.length) + table + text.slice(to)
}
