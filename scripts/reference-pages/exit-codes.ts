// The page of exit codes, from their table and the comments in it.
import { readFileSync } from 'node:fs'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { cell, table } from './markdown.ts'

const source = new URL('../../src/node/api/exit-codes.ts', import.meta.url)

export type ExitName = keyof typeof exitCodes

/** What each means. */
function exitMeanings(): Readonly<Record<string, string>> {
  const comments = readFileSync(source, 'utf8').matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\n {2}(\w+):/gsu)
  return {
    ok: 'Done.',
    ...Object.fromEntries(
      Array.from(comments, ([, text = '', name = '']) => [name, text.replaceAll(/\s+\*? ?/gu, ' ').trim()])
    )
  }
}

export function exitCodesPage(): string {
  const meanings = exitMeanings()
  const rows = Object.entries(exitCodes).map(([name, code]) => [
    String(code),
    `\`${name}\``,
    cell(meanings[name] ?? '')
  ])
  return `# Exit codes

Written by \`npm run reference\` from [\`src/node/api/exit-codes.ts\`](../../src/node/api/exit-codes.ts). A number keeps its
meaning. Which command ends with which: [commands](commands.md).

${table(['code', 'name', 'when'], rows)}`
}
