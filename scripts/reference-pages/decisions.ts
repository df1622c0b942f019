// The index of the decisions, from their headings.
import { readdirSync, readFileSync } from 'node:fs'
import { cell, table } from './markdown.ts'

const folder = new URL('../../docs/decisions/', import.meta.url)

export function decisionsPage(): string {
  const names = readdirSync(folder).filter((name) => /^\d{4}-.*\.md$/u.test(name))
  const rows = names.toSorted().map((name) => {
    const page = readFileSync(new URL(name, folder), 'utf8')
    const [, number, title] = /^# (\d{4}) (.+)$/mu.exec(page) ?? []
    if (number === undefined || title === undefined || !name.startsWith(number)) {
      throw new Error(`docs/decisions/${name} must begin with "# ${name.slice(0, 4)} TITLE"`)
    }
    return [number, `[${cell(title)}](${name})`]
  })
  return `# Decisions

Written by \`npm run reference\` from the headings of the pages. Each page records what was decided and on which evidence. It
is a record of its time: files and figures in it may have changed since.

${table(['number', 'decision'], rows)}`
}
